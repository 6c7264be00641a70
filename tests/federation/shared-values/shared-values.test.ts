import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';

/** Two services share a value type without a key: each is asked for its own part of it at the root. */
const world = (right: unknown) =>
  createWorld([
    {
      name: 'left',
      sdl: 'type Query { city: City @shareable } type City { name: String @shareable  mayor: Mayor @shareable  age: Int } type Mayor { name: String }',
      resolvers: { Query: { city: () => ({ name: 'Ys', age: 900, mayor: { name: 'Dahut' } }) } },
    },
    {
      name: 'right',
      sdl: 'type Query { city: City @shareable } type City { name: String @shareable  mayor: Mayor @shareable  depth: Int } type Mayor { height: Int }',
      resolvers: { Query: { city: () => right } },
    },
  ]);

const ORDERS = [
  ['in the order of the fetches', () => 0],
  ['in reverse', (waiting: number) => waiting - 1],
] as const;

describe.each(ORDERS)('a shared value, its services answering %s', (_, order) => {
  it('is merged from both', async () => {
    const { response, fetches } = await world({ name: 'Ys', depth: 40, mayor: { height: 170 } }).run(
      '{ city { name age depth mayor { name height } } }',
      {},
      { order },
    );
    expect(new Set(fetches.map(({ service }) => service)).size).toBe(2);
    expect(response).toEqual({ data: { city: { name: 'Ys', age: 900, depth: 40, mayor: { name: 'Dahut', height: 170 } } } });
  });

  it('is not lost when one of them does not know it', async () => {
    const { response } = await world(null).run('{ city { age depth } }', {}, { order });
    expect(response).toEqual({ data: { city: { age: 900, depth: null } } });
  });

  it('is not lost in part when one of them does not know the part', async () => {
    const { response } = await world({ depth: 40, mayor: null }).run('{ city { depth mayor { name height } } }', {}, { order });
    expect(response).toEqual({ data: { city: { depth: 40, mayor: { name: 'Dahut', height: null } } } });
  });
});
