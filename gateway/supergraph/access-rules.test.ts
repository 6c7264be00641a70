import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { readAccessRules } from './access-rules.js';

const LINKS = `
  @link(url: "https://specs.apollo.dev/requiresScopes/v0.1", for: SECURITY)
  @link(url: "https://specs.apollo.dev/policy/v0.1", for: SECURITY)`;

function read(sdl: string, links = LINKS): Record<string, unknown> {
  return Object.fromEntries(readAccessRules(parse(`schema ${links} { query: Query } ${sdl}`)));
}
const scopes = (...anyOf: string[][]) => ({ kind: 'scopes', anyOf });

describe('the rules of a field', () => {
  it('are its own, its type’s and those of what it returns, each once', () => {
    const rules = read(`
      type Query @requiresScopes(scopes: [["q"]]) { a: A  plain: Int @requiresScopes(scopes: [["q"]]) }
      type A @policy(policies: [["p", "r"], ["s"]]) { list: [[Secret!]!]! }
      scalar Secret @requiresScopes(scopes: [["x"]])`);
    const policies = { kind: 'policies', anyOf: [['p', 'r'], ['s']] };
    expect(rules).toEqual({
      'Query.a': [scopes(['q']), policies],
      'Query.plain': [scopes(['q'])],
      'A.list': [policies, scopes(['x'])],
    });
  });

  it('on an interface are those of every implementation, also where composition did not say so', () => {
    const rules = read(`
      type Query { node: Node }
      interface Node { id: ID!  note: String }
      type A implements Node { id: ID!  note: String @requiresScopes(scopes: [["a"]]) }
      type B implements Node @requiresScopes(scopes: [["b"]]) { id: ID!  note: String }`);
    expect(rules).toMatchObject({ 'Node.id': [scopes(['b'])], 'Node.note': [scopes(['a']), scopes(['b'])], 'A.note': [scopes(['a'])] });
    expect(rules['Query.node']).toBeUndefined();
  });

  it('are found under the names that the supergraph links them by', () => {
    const links = '@link(url: "https://specs.apollo.dev/requiresScopes/v0.1", as: "needs", for: SECURITY)';
    expect(read('type Query { a: Int @needs(scopes: [["a"]])  b: Int @requiresScopes(scopes: [["b"]]) }', links)).toEqual({
      'Query.a': [scopes(['a'])],
    });
  });

  it('may be written without the lists of one', () => {
    expect(read('type Query { a: Int @requiresScopes(scopes: "a")  b: Int @requiresScopes(scopes: []) }')).toEqual({
      'Query.a': [scopes(['a'])],
      // Nothing fulfils an empty list of ways.
      'Query.b': [scopes()],
    });
  });
});
