import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createDocumentIndex, toDocumentKey } from './document-manifest.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const indexOf = (json: unknown) => createDocumentIndex(new Map([['m.json', JSON.stringify(json)]]));
const BOOKS = 'query Books($n: Int, $x: ID) { books(first: $n, after: $x) { id title } }';

describe('a manifest', () => {
  it.each([
    ['a plain map', { a1: BOOKS }],
    [
      "Apollo's form",
      {
        format: 'apollo-persisted-query-manifest',
        version: 1,
        operations: [{ id: 'a1', name: 'Books', type: 'query', body: BOOKS }],
      },
    ],
  ])('may be %s', async (_, manifest) => {
    const index = await indexOf(manifest);
    for (const id of ['a1', sha256(BOOKS), `sha256:${sha256(BOOKS)}`]) expect(index.find(id)).toBe(BOOKS);
    expect(['a2', '', '__proto__', 'constructor', sha256('x')].map((id) => index.find(id))).toEqual(Array(5).fill(undefined));
    expect(index.size).toBe(1);
  });

  it.each([
    ['no JSON', '{', /m\.json: expected JSON/],
    ['no map', '["x"]', /m\.json: expected \{/],
    ['an empty id', JSON.stringify({ '': BOOKS }), /m\.json: expected \{/],
    ['no GraphQL', JSON.stringify({ a1: 'query {' }), /m\.json: the document a1 is not GraphQL/],
    ['another version', JSON.stringify({ format: 'apollo-persisted-query-manifest', version: 2, operations: [] }), /m\.json: expected \{/],
  ])('that is %s is refused by name', async (_, content, message) => {
    await expect(createDocumentIndex(new Map([['m.json', content]]))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('may not give an id of another manifest to another document', async () => {
    const manifests = (b: object) =>
      new Map([
        ['a', JSON.stringify({ x: '{ a }' })],
        ['b', JSON.stringify(b)],
      ]);
    await expect(createDocumentIndex(manifests({ x: '{ b }' }))).rejects.toThrow(/b: the id x stands for another document/);
    await expect(createDocumentIndex(manifests({ x: '{ a }' }))).resolves.toMatchObject({ size: 1 });
  });
});

describe('a document', () => {
  it.each([
    ['white space and comments', `# all\n${BOOKS.replaceAll(' ', '\n')}`],
    ['added __typename', 'query Books($n: Int, $x: ID) { books(first: $n, after: $x) { id title __typename } __typename }'],
    ['the order of fields, arguments and variables', 'query Books($x: ID, $n: Int) { books(after: $x, first: $n) { title id } }'],
  ])('is the same for all: %s', (_, other) => expect(toDocumentKey(other)).toBe(toDocumentKey(BOOKS)));

  it.each([
    ['a field more', 'query Books($n: Int, $x: ID) { books(first: $n, after: $x) { id title secret } }'],
    ['a field less', 'query Books($n: Int, $x: ID) { books(first: $n, after: $x) { id } }'],
    ['an alias', 'query Books($n: Int, $x: ID) { books(first: $n, after: $x) { id title: secret } }'],
    ['an aliased __typename', 'query Books($n: Int, $x: ID) { books(first: $n, after: $x) { id title a: __typename } }'],
    ['another literal', 'query Books($n: Int = 9, $x: ID) { books(first: $n, after: $x) { id title } }'],
    ['a directive', 'query Books($n: Int, $x: ID) { books(first: $n, after: $x) { id title @skip(if: true) } }'],
    ['a second operation', `${BOOKS} query Other { secret }`],
    ['another name', BOOKS.replace('Books', 'Other')],
    ['another kind', BOOKS.replace('query', 'mutation')],
    ['another place of a field', 'query Books($n: Int, $x: ID) { id books(first: $n, after: $x) { title } }'],
  ])('is another one by %s', (_, other) => expect(toDocumentKey(other)).not.toBe(toDocumentKey(BOOKS)));

  it('keeps the order of what a mutation does, also in fragments', () => {
    expect(toDocumentKey('mutation { a { x y } b }')).toBe(toDocumentKey('mutation { a { y x } b }'));
    expect(toDocumentKey('mutation { a b }')).not.toBe(toDocumentKey('mutation { b a }'));
    const inFragment = (fields: string) => toDocumentKey(`mutation { ...F } fragment F on Mutation { ${fields} }`);
    expect(inFragment('a b')).not.toBe(inFragment('b a'));
  });
});
