// Which tenant a task is for stands on every run, so that a busy queue serves tenants in turn.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseOperationId } from '#schema/contracts/ids';
import type { ServiceCall } from '#schema/contracts/activities';
import type { ServiceAnswer } from '#schema/contracts/plan';
import { toPriority } from '../client/fair-shares.js';
import { AUTH, createDurableWorld, type DurableWorld } from './durable-world.js';

const QUERY = '{ people { name reviews { stars } } }';

let durable: DurableWorld;
beforeAll(async () => void (durable = await createDurableWorld()));
afterAll(() => durable.close());
beforeEach(() => {
  durable.calls.length = 0;
  durable.intercept = () => undefined;
});

const away = ({ node, chunk }: ServiceCall): Promise<ServiceAnswer> =>
  Promise.resolve({ node, chunk, data: null, errors: [{ message: 'no', extensions: { code: 'SUBGRAPH_UNREACHABLE' } }] });

/** Of the newest run of an id. */
async function keyOf(workflowId: string): Promise<string | null | undefined> {
  const { workflowExecutionInfo } = await durable.connection.workflowService.describeWorkflowExecution({
    namespace: 'default',
    execution: { workflowId },
  });
  return workflowExecutionInfo?.priority?.fairnessKey;
}

describe('the key of a tenant', () => {
  it('stands on every run that a request starts: its own, its child, its webhook, its recovery and what that tries', async () => {
    durable.intercept = (call) => (call.service === 'reviews' ? away(call) : undefined);
    const started = await durable.startAsync(QUERY, { webhook: 'https://hooks.example.com/' });
    const { run, operationId } = started;
    await started.result();
    const recovery = (await durable.durable.readEvents(operationId)).find((event) => event.__typename === 'RecoveryStarted')?.recovery;
    const recoveryId = parseOperationId(recovery ?? '')?.workflowId ?? '';
    await durable.durable.resolve(recovery ?? '', { choice: 'RETRY', by: 'usr_operator', variables: null });
    const ids = [run.workflowId, `${run.workflowId}/run`, `${run.workflowId}/webhook`, recoveryId, `${recoveryId}/attempt-1`];
    await expect.poll(() => keyOf(`${recoveryId}/attempt-1`).catch(() => undefined), { timeout: 10_000 }).toBeDefined();
    expect(await Promise.all(ids.map(keyOf))).toEqual(ids.map(() => AUTH.tenant));
    await durable.durable.resolve(recovery ?? '', { choice: 'GIVE_UP', by: 'usr_operator', variables: null });
  });

  it('is one that Temporal takes, however long the name of the tenant is', () => {
    const long = 'tenant-'.repeat(20);
    expect(toPriority('ten_acme', new Map([['ten_acme', 3]]))).toEqual({ fairnessKey: 'ten_acme', fairnessWeight: 3 });
    expect(toPriority('ten_acme', new Map())).toEqual({ fairnessKey: 'ten_acme' });
    expect(Buffer.byteLength(toPriority(long, new Map()).fairnessKey ?? '')).toBeLessThanOrEqual(64);
    expect(toPriority(long, new Map())).not.toEqual(toPriority(`${long}x`, new Map()));
  });
});
