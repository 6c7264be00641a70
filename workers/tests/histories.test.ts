// Recorded histories of every workflow replay on the present code: a change that would break a running one fails here.
// To record anew (after a deliberate, patched change): RECORD_HISTORIES=1 npx vitest run --project workflow workers/tests/histories
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { describe, expect, inject, it } from 'vitest';
import { createDataConverter } from '#platform/payload-codec';
import { parseOperationId } from '#schema/contracts/ids';
import { loadTestKeys } from '#tests/support/test-keys';
import { bundleOptions } from '../bundle.js';
import { AUTH, createDurableWorld } from './durable-world.js';
import { createPluginWorld } from './plugin-world.js';
import { world } from '#tests/federation/support/library';
import { createShop } from '#tests/federation/support/shop';

const FOLDER = new URL('../histories/', import.meta.url);
const { History } = proto.temporal.api.history.v1;

async function record(name: string, workflowId: string): Promise<void> {
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  const history = await new Client({ connection }).workflow.getHandle(workflowId).fetchHistory();
  await mkdir(FOLDER, { recursive: true });
  await writeFile(
    new URL(`${name}.json`, FOLDER),
    `${JSON.stringify(History.toObject(History.fromObject(history), { longs: String, bytes: String, enums: String }), null, 1)}\n`,
  );
  await connection.close();
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
      const started = await durable.durable.start(
        'api_request_workflow',
        [
          {
            plan: world.plan('mutation { a: rate(book: "b1", stars: 3) { stars } b: rate(book: "b2", stars: 2) { stars } }'),
            variables: {},
            generation: 1,
            operationName: null,
            documentHash: '',
            deadlineMs: 10_000,
            synchronous: true,
            auth: AUTH,
            credential: { ref: 'r', fingerprint: AUTH.fingerprint },
          },
        ],
        {
          workflowId: `request/ten_acme/recorded-${verdict}`,
          taskQueue: durable.taskQueue,
          facts: { kind: 'API_REQUEST', title: 'recorded', tenant: AUTH.tenant, startedBy: AUTH.principal },
        },
      );
      await started.result().catch(() => undefined);
      await record(`api_request_workflow.${verdict === 'good' ? 'success' : 'failed'}`, started.run.workflowId);
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
});

describe('recorded histories', async () => {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.json'));

  it('are there for every workflow type, at least one', async () => {
    const index = await readFile(new URL('../workflows/index.ts', import.meta.url), 'utf8');
    const types = [...index.matchAll(/export \{ (\w+) \}/g)].map(([, name]) => name).sort();
    expect(types.length).toBeGreaterThan(0);
    expect([...new Set(files.map((file) => file.split('.', 1)[0]))].sort()).toEqual(types);
  });

  it('replay', async () => {
    const histories = await Promise.all(
      files.map(async (file) => {
        const history = History.fromObject(JSON.parse(await readFile(new URL(file, FOLDER), 'utf8')) as object);
        // Payloads are sealed for their workflow, so it has to be replayed under its own id.
        const workflowId = history.events[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? file;
        return { workflowId, history };
      }),
    );
    const dataConverter = createDataConverter(await loadTestKeys(), { namespace: 'default' });
    const failed: string[] = [];
    for await (const { workflowId, error } of Worker.runReplayHistories(
      { workflowsPath: bundleOptions().workflowsPath, dataConverter },
      histories,
    )) {
      if (error !== undefined) failed.push(`${workflowId}: ${error.message}`);
    }
    expect(failed).toEqual([]);
  });
});
