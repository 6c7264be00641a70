// What takes minutes, days or a year in production, on the time-skipping server (skipped-time.ts). Times are those of the events: what
// a caller sees.
import { ApplicationFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { afterEach, describe, expect, it } from 'vitest';
import type { PluginActivities, ServiceCall } from '#schema/contracts/activities';
import { applyOperationEvent, EMPTY_OPERATION_VIEW, type OperationEvent, type OperationView } from '#schema/contracts/operations';
import type { ServiceAnswer } from '#schema/contracts/plan';
import type { SupergraphChange } from '#schema/contracts/supergraph';
import type { OrchestrationResponse, RecoveryResult, WebhookDelivery } from '#schema/contracts/workflows';
import { createShop } from '#tests/federation/support/shop';
import { AUTH } from './durable-world.js';
import { createSkippingWorld, type SkippingWorld } from './skipped-time.js';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** What the machine itself may take of the server's time for a step. */
const SLACK_MS = 30 * SECOND_MS;

const QUERY = '{ people { name } }';

let world: SkippingWorld;
afterEach(() => world.close());

const eventsOf = (id: string): Promise<OperationEvent[]> => world.durable.readEvents(id);
const viewOf = async (id: string): Promise<OperationView> =>
  (await eventsOf(id)).reduce<OperationView>(applyOperationEvent, EMPTY_OPERATION_VIEW);
/** From the first event to each that `picks`. */
async function timesOf(id: string, picks: (event: OperationEvent) => boolean): Promise<number[]> {
  const events = await eventsOf(id);
  return events.filter(picks).map(({ at }) => Date.parse(at) - Date.parse(events[0]?.at ?? ''));
}
const isEnd = ({ __typename }: OperationEvent): boolean =>
  ['OperationCompleted', 'OperationFailed', 'OperationCancelled'].includes(__typename);
const gapsBetween = (times: readonly number[]): number[] => times.slice(1).map((at, index) => at - (times[index] ?? 0));
/** Not earlier, and later by no more than the machine needs. */
function expectTimes(found: readonly number[], wanted: readonly number[]): void {
  expect(found.map((ms, index) => [ms >= (wanted[index] ?? 0) - SECOND_MS, ms < (wanted[index] ?? 0) + SLACK_MS])).toEqual(
    wanted.map(() => [true, true]),
  );
}

const down =
  (extra: object = {}, code = 'SUBGRAPH_UNAVAILABLE') =>
  ({ node, chunk }: ServiceCall): Promise<ServiceAnswer> =>
    Promise.resolve({ node, chunk, data: null, errors: [{ message: 'away', extensions: { code, ...extra } }] });

async function recoveryOf(id: string): Promise<string> {
  return (await eventsOf(id)).find((event) => event.__typename === 'RecoveryStarted')?.recovery ?? '';
}

describe('webhook_delivery_workflow', () => {
  const DELIVERY: WebhookDelivery = {
    url: 'https://hooks.example.com/',
    tenant: 'ten_acme',
    messageId: 'msg_1',
    message: { type: 'operation.completed', timestamp: '', data: { id: 'op_1', status: 'COMPLETED', code: null } },
  };
  const deliver = () =>
    world.durable.start('webhook_delivery_workflow', [DELIVERY], {
      workflowId: 'request/ten_acme/1/webhook',
      taskQueue: world.taskQueue,
      executionTimeoutMs: 30 * DAY_MS,
      facts: { kind: 'WEBHOOK', title: 'Webhook', tenant: AUTH.tenant, startedBy: AUTH.principal },
    });
  const isAttempt = ({ __typename }: OperationEvent): boolean => __typename === 'StepStarted';

  it('tries for three days on the schedule of Standard Webhooks, then says that it could not', async () => {
    world = await createSkippingWorld();
    world.receive = () => ({ kind: 'failed', reason: 'status 500', retryAfterMs: 0 });
    const started = await deliver();
    await world.skip(4 * DAY_MS);
    await expect(started.result()).rejects.toMatchObject({ code: 'WEBHOOK_UNDELIVERED', status: 'FAILED' });
    expectTimes(gapsBetween(await timesOf(started.operationId, isAttempt)), [
      5 * SECOND_MS,
      5 * MINUTE_MS,
      30 * MINUTE_MS,
      2 * HOUR_MS,
      5 * HOUR_MS,
      10 * HOUR_MS,
      14 * HOUR_MS,
      20 * HOUR_MS,
      24 * HOUR_MS,
    ]);
    expect(new Set(world.webhooks.map((message) => JSON.stringify(message)))).toEqual(new Set([JSON.stringify(DELIVERY)]));
    expect(world.webhooks).toHaveLength(10);
  });

  it('waits as long as its receiver asks for, and ends with the first that takes it', async () => {
    world = await createSkippingWorld();
    world.receive = (attempt) =>
      attempt === 1 ? { kind: 'failed', reason: 'status 503', retryAfterMs: 9 * HOUR_MS } : { kind: 'delivered' };
    const started = await deliver();
    await world.skip(DAY_MS);
    await started.result();
    expectTimes(gapsBetween(await timesOf(started.operationId, isAttempt)), [9 * HOUR_MS]);
    expect((await viewOf(started.operationId)).status).toBe('COMPLETED');
  });

  it('is tried no more once it is cancelled, though the next attempt was hours away', async () => {
    world = await createSkippingWorld();
    world.receive = () => ({ kind: 'failed', reason: 'status 503', retryAfterMs: 9 * HOUR_MS });
    const started = await deliver();
    await expect.poll(() => world.webhooks.length, { timeout: 10_000 }).toBe(1);
    await world.durable.cancel(started.operationId, { reason: 'receiver is gone', by: 'usr_alice' });
    await expect(started.result()).rejects.toMatchObject({ code: 'OPERATION_CANCELLED', status: 'CANCELLED' });
    expect((await eventsOf(started.operationId)).at(-1)).toMatchObject({ __typename: 'OperationCancelled', reason: 'receiver is gone' });
    await world.skip(DAY_MS);
    expect(world.webhooks).toHaveLength(1);
  });

  it('goes on after the operation that it tells of has ended', async () => {
    world = await createSkippingWorld();
    world.receive = (attempt) => (attempt < 7 ? { kind: 'failed', reason: 'no answer', retryAfterMs: 0 } : { kind: 'delivered' });
    const started = await world.startAsync(QUERY, { webhook: DELIVERY.url });
    await started.result();
    expect(world.webhooks.length).toBeLessThan(7);
    await world.skipUntil(() => expect.poll(() => world.webhooks.length).toBe(7));
    expect(world.webhooks.at(-1)?.message.data).toEqual({ id: started.operationId, status: 'COMPLETED', code: null });
  });
});

describe('error_recovery_workflow', () => {
  it('tries ever more seldom, then asks somebody, and waits a year for the answer', async () => {
    world = await createSkippingWorld();
    let isDown = true;
    world.intercept = (call) => (isDown ? down({}, 'SUBGRAPH_UNREACHABLE')(call) : undefined);
    const failed = await world.startAsync(QUERY);
    await failed.result();
    const recovery = await recoveryOf(failed.operationId);
    await world.skip(HOUR_MS);
    await expect.poll(async () => (await viewOf(recovery)).status).toBe('INPUT_REQUIRED');
    expectTimes(
      gapsBetween([0, ...(await timesOf(recovery, ({ __typename }) => __typename === 'InputReceived'))]),
      [5, 10, 20, 40, 80, 160, 320, 600].map((seconds) => seconds * SECOND_MS),
    );

    const asked = (await eventsOf(recovery)).length;
    await world.skip(365 * DAY_MS);
    expect(await eventsOf(recovery)).toHaveLength(asked);
    isDown = false;
    await world.durable.resolve(recovery, { choice: 'RETRY', by: 'usr_operator', variables: null });
    expect(await world.durable.attach<RecoveryResult>(recovery).result()).toMatchObject({ outcome: 'RECOVERED', by: 'usr_operator' });
    expect((await timesOf(recovery, isEnd))[0]).toBeGreaterThan(365 * DAY_MS);
    expect(world.attention.map(({ state }) => state)).toEqual(['RECOVERING', 'INPUT_REQUIRED', 'RECOVERING', 'RESOLVED']);
  });

  it('leaves a service alone for as long as it asks', async () => {
    world = await createSkippingWorld();
    let isDown = true;
    world.intercept = (call) => (isDown ? down({ retryAfterMs: 40 * MINUTE_MS })(call) : undefined);
    const failed = await world.startAsync(QUERY);
    await failed.result();
    const recovery = await recoveryOf(failed.operationId);
    const before = world.calls.length;
    await world.skip(39 * MINUTE_MS);
    expect(world.calls).toHaveLength(before);
    isDown = false;
    const result = await world.skipUntil(() => world.durable.attach<RecoveryResult>(recovery).result());
    expect(result).toMatchObject({ outcome: 'RECOVERED', by: null });
    expectTimes(await timesOf(recovery, ({ __typename }) => __typename === 'InputReceived'), [40 * MINUTE_MS]);
  });

  it('does not wait when somebody decides before', async () => {
    world = await createSkippingWorld();
    world.intercept = down({ retryAfterMs: HOUR_MS });
    const failed = await world.startAsync(QUERY);
    await failed.result();
    const recovery = await recoveryOf(failed.operationId);
    await expect.poll(() => world.attention.length).toBe(1);
    world.intercept = () => undefined;
    await world.durable.resolve(recovery, { choice: 'RETRY', by: 'usr_operator', variables: null });
    expect(await world.durable.attach<RecoveryResult>(recovery).result()).toMatchObject({ outcome: 'RECOVERED', by: 'usr_operator' });
    expect((await timesOf(recovery, isEnd))[0]).toBeLessThan(HOUR_MS);
  });
});

describe('a service that goes away in a saga', () => {
  const STEPS = {
    'whose undo is by the arguments of the step': {
      service: 'stock',
      fields: 'place(sku: "s1") { note } reserve(input: { sku: "s1" }) { name }',
    },
    'whose undo needs the answer of the step': {
      service: 'orders',
      fields: 'reserve(input: { sku: "s1" }) { name } book(sku: "s1") { id }',
    },
  } as const;
  const cases = Object.entries(STEPS).flatMap(([kind, step]) => [
    { kind, ...step, loss: 'its request never arrived', synchronous: true },
    { kind, ...step, loss: 'its answer was lost', synchronous: false },
  ]);

  /** A saga of which the second step's service is away until `isAway` is false; services know the keys that they were sent. */
  async function runSaga({ service, fields, loss, synchronous }: (typeof cases)[number]) {
    const shop = createShop();
    const outage = { isAway: true };
    const known = new Map<string | null, Promise<ServiceAnswer>>();
    const answerOnce = (call: ServiceCall): Promise<ServiceAnswer> => {
      const answer = known.get(call.idempotencyKey) ?? shop.ask(call);
      known.set(call.idempotencyKey, answer);
      return answer;
    };
    world = await createSkippingWorld(shop);
    world.intercept = async (call) => {
      if (call.service !== service || !outage.isAway) return answerOnce(call);
      if (loss === 'its answer was lost') await answerOnce(call);
      return down({}, 'SUBGRAPH_UNREACHABLE')(call);
    };
    const document = `mutation @saga { ${fields} ship(sku: "s1") }`;
    const started = synchronous ? await world.startRequest(document) : await world.startAsync(document);
    await world.skipUntil(() => started.result());
    return { shop, outage, started, recovery: await recoveryOf(started.operationId) };
  }

  it.each(cases)('has its step undone as soon as it is back: $loss, $kind', async (one) => {
    const { shop, outage, started, recovery } = await runSaga(one);
    const [left] = (await viewOf(started.operationId)).compensations;
    expect(left).toMatchObject({ status: 'FAILED', left: { arguments: one.service === 'stock' ? { sku: 's1', amount: 1 } : null } });
    await world.skip(5 * MINUTE_MS);
    outage.isAway = false;
    const result = await world.skipUntil(() => world.durable.attach<RecoveryResult>(recovery).result());
    expect(result).toMatchObject({ outcome: 'COMPENSATED', by: null });
    expect(shop.effects).toEqual([]);
    expect((await timesOf(recovery, isEnd))[0]).toBeLessThan(HOUR_MS);
    expect(world.attention.map(({ state }) => state)).toEqual(['RECOVERING', 'RESOLVED']);
  });

  it.each(cases.filter(({ synchronous }) => synchronous))('is a person’s to undo when it stays away for hours: $kind', async (one) => {
    const { shop, outage, recovery } = await runSaga(one);
    await world.skip(2 * HOUR_MS);
    const { status, input } = await viewOf(recovery);
    expect([status, input?.choices]).toEqual(['INPUT_REQUIRED', ['COMPENSATE', 'GIVE_UP']]);
    expect(await timesOf(recovery, ({ __typename }) => __typename === 'InputReceived')).toHaveLength(8);
    outage.isAway = false;
    await world.durable.resolve(recovery, { choice: 'COMPENSATE', by: 'usr_operator', variables: null });
    const result = await world.skipUntil(() => world.durable.attach<RecoveryResult>(recovery).result());
    expect(result).toMatchObject({ outcome: 'COMPENSATED', by: 'usr_operator' });
    expect(shop.effects).toEqual([]);
    expect((await viewOf(recovery)).compensations).toMatchObject([{ status: 'COMPLETED', failure: null }]);
  });
});

describe('a deadline', () => {
  it('is behind every attempt: a service that fails on and on is given up before it', async () => {
    world = await createSkippingWorld();
    world.intercept = () => Promise.reject(new Error('worker lost'));
    const started = await world.startRequest(QUERY, { synchronous: false, deadlineMs: 30 * SECOND_MS });
    const { response } = (await world.skipUntil(() => started.result())) as OrchestrationResponse;
    expect(response.errors).toMatchObject([{ extensions: { code: 'SUBGRAPH_UNREACHABLE' } }]);
    const [end = 0] = await timesOf(started.operationId, isEnd);
    expect([world.calls.length > 5, end > 20 * SECOND_MS, end < 31 * SECOND_MS]).toEqual([true, true, true]);
  });

  it('does not cut an undo, however long it takes: the run ends with what its saga says, and leaves nothing to recover', async () => {
    const shop = createShop();
    world = await createSkippingWorld(shop);
    shop.refuses.add('ship');
    let away = 7;
    world.intercept = (call) => (call.operation.includes('cancel(') && away-- > 0 ? down({}, 'SUBGRAPH_UNREACHABLE')(call) : undefined);
    const started = await world.startAsync('mutation @saga { place(sku: "s1") { note } ship(sku: "s1") }', { deadlineMs: 10 * SECOND_MS });
    expect(await world.skipUntil(() => started.result())).toMatchObject({
      response: {
        data: { place: null, ship: null },
        errors: [{ path: ['ship'] }, { path: ['place'], extensions: { code: 'STEP_UNDONE' } }],
      },
      failure: { code: 'SUBGRAPH_ERROR' },
    });
    expect(shop.effects).toEqual([]);
    const compensations = [{ label: 'orders: cancel', status: 'COMPLETED' }];
    expect(await viewOf(started.operationId)).toMatchObject({ status: 'FAILED', failure: { code: 'SUBGRAPH_ERROR' }, compensations });
    expect([await recoveryOf(started.operationId), world.attention]).toEqual(['', []]);
    const [undone = 0] = await timesOf(started.operationId, ({ __typename }) => __typename === 'CompensationCompleted');
    expect(undone).toBeGreaterThan(20 * SECOND_MS);
  });
});

describe('plugin_installation_workflow', () => {
  it('takes everything back when it is not done in ten minutes', async () => {
    const done: string[] = [];
    const quick =
      (name: string, result: unknown = null) =>
      () => {
        done.push(name);
        return Promise.resolve(result);
      };
    const slow = (name: string, result: unknown = null) => {
      const work = quick(name, result);
      return () => {
        if (Context.current().info.attempt > 1) return work();
        throw ApplicationFailure.create({ type: 'PLUGIN_ERROR', message: 'not yet', nextRetryDelay: '100s' });
      };
    };
    const [put, remove] = [slow('publish', { generation: 2 }), quick('publish without it', { generation: 3 })];
    world = await createSkippingWorld(undefined, {
      activities: {
        resolve_plugin_activity: slow('resolve', { operationId: 'op', plugin: '@sluice/slow', version: '1.0.0', digest: 'd' }),
        fetch_package_activity: slow('fetch'),
        verify_signature_activity: slow('verify'),
        validate_manifest_activity: quick('check'),
        validate_schema_activity: quick('check'),
        scan_package_activity: slow('check'),
        load_sandbox_activity: slow('load'),
        publish_generation_activity: ({ change }: { change: SupergraphChange }) => (change.kind === 'put' ? put() : remove()),
        unload_sandbox_activity: quick('unload'),
        delete_scan_reports_activity: quick('delete the report'),
        release_package_activity: quick('release'),
      } satisfies Partial<Record<keyof PluginActivities, unknown>>,
    });
    const request = { plugin: '@sluice/slow', version: null, grantedPermissions: [] };
    const started = await world.durable.start('plugin_installation_workflow', [request, AUTH], {
      workflowId: 'plugin/@sluice/slow',
      taskQueue: world.taskQueue,
      facts: { kind: 'PLUGIN_INSTALLATION', title: 'Install', tenant: AUTH.tenant, startedBy: AUTH.principal },
    });
    await expect(world.skipUntil(() => started.result())).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED', status: 'FAILED' });
    // The publication was on its way: it may have had its effect, so it is taken back as well.
    expect([...new Set(done)]).toEqual([
      'resolve',
      'fetch',
      'verify',
      'check',
      'load',
      'publish without it',
      'unload',
      'delete the report',
      'release',
    ]);
    expectTimes(await timesOf(started.operationId, isEnd), [10 * MINUTE_MS]);
  });
});
