// Where one service knows an interface as an object (@interfaceObject), Apollo's planner fails at a condition on another interface:
// that service has no types to test. Under the concrete types that meet both, the same condition is planned.
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type InlineFragmentNode,
  isAbstractType,
  isInterfaceType,
  Kind,
  type SelectionNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';

/**
 * @param supergraph - says which interfaces are objects somewhere
 * @param schema - the API's
 */
export function createInterfaceConditionPass(supergraph: DocumentNode, schema: GraphQLSchema): (document: DocumentNode) => DocumentNode {
  const objectsSomewhere = new Set(
    supergraph.definitions.flatMap((definition) =>
      definition.kind === Kind.INTERFACE_TYPE_DEFINITION &&
      definition.directives?.some(({ arguments: given }) => given?.some(({ name }) => name.value === 'isInterfaceObject'))
        ? [definition.name.value]
        : [],
    ),
  );
  if (objectsSomewhere.size === 0) return (document) => document;

  return (document) => {
    const fragments = new Map(
      document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
        d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
      ),
    );
    const types = new TypeInfo(schema);
    return visit(
      document,
      visitWithTypeInfo(types, {
        SelectionSet: {
          leave(node) {
            const parent = types.getParentType();
            if (!isInterfaceType(parent) || !objectsSomewhere.has(parent.name)) return undefined;
            return { ...node, selections: node.selections.flatMap((selection) => underTypes(selection, parent.name)) };
          },
        },
      }),
    );

    function underTypes(selection: SelectionNode, parentName: string): readonly SelectionNode[] {
      if (selection.kind === Kind.FIELD) return [selection];
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
      const parent = schema.getType(parentName);
      const condition = schema.getType(fragment?.typeCondition?.name.value ?? parentName);
      if (!isAbstractType(parent) || !isAbstractType(condition) || condition === parent) return [selection];
      const all = schema.getPossibleTypes(parent);
      const meeting = all.filter((type) => schema.isSubType(condition, type));
      // A condition that all of them meet tells nothing.
      if (meeting.length === all.length) return [selection];
      return meeting.map((type): InlineFragmentNode => ({
        kind: Kind.INLINE_FRAGMENT,
        typeCondition: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: type.name } },
        selectionSet: { kind: Kind.SELECTION_SET, selections: [selection] },
      }));
    }
  };
}
