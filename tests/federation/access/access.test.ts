import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';

/** `old` still answers what it handed over; `vault` holds what the API hides. */
const world = createWorld([
  {
    name: 'old',
    sdl: `
      type Query { lamp: Lamp  finds: [Find]!  needed: [Find!]  self: Query! }
      type Lamp @key(fields: "id") { id: ID!  watts: Int  color: Color  secret: Int @inaccessible }
      enum Color { WARM COLD HIDDEN @inaccessible }
      union Find = Lamp | Safe
      type Safe @inaccessible { code: Int }`,
    resolvers: {
      Query: {
        lamp: () => ({ id: 'l1', watts: 100, color: 'HIDDEN', secret: 42 }),
        finds: () => [
          { __typename: 'Safe', code: 7 },
          { __typename: 'Lamp', id: 'l1' },
        ],
        needed: () => [
          { __typename: 'Lamp', id: 'l1' },
          { __typename: 'Safe', code: 7 },
        ],
        self: () => ({}),
      },
      Lamp: { __resolveReference: ({ id }: { id: string }) => ({ id, watts: 100, color: 'WARM', secret: 42 }) },
    },
  },
  {
    name: 'new',
    sdl: 'type Lamp @key(fields: "id") { id: ID!  watts: Int @override(from: "old")  secret: Int @external  hint: String! @requires(fields: "secret") }',
    resolvers: {
      Lamp: {
        __resolveReference: (reference: object) => reference,
        watts: () => 9,
        hint: ({ secret }: { secret: number }) => `about ${String(secret)}`,
      },
    },
  },
]);

describe('@override', () => {
  it('takes the field from the service that took it over', async () => {
    expect((await world.run('{ lamp { watts } }')).response).toEqual({ data: { lamp: { watts: 9 } } });
  });
});

describe('@inaccessible', () => {
  it('hides a field from callers, not from a @requires', async () => {
    expect((await world.run('{ lamp { hint } }')).response).toEqual({ data: { lamp: { hint: 'about 42' } } });
  });

  it('makes a hidden enum value null, and the error does not name it', async () => {
    const { response } = await world.run('{ lamp { id color } }');
    expect(response).toMatchObject({
      data: { lamp: { id: 'l1', color: null } },
      errors: [{ path: ['lamp', 'color'], extensions: { code: 'INVALID_RESPONSE' } }],
    });
    expect(JSON.stringify(response)).not.toContain('HIDDEN');
  });

  it('makes an object of a hidden type null where it may be, and the error does not name it', async () => {
    const { response } = await world.run('{ finds { __typename ... on Lamp { watts } } }');
    expect(response).toMatchObject({ data: { finds: [null, { __typename: 'Lamp', watts: 9 }] }, errors: [{ path: ['finds', 0] }] });
    expect(JSON.stringify(response)).not.toContain('Safe');
  });

  it('takes the list with it where no null may stand', async () => {
    const { response } = await world.run('{ needed { ... on Lamp { id } } }');
    expect(response).toMatchObject({ data: { needed: null }, errors: [{ path: ['needed', 1] }] });
  });
});

describe('the root as a field', () => {
  it('is answered at any depth', async () => {
    expect((await world.run('{ self { self { lamp { watts } } __typename } }')).response).toEqual({
      data: { self: { self: { lamp: { watts: 9 } }, __typename: 'Query' } },
    });
  });
});
