import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';
import { createOneSchema, expectSameAnswer } from '../support/one-schema.js';

// Fields of one service and of two that need one field of the goods with different arguments.
const rates: Record<string, number> = { EUR: 1, USD: 2, YEN: 100 };
const goods = [
  { id: 'g1', base: 10 },
  { id: 'g2', base: 4 },
];
const goodOf = (id: string) => goods.find((good) => good.id === id) as (typeof goods)[number];
const priceOf = (id: string, currency: string) => goodOf(id).base * (rates[currency] ?? 0);
const notesOf = (id: string, limit: number) => ['a', 'b', 'c', 'd'].slice(0, limit).map((text) => ({ text: `${id}${text}` }));
const sentBack = { __resolveReference: (reference: object) => reference };
interface Sent {
  price: number;
  notes: { text: string }[];
}

const world = createWorld([
  {
    name: 'goods',
    sdl: `
      type Query { goods: [Good!]! }
      type Mutation { add: Good! }
      type Good @key(fields: "id") { id: ID!  price(currency: String! = "EUR"): Int!  notes(limit: Int!): [Note!]! }
      type Note { text: String! }`,
    resolvers: {
      Query: { goods: () => goods },
      Mutation: { add: () => goods[0] },
      Good: {
        ...sentBack,
        price: ({ id }: { id: string }, { currency }: { currency: string }) => priceOf(id, currency),
        notes: ({ id }: { id: string }, { limit }: { limit: number }) => notesOf(id, limit),
      },
    },
  },
  {
    name: 'labels',
    sdl: `
      type Good @key(fields: "id") {
        id: ID!  price(currency: String! = "EUR"): Int! @external  notes(limit: Int!): [Note!]! @external
        euros: String! @requires(fields: "price(currency: \\"EUR\\")")
        dollars: String! @requires(fields: "price(currency: \\"USD\\")")
        plain: String! @requires(fields: "price")
        first(mark: String = ""): String! @requires(fields: "notes(limit: 1) { text }")
        few: Int! @requires(fields: "notes(limit: 2) { text }")
      }
      type Note { text: String! @external }`,
    resolvers: {
      Good: {
        ...sentBack,
        euros: ({ price }: Sent) => `€${price}`,
        dollars: ({ price }: Sent) => `$${price}`,
        plain: ({ price }: Sent) => `=${price}`,
        first: ({ notes }: Sent, { mark }: { mark: string }) => `${notes[0]?.text ?? ''}${mark}`,
        few: ({ notes }: Sent) => notes.length,
      },
    },
  },
  {
    name: 'export',
    sdl: `
      type Good @key(fields: "id") {
        id: ID!  price(currency: String! = "EUR"): Int! @external  notes(limit: Int!): [Note!]! @external
        yen: String! @requires(fields: "price(currency: \\"YEN\\")")
        all: Int! @requires(fields: "notes(limit: 9) { text }")
      }
      type Note { text: String! @external }`,
    resolvers: { Good: { ...sentBack, yen: ({ price }: Sent) => `¥${price}`, all: ({ notes }: Sent) => notes.length } },
  },
]);

const toOne = (good: (typeof goods)[number]): object => ({
  ...good,
  price: ({ currency }: { currency: string }) => priceOf(good.id, currency),
  notes: ({ limit }: { limit: number }) => notesOf(good.id, limit),
  euros: `€${priceOf(good.id, 'EUR')}`,
  dollars: `$${priceOf(good.id, 'USD')}`,
  plain: `=${priceOf(good.id, 'EUR')}`,
  first: ({ mark }: { mark: string }) => `${good.id}a${mark}`,
  few: 2,
  yen: `¥${priceOf(good.id, 'YEN')}`,
  all: 4,
});
const one = createOneSchema(
  `type Query { goods: [Good!]! } type Mutation { add: Good! }
   type Good { id: ID!  price(currency: String! = "EUR"): Int!  notes(limit: Int!): [Note!]!
     euros: String!  dollars: String!  plain: String!  first(mark: String = ""): String!  few: Int!  yen: String!  all: Int! }
   type Note { text: String! }`,
  () => ({ goods: () => goods.map(toOne), add: () => toOne(goods[0] as (typeof goods)[number]) }),
);

it('an error of an input stands at the field that the caller knows', async () => {
  const { response } = await world.run(
    '{ goods { dollars } }',
    {},
    {
      intercept: ({ node, chunk, service }) =>
        service === 'goods'
          ? {
              node,
              chunk,
              data: { goods: [{ __typename: 'Good', id: 'g1', _input_1_price: null }] },
              errors: [{ message: 'no rate', path: ['goods', 0, '_input_1_price'], extensions: { code: 'NO_RATE' } }],
            }
          : undefined,
    },
  );
  expect(response.errors?.[0]).toMatchObject({ path: ['goods', 0, 'price'], extensions: { code: 'NO_RATE' } });
});

describe('fields that require one field with different arguments', () => {
  it.each([
    ['in two services', '{ goods { euros yen } }'],
    ['in one service', '{ goods { euros dollars } }'],
    ['in one service and another, beside the field itself', '{ goods { price dollars yen price2: price(currency: "YEN") plain } }'],
    ['whose values are lists of objects', '{ goods { first few all notes(limit: 3) { text } } }'],
    ['in the other order', '{ goods { notes(limit: 3) { text } all few first } }'],
    ['several of them at once', '{ goods { euros dollars first few yen all } }'],
    ['of which one is selected in a fragment', '{ goods { euros ...D } } fragment D on Good { dollars ... { few first } }'],
    ['under aliases', '{ goods { dollars: euros euros: dollars price: few } }'],
  ])('get it so: %s', async (_, document) => {
    await expectSameAnswer(world, one, document);
  });

  it('get it so with arguments of their own', async () => {
    const document = 'query($mark: String) { goods { first(mark: $mark) other: first few euros dollars } }';
    await expectSameAnswer(world, one, document, { mark: '!' });
    await expectSameAnswer(world, one, document);
  });

  it('get it so of what a mutation answers, which is sent once', async () => {
    const { fetches } = await expectSameAnswer(world, one, 'mutation { add { euros dollars yen } }');
    expect(fetches.filter(({ operationKind }) => operationKind === 'mutation')).toHaveLength(1);
  });
});
