// The response shape: the caller's selection as a tree of plain data, fragments dissolved, type conditions expanded into
// concrete types, so that whoever shapes an answer needs no schema.
import {
  type FieldNode,
  getNamedType,
  getNullableType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { DENIED_DIRECTIVE, type FieldShape, type ObjectShape, type TypeShape, type VariableCondition } from '#schema/contracts/plan';

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** One field as selected in one place. */
interface Entry {
  node: FieldNode;
  /** Concrete types of the parent that this place is for. */
  types: readonly string[];
  when: readonly VariableCondition[];
}

interface Context {
  schema: GraphQLSchema;
  fragments: Fragments;
  toDataKey: (field: FieldNode) => string;
}

interface Source {
  selectionSet: SelectionSetNode;
  when: readonly VariableCondition[];
}

/** @param toDataKey - the key that the merged data holds for a field */
export function compileShape(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  fragments: Fragments,
  toDataKey: (field: FieldNode) => string,
): ObjectShape {
  const root = schema.getRootType(operation.operation) as GraphQLObjectType;
  return compileObject({ schema, fragments, toDataKey }, root, [{ selectionSet: operation.selectionSet, when: [] }]);
}

function compileObject(context: Context, type: GraphQLCompositeType, sources: readonly Source[]): ObjectShape {
  const { schema } = context;
  const types = possibleTypes(schema, type);
  const byKey = new Map<string, Entry[]>();
  for (const { selectionSet, when } of sources) collect(selectionSet.selections, types, when);

  function collect(selections: readonly SelectionNode[], on: readonly string[], when: readonly VariableCondition[]): void {
    for (const selection of selections) {
      const conditions = readConditions(selection, when);
      if (conditions === 'never') continue;
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        const entries = byKey.get(key) ?? [];
        if (entries.length === 0) byKey.set(key, entries);
        entries.push({ node: selection, types: on, when: conditions });
        continue;
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? context.fragments.get(selection.name.value) : selection;
      const condition = fragment?.typeCondition?.name.value;
      const narrowed =
        condition === undefined ? on : intersect(on, possibleTypes(schema, schema.getType(condition) as GraphQLCompositeType));
      if (fragment !== undefined && narrowed.length > 0) collect(fragment.selectionSet.selections, narrowed, conditions);
    }
  }

  const fields = [...byKey].flatMap(([responseKey, entries]) =>
    partition(types, entries).map(({ on, entries: same }) =>
      compileField(context, responseKey, same, on.length === types.length ? undefined : on, on[0] as string),
    ),
  );
  return { types, fields };
}

/** Types of the parent for which the same places apply: within one part, merging selections is safe. */
function partition(types: readonly string[], entries: readonly Entry[]): { on: string[]; entries: Entry[] }[] {
  const parts = new Map<string, { on: string[]; entries: Entry[] }>();
  for (const type of types) {
    const applying = entries.filter((entry) => entry.types.includes(type));
    if (applying.length === 0) continue;
    const key = applying.map((entry) => entries.indexOf(entry)).join();
    const part = parts.get(key);
    if (part === undefined) parts.set(key, { on: [type], entries: applying });
    else part.on.push(type);
  }
  return [...parts.values()];
}

function compileField(
  context: Context,
  responseKey: string,
  selected: readonly Entry[],
  onTypes: readonly string[] | undefined,
  parentName: string,
): FieldShape {
  // One place may be denied (the field of an interface) and another granted (the same field of one type).
  const granted = selected.filter(({ node }) => deniedBecause(node) === undefined);
  const entries = granted.length === 0 ? selected : granted;
  const first = entries[0] as Entry;
  const denied = deniedBecause(first.node);
  const name = first.node.name.value;
  const always = entries.some(({ when }) => when.length === 0);
  const condition = {
    ...(onTypes === undefined ? {} : { onTypes }),
    ...(always ? {} : { when: entries.map(({ when }) => when) }),
  };
  if (name === '__typename')
    return {
      responseKey,
      dataKey: responseKey,
      typename: true,
      type: { kind: 'nonNull', of: { kind: 'leaf', name: 'String' } },
      ...condition,
    };
  if (name === '__schema' || name === '__type')
    return { responseKey, dataKey: responseKey, introspection: true, type: { kind: 'leaf', name: 'JSON' }, ...condition };

  const parent = context.schema.getType(parentName) as GraphQLObjectType;
  const field = parent.getFields()[name] as GraphQLField<unknown, unknown>;
  const named = getNamedType(field.type);
  // What only some places select is only there when those places apply.
  const sources = entries.flatMap(({ node, when }) =>
    node.selectionSet === undefined ? [] : [{ selectionSet: node.selectionSet, when: entries.length === 1 ? [] : when }],
  );
  const shape = isCompositeType(named) ? compileObject(context, named, denied === undefined ? sources : []) : null;
  return {
    responseKey,
    dataKey: context.toDataKey(first.node),
    ...(denied === undefined ? {} : { denied }),
    type: toTypeShape(field.type, shape),
    ...condition,
  };
}

/** @returns the reason that {@link DENIED_DIRECTIVE} gives, or undefined when the field is granted */
export function deniedBecause({ directives = [] }: FieldNode): string | undefined {
  const value = directives.find(({ name }) => name.value === DENIED_DIRECTIVE)?.arguments?.[0]?.value;
  return value?.kind === Kind.STRING ? value.value : undefined;
}

function toTypeShape(type: GraphQLOutputType, shape: ObjectShape | null): TypeShape {
  if (isNonNullType(type)) return { kind: 'nonNull', of: toTypeShape(getNullableType(type), shape) };
  if (isListType(type)) return { kind: 'list', of: toTypeShape(type.ofType, shape) };
  if (isEnumType(type)) return { kind: 'enum', name: type.name, values: type.getValues().map(({ name }) => name) };
  if (shape !== null) return { kind: 'object', name: getNamedType(type).name, shape };
  return { kind: 'leaf', name: getNamedType(type).name };
}

/**
 * `@skip` and `@include`: conditions on variables; literals decide at once.
 *
 * @param outer - those of what stands round `node`; they are part of the answer
 * @returns 'never' also for conditions that exclude each other
 */
export function readConditions(node: SelectionNode, outer: readonly VariableCondition[]): VariableCondition[] | 'never' {
  const conditions = [...outer];
  for (const directive of node.directives ?? []) {
    const wanted = directive.name.value === 'include' ? true : directive.name.value === 'skip' ? false : undefined;
    const value = directive.arguments?.[0]?.value;
    if (wanted === undefined || value === undefined) continue;
    if (value.kind === Kind.VARIABLE) {
      const variable = value.name.value;
      if (conditions.some((other) => other.variable === variable && other.equals !== wanted)) return 'never';
      conditions.push({ variable, equals: wanted });
    } else if (value.kind === Kind.BOOLEAN && value.value !== wanted) return 'never';
  }
  return conditions;
}

/** Concrete types of `type`, its own name alone when it is one. */
export function possibleTypes(schema: GraphQLSchema, type: GraphQLCompositeType): readonly string[] {
  return isAbstractType(type) ? schema.getPossibleTypes(type).map(({ name }) => name) : [type.name];
}

/** For conditions on data: concrete types, and the abstract names themselves, which services with @interfaceObject answer. */
export function matchingTypes(schema: GraphQLSchema, name: string): string[] {
  const type = schema.getType(name);
  if (isObjectType(type)) return [name];
  if (!isAbstractType(type)) return [name];
  const below = isInterfaceType(type) ? schema.getImplementations(type).interfaces.map((inner) => inner.name) : [];
  return [...new Set([name, ...below, ...schema.getPossibleTypes(type).map((possible) => possible.name)])];
}

function intersect(a: readonly string[], b: readonly string[]): string[] {
  return a.filter((name) => b.includes(name));
}
