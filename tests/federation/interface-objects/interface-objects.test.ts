import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';

const shapes: Record<string, { __typename: string; id: string; name: string; radius?: number; side?: number }> = {
  s1: { __typename: 'Circle', id: 's1', name: 'sun', radius: 7 },
  s2: { __typename: 'Square', id: 's2', name: 'tile', side: 2 },
};

/** One service knows the kinds of shapes, one knows of the interface alone, one of a single kind. */
const world = createWorld([
  {
    name: 'shapes',
    sdl: `
      type Query { shapes: [Shape!]!  flat: Flat }
      union Flat = Circle | Square | Keeper
      type Keeper @key(fields: "id", resolvable: false) { id: ID! }
      interface Shape @key(fields: "id") { id: ID!  name: String! }
      type Circle implements Shape @key(fields: "id") { id: ID!  name: String!  radius: Int! }
      type Square implements Shape @key(fields: "id") { id: ID!  name: String!  side: Int! }
      type Cube implements Shape @key(fields: "id") { id: ID!  name: String! }`,
    resolvers: {
      Query: { shapes: () => Object.values(shapes), flat: () => shapes['s1'] },
      Shape: { __resolveReference: ({ id }: { id: string }) => shapes[id] },
      Circle: { __resolveReference: ({ id }: { id: string }) => shapes[id] },
      Square: { __resolveReference: ({ id }: { id: string }) => shapes[id] },
    },
  },
  {
    name: 'ranks',
    sdl: `
      type Query { best: Shape  ranked: [Shape!]! }
      type Shape @interfaceObject @key(fields: "id") { id: ID!  rank: Int!  twice(add: Int = 0): Int!  corners: Int  keeper: Keeper! }
      type Keeper @key(fields: "id", resolvable: false) { id: ID! }`,
    resolvers: {
      Query: { best: () => ({ id: 's2' }), ranked: () => [{ id: 's2' }, { id: 's1' }] },
      Shape: {
        __resolveReference: (reference: object) => reference,
        rank: ({ id }: { id: string }) => Number(id.slice(1)) * 10,
        corners: ({ id }: { id: string }) => {
          if (id === 's1') throw new Error('a circle has none');
          return 4;
        },
        keeper: ({ id }: { id: string }) => ({ id: `k${id}` }),
        twice: ({ id }: { id: string }, { add }: { add: number }) => Number(id.slice(1)) * 2 + add,
      },
    },
  },
  {
    name: 'keepers',
    sdl: 'type Keeper @key(fields: "id") { id: ID!  nick: String }',
    resolvers: {
      Keeper: {
        __resolveReference: (reference: object) => reference,
        nick({ id }: { id: string }) {
          throw new Error(`${id} has no nick`);
        },
      },
    },
  },
  {
    name: 'areas',
    sdl: 'interface Round { area: Int! } type Circle implements Round @key(fields: "id") { id: ID!  area: Int! }',
    resolvers: { Circle: { __resolveReference: (reference: object) => reference, area: () => 153 } },
  },
]);

async function ask(document: string): Promise<unknown> {
  const { response } = await world.run(document);
  expect(response.errors).toBeUndefined();
  return JSON.parse(JSON.stringify(response.data));
}

describe('an interface that one service knows as an object', () => {
  it('gets its fields from there, each object keeping its own type', async () => {
    expect(await ask('{ shapes { __typename name rank } }')).toEqual({
      shapes: [
        { __typename: 'Circle', name: 'sun', rank: 10 },
        { __typename: 'Square', name: 'tile', rank: 20 },
      ],
    });
  });

  it('gets its fields from there when one of its types is asked for them', async () => {
    expect(await ask('{ shapes { ... on Circle { rank area } ... on Square { side } } }')).toEqual({
      shapes: [{ rank: 10, area: 153 }, { side: 2 }],
    });
  });

  it('learns its type elsewhere when the service that starts it has none', async () => {
    expect(await ask('{ best { __typename rank name } }')).toEqual({ best: { __typename: 'Square', rank: 20, name: 'tile' } });
  });

  it('answers fields of its types though the service that starts it knows no types', async () => {
    expect(await ask('{ ranked { id ... on Circle { radius area } ... on Square { side } } }')).toEqual({
      ranked: [
        { id: 's2', side: 2 },
        { id: 's1', radius: 7, area: 153 },
      ],
    });
  });

  it('answers what types of another interface have', async () => {
    expect(await ask('{ ranked { rank ...R } } fragment R on Round { __typename area ... on Shape { name } }')).toEqual({
      ranked: [{ rank: 20 }, { rank: 10, __typename: 'Circle', area: 153, name: 'sun' }],
    });
  });

  it('keeps apart what its types select under one key', async () => {
    expect(
      await ask(
        '{ shapes { ... on Circle { twice(add: 5) x: rank } ... on Square { twice x: twice(add: 1) } } best { x: rank ... on Square { y: twice(add: 2) } } }',
      ),
    ).toEqual({
      shapes: [
        { twice: 7, x: 10 },
        { twice: 4, x: 5 },
      ],
      best: { x: 20, y: 6 },
    });
  });

  it('says nothing of what went wrong with a type for which nobody asked', async () => {
    expect(await ask('{ shapes { ... on Circle { twice } ... on Square { corners } } }')).toEqual({
      shapes: [{ twice: 2 }, { corners: 4 }],
    });
    expect(await ask('{ flat { ... on Shape { rank ... on Cube { keeper { nick } } } } }')).toEqual({ flat: { rank: 10 } });
    const { response } = await world.run('{ shapes { corners } }');
    expect(response.errors).toEqual([expect.objectContaining({ path: ['shapes', 0, 'corners'] })]);
  });

  it('answers its own fields where a condition leaves out what would have told the types', async () => {
    expect(
      await ask(
        'query ($no: Boolean! = true) { ranked { rank name @skip(if: $no) } best { rank ... on Circle @skip(if: $no) { radius } } }',
      ),
    ).toEqual({
      ranked: [{ rank: 20 }, { rank: 10 }],
      best: { rank: 20 },
    });
  });

  it('answers its own fields without asking for types', async () => {
    expect(await ask('{ ranked { id rank } }')).toEqual({
      ranked: [
        { id: 's2', rank: 20 },
        { id: 's1', rank: 10 },
      ],
    });
  });
});
