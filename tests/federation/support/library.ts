// The world of the tests: a library over four services, with interfaces, unions, compound keys, @requires and @provides.
import { buildSchema, execute, type GraphQLSchema, parse } from 'graphql';
import type { JsonObject } from '#schema/contracts/json';
import { createWorld, type Service } from './federated-world.js';

interface Book {
  id: string;
  title: string;
  pages: number | null;
  authorId: string;
  tags: string[];
}
interface Person {
  id: string;
  name: string;
  nick: string | null;
}

const people: Person[] = [
  { id: 'p1', name: 'Ursula', nick: 'u' },
  { id: 'p2', name: 'Italo', nick: null },
  { id: 'p3', name: 'Octavia', nick: 'o' },
];
const books: Book[] = [
  { id: 'b1', title: 'Rocannon', pages: 122, authorId: 'p1', tags: ['sf', 'first'] },
  { id: 'b2', title: 'Cosmicomics', pages: null, authorId: 'p2', tags: [] },
  { id: 'b3', title: 'Kindred', pages: 264, authorId: 'p3', tags: ['sf'] },
  { id: 'b4', title: 'Always', pages: 523, authorId: 'p1', tags: ['sf', 'utopia'] },
];
const maps = [{ id: 'm1', title: 'Earthsea', scale: 5 }];
const reviews = [
  { id: 'r1', bookId: 'b1', authorId: 'p2', stars: 4, text: 'short' },
  { id: 'r2', bookId: 'b1', authorId: 'p3', stars: 5, text: null },
  { id: 'r3', bookId: 'b3', authorId: 'p1', stars: 5, text: 'again' },
  { id: 'r4', bookId: 'gone', authorId: 'p1', stars: 1, text: 'lost' },
];

const bookOf = (id: string) => books.find((book) => book.id === id) ?? null;
const personOf = (id: string) => people.find((person) => person.id === id) ?? null;
const reviewsOf = (bookId: string) => reviews.filter((review) => review.bookId === bookId);
/** What a service that knows only some fields says of an entity. */
const pick = (object: object | null, ...keys: string[]) =>
  object === null ? null : Object.fromEntries(keys.map((key) => [key, (object as Record<string, unknown>)[key]]));
const weightOf = (pages: number | null, extra: number) => (pages === null ? null : pages * 3 + extra);
const withType = (type: string, value: object | null) => (value === null ? null : { __typename: type, ...value });

export const services: Service[] = [
  {
    name: 'catalog',
    sdl: `
      type Query { books(first: Int = 10): [Book!]!  book(id: ID!): Book  items: [Item!]!  shelf: [[Book]]  any(kind: String!): Thing }
      interface Item { id: ID!  title: String! }
      union Thing = Book | Map | Person
      type Book implements Item @key(fields: "id") { id: ID!  title: String!  pages: Int  tags: [String!]!  author: Person! }
      type Map implements Item @key(fields: "id") { id: ID!  title: String!  scale: Int! }
      type Person @key(fields: "id", resolvable: false) { id: ID! }`,
    resolvers: {
      Query: {
        books: (_: unknown, { first }: { first: number }) => books.slice(0, first),
        book: (_: unknown, { id }: { id: string }) => bookOf(id),
        items: () => [...books.map((book) => withType('Book', book)), ...maps.map((map) => withType('Map', map))],
        shelf: () => [[books[0], null], null, [books[2]]],
        any: (_: unknown, { kind }: { kind: string }) => thing(kind),
      },
      Book: { __resolveReference: ({ id }: { id: string }) => bookOf(id), author: (book: Book) => ({ id: book.authorId }) },
      Map: { __resolveReference: ({ id }: { id: string }) => maps.find((map) => map.id === id) },
    },
  },
  {
    name: 'people',
    sdl: `
      type Query { people: [Person!]!  person(id: ID!): Person }
      type Person @key(fields: "id") { id: ID!  name: String!  nick: String @shareable }`,
    resolvers: {
      Query: { people: () => people, person: (_: unknown, { id }: { id: string }) => personOf(id) },
      Person: { __resolveReference: ({ id }: { id: string }) => personOf(id) },
    },
  },
  {
    name: 'reviews',
    sdl: `
      type Query { reviews(stars: Int): [Review!]! }
      type Mutation { rate(book: ID!, stars: Int!): Review }
      type Review @key(fields: "id bookId") { id: ID!  bookId: ID!  stars: Int!  text: String  book: Book  author: Person! @provides(fields: "nick") }
      type Book @key(fields: "id") { id: ID!  reviews(min: Int = 0): [Review!]! }
      type Person @key(fields: "id") { id: ID!  nick: String @external  reviews: [Review!]! }`,
    resolvers: {
      Query: {
        reviews: (_: unknown, { stars }: { stars?: number }) => reviews.filter((review) => stars == null || review.stars === stars),
      },
      Mutation: {
        rate: (_: unknown, { book, stars }: { book: string; stars: number }) => ({
          id: 'new',
          bookId: book,
          authorId: 'p1',
          stars,
          text: null,
        }),
      },
      Review: {
        __resolveReference: ({ id }: { id: string }) => reviews.find((review) => review.id === id),
        book: ({ bookId }: { bookId: string }) => (bookOf(bookId) === null ? null : { id: bookId }),
        author: ({ authorId }: { authorId: string }) => pick(personOf(authorId), 'id', 'nick'),
      },
      Book: { reviews: ({ id }: { id: string }, { min }: { min: number }) => reviewsOf(id).filter(({ stars }) => stars >= min) },
      Person: { reviews: ({ id }: { id: string }) => reviews.filter(({ authorId }) => authorId === id) },
    },
  },
  {
    name: 'shipping',
    sdl: `
      type Book @key(fields: "id") { id: ID!  pages: Int @external  tags: [String!]! @external  weight(extra: Int! = 10): Int @requires(fields: "pages")  label: String! @requires(fields: "tags") }
      type Review @key(fields: "id bookId") { id: ID!  bookId: ID!  key: String! }
      type Query { parcels: [Parcel!]! }
      type Parcel { book: Book!  review: Review }`,
    resolvers: {
      Query: {
        parcels: () => [
          { book: { id: 'b4' }, review: { id: 'r1', bookId: 'b1' } },
          { book: { id: 'b2' }, review: null },
        ],
      },
      Book: {
        __resolveReference: (reference: object) => reference,
        weight: ({ pages }: { pages: number | null }, { extra }: { extra: number }) => weightOf(pages, extra),
        label: ({ tags }: { tags: string[] }) => tags.join('+'),
      },
      Review: {
        __resolveReference: (reference: object) => reference,
        key: ({ id, bookId }: { id: string; bookId: string }) => `${id}@${bookId}`,
      },
    },
  },
];

function thing(kind: string): object | null {
  if (kind === 'book') return withType('Book', books[0] ?? null);
  if (kind === 'map') return withType('Map', maps[0] ?? null);
  return kind === 'person' ? withType('Person', people[0] ?? null) : null;
}

/** The schema that the services stand for, resolved in one process. */
export const merged: GraphQLSchema = buildSchema(`
  type Query { books(first: Int = 10): [Book!]!  book(id: ID!): Book  items: [Item!]!  shelf: [[Book]]  any(kind: String!): Thing
    people: [Person!]!  person(id: ID!): Person  reviews(stars: Int): [Review!]!  parcels: [Parcel!]! }
  type Mutation { rate(book: ID!, stars: Int!): Review }
  interface Item { id: ID!  title: String! }
  union Thing = Book | Map | Person
  type Book implements Item { id: ID!  title: String!  pages: Int  tags: [String!]!  author: Person!  reviews(min: Int = 0): [Review!]!  weight(extra: Int! = 10): Int  label: String! }
  type Map implements Item { id: ID!  title: String!  scale: Int! }
  type Person { id: ID!  name: String!  nick: String  reviews: [Review!]! }
  type Review { id: ID!  bookId: ID!  stars: Int!  text: String  book: Book  author: Person!  key: String! }
  type Parcel { book: Book!  review: Review }`);

const wrap = {
  book: (book: Book | null): object | null =>
    book && {
      __typename: 'Book',
      ...book,
      author: () => wrap.person(personOf(book.authorId)),
      reviews: ({ min }: { min: number }) =>
        reviewsOf(book.id)
          .filter(({ stars }) => stars >= min)
          .map(wrap.review),
      weight: ({ extra }: { extra: number }) => weightOf(book.pages, extra),
      label: book.tags.join('+'),
    },
  person: (person: Person | null): object | null =>
    person && { __typename: 'Person', ...person, reviews: () => reviews.filter(({ authorId }) => authorId === person.id).map(wrap.review) },
  review: (review: (typeof reviews)[number] | undefined): object | null =>
    review === undefined
      ? null
      : {
          ...review,
          book: () => wrap.book(bookOf(review.bookId)),
          author: () => wrap.person(personOf(review.authorId)),
          key: `${review.id}@${review.bookId}`,
        },
};

const rootValue = {
  books: ({ first }: { first: number }) => books.slice(0, first).map(wrap.book),
  book: ({ id }: { id: string }) => wrap.book(bookOf(id)),
  items: () => [...books.map(wrap.book), ...maps.map((map) => withType('Map', map))],
  shelf: () => [[wrap.book(books[0] ?? null), null], null, [wrap.book(books[2] ?? null)]],
  any: ({ kind }: { kind: string }) =>
    kind === 'map'
      ? withType('Map', maps[0] ?? null)
      : kind === 'book'
        ? wrap.book(books[0] ?? null)
        : kind === 'person'
          ? wrap.person(people[0] ?? null)
          : null,
  people: () => people.map(wrap.person),
  person: ({ id }: { id: string }) => wrap.person(personOf(id)),
  reviews: ({ stars }: { stars?: number }) => reviews.filter((review) => stars == null || review.stars === stars).map(wrap.review),
  parcels: () => [
    { book: wrap.book(bookOf('b4')), review: wrap.review(reviews[0]) },
    { book: wrap.book(bookOf('b2')), review: null },
  ],
  rate: ({ book, stars }: { book: string; stars: number }) => wrap.review({ id: 'new', bookId: book, authorId: 'p1', stars, text: null }),
};

export const world = createWorld(services);

/** What graphql-js answers over the merged schema. */
export async function askMerged(document: string, variables: JsonObject = {}): Promise<{ data: unknown }> {
  const { data, errors } = await execute({ schema: merged, document: parse(document), rootValue, variableValues: variables });
  if (errors !== undefined) throw new Error(errors.map(({ message }) => message).join('\n'));
  return { data: JSON.parse(JSON.stringify(data)) as unknown };
}
