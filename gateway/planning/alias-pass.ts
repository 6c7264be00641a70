// Apollo's planner merges fields by response key, also those that it adds itself: keys and inputs of `@requires`. What the caller
// selects under the key of such a field, but which is another field or has arguments, is then taken for it, and the answer is
// wrong. Such selections get a prefix before planning, which the answer's shape takes off. Inputs with arguments have keys of their own
// (required-inputs.ts).
// A service that knows an interface as an object (@interfaceObject) is asked for the selections of all its types in one: what they select
// under one key need not be the same field, so each such field has a key of its own. So has what an operation selects under one key in
// several ways, which it may below different types: an entity that stands below both is fetched once, by a path that knows no types.
import {
  type ArgumentNode,
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  Kind,
  parse,
  print,
  visit,
} from 'graphql';
import { ALIAS_PREFIX, INPUT_PREFIX } from '#schema/contracts/plan';

export interface AliasPass {
  apply(document: DocumentNode): DocumentNode;
  toDataKey: (field: FieldNode) => string;
}

/**
 * @param supergraph - with the `@join__field` directives of its fields
 * @returns the pass for one document
 */
export function createAliasPass(supergraph: GraphQLSchema): (document: DocumentNode) => AliasPass {
  const fields = Object.values(supergraph.getTypeMap()).flatMap((type) =>
    isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [],
  );
  const names = new Set(fields.map(({ name }) => name));
  const ofObjects = new Set(
    Object.values(supergraph.getTypeMap()).flatMap((type) => (isObjectSomewhere(type) ? Object.keys(type.getFields()) : [])),
  );
  const inputs = new Set(fields.flatMap(requiredFields).map(({ name }) => name.value));

  return (document) => {
    const shared = findSharedKeys(document);

    function toDataKey(field: FieldNode): string {
      const { name } = field;
      const key = toResponseKey(field);
      const isPlain = key === name.value && !hasArguments(field);
      if (!isPlain && (ofObjects.has(name.value) || shared.has(key))) return `${INPUT_PREFIX}${toNumber(field)}_${key}`;
      const isAmbiguous =
        key === name.value
          ? inputs.has(key) && hasArguments(field)
          : names.has(key) || key.startsWith('__') || key.startsWith(ALIAS_PREFIX) || key.startsWith(INPUT_PREFIX);
      return isAmbiguous ? ALIAS_PREFIX + key : key;
    }
    return {
      toDataKey,
      apply: (part) =>
        visit(part, {
          Field: (node) => {
            const key = toDataKey(node);
            return key === toResponseKey(node) ? undefined : { ...node, alias: { kind: Kind.NAME, value: key } };
          },
        }),
    };
  };
}

/** Response keys that stand for different fields, or for one with different arguments, anywhere in the document. */
function findSharedKeys(document: DocumentNode): ReadonlySet<string> {
  const known = new Map<string, string>();
  const shared = new Set<string>();
  visit(document, {
    Field: (node) => {
      const key = toResponseKey(node);
      const call = toCall(node);
      if ((known.get(key) ?? call) !== call) shared.add(key);
      known.set(key, call);
    },
  });
  return shared;
}

function toResponseKey({ name, alias }: FieldNode): string {
  return alias?.value ?? name.value;
}

/** Equal for fields that the specification takes for the same call: in which order arguments and input fields stand means nothing. */
function toCall({ name, arguments: given = [] }: FieldNode): string {
  return `${name.value}(${given.map(printSorted).sort().join()})`;
}

function printSorted(argument: ArgumentNode): string {
  return print(
    visit(argument, {
      ObjectValue: {
        leave: (node) => ({ ...node, fields: [...node.fields].sort((one, other) => (one.name.value < other.name.value ? -1 : 1)) }),
      },
    }),
  );
}

/** Every field that a `@requires` or a `@fromContext` of this one selects, at any depth. */
function requiredFields({ astNode }: GraphQLField<unknown, unknown>): FieldNode[] {
  const found: FieldNode[] = [];
  for (const directive of astNode?.directives ?? []) {
    if (directive.name.value !== 'join__field') continue;
    for (const { name, value } of directive.arguments ?? []) {
      if (name.value === 'requires') visit(value, { StringValue: (set) => collect(`{ ${set.value} }`) });
      if (name.value === 'contextArguments')
        visit(value, {
          ObjectField: ({ name: key, value: selection }) => {
            if (key.value === 'selection' && selection.kind === Kind.STRING) collect(selection.value);
          },
        });
    }
  }
  return found;

  /** Of a context with several types the text is a fragment for each, without braces round them. */
  function collect(selections: string): void {
    visit(parse(selections.trim().startsWith('{') ? selections : `{ ${selections} }`, { noLocation: true }), {
      Field: (node) => void found.push(node),
    });
  }
}

function isObjectSomewhere(type: GraphQLNamedType): type is GraphQLInterfaceType {
  return isInterfaceType(type) && hasArgument(type.astNode?.directives, 'isInterfaceObject');
}

function hasArgument(directives: readonly ConstDirectiveNode[] | undefined, name: string): boolean {
  return directives?.some(({ arguments: given }) => given?.some((argument) => argument.name.value === name)) ?? false;
}

/** One for equal fields with equal arguments (FNV-1a). */
function toNumber(field: FieldNode): number {
  let hash = 0x811c9dc5;
  for (const character of toCall(field)) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  return hash >>> 0;
}

function hasArguments({ arguments: given }: FieldNode): boolean {
  return given !== undefined && given.length > 0;
}
