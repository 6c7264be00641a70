// Below types that exclude each other nothing is selected: `... on Shape { ... on Cube { … } }` of a union without cubes. Apollo's planner
// looks at one condition at a time, and fetches such fields of every shape.
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  getNamedType,
  type GraphQLCompositeType,
  type GraphQLSchema,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { possibleTypes } from './compile-shape.js';

/**
 * The document without selections below conditions that no object meets; what loses all of them is left empty.
 *
 * @param schema - on which the document is valid
 */
export function withoutImpossibleConditions(document: DocumentNode, schema: GraphQLSchema): DocumentNode {
  const fragments = new Map(
    document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
      d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
    ),
  );

  /** @param types - concrete ones, of the objects that come here; @returns `set` itself when all of it is possible */
  function prune(set: SelectionSetNode, parent: GraphQLCompositeType, types: readonly string[]): SelectionSetNode {
    const selections = set.selections.flatMap((selection) => pruneSelection(selection, parent, types));
    const isSame = selections.length === set.selections.length && selections.every((kept, index) => kept === set.selections[index]);
    return isSame ? set : { ...set, selections };
  }

  function pruneSelection(selection: SelectionNode, parent: GraphQLCompositeType, types: readonly string[]): SelectionNode[] {
    if (selection.kind === Kind.FIELD) {
      if (selection.selectionSet === undefined) return [selection];
      const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[selection.name.value] : undefined;
      const type = field && getNamedType(field.type);
      if (!isCompositeType(type)) return [selection];
      const selectionSet = prune(selection.selectionSet, type, possibleTypes(schema, type));
      return [selectionSet === selection.selectionSet ? selection : { ...selection, selectionSet }];
    }
    const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
    if (fragment === undefined) return [selection];
    const { typeCondition, selectionSet } = fragment;
    const condition = typeCondition === undefined ? parent : (schema.getType(typeCondition.name.value) as GraphQLCompositeType);
    const meeting = possibleTypes(schema, condition).filter((name) => types.includes(name));
    const kept = prune(selectionSet, condition, meeting);
    if (meeting.length === 0 || kept.selections.length === 0) return [];
    if (kept === selectionSet) return [selection];
    // Elsewhere the same fragment may keep what it loses here.
    return [
      {
        kind: Kind.INLINE_FRAGMENT,
        ...(typeCondition === undefined ? {} : { typeCondition }),
        directives: selection.directives ?? [],
        selectionSet: kept,
      },
    ];
  }

  return {
    ...document,
    definitions: document.definitions.map((definition) => {
      const root = definition.kind === Kind.OPERATION_DEFINITION ? schema.getRootType(definition.operation) : undefined;
      if (definition.kind !== Kind.OPERATION_DEFINITION || !root) return definition;
      return { ...definition, selectionSet: prune(definition.selectionSet, root, [root.name]) };
    }),
  };
}
