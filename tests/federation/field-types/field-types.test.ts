import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';

/** The interface's field is unknown to the service that has the objects, and not of one type among them. */
const world = createWorld([
  {
    name: 'depot',
    sdl: `
      type Query { wares: [Ware!]! }
      interface Ware { id: ID! }
      type Crate implements Ware @key(fields: "id") { id: ID!  mass: Float! @shareable }
      type Barrel implements Ware @key(fields: "id") { id: ID!  mass: Float @shareable }
      type Sack implements Ware @key(fields: "id") { id: ID! }`,
    resolvers: {
      Query: {
        wares: () => [
          { __typename: 'Crate', id: 'c', mass: 1.5 },
          { __typename: 'Barrel', id: 'b', mass: null },
          { __typename: 'Sack', id: 's' },
        ],
      },
    },
  },
  {
    name: 'scales',
    sdl: `
      interface Ware { id: ID!  mass: Float }
      type Crate implements Ware @key(fields: "id") { id: ID!  mass: Float! @shareable }
      type Barrel implements Ware @key(fields: "id") { id: ID!  mass: Float @shareable }
      type Sack implements Ware @key(fields: "id") { id: ID!  mass: Float! }`,
    resolvers: { Sack: { __resolveReference: (reference: object) => reference, mass: () => 9 } },
  },
]);

describe('a field whose type differs between the types of an interface', () => {
  it('has one name in the answer, whatever name the service was asked by', async () => {
    const { response, fetches } = await world.run('{ wares { __typename mass } }');
    expect(fetches[0]?.operation).toMatch(/mass__alias_\d+:mass/);
    expect(response).toEqual({
      data: {
        wares: [
          { __typename: 'Crate', mass: 1.5 },
          { __typename: 'Barrel', mass: null },
          { __typename: 'Sack', mass: 9 },
        ],
      },
    });
  });
});
