import { describe, expect, it } from 'vitest';
import type { ServiceAnswer, ServiceError, ServiceFetch } from '#schema/contracts/plan';
import { world } from '../support/library.js';

const failing =
  (service: string, errors: ServiceError[], data: ServiceAnswer['data'] = null) =>
  (fetch: ServiceFetch): ServiceAnswer | undefined =>
    fetch.service === service ? { node: fetch.node, chunk: fetch.chunk, data, errors } : undefined;
const DOWN: ServiceError = { message: 'service people gave no answer', extensions: { code: 'SUBGRAPH_UNREACHABLE' } };

describe('a service that fails', () => {
  it('leaves the rest of the answer and says so once, with path, code and service', async () => {
    const { response } = await world.run(
      '{ books(first: 1) { title author { nick } } reviews(stars: 4) { stars } }',
      {},
      { intercept: failing('people', [DOWN]) },
    );
    expect(response.data).toEqual({ books: [{ title: 'Rocannon', author: { nick: null } }], reviews: [{ stars: 4 }] });
    expect(response.errors).toEqual([
      { message: DOWN.message, path: ['books'], extensions: { code: 'SUBGRAPH_UNREACHABLE', service: 'people' } },
    ]);
  });

  it('bubbles null up to the nearest nullable place', async () => {
    const { response } = await world.run(
      '{ book(id: "b1") { title author { name } } people { id } }',
      {},
      { intercept: (fetch) => (fetch.operation.includes('_entities') ? failing('people', [DOWN])(fetch) : undefined) },
    );
    expect(response.data).toMatchObject({ book: null, people: [{ id: 'p1' }, { id: 'p2' }, { id: 'p3' }] });
    expect(response.errors).toHaveLength(1);
  });

  it('has its entity errors at every place that the entity stands, not at others', async () => {
    const error: ServiceError = { message: 'no nick', path: ['_entities', 0, 'nick'], extensions: { code: 'SECRET_NICK' } };
    const { response } = await world.run(
      '{ books { id author { nick } } }',
      {},
      {
        intercept: (fetch) =>
          fetch.service === 'people'
            ? {
                node: fetch.node,
                chunk: fetch.chunk,
                errors: [error],
                data: { _entities: [{ __typename: 'Person', nick: null }, { nick: 'i' }, { nick: 'o' }] },
              }
            : undefined,
      },
    );
    expect(response.errors?.map(({ path }) => path)).toEqual([
      ['books', 0, 'author', 'nick'],
      ['books', 3, 'author', 'nick'],
    ]);
    expect(response.errors?.[0]?.extensions).toEqual({ code: 'SECRET_NICK', service: 'people' });
  });

  it.each([
    ['a list where an object belongs', { book: [] }],
    ['another type', { book: { __typename: 'Hidden', title: 't' } }],
    ['a number where a string belongs', { book: { __typename: 'Book', id: 'b1', title: 7 } }],
    ['nothing where a value is required', { book: { __typename: 'Book', id: 'b1', title: null } }],
  ])('is not believed when it answers %s', async (_, data) => {
    const { response } = await world.run('{ book(id: "b1") { title } }', {}, { intercept: failing('catalog', [], data) });
    expect(response.data).toEqual({ book: null });
    expect(response.errors?.map(({ extensions }) => extensions.code)).toEqual(['INVALID_RESPONSE']);
    expect(JSON.stringify(response.errors)).not.toContain('Hidden');
  });

  it('is not believed when it answers too few entities', async () => {
    const { response } = await world.run('{ books { author { nick } } }', {}, { intercept: failing('people', [], { _entities: [] }) });
    expect(response.errors).toMatchObject([{ path: ['books'], extensions: { code: 'SUBGRAPH_BAD_ANSWER', service: 'people' } }]);
  });

  it('cannot reach a prototype by its keys', async () => {
    const data = JSON.parse(
      '{"book":{"__typename":"Book","id":"b1","title":"t","__proto__":{"polluted":true}},"__proto__":{"polluted":true}}',
    ) as never;
    const { response } = await world.run('{ book(id: "b1") { title } }', {}, { intercept: failing('catalog', [], data) });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(response.data?.['book']).toEqual({ title: 't' });
  });
});

describe('a plan', () => {
  it('asks each service as rarely as it can: equal entities are sent once', async () => {
    const { fetches } = await world.run('{ books { author { nick } } }');
    expect(fetches.map(({ service, variables }) => [service, (variables['representations'] as unknown[] | undefined)?.length])).toEqual([
      ['catalog', undefined],
      ['people', 3],
    ]);
  });

  it('is JSON and knows its root fields and services', () => {
    const plan = world.plan('{ books { author { name } } __typename __schema { queryType { name } } }');
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    expect(plan.rootFields.map(({ name }) => name)).toEqual(['books']);
    expect(plan.services).toEqual(['catalog', 'people']);
  });
});
