import { Client, fetchExchange } from '@urql/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

const PARTS = { accept: 'multipart/mixed;deferSpec=20220824, application/json' };
const names: Record<string, string> = { a1: 'Ada', a2: 'Bo' };

let gateway: TestGateway;
/** Lets the authors service answer. */
let release: () => void;
let released: Promise<void>;

beforeAll(async () => {
  gateway = await startTestGateway({
    services: [
      {
        name: 'books',
        sdl: `type Query { books: [Book!]! none: Book } type Mutation { add: Book } type Book @key(fields: "id") { id: ID! title: String author: Author }
              type Author @key(fields: "id", resolvable: false) { id: ID! }`,
        resolvers: {
          Query: { books: () => ['a1', 'a2', 'a3'].map((id, n) => ({ id: `b${n}`, title: `Book ${n}`, author: n === 2 ? null : { id } })) },
          Mutation: { add: () => ({ id: 'b9', title: 'New' }) },
        },
      },
      {
        name: 'authors',
        sdl: 'type Query { nobody: Int } type Author @key(fields: "id") { id: ID! name: String bio: String! }',
        resolvers: {
          Author: {
            __resolveReference: async ({ id }: { id: string }) => (await released, { id, name: names[id] }),
            bio: ({ id }: { id: string }) => {
              if (id === 'a2') throw new Error('no bio');
              return 'wrote';
            },
          },
        },
      },
    ],
  });
});
beforeEach(() => {
  released = new Promise((resolve) => (release = resolve));
});
afterAll(() => gateway.close());

/** The parts of a multipart answer as they come. */
async function* readParts(response: Response): AsyncGenerator<unknown> {
  expect(response.headers.get('content-type')).toBe('multipart/mixed; boundary="-"; deferSpec=20220824');
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Buffer>) {
    text += Buffer.from(chunk).toString();
    const pieces = text.split('\r\n---');
    text = pieces.pop() as string;
    for (const piece of pieces.filter((found) => found !== '')) {
      const [head, body] = piece.split('\r\n\r\n') as [string, string];
      expect(head.trim()).toBe('content-type: application/json; charset=utf-8');
      yield JSON.parse(body) as unknown;
    }
  }
  expect(text).toBe('--\r\n');
}

async function ask(query: string, variables: object = {}): Promise<{ first: unknown; second: unknown }> {
  const parts = readParts(await gateway.post({ query, variables }, PARTS));
  const first = (await parts.next()).value as unknown;
  release();
  const second = (await parts.next()).value as unknown;
  expect((await parts.next()).done).toBe(true);
  return { first, second };
}

describe('a query with @defer', () => {
  it('answers what is not deferred while the other service still works, then the rest with path and label', async () => {
    const { first, second } = await ask('{ books { title author { id ...A @defer(label: "who") } } } fragment A on Author { name }');
    expect(first).toEqual({
      data: {
        books: [
          { title: 'Book 0', author: { id: 'a1' } },
          { title: 'Book 1', author: { id: 'a2' } },
          { title: 'Book 2', author: null },
        ],
      },
      extensions: { operation: { path: 'direct', reason: 'deferred' } },
      hasNext: true,
    });
    expect(second).toEqual({
      incremental: [
        { label: 'who', path: ['books', 0, 'author'], data: { name: 'Ada' } },
        { label: 'who', path: ['books', 1, 'author'], data: { name: 'Bo' } },
      ],
      hasNext: false,
    });
  });

  it('keeps the fetches of its parts apart, so that none waits for another', async () => {
    const query = '{ books { author { name } } ... @defer { more: books { author { name } } } }';
    const asked = gateway.post({ query, extensions: { plan: true } }, PARTS);
    release();
    expect(await (await asked).text()).toContain('"fetches":3');
    const whole = gateway.post({ query: query.replace('@defer', ''), extensions: { plan: true } });
    expect(await (await whole).text()).toContain('"fetches":2');
  });

  it('keeps no placeholder where everything beside it is deferred, and defers at the root too', async () => {
    const { first, second } = await ask(
      '{ none { id } ... @defer { books { author { name } } } ... on Query @defer(label: "x") { none { title } } }',
    );
    expect(first).toMatchObject({ data: { none: null }, hasNext: true });
    expect(Object.keys((first as { data: object }).data)).toEqual(['none']);
    expect(second).toMatchObject({
      incremental: [
        { path: [], data: { books: [{ author: { name: 'Ada' } }, { author: { name: 'Bo' } }, { author: null }] } },
        { path: [], label: 'x', data: { none: null } },
      ],
    });
  });

  it('tells errors of the deferred part with it, and nulls of it stay in it', async () => {
    const { first, second } = await ask('{ books { id author { id ... @defer { bio } } } }');
    expect(first).toMatchObject({ data: { books: [{ id: 'b0', author: { id: 'a1' } }, { author: { id: 'a2' } }, { author: null }] } });
    expect(first).not.toHaveProperty('errors');
    expect(second).toMatchObject({
      incremental: [
        { path: ['books', 0, 'author'], data: { bio: 'wrote' } },
        { path: ['books', 1, 'author'], data: null, errors: [{ path: ['books', 1, 'author', 'bio'] }] },
      ],
      hasNext: false,
    });
  });

  it.each([
    [
      'by a variable that says no',
      'query ($now: Boolean) { books { author { ...A @defer(if: $now) } } } fragment A on Author { name }',
      { now: false },
    ],
    ['by a mutation', 'mutation { add { id ... @defer { title } } }', {}],
  ])('is answered whole %s', async (_, query, variables) => {
    release();
    const response = await gateway.post({ query, variables }, PARTS);
    expect(response.headers.get('content-type')).toContain('application/json');
    expect(await response.json()).not.toHaveProperty('errors');
  });

  it('is refused like any other document', async () => {
    for (const [query, code] of [
      ['{ books { ... @defer { nothing } } }', 'GRAPHQL_VALIDATION_FAILED'],
      ['{ books { ... @defer { id }', 'GRAPHQL_PARSE_FAILED'],
      [
        'query ($n: Int!) { books { id @skip(if: false) ... @defer { title } } none { id @include(if: true) } nobody @skip(if: $n) }',
        'GRAPHQL_VALIDATION_FAILED',
      ],
    ]) {
      const response = await gateway.post({ query }, PARTS);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code } }] });
    }
  });

  it('is understood by urql', async () => {
    const client = new Client({
      url: `${gateway.url}/graphql`,
      preferGetMethod: false,
      exchanges: [fetchExchange],
      fetchOptions: { headers: { authorization: `Bearer ${await gateway.token()}` } },
    });
    const seen: unknown[] = [];
    await new Promise<void>((resolve) => {
      client.query('{ books { id author { id ... on Author @defer { name } } } }', {}).subscribe((result) => {
        seen.push(result.error ?? (result.data as { books: { author: unknown }[] }).books[0]?.author);
        release();
        if (result.hasNext !== true) resolve();
      });
    });
    expect(seen).toEqual([{ id: 'a1' }, { id: 'a1', name: 'Ada' }]);
  });
});
