// Records the histories that histories.test.ts replays. One that is there stays as it is: it stands for the runs that were started with the code
// of its day. Only new ones are recorded, or one anew after a change that no running workflow can meet:
//   RECORD_HISTORIES=1 npx vitest run --project workflow workers/tests/record-histories -t 'records a webhook that nobody took'
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { describe, expect, inject, it } from 'vitest';
import { createDataConverter } from '#platform/payload-codec';
import { parseOperationId } from '#schema/contracts/ids';
import { loadTestKeys } from '#tests/support/test-keys';
import { world } from '#tests/federation/support/library';
import { createShop } from '#tests/federation/support/shop';
import type { RunHandle } from '../client/durable-client.js';
import { AUTH, createDurableWorld, type DurableWorld } from './durable-world.js';
import { addSearchAttributes, startForgetfulServer } from './own-server.js';
import { createPluginWorld } from './plugin-world.js';
import { recordHistory } from './recorded-histories.js';
import { createSkippingWorld } from './skipped-time.js';

const record = (name: string, workflowId: string): Promise<void> => recordHistory(name, inject('temporalAddress'), workflowId);

function startApiRequest(durable: DurableWorld, name: string): Promise<RunHandle<unknown>> {
  const request = {
    plan: world.plan('mutation { a: rate(book: "b1", stars: 3) { stars } b: rate(book: "b2", stars: 2) { stars } }'),
    variables: {},
    generation: 1,
    operationName: null,
    documentHash: '',
    deadlineMs: 10_000,
    synchronous: true,
    auth: AUTH,
    credential: { ref: 'r', fingerprint: AUTH.fingerprint },
  };
  return durable.durable.start('api_request_workflow', [request], {
    workflowId: `request/ten_acme/recorded-${name}`,
    taskQueue: durable.taskQueue,
    facts: { kind: 'API_REQUEST', title: 'recorded', tenant: AUTH.tenant, startedBy: AUTH.principal },
  });
}

function startDelivery(durable: DurableWorld): Promise<RunHandle<unknown>> {
  const message = { type: 'operation.completed', timestamp: '', data: { id: 'op_1', status: 'COMPLETED', code: null } } as const;
  const delivery = { url: 'https://hooks.example.com/', tenant: AUTH.tenant, messageId: 'msg_1', message };
  return durable.durable.start('webhook_delivery_workflow', [delivery], {
    workflowId: `request/ten_acme/${randomUUID()}/webhook`,
    taskQueue: durable.taskQueue,
    executionTimeoutMs: 30 * 24 * 3_600_000,
    facts: { kind: 'WEBHOOK', title: 'Webhook', tenant: AUTH.tenant, startedBy: AUTH.principal },
  });
}

/** The recovery of a run, once it has asked for a decision `times` times. */
async function askedRecoveryOf(
  { durable }: DurableWorld,
  failed: RunHandle<unknown>,
  times = 1,
): Promise<{ id: string; workflowId: string }> {
  const find = async () => (await durable.readEvents(failed.operationId)).find((event) => event.__typename === 'RecoveryStarted')?.recovery;
  await expect.poll(find).toBeDefined();
  const id = (await find()) ?? '';
  const asked = async () => (await durable.readEvents(id)).filter(({ __typename }) => __typename === 'InputRequired').length;
  await expect.poll(asked, { timeout: 20_000 }).toBe(times);
  return { id, workflowId: parseOperationId(id)?.workflowId ?? '' };
}

describe.runIf(process.env['RECORD_HISTORIES'] === '1')('recording', () => {
  it('records requests: success, a failed service, cancelled', async () => {
    const durable = await createDurableWorld();
    const query = '{ people { name reviews { stars book { title author { name } } } } }';
    const success = await durable.startRequest(query);
    await success.result();
    await record('multi_service_orchestration_workflow.success', success.run.workflowId);

    durable.intercept = (call) => (call.service === 'reviews' ? Promise.reject(new Error('lost')) : undefined);
    const partial = await durable.startRequest(query, { synchronous: false });
    await partial.result();
    await record('multi_service_orchestration_workflow.partial', partial.run.workflowId);

    durable.intercept = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const cancelled = await durable.startRequest(query, { synchronous: false });
    await expect.poll(() => durable.calls.length).toBeGreaterThan(0);
    await durable.durable.cancel(cancelled.operationId, { reason: 'recorded', by: null });
    await cancelled.result().catch(() => undefined);
    await record('multi_service_orchestration_workflow.cancelled', cancelled.run.workflowId);

    durable.intercept = () => undefined;
    for (const verdict of ['good', 'refused'] as const) {
      durable.verdict = verdict;
      const started = await startApiRequest(durable, verdict);
      await started.result().catch(() => undefined);
      await record(`api_request_workflow.${verdict === 'good' ? 'success' : 'failed'}`, started.run.workflowId);
    }
    await durable.close();
  });

  it('records queries that tell their events together: at their end, with their result', async () => {
    const durable = await createDurableWorld();
    for (const [name, how] of [
      ['at-end', { reportsAtEnd: true }],
      ['with-result', { reportsWithResult: true }],
    ] as const) {
      const run = await durable.startRequest('{ people { name reviews { stars } } }', how);
      await run.result();
      await record(`multi_service_orchestration_workflow.reports-${name}`, run.run.workflowId);
    }
    await durable.close();
  });

  it('records background requests, and their work as a child: success, cancelled, failed', async () => {
    const durable = await createDurableWorld();
    const query = '{ people { name reviews { stars book { title author { name } } } } }';
    const success = await durable.startAsync(query);
    await success.result();
    await record('async_request_workflow.success', success.run.workflowId);
    await record('multi_service_orchestration_workflow.child', `${success.run.workflowId}/run`);

    durable.intercept = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const cancelled = await durable.startAsync(query);
    await expect.poll(() => durable.calls.length).toBeGreaterThan(0);
    await durable.durable.cancel(cancelled.operationId, { reason: 'recorded', by: null });
    await cancelled.result().catch(() => undefined);
    await record('async_request_workflow.cancelled', cancelled.run.workflowId);

    durable.intercept = ({ node, chunk }) =>
      Promise.resolve({ node, chunk, errors: [], data: { book: { __typename: 'Book', id: 'b1', title: 'x'.repeat(1_400_000) } } });
    const failed = await durable.startAsync('{ book(id: "b1") { title } }');
    await failed.result().catch(() => undefined);
    await record('async_request_workflow.failed', failed.run.workflowId);
    await durable.close();
  });

  it('records sagas: compensated, partially compensated, cancelled', async () => {
    const shop = createShop();
    const durable = await createDurableWorld(shop);
    const buy =
      'mutation @saga { reserve(input: { sku: "s1" }) { name } place(sku: "s1") { note order { item { name } } } ship(sku: "s1") }';
    shop.refuses.add('ship');
    const compensated = await durable.startRequest(buy);
    await compensated.result();
    await record('multi_service_orchestration_workflow.saga-compensated', compensated.run.workflowId);

    shop.refuses.add('cancel');
    const partially = await durable.startRequest(buy);
    await partially.result();
    await record('multi_service_orchestration_workflow.saga-partially-compensated', partially.run.workflowId);

    shop.refuses.clear();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    durable.intercept = (call) => (call.operation.includes('place(') ? held.then(() => shop.ask(call)) : undefined);
    durable.calls.length = 0;
    const cancelled = await durable.startRequest(buy);
    await expect.poll(() => durable.calls.length).toBe(2);
    await durable.durable.cancel(cancelled.operationId, { reason: 'recorded', by: null });
    await expect
      .poll(async () => (await durable.durable.readEvents(cancelled.operationId)).map(({ __typename }) => __typename))
      .toContain('CancelRequested');
    release();
    await cancelled.result().catch(() => undefined);
    await record('multi_service_orchestration_workflow.saga-cancelled', cancelled.run.workflowId);
    await durable.close();
  });

  it.each(['saga-cancelled-partially', 'saga-cancelled-left'])(
    'records a cancelled saga that could not undo everything: %s',
    async (name) => {
      const shop = createShop();
      shop.refuses.add('cancel');
      const durable = await createDurableWorld(shop);
      let release = (): void => undefined;
      const held = new Promise<void>((resolve) => (release = resolve));
      durable.intercept = (call) => (call.operation.includes('place(') ? held.then(() => shop.ask(call)) : undefined);
      const document = 'mutation @saga { place(sku: "s1") { note } ship(sku: "s1") }';
      const runs = [await durable.startRequest(document), await durable.startAsync(document)];
      await expect.poll(() => durable.calls.length).toBe(2);
      for (const { operationId } of runs) {
        await durable.durable.cancel(operationId, { reason: 'recorded', by: null });
        const events = async () => (await durable.durable.readEvents(operationId)).map(({ __typename }) => __typename);
        await expect.poll(events).toContain('CancelRequested');
      }
      release();
      for (const run of runs) await expect(run.result()).rejects.toMatchObject({ status: 'CANCELLED' });
      await record(`multi_service_orchestration_workflow.${name}`, runs[0]?.run.workflowId ?? '');
      await record(`async_request_workflow.${name}`, runs[1]?.run.workflowId ?? '');
      await durable.close();
    },
  );

  it('records a background saga that is undone', async () => {
    const shop = createShop();
    shop.refuses.add('ship');
    const durable = await createDurableWorld(shop);
    const undone = await durable.startAsync('mutation @saga { place(sku: "s1") { note } ship(sku: "s1") }');
    await undone.result();
    await record('async_request_workflow.saga-compensated', undone.run.workflowId);
    await durable.close();
  });

  it('records a background saga that is late', async () => {
    const shop = createShop();
    const durable = await createDurableWorld(shop);
    const wait = () => new Promise((resolve) => setTimeout(resolve, 600));
    durable.intercept = (call) => (call.operation.includes('place(') ? wait().then(() => shop.ask(call)) : undefined);
    const late = await durable.startAsync('mutation @saga { place(sku: "s1") { note } ship(sku: "s1") }', { deadlineMs: 300 });
    await late.result();
    await record('async_request_workflow.saga-late', late.run.workflowId);
    await durable.close();
  });

  it('records failures and their recoveries: by itself, by a decision, given up, cancelled', async () => {
    const durable = await createDurableWorld();
    const rate = 'mutation { rate(book: "b1", stars: 4) { stars author { name } } }';
    const recoveryOf = async (id: string): Promise<string> => {
      const find = async () => (await durable.durable.readEvents(id)).find((event) => event.__typename === 'RecoveryStarted')?.recovery;
      await expect.poll(find).toBeDefined();
      return (await find()) ?? '';
    };
    const endOf = (recovery: string) =>
      durable.durable
        .attach(recovery)
        .result()
        .catch(() => undefined);

    let isDown = true;
    durable.intercept = ({ node, chunk, service }) =>
      isDown && service === 'reviews'
        ? Promise.resolve({ node, chunk, data: null, errors: [{ message: 'away', extensions: { code: 'SUBGRAPH_UNREACHABLE' } }] })
        : undefined;
    const background = await durable.startAsync('{ people { name reviews { stars } } }');
    await background.result();
    await record('async_request_workflow.recovering', background.run.workflowId);
    isDown = false;
    const automatic = await recoveryOf(background.operationId);
    await endOf(automatic);
    await record('error_recovery_workflow.automatic', parseOperationId(automatic)?.workflowId ?? '');

    for (const name of ['recovered', 'given-up', 'cancelled'] as const) {
      let isLost = true;
      durable.intercept = ({ operationKind }) =>
        isLost && operationKind === 'mutation' ? Promise.reject(new Error('connection lost')) : undefined;
      const failed = await durable.startRequest(rate);
      await failed.result();
      const recovery = await recoveryOf(failed.operationId);
      await expect
        .poll(async () => (await durable.durable.readEvents(recovery)).some(({ __typename }) => __typename === 'InputRequired'))
        .toBe(true);
      isLost = false;
      const { workflowId = '' } = parseOperationId(recovery) ?? {};
      if (name === 'cancelled') {
        const connection = await Connection.connect({ address: inject('temporalAddress') });
        await new Client({ connection }).workflow.getHandle(workflowId).cancel();
        await connection.close();
      } else {
        const choice = name === 'recovered' ? 'RETRY' : 'GIVE_UP';
        await durable.durable.resolve(recovery, { choice, by: 'usr_operator', variables: null });
      }
      await endOf(recovery);
      if (name === 'recovered') await record('multi_service_orchestration_workflow.outcome-unknown', failed.run.workflowId);
      await record(`error_recovery_workflow.${name}`, workflowId);
    }
    await durable.close();
  });

  it('records webhooks: delivered at the second attempt, refused', async () => {
    const durable = await createDurableWorld();
    for (const name of ['delivered', 'failed'] as const) {
      durable.receive = (attempt) =>
        name === 'failed'
          ? { kind: 'refused', reason: 'status 410' }
          : attempt === 1
            ? { kind: 'failed', reason: 'status 500', retryAfterMs: 0 }
            : { kind: 'delivered' };
      const started = await durable.startAsync('{ people { name } }', { webhook: 'https://hooks.example.com/' });
      await started.result();
      if (name === 'delivered') await record('async_request_workflow.webhook', started.run.workflowId);
      const connection = await Connection.connect({ address: inject('temporalAddress') });
      const delivery = new Client({ connection, dataConverter: createDataConverter(await loadTestKeys(), { namespace: 'default' }) });
      await delivery.workflow
        .getHandle(`${started.run.workflowId}/webhook`)
        .result()
        .catch(() => undefined);
      await connection.close();
      await record(`webhook_delivery_workflow.${name}`, `${started.run.workflowId}/webhook`);
    }
    await durable.close();
  });

  it('records installations: success, compensated; and the coordinator that published for them', async () => {
    const plugins = await createPluginWorld();
    await plugins.publish(plugins.qrFiles);
    plugins.failAt = { activity: 'probe_plugin_activity', code: 'PLUGIN_ERROR' };
    for (const name of ['compensated', 'success']) {
      const started = await plugins.install();
      await started.result().catch(() => undefined);
      await record(`plugin_installation_workflow.${name}`, parseOperationId(started.operationId)?.workflowId ?? '');
      plugins.failAt = null;
    }
    await record('supergraph_coordinator_workflow.success', plugins.coordinatorId);
    await plugins.close();
  });

  it('records runs that are cancelled: Temporal calls them so', async () => {
    const durable = await createDurableWorld();
    const hangs = (): void => {
      durable.calls.length = 0;
      durable.intercept = (_, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    const cancelOnce = async (started: RunHandle<unknown>): Promise<void> => {
      await expect.poll(() => durable.calls.length + durable.webhooks.length).toBeGreaterThan(0);
      await durable.durable.cancel(started.operationId, { reason: 'recorded', by: null });
      await expect(started.result()).rejects.toMatchObject({ status: 'CANCELLED' });
    };
    hangs();
    const request = await durable.startRequest('{ people { name } }', { synchronous: false });
    await cancelOnce(request);
    await record('multi_service_orchestration_workflow.ended-cancelled', request.run.workflowId);

    hangs();
    const background = await durable.startAsync('{ people { name } }');
    await cancelOnce(background);
    await record('async_request_workflow.ended-cancelled', background.run.workflowId);

    hangs();
    const api = await startApiRequest(durable, 'cancelled');
    await cancelOnce(api);
    await record('api_request_workflow.cancelled', api.run.workflowId);

    durable.calls.length = 0;
    durable.receive = () => ({ kind: 'failed', reason: 'status 500', retryAfterMs: 3_600_000 });
    const webhook = await startDelivery(durable);
    await cancelOnce(webhook);
    await record('webhook_delivery_workflow.cancelled', webhook.run.workflowId);
    await durable.close();
  });

  it('records requests that are late, are recovered, and the run that resumes them', async () => {
    const durable = await createDurableWorld();
    durable.intercept = (call, signal) =>
      call.service === 'people'
        ? new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
        : undefined;
    const late = await durable.startRequest('{ books(first: 1) { title author { nick } } }', { synchronous: false, deadlineMs: 1_000 });
    await late.result();
    await record('multi_service_orchestration_workflow.late', late.run.workflowId);

    let isLost = true;
    durable.intercept = ({ operationKind }) => (isLost && operationKind === 'mutation' ? Promise.reject(new Error('lost')) : undefined);
    const failed = await startApiRequest(durable, 'recovering');
    await failed.result();
    await record('api_request_workflow.recovering', failed.run.workflowId);
    const recovery = await askedRecoveryOf(durable, failed);
    isLost = false;
    await durable.durable.resolve(recovery.id, { choice: 'RETRY', by: 'usr_operator', variables: null });
    await durable.durable.attach(recovery.id).result();
    await record('api_request_workflow.resumed', `${recovery.workflowId}/attempt-1`);
    await durable.close();
  });

  it('records a caller who lost their standing, and a query between whose fetches its deadline passed', async () => {
    const durable = await createDurableWorld();
    durable.intercept = ({ operationKind }) => (operationKind === 'mutation' ? Promise.reject(new Error('lost')) : undefined);
    const failed = await durable.startRequest('mutation { rate(book: "b1", stars: 4) { stars } }');
    await failed.result();
    const recovery = await askedRecoveryOf(durable, failed);
    durable.verdict = 'refused';
    await durable.durable.resolve(recovery.id, { choice: 'RETRY', by: 'usr_operator', variables: null });
    await askedRecoveryOf(durable, failed, 2);
    await durable.durable.resolve(recovery.id, { choice: 'GIVE_UP', by: 'usr_operator', variables: null });
    await durable.durable.attach(recovery.id).result();
    await record('error_recovery_workflow.refused', recovery.workflowId);

    durable.intercept = async (call) => {
      if (call.node === 0) await new Promise((resolve) => setTimeout(resolve, 600));
      return world.ask(call);
    };
    const late = await durable.startRequest('{ books(first: 1) { title author { nick } } }', { deadlineMs: 300 });
    await late.result();
    await record('multi_service_orchestration_workflow.late-between-fetches', late.run.workflowId);
    await durable.close();
  });

  it('records decisions on recoveries: skipped, edited, compensated; and a saga that succeeds', async () => {
    const durable = await createDurableWorld();
    for (const [name, choice] of [
      ['skipped', 'SKIP'],
      ['edited', 'EDIT_VARIABLES'],
    ] as const) {
      let isLost = true;
      durable.intercept = ({ operationKind }) => (isLost && operationKind === 'mutation' ? Promise.reject(new Error('lost')) : undefined);
      const failed = await durable.startRequest('mutation($stars: Int!) { rate(book: "b1", stars: $stars) { stars } }', {
        variables: { stars: 3 },
      });
      await failed.result();
      const recovery = await askedRecoveryOf(durable, failed);
      isLost = false;
      const variables = choice === 'EDIT_VARIABLES' ? { stars: 4 } : null;
      await durable.durable.resolve(recovery.id, { choice, by: 'usr_operator', variables });
      await durable.durable.attach(recovery.id).result();
      await record(`error_recovery_workflow.${name}`, recovery.workflowId);
    }
    await durable.close();

    const shop = createShop();
    const sagas = await createDurableWorld(shop);
    const buy =
      'mutation @saga { reserve(input: { sku: "s1" }) { name } place(sku: "s1") { note order { item { name } } } ship(sku: "s1") }';
    const bought = await sagas.startRequest(buy);
    await bought.result();
    await record('multi_service_orchestration_workflow.saga-success', bought.run.workflowId);
    shop.refuses.add('ship').add('cancel');
    const failed = await sagas.startRequest(buy);
    await failed.result();
    const recovery = await askedRecoveryOf(sagas, failed);
    shop.refuses.delete('cancel');
    await sagas.durable.resolve(recovery.id, { choice: 'COMPENSATE', by: 'usr_operator', variables: null });
    await sagas.durable.attach(recovery.id).result();
    await record('error_recovery_workflow.compensated', recovery.workflowId);
    await sagas.close();
  });

  it('records runs that continue as new, and what continues them', async () => {
    const server = await startForgetfulServer('forgetful', 3_600, ['limit.historyCount.suggestContinueAsNew=60']);
    await addSearchAttributes(server, 'default');
    let generation = 0;
    const durable = await createDurableWorld(undefined, {
      address: server.address,
      activities: { compose_and_publish_activity: () => Promise.resolve({ generation: (generation += 1) }) },
    });
    const recordChain = async (workflow: string, workflowId: string): Promise<void> => {
      const asked = { namespace: 'default', execution: { workflowId } };
      const { workflowExecutionInfo: info } = await server.connection.workflowService.describeWorkflowExecution(asked);
      expect(info?.execution?.runId).not.toBe(info?.firstRunId);
      await recordHistory(`${workflow}.continued`, server.address, workflowId, info?.firstRunId ?? '');
      await recordHistory(`${workflow}.continuation`, server.address, workflowId);
    };
    durable.intercept = ({ operationKind }) => (operationKind === 'mutation' ? Promise.reject(new Error('lost')) : undefined);
    const failed = await durable.startRequest('mutation { rate(book: "b1", stars: 4) { stars } }');
    await failed.result();
    const recovery = await askedRecoveryOf(durable, failed);
    for (let times = 2; times <= 3; times += 1) {
      await durable.durable.resolve(recovery.id, { choice: 'RETRY', by: 'usr_operator', variables: null });
      await askedRecoveryOf(durable, failed, times);
    }
    await durable.durable.resolve(recovery.id, { choice: 'GIVE_UP', by: 'usr_operator', variables: null });
    await durable.durable.attach(recovery.id).result();
    await recordChain('error_recovery_workflow', recovery.workflowId);

    const at = { workflowId: 'coordinator', taskQueue: durable.taskQueue };
    for (let index = 1; index <= 10; index += 1)
      await durable.durable.publishGeneration({ requestId: `op.${index}`, change: { kind: 'remove', name: 'x' } }, at);
    await recordChain('supergraph_coordinator_workflow', 'coordinator');
    await durable.close();
    await server.teardown();
  });

  it('records a webhook that nobody took in three days', async () => {
    const durable = await createSkippingWorld();
    durable.receive = () => ({ kind: 'failed', reason: 'status 500', retryAfterMs: 0 });
    const started = await startDelivery(durable);
    await durable.skipUntil(() => started.result().catch(() => undefined));
    await recordHistory('webhook_delivery_workflow.undelivered', durable.address, started.run.workflowId);
    await durable.close();
  });

  it('records an installation that is cancelled', async () => {
    const plugins = await createPluginWorld();
    await plugins.publish(plugins.qrFiles);
    const started = await plugins.install();
    let isAsked = false;
    plugins.before = async (activity) => {
      if (activity !== 'await_generation_served_activity' || isAsked) return;
      isAsked = true;
      await plugins.durable.cancel(started.operationId, { reason: 'recorded', by: null });
    };
    await expect(started.result()).rejects.toMatchObject({ status: 'CANCELLED' });
    await record('plugin_installation_workflow.cancelled', started.run.workflowId);
    await plugins.close();
  });
});
