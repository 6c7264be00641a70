// The benchmark's shop: four services that know each other's entities, and one deep query over all of them.

const LINK =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@external", "@requires", "@provides", "@shareable"])';

/** Root fields take a variable that differs per request, so that no gateway can take two requests for one. */
const ASKED_BY = 'askedBy: ID';

const SENTENCES = [
  'It came a day early and well packed, and the children had it out of its box before I found the manual.',
  'After three months of daily use the hinges are as firm as they were on the first evening.',
  'The colour is a shade darker than the picture promises, which turned out to suit the room better.',
  'I had feared that it would be too heavy to carry up four floors; two of us managed it without a break.',
  'One screw was missing, and the shop sent three more within the week, with a friendly note.',
  'My neighbour has the older model and came over twice to compare the two.',
  'It does one thing and does it quietly.',
  'For this price I would have been content with half of it.',
  'The surface takes a scratch if you look at it sternly, so give it a cloth from the beginning.',
  'Cleaning is a matter of a minute, provided that nobody has spilled honey.',
  'I would buy it again, and in fact I did, for my sister.',
  'The cable could be longer; everything else could not be better.',
];

/** Sentences, and how many of them, for each review: texts of 140 to 900 letters. */
const LENGTHS = [5, 3, 6, 9, 4, 7, 2, 8, 5, 9, 3];
/** Which product each review is about. */
const PRODUCT_OF = [1, 1, 1, 1, 2, 2, 2, 2, 3, 4, 4];

const users = ['Ada', 'Bruno', 'Chiara', 'Dmitri', 'Edda', 'Farid'].map((name, n) => ({
  __typename: 'User',
  id: String(n + 1),
  name: `${name} Lindqvist`,
  username: `${name.toLowerCase()}.${n + 1}`,
  birthday: 7_300 + n * 411,
}));
const products = ['Table', 'Couch', 'Chair', 'Lamp', 'Shelf', 'Rug', 'Desk', 'Bench', 'Stool'].map((name, n) => ({
  __typename: 'Product',
  upc: String(n + 1),
  name,
  price: 899 - n * 83,
  weight: 100 + n * 35,
}));
const reviews = PRODUCT_OF.map((upc, n) => ({
  __typename: 'Review',
  id: String(n + 1),
  body: Array.from({ length: LENGTHS[n] as number }, (_, k) => SENTENCES[(n * 5 + k) % SENTENCES.length]).join(' '),
  upc: String(upc),
}));

export interface Service {
  sdl: string;
  resolvers: Record<string, Record<string, (object: never, args: never) => unknown>>;
}

/** One user wrote all reviews, and everyone's reviews are the first two: the answer is deep and its entities are few. */
export const SERVICES: Record<string, Service> = {
  accounts: {
    sdl: `${LINK}
      type Query { me: User users(${ASKED_BY}): [User!]! }
      type User @key(fields: "id") { id: ID! name: String username: String @shareable birthday: Int }`,
    resolvers: {
      Query: { me: () => users[0], users: () => users },
      User: { __resolveReference: ({ id }: { id: string }) => users.find((user) => user.id === id) },
    },
  },
  products: {
    sdl: `${LINK}
      type Query { topProducts(first: Int = 5, ${ASKED_BY}): [Product!]! }
      type Product @key(fields: "upc") { upc: String! name: String price: Int weight: Int generation0: Int }`,
    resolvers: {
      Query: { topProducts: (_: unknown, { first }: { first: number }) => products.slice(0, first) },
      Product: { __resolveReference: ({ upc }: { upc: string }) => products.find((product) => product.upc === upc) },
    },
  },
  inventory: {
    sdl: `${LINK}
      type Product @key(fields: "upc") {
        upc: String! price: Int @external weight: Int @external
        inStock: Boolean shippingEstimate: Int @requires(fields: "price weight")
      }`,
    resolvers: {
      Product: {
        inStock: ({ upc }: { upc: string }) => Number(upc) % 3 !== 0,
        shippingEstimate: ({ price, weight }: { price: number; weight: number }) => (price > 700 ? 0 : Math.round(weight / 2)),
      },
    },
  },
  reviews: {
    sdl: `${LINK}
      type Review @key(fields: "id") { id: ID! body: String author: User @provides(fields: "username") product: Product }
      type User @key(fields: "id") { id: ID! username: String @external reviews: [Review!]! }
      type Product @key(fields: "upc") { upc: String! reviews: [Review!]! }`,
    resolvers: {
      Review: {
        __resolveReference: ({ id }: { id: string }) => reviews.find((review) => review.id === id),
        author: () => ({ __typename: 'User', id: '1', username: users[0]?.username }),
        product: ({ upc }: { upc: string }) => ({ __typename: 'Product', upc }),
      },
      User: { reviews: () => reviews.slice(0, 2) },
      Product: { reviews: ({ upc }: { upc: string }) => reviews.filter((review) => review.upc === upc) },
    },
  },
};

const FRAGMENTS = `
  fragment User on User { id username name }
  fragment Review on Review { id body }
  fragment Product on Product { inStock name price shippingEstimate upc weight }`;

const USERS = `{
  ...User reviews { ...Review product { ...Product reviews { ...Review author {
    ...User reviews { ...Review product { ...Product } } } } } }
}`;
const PRODUCTS = `{ ...Product reviews { ...Review author { ...User reviews { ...Review product { ...Product } } } } }`;

/** Over all four services, seven levels deep; about 86 KB of answer. */
export const SHOP_QUERY = `query Shop { users ${USERS} topProducts(first: 5) ${PRODUCTS} } ${FRAGMENTS}`;
/** The same with a variable, `askedBy`. */
export const SHOP_QUERY_BY_CALLER = `query ShopFor($askedBy: ID) {
  users(askedBy: $askedBy) ${USERS} topProducts(first: 5, askedBy: $askedBy) ${PRODUCTS} } ${FRAGMENTS}`;
/** One service, one fetch, under 1 KB. */
export const ONE_SERVICE_QUERY = 'query Top { topProducts(first: 5) { upc name price weight } }';
