// What nobody could report: a request that was terminated or timed out in Temporal gets its recovery from outside.
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import type { OperationEvent } from '#schema/contracts/operations';
import type { RecoveryResult } from '#schema/contracts/workflows';
import { createDurableWorld, type DurableWorld } from './durable-world.js';

const RATE = 'mutation { rate(book: "b1", stars: 4) { stars author { name } } }';
let world: DurableWorld;
let connection: Connection;
beforeAll(async () => {
  world = await createDurableWorld();
  connection = await Connection.connect({ address: inject('temporalAddress') });
});
afterAll(async () => {
  await world.close();
  await connection.close();
});
beforeEach(() => {
  world.calls.length = 0;
  world.attention.length = 0;
  world.intercept = () => undefined;
});

const terminate = (workflowId: string) => new Client({ connection }).workflow.getHandle(workflowId).terminate('by hand');
const untilAsked = async (recovery: string): Promise<OperationEvent> => {
  const find = async () => (await world.durable.readEvents(recovery)).find(({ __typename }) => __typename === 'InputRequired');
  await expect.poll(find, { timeout: 10_000 }).toBeDefined();
  return (await find()) as OperationEvent;
};
/** The first call to `reviews` is held; @returns what lets it go on */
function holdMutation(): () => void {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  world.intercept = (call) => (call.operationKind === 'mutation' ? gate.then(() => undefined as never) : undefined);
  return release;
}

describe('a request that was ended by force', () => {
  it.each(['startRequest', 'startAsync'] as const)(
    'waits for a decision, and is tried again under the keys that it had: %s',
    async (how) => {
      const release = holdMutation();
      const started = await world[how](RATE);
      await expect.poll(() => world.calls.length).toBe(1);
      const [sent] = world.calls;
      await terminate(started.run.workflowId);
      const forced = async () => (await world.durable.listForcedEnds({ tenant: 'ten_acme', first: 100 })).map(({ id }) => id);
      await expect.poll(forced, { timeout: 10_000 }).toContain(started.operationId);

      const recovery = await world.durable.recover(started.operationId);
      expect(await world.durable.recover(started.operationId)).toBe(recovery);
      expect(await untilAsked(recovery)).toMatchObject({
        prompt: expect.stringContaining('OPERATION_TERMINATED'),
        choices: ['RETRY', 'EDIT_VARIABLES', 'SKIP', 'GIVE_UP'],
      });
      expect(await world.durable.describe(recovery)).toMatchObject({ status: 'INPUT_REQUIRED', facts: { recovers: started.operationId } });
      expect(world.attention.map(({ operationId, state }) => [operationId, state])).toEqual([
        [started.operationId, 'RECOVERING'],
        [started.operationId, 'INPUT_REQUIRED'],
      ]);

      release();
      world.intercept = () => undefined;
      await world.durable.resolve(recovery, { choice: 'RETRY', by: 'usr_operator', variables: null });
      expect(await world.durable.attach<RecoveryResult>(recovery).result()).toMatchObject({
        outcome: 'RECOVERED',
        response: { data: { rate: { stars: 4 } } },
      });
      const keys = world.calls.filter(({ operationKind }) => operationKind === 'mutation').map(({ idempotencyKey }) => idempotencyKey);
      expect(new Set(keys)).toEqual(new Set([sent?.idempotencyKey]));
      expect(world.attention.at(-1)?.state).toBe('RESOLVED');
    },
  );

  it('is one only when it was: others have said what became of them', async () => {
    const started = await world.startRequest(RATE);
    await expect(world.durable.recover(started.operationId)).rejects.toMatchObject({ code: 'CONFLICT' });
    await started.result();
    await expect(world.durable.recover(started.operationId)).rejects.toMatchObject({ code: 'CONFLICT' });
    expect((await world.durable.listForcedEnds({ first: 100 })).map(({ id }) => id)).not.toContain(started.operationId);
  });

  it('by its time-out in Temporal is recovered alike, also when no worker ever saw it', async () => {
    const late = await world.startRequest(RATE, {}, { taskQueue: 'nobody-serves-it', executionTimeoutMs: 1_000 });
    const ended = async () => (await world.durable.describe(late.operationId))?.failure?.code;
    await expect.poll(ended, { timeout: 15_000 }).toBe('DEADLINE_EXCEEDED');
    expect(await world.durable.describe(await world.durable.recover(late.operationId))).toMatchObject({
      status: 'WORKING',
      facts: { recovers: late.operationId, startedBy: 'usr_alice' },
    });
  });
});
