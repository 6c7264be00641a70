import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';
import { createOneSchema, expectSameAnswer } from '../support/one-schema.js';

// `shelves` knows some fields of foreign objects on some paths only.
const authors: Record<string, { id: string; name: string; mail: string; home: { city: string; zip: string } }> = {
  a1: { id: 'a1', name: 'Ada', mail: 'ada@example.com', home: { city: 'London', zip: 'W1' } },
  a2: { id: 'a2', name: 'Bea', mail: 'bea@example.com', home: { city: 'Paris', zip: '75' } },
};
const books = [
  { id: 'b1', title: 'One', by: ['a1', 'a2'] },
  { id: 'b2', title: 'Two', by: [] },
];
const authorOf = (id: string) => authors[id];
const bookOf = (id: string) => books.find((book) => book.id === id);

const world = createWorld([
  {
    name: 'people',
    sdl: 'type Author @key(fields: "id") { id: ID!  name: String! @shareable  mail: String!  home: Home! @shareable } type Home { city: String! @shareable  zip: String! @shareable }',
    resolvers: { Author: { __resolveReference: ({ id }: { id: string }) => authorOf(id) } },
  },
  {
    name: 'books',
    sdl: 'type Query { books: [Book!]! } type Book @key(fields: "id") { id: ID!  title: String! @shareable  authors: [Author!]! } type Author @key(fields: "id", resolvable: false) { id: ID! }',
    resolvers: {
      Query: { books: () => books },
      Book: {
        __resolveReference: ({ id }: { id: string }) => bookOf(id),
        authors: ({ id }: { id: string }) => bookOf(id)?.by.map((author) => ({ id: author })),
      },
    },
  },
  {
    name: 'shelves',
    sdl: `
      type Query { shelf: Shelf  best: Author @provides(fields: "name home { city }")  worst: Author  pick: Pick @provides(fields: "... on Book { title }") }
      type Shelf { books: [Book!]! @provides(fields: "title")  other: [Book!]!  owner: Author @provides(fields: "home { city }") }
      union Pick = Book | Author
      type Book @key(fields: "id") { id: ID!  title: String! @external }
      type Author @key(fields: "id") { id: ID!  name: String! @external  home: Home! @external }
      type Home { city: String! @external }`,
    resolvers: {
      Query: {
        shelf: () => ({ books, other: [{ id: 'b1' }], owner: authorOf('a2') }),
        best: () => ({ id: 'a1', name: 'Ada', home: { city: 'London' } }),
        worst: () => ({ id: 'a2' }),
        pick: () => ({ __typename: 'Book', ...books[0] }),
      },
      Author: { __resolveReference: ({ id }: { id: string }) => ({ id }) },
      Book: { __resolveReference: ({ id }: { id: string }) => ({ id }) },
    },
  },
]);

const toOne = (book: (typeof books)[number]): object => ({ __typename: 'Book', ...book, authors: book.by.map(authorOf) });
const one = createOneSchema(
  `type Query { books: [Book!]!  shelf: Shelf  best: Author  worst: Author  pick: Pick } type Shelf { books: [Book!]!  other: [Book!]!  owner: Author } union Pick = Book | Author
   type Book { id: ID!  title: String!  authors: [Author!]! } type Author { id: ID!  name: String!  mail: String!  home: Home! } type Home { city: String!  zip: String! }`,
  () => ({
    books: books.map(toOne),
    shelf: { books: books.map(toOne), other: [toOne(books[0] as (typeof books)[number])], owner: authorOf('a2') },
    best: authorOf('a1'),
    worst: authorOf('a2'),
    pick: toOne(books[0] as (typeof books)[number]),
  }),
);

describe('@provides and @external', () => {
  it.each([
    [
      'answer what is provided on this path',
      '{ shelf { books { title } owner { home { city } } } best { name home { city } } }',
      ['shelves'],
    ],
    ['ask elsewhere on another path', '{ shelf { other { title } } worst { name } }', ['books', 'people', 'shelves']],
    ['ask elsewhere for the rest of a nested value', '{ best { home { city zip } } }', ['people', 'shelves']],
    [
      'ask elsewhere for what is not provided',
      '{ best { name mail } shelf { books { title authors { name } } } }',
      ['books', 'people', 'shelves'],
    ],
    ['answer one member of a union', '{ pick { __typename ... on Book { title } } }', ['shelves']],
    ['under aliases', '{ best { id: name name: id home: mail } }', ['people', 'shelves']],
  ])('%s', async (_, document, services) => {
    const { fetches } = await expectSameAnswer(world, one, document);
    expect([...new Set(fetches.map(({ service }) => service))].sort()).toEqual(services);
  });
});
