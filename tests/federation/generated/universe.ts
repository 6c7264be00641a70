// What generated operations are asked of: six services that share entities, an entity interface, unions, values and mutations, some of
// whose fields fail for some objects; and the one schema that resolves the same. Everything follows from ids, nothing is kept.
import { buildSchema, type GraphQLSchema } from 'graphql';
import type { Service } from '../support/federated-world.js';

type Kind = 'Book' | 'Film' | 'Toy';
interface Item {
  __typename: Kind;
  id: string;
  name: string;
  price: number | null;
  maker: string | null;
}
interface Review {
  id: string;
  itemId: string;
  by: string;
  stars: number;
  text: string | null;
}

const items: readonly Item[] = [
  { __typename: 'Book', id: 'b1', name: 'Atlas', price: 12, maker: 'm1' },
  { __typename: 'Book', id: 'b2', name: 'Bones', price: null, maker: 'm2' },
  { __typename: 'Book', id: 'b3', name: 'Clay', price: 30, maker: null },
  { __typename: 'Film', id: 'f1', name: 'Dust', price: 9, maker: 'm2' },
  { __typename: 'Film', id: 'f2', name: 'Ebb', price: 9, maker: 'm3' },
  { __typename: 'Toy', id: 't1', name: 'Fox', price: 5, maker: 'm1' },
];
const makers = ['m1', 'm2', 'm3'];
const reviews: readonly Review[] = [
  { id: 'r1', itemId: 'b1', by: 'm2', stars: 4, text: 'good' },
  { id: 'r2', itemId: 'b1', by: 'm3', stars: 2, text: null },
  { id: 'r3', itemId: 'f1', by: 'm1', stars: 5, text: '' },
  { id: 'r4', itemId: 'lost', by: 'm1', stars: 1, text: 'gone' },
];

const itemOf = (id: string): Item | null => items.find((item) => item.id === id) ?? null;
const itemsOf = (maker: string): readonly Item[] => items.filter((item) => item.maker === maker);
const reviewsOf = (itemId: string): readonly Review[] => reviews.filter((review) => review.itemId === itemId);
const fails = (what: string): never => {
  throw new Error(`${what} failed`);
};

const nameOf = (id: string): string => `Maker ${id}`;
const nickOf = (id: string): string | null => (id === 'm3' ? fails('nick') : id === 'm2' ? null : `nick ${id}`);
const mustOf = (id: string): number => (id === 'b3' ? fails('must') : id.length);
const tagsOf = (id: string, limit: number): { text: string }[] => ['x', 'y', 'z'].slice(0, limit).map((tag) => ({ text: `${id}.${tag}` }));
const rankOf = (id: string): number | null => (id.endsWith('2') ? null : id.charCodeAt(0));
const shippingOf = (price: number | null, extra: number): number | null => (price === null ? null : price * 2 + extra);
const statesOf = (id: string): string[] => (id.startsWith('b') ? ['OPEN', 'SOLD'] : ['OPEN']);
const dataOf = (id: string): object => ({ id, list: [1, null, { a: true }], __typename: 'None' });
const specOf = (id: string): { width: number; depth: number | null } => ({ width: id.length * 10, depth: id === 'b2' ? null : 3 });

const sentBack = { __resolveReference: (reference: object) => reference };

interface Id {
  id: string;
}

export const services: readonly Service[] = [
  {
    name: 'catalog',
    sdl: `
      scalar JSON
      enum State { OPEN SOLD }
      type Query { items(first: Int = 10, of: [ID!]): [Item!]!  item(id: ID!): Item  shelf: [[Item]]  pick(id: ID!): Pick  books: [Book]! }
      interface Item @key(fields: "id") { id: ID!  name: String!  price: Int }
      union Pick = Book | Film | Maker
      type Book implements Item @key(fields: "id") { id: ID!  name: String!  price: Int  must: Int!  data: JSON  states(only: State, not: [State!] = []): [State!]!  maker: Maker  tags(limit: Int! = 1): [Tag!]!  spec: Spec! @shareable }
      type Film implements Item @key(fields: "id") { id: ID!  name: String!  price: Int  minutes: Int!  maker: Maker  tags(limit: Int! = 1): [Tag!]!  spec: Spec! @shareable }
      type Toy implements Item @key(fields: "id") { id: ID!  name: String!  price: Int  minutes: String }
      type Maker @key(fields: "id", resolvable: false) { id: ID! }
      type Tag { text: String! }
      type Spec { width: Int! @shareable }`,
    resolvers: {
      Query: {
        items: (_: unknown, { first, of }: { first: number | null; of?: string[] | null }) =>
          items.filter(({ id }) => of == null || of.includes(id)).slice(0, first ?? undefined),
        item: (_: unknown, { id }: Id) => itemOf(id),
        shelf: () => [[items[0], null, items[3]], null, [], [items[5]]],
        pick: (_: unknown, { id }: Id) => (makers.includes(id) ? { __typename: 'Maker', id } : id.startsWith('t') ? null : itemOf(id)),
        books: () => [items[0], null, items[1], items[2]],
      },
      Item: { __resolveReference: ({ id }: Id) => itemOf(id) },
      Book: {
        __resolveReference: ({ id }: Id) => itemOf(id),
        must: ({ id }: Id) => mustOf(id),
        data: ({ id }: Id) => dataOf(id),
        states: ({ id }: Id, { only, not }: { only?: string | null; not: string[] | null }) =>
          statesOf(id).filter((state) => (only == null || state === only) && !(not ?? []).includes(state)),
        maker: ({ id }: Id) => toReference(itemOf(id)?.maker),
        tags: ({ id }: Id, { limit }: { limit: number }) => tagsOf(id, limit),
        spec: ({ id }: Id) => specOf(id),
      },
      Film: {
        __resolveReference: ({ id }: Id) => itemOf(id),
        minutes: () => 90,
        maker: ({ id }: Id) => toReference(itemOf(id)?.maker),
        tags: ({ id }: Id, { limit }: { limit: number }) => tagsOf(id, limit),
        spec: ({ id }: Id) => specOf(id),
      },
      Toy: { __resolveReference: ({ id }: Id) => itemOf(id), minutes: () => 'none' },
    },
  },
  {
    name: 'makers',
    sdl: `
      type Query { makers: [Maker!]!  maker(id: ID = "m1"): Maker }
      type Maker @key(fields: "id") { id: ID!  name: String! @shareable  nick: String  peer: Maker  best: Item }
      interface Item { id: ID! }
      type Book implements Item @key(fields: "id", resolvable: false) { id: ID! }
      type Film implements Item @key(fields: "id", resolvable: false) { id: ID! }`,
    resolvers: {
      Query: {
        makers: () => makers.map((id) => ({ id })),
        maker: (_: unknown, { id }: { id: string | null }) => (id !== null && makers.includes(id) ? { id } : null),
      },
      Maker: {
        __resolveReference: ({ id }: Id) => (makers.includes(id) ? { id } : null),
        name: ({ id }: Id) => nameOf(id),
        nick: ({ id }: Id) => nickOf(id),
        peer: ({ id }: Id) => (id === 'm1' ? { id: 'm2' } : null),
        best: ({ id }: Id) => bestOf(id),
      },
    },
  },
  {
    name: 'reviews',
    sdl: `
      type Query { reviews(stars: Int, in: ReviewFilter): [Review!]! }
      type Mutation { rate(item: ID!, stars: Int! = 3): Review  refuse(why: String!): Review }
      input ReviewFilter { text: String  least: Int! = 0 }
      type Review @key(fields: "id itemId") { id: ID!  itemId: ID!  stars: Int!  text: String  by: Maker! @provides(fields: "name")  of: Reviewed }
      union Reviewed = Book | Film
      type Maker @key(fields: "id") { id: ID!  name: String! @external  reviews: [Review!]! }
      type Book @key(fields: "id") { id: ID!  reviews(least: Int = 0): [Review!]!  spec: Spec! @shareable }
      type Film @key(fields: "id") { id: ID!  reviews(least: Int = 0): [Review!]!  spec: Spec! @shareable }
      type Spec { width: Int! @shareable  depth: Int }`,
    resolvers: {
      Query: {
        reviews: (_: unknown, given: ReviewArguments) => filterReviews(given),
      },
      Mutation: { rate: (_: unknown, given: Rating) => toReview(given), refuse: (_: unknown, { why }: { why: string }) => fails(why) },
      Review: {
        __resolveReference: ({ id }: Id) => reviews.find((review) => review.id === id) ?? null,
        by: ({ by }: Review) => ({ id: by, name: nameOf(by) }),
        of: ({ itemId }: Review) => reviewedOf(itemId),
      },
      Maker: { ...sentBack, reviews: ({ id }: Id) => reviews.filter(({ by }) => by === id) },
      Book: {
        ...sentBack,
        reviews: ({ id }: Id, { least }: { least: number | null }) => reviewsOf(id).filter(({ stars }) => stars >= (least ?? 0)),
        spec: ({ id }: Id) => specOf(id),
      },
      Film: {
        ...sentBack,
        reviews: ({ id }: Id, { least }: { least: number | null }) => reviewsOf(id).filter(({ stars }) => stars >= (least ?? 0)),
        spec: ({ id }: Id) => specOf(id),
      },
    },
  },
  {
    name: 'stock',
    sdl: `
      type Query { parcels: [Parcel!]! }
      type Mutation { order(item: ID!, times: Int = 1): Parcel! }
      type Parcel { times: Int!  book: Book  review: Review }
      type Review @key(fields: "id itemId") { id: ID!  itemId: ID!  key: String! }
      type Book @key(fields: "id") { id: ID!  price: Int @external  tags(limit: Int! = 1): [Tag!]! @external  shipping(extra: Int! = 1): Int @requires(fields: "price")  first: String @requires(fields: "tags(limit: 1) { text }")  marks: Int! @requires(fields: "tags(limit: 3) { text }") }
      type Film @key(fields: "id") { id: ID!  price: Int @external  shipping(extra: Int! = 1): Int @requires(fields: "price") }
      type Tag { text: String! @external }`,
    resolvers: {
      Query: {
        parcels: () => [
          { times: 1, book: { id: 'b2' }, review: { id: 'r1', itemId: 'b1' } },
          { times: 2, book: null, review: null },
        ],
      },
      Mutation: {
        order: (_: unknown, { item, times }: { item: string; times: number | null }) => ({
          times: times ?? 0,
          book: item.startsWith('b') && itemOf(item) !== null ? { id: item } : null,
          review: null,
        }),
      },
      Review: { ...sentBack, key: ({ id, itemId }: Review) => `${id}@${itemId}` },
      Book: {
        ...sentBack,
        shipping: ({ price }: Item, { extra }: { extra: number }) => shippingOf(price, extra),
        first: ({ tags }: { tags: { text: string }[] }) => tags[0]?.text,
        marks: ({ tags }: { tags: unknown[] }) => tags.length,
      },
      Film: { ...sentBack, shipping: ({ price }: Item, { extra }: { extra: number }) => shippingOf(price, extra) },
    },
  },
  {
    name: 'ranks',
    sdl: 'type Query { top(first: Int): [Item!]! } type Item @interfaceObject @key(fields: "id") { id: ID!  rank: Int  fans(skip: Int = 0): [Maker] } type Maker @key(fields: "id", resolvable: false) { id: ID! }',
    resolvers: {
      Query: { top: (_: unknown, { first }: { first?: number | null }) => ['f1', 'b1', 't1'].slice(0, first ?? 3).map((id) => ({ id })) },
      Item: {
        ...sentBack,
        rank: ({ id }: Id) => rankOf(id),
        fans: ({ id }: Id, { skip }: { skip: number | null }) => fansOf(id, skip).map(toReference),
      },
    },
  },
  {
    name: 'notes',
    sdl: 'interface Noted { note(loud: Boolean = false): String } type Toy implements Noted @key(fields: "id") { id: ID!  note(loud: Boolean = false): String } type Maker implements Noted @key(fields: "id") { id: ID!  note(loud: Boolean = false): String }',
    resolvers: {
      ...forTypes(['Toy', 'Maker'], { ...sentBack, note: ({ id }: Id, { loud }: { loud: boolean | null }) => noteOf(id, loud) }),
    },
  },
];

function forTypes(types: readonly string[], resolvers: object): Record<string, object> {
  return Object.fromEntries(types.map((type) => [type, resolvers]));
}

interface ReviewArguments {
  stars?: number | null;
  in?: { text?: string | null; least: number } | null;
}
interface Rating {
  item: string;
  stars: number;
}

function toReference(id: string | null | undefined): Id | null {
  return id == null ? null : { id };
}
function bestOf(maker: string): { __typename: Kind; id: string } | null {
  const best = itemsOf(maker).find(({ __typename }) => __typename !== 'Toy');
  return best === undefined ? null : { __typename: best.__typename, id: best.id };
}
function reviewedOf(itemId: string): { __typename: Kind; id: string } | null {
  const item = itemOf(itemId);
  return item === null ? null : { __typename: item.__typename, id: item.id };
}
function filterReviews({ stars, in: filter }: ReviewArguments): readonly Review[] {
  return reviews.filter(
    (review) =>
      (stars == null || review.stars === stars) &&
      review.stars >= (filter?.least ?? 0) &&
      (filter?.text == null || review.text === filter.text),
  );
}
function toReview({ item, stars }: Rating): Review {
  return { id: 'new', itemId: item, by: 'm1', stars, text: null };
}
function fansOf(id: string, skip: number | null): (string | null)[] {
  return (id === 'b1' ? ['m3', null, 'm1'] : id === 't1' ? ['m2'] : []).slice(skip ?? 0);
}
function noteOf(id: string, loud: boolean | null): string | null {
  return id === 'm2' ? null : `${id}${loud === true ? '!' : ''}`;
}

/** The schema that the services stand for. */
export const merged: GraphQLSchema = buildSchema(`
  scalar JSON
  enum State { OPEN SOLD }
  type Query { items(first: Int = 10, of: [ID!]): [Item!]!  item(id: ID!): Item  shelf: [[Item]]  pick(id: ID!): Pick  books: [Book]!
    makers: [Maker!]!  maker(id: ID = "m1"): Maker  reviews(stars: Int, in: ReviewFilter): [Review!]!  parcels: [Parcel!]!  top(first: Int): [Item!]! }
  type Mutation { rate(item: ID!, stars: Int! = 3): Review  refuse(why: String!): Review  order(item: ID!, times: Int = 1): Parcel! }
  input ReviewFilter { text: String  least: Int! = 0 }
  interface Item { id: ID!  name: String!  price: Int  rank: Int  fans(skip: Int = 0): [Maker] }
  interface Noted { note(loud: Boolean = false): String }
  union Pick = Book | Film | Maker
  union Reviewed = Book | Film
  type Book implements Item { id: ID!  name: String!  price: Int  must: Int!  data: JSON  states(only: State, not: [State!] = []): [State!]!  maker: Maker  tags(limit: Int! = 1): [Tag!]!  spec: Spec!
    reviews(least: Int = 0): [Review!]!  shipping(extra: Int! = 1): Int  first: String  marks: Int!  rank: Int  fans(skip: Int = 0): [Maker] }
  type Film implements Item { id: ID!  name: String!  price: Int  minutes: Int!  maker: Maker  tags(limit: Int! = 1): [Tag!]!  spec: Spec!
    reviews(least: Int = 0): [Review!]!  shipping(extra: Int! = 1): Int  rank: Int  fans(skip: Int = 0): [Maker] }
  type Toy implements Item & Noted { id: ID!  name: String!  price: Int  minutes: String  note(loud: Boolean = false): String  rank: Int  fans(skip: Int = 0): [Maker] }
  type Maker implements Noted { id: ID!  name: String!  nick: String  peer: Maker  best: Item  reviews: [Review!]!  note(loud: Boolean = false): String }
  type Review { id: ID!  itemId: ID!  stars: Int!  text: String  by: Maker!  of: Reviewed  key: String! }
  type Parcel { times: Int!  book: Book  review: Review }
  type Tag { text: String! }
  type Spec { width: Int!  depth: Int }`);

const one = {
  item: (item: Item | null): object | null =>
    item && {
      ...item,
      must: () => mustOf(item.id),
      data: dataOf(item.id),
      minutes: item.__typename === 'Toy' ? 'none' : 90,
      states: ({ only, not }: { only?: string | null; not: string[] | null }) =>
        statesOf(item.id).filter((state) => (only == null || state === only) && !(not ?? []).includes(state)),
      maker: () => one.maker(item.maker),
      tags: ({ limit }: { limit: number }) => tagsOf(item.id, limit),
      spec: specOf(item.id),
      reviews: ({ least }: { least: number | null }) =>
        reviewsOf(item.id)
          .filter(({ stars }) => stars >= (least ?? 0))
          .map(one.review),
      shipping: ({ extra }: { extra: number }) => shippingOf(item.price, extra),
      first: tagsOf(item.id, 1)[0]?.text,
      marks: 3,
      rank: rankOf(item.id),
      fans: ({ skip }: { skip: number | null }) => fansOf(item.id, skip).map(one.maker),
      note: ({ loud }: { loud: boolean | null }) => noteOf(item.id, loud),
    },
  maker: (id: string | null): object | null =>
    id === null
      ? null
      : {
          __typename: 'Maker',
          id,
          name: nameOf(id),
          nick: () => nickOf(id),
          peer: () => (id === 'm1' ? one.maker('m2') : null),
          best: () => one.item(itemOf(bestOf(id)?.id ?? '')),
          reviews: () => reviews.filter(({ by }) => by === id).map(one.review),
          note: ({ loud }: { loud: boolean | null }) => noteOf(id, loud),
        },
  review: (review: Review): object => ({
    ...review,
    by: () => one.maker(review.by),
    of: () => one.item(itemOf(review.itemId)),
    key: `${review.id}@${review.itemId}`,
  }),
};

export const rootValue = {
  items: ({ first, of }: { first: number | null; of?: string[] | null }) =>
    items
      .filter(({ id }) => of == null || of.includes(id))
      .slice(0, first ?? undefined)
      .map(one.item),
  item: ({ id }: Id) => one.item(itemOf(id)),
  shelf: () => [[one.item(itemOf('b1')), null, one.item(itemOf('f1'))], null, [], [one.item(itemOf('t1'))]],
  pick: ({ id }: Id) => (makers.includes(id) ? one.maker(id) : id.startsWith('t') ? null : one.item(itemOf(id))),
  books: () => [one.item(itemOf('b1')), null, one.item(itemOf('b2')), one.item(itemOf('b3'))],
  makers: () => makers.map(one.maker),
  maker: ({ id }: { id: string | null }) => (id !== null && makers.includes(id) ? one.maker(id) : null),
  reviews: (given: ReviewArguments) => filterReviews(given).map(one.review),
  parcels: () => [
    { times: 1, book: one.item(itemOf('b2')), review: one.review(reviews[0] as Review) },
    { times: 2, book: null, review: null },
  ],
  top: ({ first }: { first?: number | null }) => ['f1', 'b1', 't1'].slice(0, first ?? 3).map((id) => one.item(itemOf(id))),
  rate: (given: Rating) => one.review(toReview(given)),
  refuse: ({ why }: { why: string }) => fails(why),
  order: ({ item, times }: { item: string; times: number | null }) => ({
    times: times ?? 0,
    book: item.startsWith('b') ? one.item(itemOf(item)) : null,
    review: null,
  }),
};
