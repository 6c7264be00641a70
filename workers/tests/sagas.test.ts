// Sagas on the run's real Temporal server: what has taken effect before is gone after, and the operation says so.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { applyOperationEvent, EMPTY_OPERATION_VIEW, type OperationView } from '#schema/contracts/operations';
import type { ServiceAnswer } from '#schema/contracts/plan';
import type { OrchestrationResponse } from '#schema/contracts/workflows';
import { createShop } from '#tests/federation/support/shop';
import { createDurableWorld, type DurableWorld } from './durable-world.js';

const shop = createShop();
let durable: DurableWorld;
beforeAll(async () => void (durable = await createDurableWorld(shop)));
afterAll(() => durable.close());
beforeEach(() => {
  durable.calls.length = 0;
  durable.intercept = () => undefined;
  shop.effects.length = 0;
  shop.refuses.clear();
});

const BUY =
  'mutation @saga { reserve(input: { sku: "s1", amount: 2 }) { name } place(sku: "s1") { note order { item { name } } } ship(sku: "s1") }';

type Started = Awaited<ReturnType<DurableWorld['startRequest']>>;
const finish = async (started: Started) => ((await started.result()) as OrchestrationResponse).response;
async function viewOf({ operationId }: Started): Promise<OperationView> {
  return (await durable.durable.readEvents(operationId)).reduce<OperationView>(applyOperationEvent, EMPTY_OPERATION_VIEW);
}
const sent = (): string[] =>
  durable.calls.filter(({ operationKind }) => operationKind === 'mutation').map(({ operation }) => fieldOf(operation));
const fieldOf = (operation: string): string => /\{\s*(\w+)/.exec(operation)?.[1] ?? '';
const fault =
  (code: string) =>
  (call: { node: number; chunk: number }): Promise<ServiceAnswer> =>
    Promise.resolve({ node: call.node, chunk: call.chunk, data: null, errors: [{ message: 'fault', extensions: { code } }] });

describe('a saga whose steps all succeed', () => {
  it('answers like any mutation, undoes nothing and shows its steps', async () => {
    const started = await durable.startRequest(BUY);
    expect(await finish(started)).toEqual({
      data: { reserve: { name: 'lamp' }, place: { note: 'soon', order: { item: { name: 'lamp' } } }, ship: 'parcel' },
    });
    expect(shop.effects).toEqual(['reserved 2 s1', expect.stringMatching(/^ordered o\d+$/), 'shipped s1']);
    const view = await viewOf(started);
    expect(view).toMatchObject({ status: 'COMPLETED', compensations: [] });
    expect(view.steps.map(({ label, status }) => [label, status])).toEqual([
      ['stock: reserve', 'COMPLETED'],
      ['orders: place', 'COMPLETED'],
      ['parcels: ship', 'COMPLETED'],
      ['stock', 'COMPLETED'],
    ]);
  });
});

describe('a saga of which a step is refused', () => {
  it('undoes the finished steps in reverse, with keys of their own, and says so everywhere', async () => {
    shop.refuses.add('ship');
    const started = await durable.startRequest(BUY);
    const { data, errors } = await finish(started);
    expect(data).toBeNull();
    expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['ship'], 'SUBGRAPH_ERROR'],
      [['reserve'], 'STEP_UNDONE'],
      [['place'], 'STEP_UNDONE'],
    ]);
    expect(shop.effects).toEqual([]);
    expect(sent()).toEqual(['reserve', 'place', 'ship', 'cancel', 'release']);
    expect(durable.calls.slice(-2).map(({ idempotencyKey, variables }) => [idempotencyKey, variables])).toEqual([
      [`${started.operationId}.1.undo`, { id: expect.stringMatching(/^o\d+$/) as string }],
      [`${started.operationId}.0.undo`, { sku: 's1', amount: 2 }],
    ]);

    const view = await viewOf(started);
    expect(view).toMatchObject({ status: 'FAILED', failure: { code: 'SUBGRAPH_ERROR' } });
    expect(view.compensations.map(({ label, status, undoes }) => [label, status, undoes])).toEqual([
      ['orders: cancel', 'COMPLETED', 'fetch-1'],
      ['stock: release', 'COMPLETED', 'fetch-0'],
    ]);
    expect(await durable.durable.describe(started.operationId)).toMatchObject({
      status: 'FAILED',
      result: { data: null },
      failure: { code: 'SUBGRAPH_ERROR' },
    });
  });

  it('does not fail because a service was away that may be asked again', async () => {
    let away = 2;
    durable.intercept = (call) => (fieldOf(call.operation) === 'reserve' && away-- > 0 ? fault('SUBGRAPH_UNREACHABLE')(call) : undefined);
    const started = await durable.startRequest(BUY);
    const { errors } = await finish(started);
    expect(errors).toBeUndefined();
    expect(sent()).toEqual(['reserve', 'reserve', 'reserve', 'place', 'ship']);
    expect((await viewOf(started)).steps.map(({ label, attempt }) => [label, attempt])).toEqual([
      ['stock: reserve', 3],
      ['orders: place', 1],
      ['parcels: ship', 1],
      ['stock', 1],
    ]);
    expect(new Set(durable.calls.slice(0, 3).map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  });

  it('does not send what comes after', async () => {
    shop.refuses.add('place');
    const { data, errors } = await finish(
      await durable.startRequest('mutation @saga { reserve(input: { sku: "s1" }) { name } place(sku: "s1") { note } ship(sku: "s1") }'),
    );
    expect(data).toBeNull();
    expect(sent()).toEqual(['reserve', 'place', 'release']);
    expect(errors).toContainEqual(expect.objectContaining({ path: ['ship'], extensions: { code: 'STEP_NOT_STARTED', retryable: false } }));
    expect(shop.effects).toEqual([]);
  });

  it('shows nullable fields as null beside each other', async () => {
    shop.refuses.add('ship');
    const { data } = await finish(await durable.startRequest('mutation @saga { place(sku: "s1") { note } ship(sku: "s1") }'));
    expect(data).toEqual({ place: null, ship: null });
  });

  it('tries an undo again while its service is away', async () => {
    shop.refuses.add('ship');
    let away = 2;
    durable.intercept = (call) => (fieldOf(call.operation) === 'cancel' && away-- > 0 ? fault('SUBGRAPH_UNREACHABLE')(call) : undefined);
    const started = await durable.startRequest(BUY);
    await finish(started);
    expect(sent()).toEqual(['reserve', 'place', 'ship', 'cancel', 'cancel', 'cancel', 'release']);
    expect(shop.effects).toEqual([]);
    expect((await viewOf(started)).compensations.map(({ label, status, attempt }) => [label, status, attempt])).toEqual([
      ['orders: cancel', 'COMPLETED', 3],
      ['stock: release', 'COMPLETED', 1],
    ]);
  });

  it('leaves what cannot be undone to the operators of its service, and undoes the rest', async () => {
    shop.refuses.add('ship').add('cancel');
    const started = await durable.startRequest(BUY);
    const { errors } = await finish(started);
    expect(errors).toContainEqual(
      expect.objectContaining({ path: ['place'], extensions: { code: 'COMPENSATION_FAILED', retryable: false } }),
    );
    expect(errors).toContainEqual(expect.objectContaining({ path: ['reserve'], extensions: { code: 'STEP_UNDONE', retryable: false } }));
    expect(shop.effects).toEqual([expect.stringMatching(/^ordered o\d+$/)]);
    const [order] = shop.effects;
    expect((await viewOf(started)).compensations).toMatchObject([
      {
        status: 'FAILED',
        failure: { code: 'SUBGRAPH_ERROR' },
        left: { service: 'orders', effect: 'place', undo: 'cancel', arguments: { id: order?.replace('ordered ', '') } },
      },
      { status: 'COMPLETED' },
    ]);
  });
});

describe('what a saga could not undo', () => {
  const recoveryOf = async ({ operationId }: Started): Promise<string> => {
    const found = (await durable.durable.readEvents(operationId)).find((event) => event.__typename === 'RecoveryStarted');
    return found?.recovery ?? '';
  };
  const choicesOf = async (recovery: string): Promise<readonly string[]> => {
    const events = await durable.durable.readEvents(recovery);
    return events.reduce<OperationView>(applyOperationEvent, EMPTY_OPERATION_VIEW).input?.choices ?? [];
  };
  const decide = (recovery: string, choice: 'COMPENSATE' | 'GIVE_UP') =>
    durable.durable.resolve(recovery, { choice, by: 'usr_operator', variables: null });

  it('is undone when somebody says so, with the key of the first try, and asked about again while it cannot be', async () => {
    shop.refuses.add('ship').add('cancel');
    const started = await durable.startRequest(BUY);
    await finish(started);
    const recovery = await recoveryOf(started);
    await expect.poll(() => choicesOf(recovery)).toEqual(['COMPENSATE', 'GIVE_UP']);
    const tries = (): (string | null)[] =>
      durable.calls.filter(({ operation }) => fieldOf(operation) === 'cancel').map(({ idempotencyKey }) => idempotencyKey);

    durable.calls.length = 0;
    await decide(recovery, 'COMPENSATE');
    await expect.poll(async () => (await durable.durable.readEvents(recovery)).some(isFailedUndo)).toBe(true);
    expect(shop.effects).toHaveLength(1);

    shop.refuses.delete('cancel');
    await decide(recovery, 'COMPENSATE');
    expect(await durable.durable.attach(recovery).result()).toMatchObject({ outcome: 'COMPENSATED', by: 'usr_operator' });
    expect(shop.effects).toEqual([]);
    expect(new Set(tries())).toEqual(new Set([`${started.operationId}.1.undo`]));
  });

  it('is no part of the answer any more when it has been undone', async () => {
    shop.refuses.add('ship').add('cancel');
    const started = await durable.startRequest('mutation @saga { place(sku: "s1") { note } ship(sku: "s1") }');
    expect(await finish(started)).toMatchObject({
      data: { place: { note: 'soon' }, ship: null },
      errors: [{ path: ['ship'] }, { path: ['place'], extensions: { code: 'COMPENSATION_FAILED' } }],
    });
    const recovery = await recoveryOf(started);
    shop.refuses.delete('cancel');
    await decide(recovery, 'COMPENSATE');
    expect(await durable.durable.attach(recovery).result()).toMatchObject({
      outcome: 'COMPENSATED',
      response: {
        data: { place: null, ship: null },
        errors: [{ path: ['ship'] }, { path: ['place'], extensions: { code: 'STEP_UNDONE' } }],
      },
    });
  });

  it.each([
    ['that is waited for', () => durable.startRequest(BUY)],
    ['in the background', () => durable.startAsync(BUY)],
    ['of one service in the background', () => durable.startAsync(BUY, { workflow: 'api_request_workflow' })],
  ] as const)('is somebody’s to look at also of a saga that was cancelled: %s', async (_, start) => {
    shop.refuses.add('cancel');
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    durable.intercept = (call) => (fieldOf(call.operation) === 'place' ? held.then(() => shop.ask(call)) : undefined);
    const started = await start();
    await expect.poll(() => sent()).toEqual(['reserve', 'place']);
    await durable.durable.cancel(started.operationId, { reason: null, by: 'usr_alice' });
    await expect.poll(async () => (await viewOf(started)).cancelRequested).toBe(true);
    release();
    await expect(started.result()).rejects.toMatchObject({ code: 'OPERATION_CANCELLED', status: 'CANCELLED' });
    expect(await viewOf(started)).toMatchObject({ status: 'CANCELLED', compensations: [{ status: 'FAILED' }, { status: 'COMPLETED' }] });

    const recovery = await recoveryOf(started);
    expect((await durable.durable.findRecovery(started.operationId))?.id).toBe(recovery);
    await expect.poll(() => choicesOf(recovery)).toEqual(['COMPENSATE', 'GIVE_UP']);
    shop.refuses.delete('cancel');
    await decide(recovery, 'COMPENSATE');
    expect(await durable.durable.attach(recovery).result()).toMatchObject({ outcome: 'COMPENSATED' });
    expect(shop.effects).toEqual([]);
  });

  it('is left as it is when its arguments are not known: only giving up is offered', async () => {
    let isLost = true;
    durable.intercept = (call) => {
      if (fieldOf(call.operation) !== 'place' || !isLost) return undefined;
      isLost = false;
      return fault('SUBGRAPH_BAD_ANSWER')(call);
    };
    const started = await durable.startRequest(BUY);
    await finish(started);
    const recovery = await recoveryOf(started);
    await expect.poll(() => choicesOf(recovery)).toEqual(['GIVE_UP']);
    await decide(recovery, 'GIVE_UP');
    expect(await durable.durable.attach(recovery).result()).toMatchObject({ outcome: 'GIVEN_UP' });
  });

  const isFailedUndo = ({ __typename }: { __typename: string }): boolean => __typename === 'CompensationFailed';
});

describe('a saga for which nobody waits', () => {
  it('shows its steps and what was undone as those of the background request', async () => {
    shop.refuses.add('ship');
    const started = await durable.startAsync(BUY);
    expect((await finish(started)).data).toBeNull();
    expect(shop.effects).toEqual([]);
    const view = await viewOf(started);
    expect(view).toMatchObject({ status: 'FAILED', failure: { code: 'SUBGRAPH_ERROR' } });
    expect(view.compensations.map(({ label, status }) => [label, status])).toEqual([
      ['orders: cancel', 'COMPLETED'],
      ['stock: release', 'COMPLETED'],
    ]);
  });
});

describe('a step of unknown outcome', () => {
  const lose = (field: string, times: number) => {
    let left = times;
    durable.intercept = (call) => {
      if (fieldOf(call.operation) !== field || left-- <= 0) return undefined;
      // It took effect, and its answer was lost.
      return shop.ask(call).then(() => fault(call.idempotent ? 'SUBGRAPH_BAD_ANSWER' : 'OUTCOME_UNKNOWN')(call));
    };
  };

  it('is asked again with its key when it may be, and then undone', async () => {
    lose('reserve', 1);
    const started = await durable.startRequest('mutation @saga { reserve(input: { sku: "s2" }) { name } ship(sku: "s2") }');
    const { errors } = await finish(started);
    const keys = durable.calls.map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toEqual([`${started.operationId}.0`, `${started.operationId}.0`, `${started.operationId}.0.undo`]);
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['SUBGRAPH_BAD_ANSWER', 'STEP_UNDONE', 'STEP_NOT_STARTED']);
  });

  it('is not forgotten when its service lost its database: the transaction may have been committed', async () => {
    durable.intercept = (call) =>
      fieldOf(call.operation) === 'place' ? shop.ask(call).then(() => fault('DATABASE_UNAVAILABLE')(call)) : undefined;
    const started = await durable.startRequest('mutation @saga { place(sku: "s1") { note } }');
    const { errors } = await finish(started);
    // `place` cannot be repeated, and its answer names what to undo: it is left for people, not forgotten.
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['DATABASE_UNAVAILABLE', 'COMPENSATION_FAILED']);
    expect((await viewOf(started)).compensations).toMatchObject([{ status: 'FAILED', left: { service: 'orders', effect: 'place' } }]);
  });

  it('needs no undo when the service refuses it the second time', async () => {
    let first = true;
    durable.intercept = (call) => {
      if (fieldOf(call.operation) !== 'reserve') return undefined;
      const code = first ? 'SUBGRAPH_BAD_ANSWER' : 'QUOTA_EXCEEDED';
      first = false;
      return fault(code)(call);
    };
    const started = await durable.startRequest('mutation @saga { reserve(input: { sku: "s2" }) { name } ship(sku: "s2") }');
    await finish(started);
    expect(sent()).toEqual(['reserve', 'reserve']);
    expect((await viewOf(started)).compensations).toMatchObject([{ status: 'COMPLETED' }]);
  });

  it('is left for people when its lost answer names what to undo', async () => {
    lose('place', 1);
    const started = await durable.startRequest(BUY);
    const { errors } = await finish(started);
    expect(sent()).toEqual(['reserve', 'place', 'release']);
    expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [undefined, 'OUTCOME_UNKNOWN'],
      [['reserve'], 'STEP_UNDONE'],
      [['place'], 'COMPENSATION_FAILED'],
      [['ship'], 'STEP_NOT_STARTED'],
    ]);
    expect((await viewOf(started)).compensations[0]).toMatchObject({
      status: 'FAILED',
      failure: { code: 'OUTCOME_UNKNOWN' },
      left: { service: 'orders', effect: 'place', undo: 'cancel', arguments: null },
    });
  });
});

describe('a saga that has to stop', () => {
  it('lets the mutation in flight end, undoes and is cancelled', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    durable.intercept = (call) => (fieldOf(call.operation) === 'place' ? held.then(() => shop.ask(call)) : undefined);
    const started = await durable.startRequest(BUY);
    await expect.poll(() => sent()).toEqual(['reserve', 'place']);
    await durable.durable.cancel(started.operationId, { reason: 'changed my mind', by: 'usr_alice' });
    await expect.poll(async () => (await viewOf(started)).cancelRequested).toBe(true);
    release();
    await expect(started.result()).rejects.toMatchObject({ code: 'OPERATION_CANCELLED', status: 'CANCELLED' });
    expect(shop.effects).toEqual([]);
    expect(sent()).toEqual(['reserve', 'place', 'cancel', 'release']);
    expect(await durable.durable.describe(started.operationId)).toMatchObject({ status: 'CANCELLED' });
    expect(await viewOf(started)).toMatchObject({ status: 'CANCELLED', compensations: [{ status: 'COMPLETED' }, { status: 'COMPLETED' }] });
  });

  it('undoes what it has done when its deadline passes', async () => {
    durable.intercept = (call) =>
      fieldOf(call.operation) === 'reserve' ? new Promise((done) => setTimeout(done, 400)).then(() => shop.ask(call)) : undefined;
    const started = await durable.startRequest(BUY, { deadlineMs: 300 });
    const { data, errors } = await finish(started);
    expect(data).toBeNull();
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual([
      'STEP_UNDONE',
      'STEP_NOT_STARTED',
      'STEP_NOT_STARTED',
      'DEADLINE_EXCEEDED',
    ]);
    expect(shop.effects).toEqual([]);
    expect(await viewOf(started)).toMatchObject({ status: 'FAILED', failure: { code: 'DEADLINE_EXCEEDED' } });
  });
});
