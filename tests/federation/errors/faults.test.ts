import fc from 'fast-check';
import { buildSchema, execute, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';
import { runs } from '../support/runtime.js';

// Resolvers of the services and of the merged schema throw at the same places.
const books = [
  { id: 'b1', authors: ['p1', 'p2'] },
  { id: 'b2', authors: ['p2'] },
  { id: 'b3', authors: [] },
];
const NULLABLE = ['nick:p1', 'nick:p2', 'stars:b1', 'stars:b2', 'stars:b3', 'friend:p1'] as const;
const REQUIRED = ['name:p1', 'name:p2', 'pages:b1', 'pages:b2'] as const;
type Fault = (typeof NULLABLE)[number] | (typeof REQUIRED)[number];

let faults: ReadonlySet<Fault> = new Set();
function value<T>(field: string, id: string, result: T): T {
  if (faults.has(`${field}:${id}` as Fault)) throw new Error(`${field} of ${id} failed`);
  return result;
}

const authorsOf = (id: string): string[] => books.find((book) => book.id === id)?.authors ?? [];

const reference = { __resolveReference: (given: object) => given };
const world = createWorld([
  {
    name: 'books',
    sdl: 'type Query { books: [Book]  book: Book } type Book @key(fields: "id") { id: ID!  pages: Int!  authors: [Person] } type Person @key(fields: "id", resolvable: false) { id: ID! }',
    resolvers: {
      Query: { books: () => books, book: () => books[0] },
      Book: {
        ...reference,
        pages: ({ id }: { id: string }) => value('pages', id, 100),
        authors: ({ id }: { id: string }) => authorsOf(id).map((author) => ({ id: author })),
      },
    },
  },
  {
    name: 'people',
    sdl: 'type Person @key(fields: "id") { id: ID!  name: String!  nick: String  friend: Person }',
    resolvers: {
      Person: {
        ...reference,
        name: ({ id }: { id: string }) => value('name', id, `name of ${id}`),
        nick: ({ id }: { id: string }) => value('nick', id, `nick of ${id}`),
        friend: ({ id }: { id: string }) => value('friend', id, id === 'p1' ? { id: 'p2' } : null),
      },
    },
  },
  {
    name: 'reviews',
    sdl: 'type Book @key(fields: "id") { id: ID!  stars: Int } type Person @key(fields: "id") { id: ID!  reviewed: [Book] } ',
    resolvers: {
      Book: { ...reference, stars: ({ id }: { id: string }) => value('stars', id, 5) },
      Person: { ...reference, reviewed: ({ id }: { id: string }) => (id === 'p1' ? [{ id: 'b2' }, null, { id: 'b1' }] : [{ id: 'b3' }]) },
    },
  },
]);

const merged = buildSchema(`
  type Query { books: [Book]  book: Book }
  type Book { id: ID!  pages: Int!  authors: [Person]  stars: Int }
  type Person { id: ID!  name: String!  nick: String  friend: Person  reviewed: [Book] }`);
const bookOf = (id: string): object => ({
  id,
  pages: () => value('pages', id, 100),
  stars: () => value('stars', id, 5),
  authors: () => authorsOf(id).map(personOf),
});
const personOf = (id: string): object => ({
  id,
  name: () => value('name', id, `name of ${id}`),
  nick: () => value('nick', id, `nick of ${id}`),
  friend: () => value('friend', id, id === 'p1' ? personOf('p2') : null),
  reviewed: () => (id === 'p1' ? [bookOf('b2'), null, bookOf('b1')] : [bookOf('b3')]),
});
const rootValue = { books: () => books.map(({ id }) => bookOf(id)), book: () => bookOf('b1') };

const DOCUMENTS = [
  '{ books { id stars authors { name nick } } }',
  '{ books { stars authors { nick friend { nick name } } } book { s: stars authors { n: nick } } }',
  '{ books { authors { id reviewed { id stars } } } }',
  '{ book { pages authors { name reviewed { pages stars authors { name } } } } }',
  '{ books { ... { authors { nick reviewed { stars } } } } }',
];

async function answers(document: string) {
  const { response } = await world.run(document);
  const expected = await execute({ schema: merged, document: parse(document), rootValue });
  const toPaths = (errors: readonly { path?: readonly (string | number)[] | undefined }[] = []) =>
    errors.map(({ path }) => JSON.stringify(path)).sort();
  return {
    data: JSON.parse(JSON.stringify(response.data)) as unknown,
    paths: toPaths(response.errors),
    expected: { data: JSON.parse(JSON.stringify(expected.data)) as unknown, paths: toPaths(expected.errors) },
  };
}

describe('when resolvers fail at random, the gateway answers as the merged schema does', () => {
  it('with an error at every place, where null may stand there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...DOCUMENTS), fc.subarray([...NULLABLE]), async (document, chosen) => {
        faults = new Set(chosen);
        const { data, paths, expected } = await answers(document);
        expect(data).toEqual(expected.data);
        expect(paths).toEqual(expected.paths);
      }),
      { numRuns: runs(100) },
    );
  });

  it('with null at the same places, where it has to move up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...DOCUMENTS), fc.subarray([...NULLABLE, ...REQUIRED]), async (document, chosen) => {
        faults = new Set(chosen);
        const { data, paths, expected } = await answers(document);
        expect(data).toEqual(expected.data);
        // Which errors inside a place that became null are told, the spec leaves open; that there is one, it does not.
        expect(paths.length > 0).toBe(expected.paths.length > 0);
      }),
      { numRuns: runs(100) },
    );
  });
});
