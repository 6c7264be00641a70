// Fetches of entities have a variable of their own, `representations`. A caller's variable of that name would be sent in its place, or
// the other way round: it gets another name, and its value stands under both.
import { type DocumentNode, Kind, visit } from 'graphql';
import type { JsonObject } from '#schema/contracts/json';

const TAKEN = 'representations';
const FREE = '_caller_representations';

export function freeRepresentations(document: DocumentNode, variables: JsonObject): { document: DocumentNode; variables: JsonObject } {
  const isTaken = document.definitions.some(
    (definition) =>
      definition.kind === Kind.OPERATION_DEFINITION &&
      definition.variableDefinitions?.some(({ variable }) => variable.name.value === TAKEN),
  );
  if (!isTaken) return { document, variables };
  const value = variables[TAKEN];
  return {
    document: visit(document, {
      Variable: (node) => (node.name.value === TAKEN ? { ...node, name: { ...node.name, value: FREE } } : undefined),
    }),
    variables: value === undefined ? variables : { ...variables, [FREE]: value },
  };
}
