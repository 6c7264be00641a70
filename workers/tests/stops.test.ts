// A worker is stopped in the middle of somebody's work, on the run's real Temporal server, and another takes over: a stop is nobody's wish
// that the work should end.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceCall } from '#schema/contracts/activities';
import { applyOperationEvent, EMPTY_OPERATION_VIEW, type OperationView } from '#schema/contracts/operations';
import type { ServiceAnswer } from '#schema/contracts/plan';
import type { AsyncResponse } from '#schema/contracts/workflows';
import { createShop, type Shop } from '#tests/federation/support/shop';
import { createDurableWorld, type DurableWorld } from './durable-world.js';

const DRAIN_MS = 300;
/** For several tasks of several runs, one after another. */
const WITHIN = { timeout: 20_000 };

let shop: Shop;
let durable: DurableWorld;
beforeEach(async () => {
  shop = createShop();
  durable = await createDurableWorld(shop, { drainMs: DRAIN_MS });
});
afterEach(() => durable.close());

type Started = Awaited<ReturnType<DurableWorld['startAsync']>>;
async function viewOf({ operationId }: Started): Promise<OperationView> {
  return (await durable.durable.readEvents(operationId)).reduce<OperationView>(applyOperationEvent, EMPTY_OPERATION_VIEW);
}
const fieldOf = ({ operation }: ServiceCall): string => /\{\s*(\w+)/.exec(operation)?.[1] ?? '';

/** As the fetcher does: a call that is cut is answered with OPERATION_CANCELLED. */
function hang({ node, chunk }: ServiceCall, signal: AbortSignal): Promise<ServiceAnswer> {
  const cut: ServiceAnswer = { node, chunk, data: null, errors: [{ message: 'cut', extensions: { code: 'OPERATION_CANCELLED' } }] };
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(cut)));
}

/** The first call of `field` takes effect, and its answer takes longer than the worker that waits for it is there; later calls are repeats. */
async function stopDuring(field: string, start: () => Promise<Started>): Promise<Started> {
  let first: Promise<ServiceAnswer> | undefined;
  durable.intercept = (call, signal) => {
    if (fieldOf(call) !== field) return undefined;
    if (first !== undefined) return first.then(({ data, errors }) => ({ node: call.node, chunk: call.chunk, data, errors }));
    first = Promise.resolve(shop.ask(call));
    return hang(call, signal);
  };
  const started = await start();
  await expect.poll(() => first, WITHIN).toBeDefined();
  await durable.stopWorker();
  await durable.startWorker();
  return started;
}

const keysOf = (field: string) => durable.calls.filter((call) => fieldOf(call) === field).map(({ idempotencyKey }) => idempotencyKey);

describe('work that may be repeated', () => {
  it.each([
    ['a query', 'shelf', '{ shelf }', { shelf: null }],
    ['a mutation', 'reserve', 'mutation { reserve(input: { sku: "s1" }) { name } }', { reserve: { name: 'lamp' } }],
  ])('is done by the next worker, with the same key: %s', async (_, field, document, data) => {
    const started = await stopDuring(field, () => durable.startAsync(document));
    expect(((await started.result()) as AsyncResponse).response).toEqual({ data });
    const keys = keysOf(field);
    expect(keys).toHaveLength(2);
    expect(keys[1]).toBe(keys[0]);
    expect((await viewOf(started)).status).toBe('COMPLETED');
  });
});

describe('a mutation that must not be repeated', () => {
  it('is waited for while the worker drains', async () => {
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    durable.intercept = (call) => (fieldOf(call) === 'ship' ? answered.then(() => shop.ask(call)) : undefined);
    const started = await durable.startAsync('mutation { ship(sku: "s1") }');
    await expect.poll(() => keysOf('ship'), WITHIN).toHaveLength(1);
    const stopped = durable.stopWorker();
    answer();
    await stopped;
    await durable.startWorker();
    expect(((await started.result()) as AsyncResponse).response).toEqual({ data: { ship: 'parcel' } });
    expect(shop.effects).toEqual(['shipped s1']);
  });

  it('has an unknown outcome when the worker cannot wait any longer, and is not sent again', async () => {
    const started = await stopDuring('ship', () => durable.startAsync('mutation { ship(sku: "s1") }'));
    const { response, failure } = (await started.result()) as AsyncResponse;
    expect(failure?.code).toBe('OUTCOME_UNKNOWN');
    expect(response.errors?.map(({ extensions }) => extensions.code)).toEqual(['OUTCOME_UNKNOWN']);
    await expect.poll(() => durable.attention.map(({ state }) => state), WITHIN).toContain('INPUT_REQUIRED');
    expect(keysOf('ship')).toHaveLength(1);
    expect(shop.effects).toEqual(['shipped s1']);
  });
});

describe('a saga', () => {
  it.each([
    ['a step', 'reserve', 'mutation @saga { reserve(input: { sku: "s1" }) { name } place(sku: "s1") { note } }'],
    ['an undo', 'release', 'mutation @saga { reserve(input: { sku: "s1" }) { name } place(sku: "s1") { note } }'],
  ])('goes on where it was when a worker stops during %s', async (_, field, document) => {
    if (field === 'release') shop.refuses.add('place');
    const started = await stopDuring(field, () => durable.startAsync(document));
    await started.result();
    const view = await viewOf(started);
    expect(view.compensations.map(({ status }) => status)).toEqual(field === 'release' ? ['COMPLETED'] : []);
    expect(view.status).toBe(field === 'release' ? 'FAILED' : 'COMPLETED');
    expect(shop.effects).toEqual(field === 'release' ? [] : ['reserved 1 s1', expect.stringMatching(/^ordered/)]);
    expect(new Set(keysOf(field)).size).toBe(1);
  });

  it('says that a step stands when nobody can tell whether it does', async () => {
    const started = await stopDuring('place', () =>
      durable.startAsync('mutation @saga { reserve(input: { sku: "s1" }) { name } place(sku: "s1") { note } }'),
    );
    await started.result();
    const view = await viewOf(started);
    expect(view.compensations.map(({ undoes, status }) => [undoes, status])).toEqual([
      ['fetch-1', 'FAILED'],
      ['fetch-0', 'COMPLETED'],
    ]);
    expect(shop.effects).toEqual([expect.stringMatching(/^ordered/)]);
  });
});
