import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';

// `stock` takes fields of `Item` over from `shop`, step by step.
const world = createWorld([
  {
    name: 'shop',
    sdl: `
      type Query { item: Item }
      type Item @key(fields: "id") { id: ID!  count: Int  place: String  share: String }`,
    resolvers: { Query: { item: () => ({ id: 'i', count: 1, place: 'shop', share: 'shop' }) } },
  },
  {
    name: 'stock',
    sdl: `
      type Item @key(fields: "id") {
        id: ID!
        count: Int @override(from: "shop", label: "counting")
        place: String @override(from: "shop", label: "placing")
        share: String @override(from: "shop", label: "percent(50)")
      }`,
    resolvers: {
      Item: { __resolveReference: ({ id }: { id: string }) => ({ id, count: 2, place: 'stock', share: 'stock' }) },
    },
  },
]);
const ask = async (document: string, activeLabels: readonly string[] = []) => {
  const { response, fetches } = await world.run(document, {}, { activeLabels });
  expect(response.errors).toBeUndefined();
  return { item: { ...(response.data?.['item'] as object) }, services: fetches.map(({ service }) => service) };
};

describe('a field that is overridden under a label', () => {
  it('comes from its old service while the label does not hold', async () => {
    expect(await ask('{ item { count place } }')).toEqual({ item: { count: 1, place: 'shop' }, services: ['shop'] });
  });

  it('comes from its new service when it holds, each field by its own label', async () => {
    expect(await ask('{ item { count place } }', ['counting'])).toEqual({ item: { count: 2, place: 'shop' }, services: ['shop', 'stock'] });
    expect(await ask('{ item { count place } }', ['counting', 'placing'])).toMatchObject({ item: { count: 2, place: 'stock' } });
  });

  it('is asked of each of them by its share of the callers', async () => {
    // Every run is another caller's.
    const places = await Promise.all(Array.from({ length: 24 }, async () => (await ask('{ item { share } }')).item));
    expect(new Set(places.map((item) => (item as { share: string }).share))).toEqual(new Set(['shop', 'stock']));
  });
});
