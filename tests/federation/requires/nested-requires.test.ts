import { describe, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';
import { createOneSchema, expectSameAnswer } from '../support/one-schema.js';

// An order's total needs the tax, which needs the price: three services, one after the other, the first of them twice.
const orders = [
  { id: 'o1', price: 100, box: { width: 3, height: 2 }, parts: [{ grams: 5 }, { grams: 7 }], content: { __typename: 'Film', minutes: 90 } },
  { id: 'o2', price: null, box: null, parts: [], content: { __typename: 'Novel', pages: 300 } },
  { id: 'o3', price: 7, box: { width: 1, height: 1 }, parts: [{ grams: 1 }], content: null },
];
type Order = (typeof orders)[number];
const orderOf = (id: string): Order | undefined => orders.find((order) => order.id === id);
const sentBack = { __resolveReference: (reference: object) => reference };
const taxOf = (price: number | null | undefined) => (price == null ? null : price * 0.2);
const totalOf = (price: number | null, tax: number | null) => (price === null || tax === null ? null : price + tax);
const areaOf = (box: { width: number; height: number } | null) => (box === null ? null : box.width * box.height);
const gramsOf = (parts: { grams: number }[]) => parts.reduce((sum, { grams }) => sum + grams, 0);
const lengthOf = (content: { minutes?: number; pages?: number } | null) =>
  content === null ? 'none' : content.minutes !== undefined ? `${content.minutes} min` : `${String(content.pages)} p`;

const world = createWorld([
  {
    name: 'orders',
    sdl: `
      type Query { orders: [Order!]!  order(id: ID!): Order }
      type Order @key(fields: "id") { id: ID!  price: Float  box: Box  parts: [Part!]!  content: Content  total: Float @external  invoice: String! @requires(fields: "total") }
      type Box { width: Int!  height: Int! }
      type Part { grams: Int! }
      union Content = Film | Novel
      type Film { minutes: Int! }
      type Novel { pages: Int! }`,
    resolvers: {
      Query: { orders: () => orders, order: (_: unknown, { id }: { id: string }) => orderOf(id) },
      Order: {
        __resolveReference: (reference: { id: string }) => ({ ...orderOf(reference.id), ...reference }),
        invoice: ({ id, total }: { id: string; total: number | null }) => `${id}: ${total ?? 'nothing'}`,
      },
    },
  },
  {
    name: 'taxes',
    sdl: 'type Order @key(fields: "id") { id: ID!  price: Float @external  tax: Float @requires(fields: "price") }',
    resolvers: { Order: { ...sentBack, tax: ({ price }: { price: number | null }) => taxOf(price) } },
  },
  {
    name: 'totals',
    sdl: `
      type Order @key(fields: "id") {
        id: ID!  price: Float @external  tax: Float @external  box: Box @external  parts: [Part!]! @external  content: Content @external
        total: Float @requires(fields: "price tax")
        area: Int @requires(fields: "box { width height }")
        grams: Int! @requires(fields: "parts { grams }")
        length: String! @requires(fields: "content { ... on Film { minutes } ... on Novel { pages } }")
      }
      type Box { width: Int! @external  height: Int! @external }
      type Part { grams: Int! @external }
      union Content = Film | Novel
      type Film { minutes: Int! @external }
      type Novel { pages: Int! @external }`,
    resolvers: {
      Order: {
        ...sentBack,
        total: ({ price, tax }: { price: number | null; tax: number | null }) => totalOf(price, tax),
        area: ({ box }: { box: { width: number; height: number } | null }) => areaOf(box),
        grams: ({ parts }: { parts: { grams: number }[] }) => gramsOf(parts),
        length: ({ content }: { content: object | null }) => lengthOf(content),
      },
    },
  },
]);

const toOne = (order: Order | undefined): object | null => {
  if (order === undefined) return null;
  const tax = taxOf(order.price);
  const total = totalOf(order.price, tax);
  return {
    ...order,
    tax,
    total,
    invoice: `${order.id}: ${total ?? 'nothing'}`,
    area: areaOf(order.box),
    grams: gramsOf(order.parts),
    length: lengthOf(order.content),
  };
};
const one = createOneSchema(
  `type Query { orders: [Order!]!  order(id: ID!): Order }
   type Order { id: ID!  price: Float  box: Box  parts: [Part!]!  content: Content  invoice: String!  tax: Float  total: Float  area: Int  grams: Int!  length: String! }
   type Box { width: Int!  height: Int! } type Part { grams: Int! } union Content = Film | Novel type Film { minutes: Int! } type Novel { pages: Int! }`,
  () => ({ orders: () => orders.map(toOne), order: ({ id }: { id: string }) => toOne(orderOf(id)) }),
);

describe('@requires', () => {
  it.each([
    ['of a field that requires another', '{ orders { total } }'],
    ['that leads back to the service where the object came from', '{ orders { invoice } }'],
    ['beside what it requires', '{ orders { price tax total invoice } }'],
    ['of nested fields, in lists and under null', '{ orders { area grams } }'],
    ['of nested fields of which the caller wants others', '{ orders { box { height } parts { __typename } grams area } }'],
    ['under an alias of what it requires', '{ orders { price: id tax: price total: invoice box: area parts: grams } }'],
    ['of fields of a union', '{ orders { length } }'],
    ['of fields of a union of which the caller wants one', '{ orders { content { __typename ... on Novel { pages } } length } }'],
    ['of an object that is not there', '{ order(id: "none") { total length } }'],
    ['twice in one object', '{ order(id: "o1") { a: total b: total ... { c: total invoice } } }'],
  ])('%s', async (_, document) => {
    await expectSameAnswer(world, one, document);
  });
});
