// Apollo's planner takes two selections of one field for the same, whatever their arguments, where it fetches the inputs of `@requires`
// itself: of two fields that require `price` in different currencies, one gets the other's. So each input with arguments becomes a field
// of its own in the supergraph that the planner sees. In the fetches it is the real field again, under an alias, and what a service
// gets as its representation has the real name.
import {
  type ArgumentNode,
  buildASTSchema,
  type ConstDirectiveNode,
  type DocumentNode,
  type FieldDefinitionNode,
  type FieldNode,
  getNamedType,
  type GraphQLNamedType,
  type InterfaceTypeDefinitionNode,
  isInterfaceType,
  isObjectType,
  Kind,
  type ObjectTypeDefinitionNode,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { INPUT_PREFIX } from '#schema/contracts/plan';

export interface RequiredInputs {
  /** For the planner. */
  supergraph: DocumentNode;
  /** The name that a service knows a planned field by. */
  toRealName: (name: string) => string;
  /** A planned fetch as the service understands it. */
  toRealOperation: (operation: string) => string;
}

interface Input {
  name: string;
  arguments: readonly ArgumentNode[];
  /** Types that have it. */
  on: Set<string>;
  /** Services that require it. */
  graphs: Set<string>;
}

type TypeNode = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode;

export function separateRequiredInputs(supergraph: DocumentNode): RequiredInputs {
  const schema = buildASTSchema(supergraph, { assumeValid: true, assumeValidSDL: true });
  const inputs = new Map<string, Input>();
  const numbers = new Map<string, number>();
  /** What a service requires without arguments, as `graph Type.field`. `@key` and `@provides` allow no fields that have any. */
  const used = new Set<string>();

  /** Fields with arguments → inputs; all others are noted. */
  function rename(set: SelectionSetNode, parent: GraphQLNamedType | undefined, graph: string): SelectionSetNode {
    const selections = set.selections.map((selection): SelectionNode => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return selection;
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const type = selection.typeCondition === undefined ? parent : schema.getType(selection.typeCondition.name.value);
        return { ...selection, selectionSet: rename(selection.selectionSet, type, graph) };
      }
      const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[selection.name.value] : undefined;
      if (parent === undefined || field === undefined) return selection;
      const inner =
        selection.selectionSet === undefined ? {} : { selectionSet: rename(selection.selectionSet, getNamedType(field.type), graph) };
      if ((selection.arguments ?? []).length > 0)
        return { kind: Kind.FIELD, name: nameOf(toInput(selection, parent, graph)), ...inner } satisfies FieldNode;
      for (const type of withImplementations(parent)) used.add(`${graph} ${type}.${field.name}`);
      return { ...selection, ...inner };
    });
    return { ...set, selections };
  }

  function toInput({ name, arguments: given = [] }: FieldNode, parent: GraphQLNamedType, graph: string): string {
    const text = `${name.value}(${given
      .map((argument) => print(argument))
      .sort()
      .join(',')})`;
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    const key = `${INPUT_PREFIX}${number}_${name.value}`;
    const input = inputs.get(key) ?? { name: name.value, arguments: given, on: new Set(), graphs: new Set() };
    inputs.set(key, input);
    input.graphs.add(graph);
    for (const type of withImplementations(parent)) input.on.add(type);
    return key;
  }

  function withImplementations(type: GraphQLNamedType): string[] {
    if (!isInterfaceType(type)) return [type.name];
    const { objects, interfaces } = schema.getImplementations(type);
    return [type, ...objects, ...interfaces].map(({ name }) => name);
  }

  function renameIn(directive: ConstDirectiveNode, type: GraphQLNamedType | undefined): ConstDirectiveNode {
    const set = directive.name.value === 'join__field' ? textOf(directive, 'requires') : undefined;
    if (set === undefined) return directive;
    const fields = parse(`{ ${set} }`, { noLocation: true }).definitions[0] as OperationDefinitionNode;
    const renamed = rename(fields.selectionSet, type, printed(directive, 'graph'));
    const value = print(renamed).replaceAll(/\s+/g, ' ').slice(2, -2);
    return {
      ...directive,
      arguments: (directive.arguments ?? []).map((argument) =>
        argument.name.value === 'requires' ? { ...argument, value: { kind: Kind.STRING, value } } : argument,
      ),
    };
  }

  const renameInType = <N extends TypeNode>(node: N): N => ({
    ...node,
    fields: (node.fields ?? []).map((field) => ({
      ...field,
      directives: (field.directives ?? []).map((directive) => renameIn(directive, schema.getType(node.name.value))),
    })),
  });

  const addInputs = <N extends TypeNode>(node: N): N => {
    const own = [...inputs].filter(([, { on }]) => on.has(node.name.value));
    if (own.length === 0) return node;
    const fields = node.fields ?? [];
    const copies = own.flatMap(([key, input]) =>
      fields.filter(({ name }) => name.value === input.name).map((field) => toInputField(field, key, input)),
    );
    return { ...node, fields: [...fields.map((field) => withoutNeedlessExternals(field, node, own)), ...copies] };
  };

  /** A service that required a field with arguments only does not know the field itself any more: external for nothing is refused. */
  function withoutNeedlessExternals(
    field: FieldDefinitionNode,
    type: TypeNode,
    own: readonly (readonly [string, Input])[],
  ): FieldDefinitionNode {
    const replaced = new Set(own.flatMap(([, { name, graphs }]) => (name === field.name.value ? [...graphs] : [])));
    const directives = (field.directives ?? []).filter((directive) => {
      const graph = printed(directive, 'graph');
      const isNeedless = printed(directive, 'external') === 'true' && replaced.has(graph);
      return !isNeedless || used.has(`${graph} ${type.name.value}.${field.name.value}`) || isOfInterface(field.name.value, type, graph);
    });
    return { ...field, directives };
  }

  function isOfInterface(field: string, type: TypeNode, graph: string): boolean {
    return (type.directives ?? []).some((directive) => {
      const name = directive.name.value === 'join__implements' && printed(directive, 'graph') === graph && textOf(directive, 'interface');
      const other = typeof name === 'string' ? schema.getType(name) : undefined;
      return isInterfaceType(other) && other.getFields()[field] !== undefined;
    });
  }

  const renamed = visit(supergraph, { ObjectTypeDefinition: renameInType, InterfaceTypeDefinition: renameInType });
  return {
    supergraph: inputs.size === 0 ? supergraph : visit(renamed, { ObjectTypeDefinition: addInputs, InterfaceTypeDefinition: addInputs }),
    toRealName: (name) => inputs.get(name)?.name ?? name,
    toRealOperation(operation) {
      if (!operation.includes(INPUT_PREFIX)) return operation;
      const real = visit(parse(operation, { noLocation: true }), {
        Field: (node): FieldNode | undefined => {
          const input = inputs.get(node.name.value);
          if (input === undefined) return undefined;
          return { ...node, alias: node.alias ?? node.name, name: { kind: Kind.NAME, value: input.name }, arguments: input.arguments };
        },
      });
      return print(real);
    },
  };
}

/** A copy that takes no arguments; in a service that does not require it, it would be external for nothing. */
function toInputField(field: FieldDefinitionNode, name: string, { graphs }: Input): FieldDefinitionNode {
  const directives = (field.directives ?? []).filter(
    (directive) => printed(directive, 'external') !== 'true' || graphs.has(printed(directive, 'graph')),
  );
  return { ...field, name: nameOf(name), arguments: [], directives };
}

function textOf(directive: ConstDirectiveNode, argument: string): string | undefined {
  const value = directive.arguments?.find(({ name }) => name.value === argument)?.value;
  return value?.kind === Kind.STRING ? value.value : undefined;
}

function printed(directive: ConstDirectiveNode, argument: string): string {
  const value = directive.arguments?.find(({ name }) => name.value === argument)?.value;
  return value === undefined ? '' : print(value);
}

function nameOf(value: string): { kind: Kind.NAME; value: string } {
  return { kind: Kind.NAME, value };
}
