// How long is waited between attempts: webhook-schedule.test.ts.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDurableWorld, type DurableWorld } from './durable-world.js';

describe('async_request_workflow with a webhook', () => {
  let durable: DurableWorld;
  beforeAll(async () => void (durable = await createDurableWorld()));
  afterAll(() => durable.close());
  beforeEach(() => {
    durable.webhooks.length = 0;
    durable.intercept = () => undefined;
    durable.receive = () => ({ kind: 'delivered' });
  });
  const webhook = 'https://hooks.example.com/';

  it('tells of its end what a receiver needs to fetch the rest, and nothing of the answer', async () => {
    const started = await durable.startAsync('{ people { name } }', { webhook });
    await started.result();
    await expect.poll(() => durable.webhooks.length).toBe(1);
    expect(durable.webhooks[0]).toEqual({
      url: webhook,
      tenant: 'ten_acme',
      messageId: `msg_${started.operationId}`,
      message: {
        type: 'operation.completed',
        timestamp: expect.any(String),
        data: { id: started.operationId, status: 'COMPLETED', code: null },
      },
    });
  });

  it('is tried again with the same message, and the operation has ended meanwhile', async () => {
    durable.receive = (attempt) => (attempt === 1 ? { kind: 'failed', reason: 'status 500', retryAfterMs: 0 } : { kind: 'delivered' });
    const started = await durable.startAsync('{ people { name } }', { webhook });
    await started.result();
    await expect.poll(() => durable.webhooks.length, { timeout: 30_000 }).toBe(2);
    expect(durable.webhooks[1]).toEqual(durable.webhooks[0]);
  });

  it.each(['FAILED', 'CANCELLED'])('tells that it ended as %s', async (status) => {
    durable.intercept = ({ node, chunk }, signal) =>
      status === 'FAILED'
        ? Promise.resolve({ node, chunk, errors: [], data: { book: { __typename: 'Book', id: 'b1', title: 'x'.repeat(1_400_000) } } })
        : new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const started = await durable.startAsync('{ book(id: "b1") { title } }', { webhook });
    if (status === 'CANCELLED') await durable.durable.cancel(started.operationId, { reason: null, by: null });
    await started.result().catch(() => undefined);
    await expect.poll(() => durable.webhooks[0]?.message.data).toMatchObject({ id: started.operationId, status });
  });
});
