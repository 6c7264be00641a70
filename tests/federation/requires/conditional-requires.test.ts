import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';

// Parcels whose fields need inputs of another service; `size` is an input and a part of one of their keys as well.
const parcels = [
  { id: 'p1', size: 3, weight: 20 },
  { id: 'p2', size: 5, weight: null },
];
const sentBack = { __resolveReference: (reference: object) => reference };

const world = createWorld([
  {
    name: 'depot',
    sdl: `
      type Query { parcels: [Parcel!]! }
      type Parcel @key(fields: "id size") { id: ID!  size: Int!  weight: Int  tags: [String!]! }`,
    resolvers: {
      Query: { parcels: () => parcels },
      Parcel: {
        __resolveReference: ({ id }: { id: string }) => parcels.find((parcel) => parcel.id === id),
        tags: ({ id }: { id: string }) => [`${id}!`],
      },
    },
  },
  {
    name: 'post',
    sdl: `
      type Query { letters: [Letter!]! }
      type Letter { parcel: Parcel! }
      type Parcel @key(fields: "id size") {
        id: ID!  size: Int!  weight: Int @external  tags: [String!]! @external
        price: Int @requires(fields: "weight")
        label: String! @requires(fields: "tags")
        volume: Int!
      }`,
    resolvers: {
      Query: { letters: () => parcels.map(({ id, size }) => ({ parcel: { id, size } })) },
      Parcel: {
        ...sentBack,
        price: ({ weight }: { weight: number | null }) => weight && weight * 2,
        label: ({ tags }: { tags: string[] }) => tags.join(),
        volume: ({ size }: { size: number }) => size ** 3,
      },
    },
  },
]);

const expected = (price: boolean, label: boolean, volume: boolean) => ({
  parcels: parcels.map(({ id, size, weight }) => ({
    ...(price ? { price: weight && weight * 2 } : {}),
    ...(label ? { label: `${id}!` } : {}),
    ...(volume ? { volume: size ** 3 } : {}),
  })),
});
const plain = (data: unknown): unknown => JSON.parse(JSON.stringify(data));

describe('fields of one service that require inputs', () => {
  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('do not need those of fields that are left out: price %s, label %s', async (price, label) => {
    const variables = { price, label };
    const beside = 'query($price: Boolean!, $label: Boolean!) { parcels { price @include(if: $price) label @include(if: $label) volume } }';
    const { response, fetches } = await world.run(beside, variables);
    expect(response.errors).toBeUndefined();
    expect(plain(response.data)).toEqual(expected(price, label, true));
    // One request all the same.
    expect(fetches.map(({ service }) => service)).toEqual(['depot', 'post']);

    const inFragments =
      'query($price: Boolean!, $label: Boolean!) { parcels { ...P @include(if: $price) ... @include(if: $label) { label } } } fragment P on Parcel { price }';
    expect(plain((await world.run(inFragments, variables)).response.data)).toEqual(expected(price, label, false));
  });

  it.each([
    'query($x: Boolean!) { parcels { label ... @include(if: $x) { price } } }',
    'query($x: Boolean!) { parcels { label } parcels @include(if: $x) { price } }',
    'query($x: Boolean!) { parcels { label ...P @include(if: $x) } } fragment P on Parcel { price }',
    'query($x: Boolean!) { letters { parcel { label ... @include(if: $x) { price } } } }',
  ])('do not need those of fields whose fragment or parent is left out: %s', async (document) => {
    for (const x of [true, false]) {
      const { response } = await world.run(document, { x });
      const [all] = document.includes('letters')
        ? [(plain(response.data) as { letters: { parcel: unknown }[] }).letters.map(({ parcel }) => parcel)]
        : [(plain(response.data) as { parcels: unknown[] }).parcels];
      expect(all).toEqual(parcels.map(({ id, weight }) => ({ label: `${id}!`, ...(x ? { price: weight && weight * 2 } : {}) })));
    }
  });

  it('of one condition or of none share a representation', async () => {
    const { fetches } = await world.run('query($x: Boolean!) { parcels { volume label ... @include(if: $x) { weight } } }', { x: true });
    expect(fetches.map(({ variables }) => Object.keys(variables))).toEqual([['x'], ['representations']]);
  });
});

describe('an object of which every field is left out', () => {
  it.each(['id', 'volume'])('is there, whatever service gives them: %s', async (field) => {
    const { response, fetches } = await world.run(
      `query($x: Boolean!) { parcels { ${field} @include(if: $x) ... @include(if: $x) { weight } } }`,
      { x: false },
    );
    expect(plain(response.data)).toEqual({ parcels: [{}, {}] });
    expect(fetches).toHaveLength(1);
  });

  it('is there when it is under a condition of its own', async () => {
    const inner = 'query($x: Boolean!, $y: Boolean!) { parcels @include(if: $y) { weight @include(if: $x) } }';
    expect(plain((await world.run(inner, { x: false, y: true })).response.data)).toEqual({ parcels: [{}, {}] });
    expect(plain((await world.run(inner, { x: false, y: false })).response.data)).toEqual({});
  });

  it('of a literal condition as well', async () => {
    expect(plain((await world.run('{ parcels { id @skip(if: true) } }')).response.data)).toEqual({ parcels: [{}, {}] });
  });
});
