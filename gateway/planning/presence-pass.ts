// An object of which every field is excluded by `@skip` or `@include` still answers `{}`, or null when there is none; Apollo's planner
// would leave it out with its last field. So each selection that can lose all its fields gets one that it cannot lose.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { ALIAS_PREFIX } from '#schema/contracts/plan';
import { deniedBecause, readConditions } from './compile-shape.js';

/** Under an alias that no caller's field has. Without one, the planner would fetch it from the service of the field beside it. */
const PRESENCE: FieldNode = {
  kind: Kind.FIELD,
  alias: { kind: Kind.NAME, value: ALIAS_PREFIX },
  name: { kind: Kind.NAME, value: '__typename' },
};

export function withPresence(document: DocumentNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>): DocumentNode {
  const isCertain = (selection: SelectionNode): boolean => {
    const when = readConditions(selection, []);
    if (when === 'never' || when.length > 0) return false;
    if (selection.kind === Kind.FIELD) return deniedBecause(selection) === undefined;
    const inner = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
    return inner?.selectionSet.selections.some(isCertain) ?? false;
  };
  const add = (set: SelectionSetNode): SelectionSetNode =>
    set.selections.some(isCertain) ? set : { ...set, selections: [...set.selections, PRESENCE] };
  return visit(document, {
    Field: { leave: (node) => (node.selectionSet === undefined ? undefined : { ...node, selectionSet: add(node.selectionSet) }) },
  });
}
