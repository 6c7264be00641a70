import { buildSchema, getVariableValues, Kind, parse, type VariableDefinitionNode } from 'graphql';
import type { JsonObject } from '#schema/contracts/json';
import type { VariableRules } from '#schema/contracts/plan';

const MAX_PROBLEMS = 5;
/** A schema has those scalars of the language only that it names. */
const SOME_QUERY = 'type Query { _(int: Int, float: Float, id: ID, boolean: Boolean): String }';

/**
 * Judges variables that are to take the place of a request's own as its caller's were: against its definitions.
 *
 * @param given - only those that change
 * @returns them coerced, defaults inside of them filled in; or what is wrong, each with its path
 */
export function checkVariables(rules: VariableRules, given: JsonObject): { variables: JsonObject } | { problems: string[] } {
  const known = readDefinitions(rules.definitions);
  const changed = known.filter(({ variable }) => Object.hasOwn(given, variable.name.value));
  const names = known.map(({ variable }) => `$${variable.name.value}`).join(', ');
  const unknown = Object.keys(given).filter((name) => !changed.some(({ variable }) => variable.name.value === name));
  if (unknown.length > 0) return { problems: unknown.slice(0, MAX_PROBLEMS).map((name) => `${name}: the operation has ${names} only`) };
  const schema = buildSchema(`${rules.types}\n${SOME_QUERY}`, { assumeValidSDL: true, noLocation: true });
  const { coerced, errors } = getVariableValues(schema, changed, given, { maxErrors: MAX_PROBLEMS });
  return errors === undefined ? { variables: coerced as JsonObject } : { problems: errors.map(({ message }) => message) };
}

function readDefinitions(definitions: string): readonly VariableDefinitionNode[] {
  const [operation] = parse(`query ${definitions} { _ }`, { noLocation: true }).definitions;
  return operation?.kind === Kind.OPERATION_DEFINITION ? (operation.variableDefinitions ?? []) : [];
}
