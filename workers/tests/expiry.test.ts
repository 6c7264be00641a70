// Retention of seconds instead of a day: the namespace's own setting, on a server that allows so little.
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RecoveryResult } from '#schema/contracts/workflows';
import { createDurableWorld, type DurableWorld } from './durable-world.js';
import { startForgetfulServer } from './own-server.js';

const NAMESPACE = 'short-lived';
const RETENTION_SECONDS = 2;
/** Besides the retention: the server deletes in the background. */
const DELETED_WITHIN_MS = 40_000;

let server: TestWorkflowEnvironment;
let durable: DurableWorld;
beforeAll(async () => {
  server = await startForgetfulServer(NAMESPACE, RETENTION_SECONDS);
  durable = await createDurableWorld(undefined, { address: server.address, namespace: NAMESPACE });
});
afterAll(async () => {
  await durable.close();
  await server.teardown();
});

const gone = (id: string) => expect.poll(() => durable.durable.describe(id), { timeout: DELETED_WITHIN_MS }).toBeUndefined();

it('says until when a result is kept, and knows nothing of the operation afterwards', async () => {
  const started = await durable.startRequest('{ people { name } }');
  await started.result();
  const events = await durable.durable.readEvents(started.operationId);
  const operation = await durable.durable.describe(started.operationId);
  expect(Date.parse(operation?.expiresAt ?? '') - Date.parse(operation?.closedAt ?? '')).toBe(RETENTION_SECONDS * 1_000);

  await gone(started.operationId);
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(operation?.expiresAt ?? ''));
  await expect(durable.durable.readEvents(started.operationId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(durable.durable.attach(started.operationId).result()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const watching = durable.durable.watch(started.operationId, { after: events[0]?.cursor ?? null, signal: new AbortController().signal });
  await expect(watching[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(
    durable.durable.resolve(started.operationId, { choice: 'RETRY', by: 'usr_operator', variables: null }),
  ).rejects.toMatchObject({
    code: 'CONFLICT',
  });
});

it('keeps what a failed mutation needs as long as nobody has decided, also when its own run is gone', async () => {
  let isLost = true;
  durable.intercept = ({ operationKind }) => (isLost && operationKind === 'mutation' ? Promise.reject(new Error('lost')) : undefined);
  const started = await durable.startRequest('mutation { rate(book: "b1", stars: 4) { stars author { name } } }');
  await started.result();
  const recovery =
    (await durable.durable.readEvents(started.operationId)).find((event) => event.__typename === 'RecoveryStarted')?.recovery ?? '';
  await gone(started.operationId);
  isLost = false;
  expect((await durable.durable.describe(recovery))?.expiresAt).toBeNull();
  await durable.durable.resolve(recovery, { choice: 'RETRY', by: 'usr_operator', variables: null });
  expect(await durable.durable.attach<RecoveryResult>(recovery).result()).toMatchObject({
    outcome: 'RECOVERED',
    response: { data: { rate: { stars: 4 } } },
  });
});
