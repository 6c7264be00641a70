// A run keeps the plan that its request was given, while a label of a progressive `@override` changes its value and generations follow.
import { Kind, parse } from 'graphql';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPlanEngine } from '#gateway/planning/plan-engine';
import { createOperationExecutor, type OperationExecutor } from '#gateway/server/execute-operation';
import type { OperationAnswer } from '#gateway/server/operation-request';
import { createLogger } from '#platform/logger';
import { createMetrics } from '#platform/metrics';
import type { RecoveryResult } from '#schema/contracts/workflows';
import { createWorld } from '#tests/federation/support/federated-world';
import { AUTH, createDurableWorld, type DurableWorld } from './durable-world.js';

const DOCUMENT = parse('mutation { recount { place } }');
const [OPERATION] = DOCUMENT.definitions;

// `stock` takes `place` over from `shop`.
const world = createWorld([
  {
    name: 'counts',
    sdl: 'type Query { count: Int } type Mutation { recount: Item } type Item @key(fields: "id", resolvable: false) { id: ID! }',
    resolvers: { Mutation: { recount: () => ({ id: 'i' }) } },
  },
  ...['shop', 'stock'].map((name) => ({
    name,
    sdl: `type Item @key(fields: "id") { id: ID!  place: String ${name === 'stock' ? '@override(from: "shop", label: "placing")' : ''} }`,
    resolvers: { Item: { __resolveReference: ({ id }: { id: string }) => ({ id, place: name }) } },
  })),
]);
const engine = createPlanEngine(world.supergraphSdl);
/** What holds for requests that come now. */
const now: { labels: string[]; generation: number } = { labels: [], generation: 1 };

let durable: DurableWorld;
let executor: OperationExecutor;
beforeAll(async () => {
  durable = await createDurableWorld(world);
  const { taskQueue } = durable;
  executor = createOperationExecutor({
    planner: { plan: async ({ document, operationName, ...how }) => engine.plan(document, operationName, how) },
    fetcher: { fetch: () => Promise.reject(new Error('nothing goes directly here')) },
    durable: { ...durable.durable, start: (name, args, how) => durable.durable.start(name, args, { ...how, taskQueue }) },
    access: { check: ({ document, operation }) => ({ document, operation }), allows: () => true },
    cost: { check: () => null },
    labels: { of: () => now.labels },
    keys: { operation: Buffer.alloc(32) },
    claims: { put: () => Promise.reject(new Error('no header was given')) },
    execution: 'auto',
    sagas: [],
    policies: new Map(),
    allowsPrivateWebhooks: false,
    documents: { check: () => ({ document: DOCUMENT }) },
    trusted: { resolve: (_, { query }) => query as string },
    fetchTimeoutMs: 3_000,
    metrics: createMetrics(),
    log: createLogger({ name: 'test', level: 'fatal' }),
  });
});
afterAll(() => durable.close());
beforeEach(() => {
  Object.assign(now, { labels: [], generation: 1 });
  durable.calls.length = 0;
  durable.intercept = () => undefined;
});

function send(idempotencyKey: string): Promise<OperationAnswer> {
  if (OPERATION?.kind !== Kind.OPERATION_DEFINITION) throw new Error('the document is an operation');
  return executor.execute({
    schema: world.apiSchema,
    generation: now.generation,
    document: DOCUMENT,
    operation: OPERATION,
    variables: {},
    auth: AUTH,
    idempotencyKey,
    signal: new AbortController().signal,
  });
}
const move = () => Object.assign(now, { labels: ['placing'], generation: 2 });
const sent = () => durable.calls.map(({ service, generation }) => `${service} of ${generation}`);
const placedBy = (place: string) => ({ data: { recount: { place } } });

it('goes on as it was planned, and so does its key; what comes later is planned anew', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  durable.intercept = (call) => (call.service === 'counts' ? held.then(() => world.ask(call)) : undefined);
  const first = send('pinned-1');
  await expect.poll(sent).toEqual(['counts of 1']);
  move();
  release();
  expect((await first).response).toEqual(placedBy('shop'));
  expect(sent()).toEqual(['counts of 1', 'shop of 1']);

  const again = await send('pinned-1');
  expect([again.response, again.operation?.id]).toEqual([placedBy('shop'), (await first).operation?.id]);
  expect(sent()).toHaveLength(2);
  expect((await send('pinned-2')).response).toEqual(placedBy('stock'));
  expect(sent().slice(2)).toEqual(['counts of 2', 'stock of 2']);
});

it('is recovered as it was planned', async () => {
  durable.intercept = ({ node, chunk, operationKind }) =>
    operationKind === 'query'
      ? Promise.resolve({ node, chunk, data: null, errors: [{ message: 'no', extensions: { code: 'SUBGRAPH_BUSY' } }] })
      : undefined;
  const failed = (await send('pinned-3')).operation?.id ?? '';
  await expect.poll(async () => (await durable.durable.findRecovery(failed))?.status).toBe('WORKING');
  move();
  durable.intercept = () => undefined;
  durable.calls.length = 0;
  const recovery = (await durable.durable.findRecovery(failed))?.id ?? '';
  await durable.durable.resolve(recovery, { choice: 'RETRY', by: 'usr_operator', variables: null });
  expect(await durable.durable.attach<RecoveryResult>(recovery).result()).toMatchObject({
    outcome: 'RECOVERED',
    response: placedBy('shop'),
  });
  expect(sent()).toEqual(['shop of 1']);
  expect((await send('pinned-3')).response).toEqual(placedBy('shop'));
});
