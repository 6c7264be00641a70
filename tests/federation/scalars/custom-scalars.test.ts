import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';
import { createOneSchema, expectSameAnswer } from '../support/one-schema.js';

// Values of custom scalars are the caller's and the services' affair: objects, lists and odd keys go through as they are.
const SETTINGS = { __typename: 'Fake', id: 7, list: [1, { deep: [null, 'x'] }], on: false, 'odd key': '' };
const docs = [
  { id: 'd1', settings: SETTINGS, at: '2026-01-02T03:04:05Z', big: 9_007_199_254_740_991, grid: [[{ a: 1 }], [], null] },
  { id: 'd2', settings: null, at: null, big: -1, grid: null },
  { id: 'd3', settings: [1, 'two', null], at: 'never', big: 0.5, grid: [] },
];
const docOf = (key: (doc: (typeof docs)[number]) => boolean) => docs.find(key) ?? null;

const world = createWorld([
  {
    name: 'docs',
    sdl: `
      scalar JSON  scalar Time  scalar Big
      type Query { docs: [Doc!]!  echo(value: JSON, list: [JSON], in: Box): JSON }
      input Box { value: JSON!  at: Time = "now" }
      type Doc @key(fields: "id") @key(fields: "settings") { id: ID!  settings: JSON @shareable  at: Time  big: Big!  grid: [[JSON]] }`,
    resolvers: {
      Query: { docs: () => docs, echo: (_: unknown, given: object) => given },
      Doc: { __resolveReference: ({ id }: { id: string }) => docOf((doc) => doc.id === id) },
    },
  },
  {
    name: 'views',
    sdl: `
      scalar JSON  scalar Time
      type Query { last: Doc }
      type Doc @key(fields: "settings") { settings: JSON  at: Time @external  age: String! @requires(fields: "at")  shown: JSON }`,
    resolvers: {
      Query: { last: () => ({ settings: SETTINGS }) },
      Doc: {
        __resolveReference: (reference: object) => reference,
        age: ({ at }: { at: string | null }) => `since ${String(at)}`,
        shown: ({ settings }: { settings: unknown }) => ({ of: settings }),
      },
    },
  },
]);

const toOne = (doc: (typeof docs)[number]) => ({ ...doc, age: `since ${String(doc.at)}`, shown: { of: doc.settings } });
const one = createOneSchema(
  `scalar JSON scalar Time scalar Big
   type Query { docs: [Doc!]!  echo(value: JSON, list: [JSON], in: Box): JSON  last: Doc } input Box { value: JSON!  at: Time = "now" }
   type Doc { id: ID!  settings: JSON  at: Time  big: Big!  grid: [[JSON]]  age: String!  shown: JSON }`,
  () => ({ docs: () => docs.map(toOne), echo: (given: object) => given, last: () => toOne(docs[0] as (typeof docs)[number]) }),
);

describe('custom scalars', () => {
  it.each([
    ['of every shape', '{ docs { id settings at big grid } }'],
    ['as a key, whole', '{ docs { shown age } }'],
    ['under aliases, twice', '{ docs { id: settings settings: id a: grid b: grid } }'],
    ['as arguments', '{ echo(value: { a: [1, { b: null }], __typename: "x" }, list: [1, null, "s"], in: { value: [] }) }'],
    ['that are null or absent', '{ a: echo b: echo(value: null, list: null, in: null) c: echo(list: []) }'],
  ])('%s', async (_, document) => {
    await expectSameAnswer(world, one, document);
  });

  it('as variables, also inside literals', async () => {
    await expectSameAnswer(
      world,
      one,
      'query($v: JSON, $n: JSON!, $t: Time) { echo(value: $v, list: [$v, 1], in: { value: $n, at: $t }) }',
      {
        v: SETTINGS,
        n: 'text',
      },
    );
  });

  it('a value that is a key of two services is merged from neither', async () => {
    const { response } = await world.run('{ docs { settings shown } last { settings shown } }');
    expect(response.data?.['last']).toEqual({ settings: SETTINGS, shown: { of: SETTINGS } });
  });
});
