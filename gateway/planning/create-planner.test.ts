import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '#platform/logger';
import { killThread } from '#platform/tests/watch-threads';
import { eventually } from '../../tests/support/eventually.js';
import { createPlanner, type Planner, type PlannerOptions, type PlanRequest } from './create-planner.js';

vi.mock('#platform/threads', async (original) => (await import('#platform/tests/watch-threads')).watchThreads(original));

function compose(...fields: string[]): string {
  const { supergraphSdl } = composeServices([
    { name: 'a', url: 'http://a', typeDefs: parse(`type Query { ${fields.join(' ')} } type Thing { id: ID!  next: Thing }`) },
  ]);
  return supergraphSdl as string;
}

let planner: Planner;
afterEach(() => planner.close());

/** A planner and the runs that it made; cache hits are none. */
function startPlanner(options: Partial<PlannerOptions> = {}) {
  const runs: ('planned' | 'failed')[] = [];
  planner = createPlanner({
    log: createLogger({ name: 'test', level: 'silent' }),
    onPlanned: (_, outcome) => runs.push(outcome),
    ...options,
  });
  return { planner, runs };
}

const aRequest = (document: string, overrides: Partial<PlanRequest> = {}): PlanRequest => ({
  generation: 1,
  document,
  operationName: null,
  documentHash: document,
  ...overrides,
});

/** Two fields a level, each with the whole next level below: planning takes far longer than any limit of these tests. */
function endlessDocument(levels = 20): string {
  const fragments = Array.from(
    { length: levels },
    (_, i) => `fragment F${i} on Thing { a${i}: next { ...F${i + 1} } b${i}: next { ...F${i + 1} } }`,
  );
  return `{ thing { ...F0 } } ${fragments.join(' ')} fragment F${levels} on Thing { id }`;
}

describe('the plan cache', () => {
  it('plans equal requests once, also while the first one is planned', async () => {
    const { runs } = startPlanner();
    await planner.load({ number: 1, supergraphSdl: compose('thing: Thing') });
    const [first, second] = await Promise.all([planner.plan(aRequest('{ thing { id } }')), planner.plan(aRequest('{ thing { id } }'))]);
    const third = await planner.plan(aRequest('{ thing { id } }'));
    expect(first.services).toEqual(['a']);
    expect([second, third]).toEqual([first, first]);
    expect(runs).toEqual(['planned']);
  });

  it('keeps operations of one document apart, generations, labels, and answers in parts', async () => {
    const { runs } = startPlanner();
    await planner.load({ number: 1, supergraphSdl: compose('thing: Thing', 'other: Thing') });
    await planner.load({ number: 2, supergraphSdl: compose('thing: Thing', 'other: Thing') });
    const document = 'query A { thing { id } } query B { other { id } }';
    const plans = await Promise.all([
      planner.plan(aRequest(document, { operationName: 'A' })),
      planner.plan(aRequest(document, { operationName: 'B' })),
      planner.plan(aRequest(document, { operationName: 'B', generation: 2 })),
      planner.plan(aRequest(document, { operationName: 'B', activeLabels: ['beta'] })),
      planner.plan(aRequest(document, { operationName: 'B', inParts: true })),
    ]);
    expect(plans.map(({ rootFields }) => rootFields[0]?.name)).toEqual(['thing', 'other', 'other', 'other', 'other']);
    expect(runs).toHaveLength(5);
  });

  it('lets the least recently used plan go when it is full', async () => {
    const { runs } = startPlanner({ cacheSize: 2 });
    await planner.load({ number: 1, supergraphSdl: compose('thing: Thing', 'other: Thing', 'third: Thing') });
    const [thing, other, third] = ['{ thing { id } }', '{ other { id } }', '{ third { id } }'].map((document) => aRequest(document)) as [
      PlanRequest,
      PlanRequest,
      PlanRequest,
    ];
    for (const request of [thing, other, thing, third]) await planner.plan(request);
    expect(runs).toHaveLength(3);
    await planner.plan(thing);
    expect(runs).toHaveLength(3);
    await planner.plan(other);
    expect(runs).toHaveLength(4);
  });

  it('keeps no failures', async () => {
    const { runs } = startPlanner();
    await planner.load({ number: 1, supergraphSdl: compose('thing: Thing') });
    const missing = aRequest('query A { thing { id } }', { operationName: 'B' });
    await expect(planner.plan(missing)).rejects.toMatchObject({ code: 'OPERATION_RESOLUTION_FAILURE' });
    await expect(planner.plan(missing)).rejects.toMatchObject({ code: 'OPERATION_RESOLUTION_FAILURE' });
    expect(runs).toEqual(['failed', 'failed']);
  });
});

describe('generations', () => {
  it('are refused when they were never loaded', async () => {
    startPlanner();
    await expect(planner.plan(aRequest('{ thing { id } }', { generation: 7 }))).rejects.toMatchObject({ code: 'GENERATION_UNKNOWN' });
  });

  it('are gone with their plans when they are unloaded; others stay', async () => {
    startPlanner();
    for (const number of [1, 2]) await planner.load({ number, supergraphSdl: compose('thing: Thing') });
    await planner.plan(aRequest('{ thing { id } }'));
    await planner.unload(1);
    await expect(planner.plan(aRequest('{ thing { id } }'))).rejects.toMatchObject({ code: 'GENERATION_UNKNOWN' });
    expect((await planner.plan(aRequest('{ thing { id } }', { generation: 2 }))).services).toEqual(['a']);
  });

  it('may be loaded twice', async () => {
    startPlanner();
    const generation = { number: 1, supergraphSdl: compose('thing: Thing') };
    await planner.load(generation);
    await planner.load(generation);
    expect((await planner.plan(aRequest('{ thing { id } }'))).services).toEqual(['a']);
  });

  it('that are no supergraph are refused, and the planner goes on', async () => {
    startPlanner();
    await expect(planner.load({ number: 1, supergraphSdl: 'type Query { a: Int }' })).rejects.toThrow();
    await planner.load({ number: 2, supergraphSdl: compose('thing: Thing') });
    expect((await planner.plan(aRequest('{ thing { id } }', { generation: 2 }))).services).toEqual(['a']);
  });
});

describe('a new generation is warmed up', () => {
  const documents = ['{ thing { id } }', '{ other { id } }', '{ thing { next { id } } }'];
  async function startUsed(options: Partial<PlannerOptions> = {}, fields = ['thing: Thing', 'other: Thing']) {
    const started = startPlanner(options);
    await planner.load({ number: 1, supergraphSdl: compose('thing: Thing', 'other: Thing') });
    for (const document of documents) await planner.plan(aRequest(document));
    await planner.load({ number: 2, supergraphSdl: compose(...fields) });
    return started;
  }

  it('with the operations in use, which then cost no planning', async () => {
    const { runs } = await startUsed();
    expect(await planner.warm({ from: 1, to: 2 })).toEqual({ planned: 3, skipped: 0 });
    const before = runs.length;
    for (const document of documents) await planner.plan(aRequest(document, { generation: 2 }));
    expect(runs).toHaveLength(before);
  });

  it('without those that are not valid there', async () => {
    await startUsed({}, ['thing: Thing']);
    expect(await planner.warm({ from: 1, to: 2 })).toEqual({ planned: 2, skipped: 1 });
  });

  it('with the most used first, when there is not the time for all', async () => {
    const { runs } = await startUsed({ warmMs: 0 });
    for (let n = 0; n < 3; n++) await planner.plan(aRequest('{ other { id } }'));
    // One was begun, and is not thrown away.
    expect((await planner.warm({ from: 1, to: 2 })).planned).toBeLessThanOrEqual(1);
    await planner.plan(aRequest('{ other { id } }', { generation: 2 }));
    expect(runs).toHaveLength(4);
    await planner.plan(aRequest('{ thing { id } }', { generation: 2 }));
    expect(runs).toHaveLength(5);
  });

  it('for no longer than its limit, whatever an operation takes', async () => {
    await startUsed({ warmMs: 100, timeoutMs: 60_000 });
    await planner.load({ number: 3, supergraphSdl: compose('thing: Thing') });
    const endless = planner.plan(aRequest(endlessDocument(), { generation: 3 })).catch(() => 'ended');
    expect(await planner.warm({ from: 1, to: 2 })).toEqual({ planned: 0, skipped: 0 });
    await planner.close();
    expect(await endless).toBe('ended');
  });
});

describe('the time limit', () => {
  it('ends a planning run, and the next request finds every generation again', async () => {
    const { runs } = startPlanner({ timeoutMs: 1_500 });
    for (const number of [1, 2]) await planner.load({ number, supergraphSdl: compose('thing: Thing') });
    await expect(planner.plan(aRequest(endlessDocument()))).rejects.toMatchObject({ code: 'PLAN_TIMEOUT' });
    const plans = await Promise.all([1, 2].map((generation) => planner.plan(aRequest('{ thing { id } }', { generation }))));
    expect(plans.map(({ services }) => services)).toEqual([['a'], ['a']]);
    expect(runs).toEqual(['failed', 'planned', 'planned']);
  });

  it('does not cost a request its plan that only waited behind that run', async () => {
    const { runs } = startPlanner({ timeoutMs: 1_500 });
    await planner.load({ number: 1, supergraphSdl: compose('thing: Thing') });
    const startedAt = Date.now();
    const endless = expect(planner.plan(aRequest(endlessDocument()))).rejects.toMatchObject({ code: 'PLAN_TIMEOUT' });
    // So much later that its own limit is not reached when the thread ends.
    await eventually(
      () => Promise.resolve(Date.now()),
      (now) => now > startedAt + 300,
    );
    const behind = await planner.plan(aRequest('{ thing { id } }'));
    await endless;
    expect(behind.services).toEqual(['a']);
    expect(runs).toEqual(['failed', 'planned']);
  });
});

describe('a closed planner', () => {
  it('plans nothing and starts no thread again', async () => {
    startPlanner();
    await planner.load({ number: 1, supergraphSdl: compose('thing: Thing') });
    await planner.close();
    await expect(planner.plan(aRequest('{ thing { id } }'))).rejects.toThrow('the planner is closed');
  });
});

describe('a planner thread that ends by itself', () => {
  it('is replaced by one that has every generation, and what it was planning is planned there', async () => {
    startPlanner();
    for (const number of [1, 2]) await planner.load({ number, supergraphSdl: compose('thing: Thing') });
    const underWay = Promise.all([1, 2].map((generation) => planner.plan(aRequest('{ thing { id } }', { generation }))));
    await killThread('planner-thread.js');
    expect((await underWay).map(({ services }) => services)).toEqual([['a'], ['a']]);
    await killThread('planner-thread.js');
    expect((await planner.plan(aRequest('{ thing { next { id } } }', { generation: 2 }))).services).toEqual(['a']);
  });
});
