export type ParsedVariables = { readonly variables: Record<string, unknown> } | { readonly problem: string };

/** Text of an editor to variables: a JSON object with at least one member. */
export function parseVariables(text: string): ParsedVariables {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: `This is not JSON: ${(error as Error).message}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: 'Expected an object of variables, like { "name": "report.txt" }' };
  const names = Object.keys(value);
  if (names.length === 0) return { problem: 'Name at least one variable.' };
  const wrong = names.find((name) => !/^[_A-Za-z]\w*$/.test(name));
  if (wrong !== undefined) return { problem: `“${wrong}” cannot be the name of a variable (without the $).` };
  return { variables: value as Record<string, unknown> };
}
