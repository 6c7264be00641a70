import { buildSchema, type OperationDefinitionNode, parse } from 'graphql';
import { expect, it } from 'vitest';
import { toVariableRules } from './variable-rules.js';

const schema = buildSchema(`
  "Bytes."
  scalar ByteSize
  enum Kind { A B }
  input Part { bytes: ByteSize!  kind: Kind = A  parts: [Part!] }
  input Other { id: ID }
  type Query { a(part: Part, ids: [ID!], n: Int, other: Other): Int }`);
const rulesOf = (document: string) => toVariableRules(parse(document).definitions[0] as OperationDefinitionNode, schema);

it('variables are told with the types that they name, directly or inside of others, and no more', () => {
  const rules = rulesOf('query Q($part: Part!, $ids: [ID!], $n: Int! = 3) { a(part: $part, ids: $ids, n: $n) }');
  expect(rules?.definitions).toBe('($part: Part!, $ids: [ID!], $n: Int! = 3)');
  expect(buildSchema(`${rules?.types} type Query { a: Int }`).getType('Part')?.toString()).toBe('Part');
  for (const name of ['ByteSize', 'Kind', 'Part']) expect(rules?.types).toMatch(new RegExp(`\\b(scalar|enum|input) ${name}\\b`));
  expect(rules?.types).not.toMatch(/Other|scalar Int/);
});

it('an operation without variables has none', () => {
  expect(rulesOf('{ a }')).toBeUndefined();
});
