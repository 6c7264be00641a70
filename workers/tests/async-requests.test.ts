import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { inject } from 'vitest';
import { applyOperationEvent, EMPTY_OPERATION_VIEW, type OperationView } from '#schema/contracts/operations';
import type { AsyncResponse } from '#schema/contracts/workflows';
import { createPayloadCodec } from '#platform/payload-codec';
import { askMerged } from '#tests/federation/support/library';
import { loadTestKeys } from '#tests/support/test-keys';
import { createDurableWorld, type DurableWorld } from './durable-world.js';

const NESTED = '{ people { name reviews { stars book { title weight author { name } } } } }';

let durable: DurableWorld;
beforeAll(async () => void (durable = await createDurableWorld()));
afterAll(() => durable.close());
beforeEach(() => {
  durable.calls.length = 0;
  durable.intercept = () => undefined;
});

async function viewOf(operationId: string): Promise<OperationView> {
  return (await durable.durable.readEvents(operationId)).reduce<OperationView>(applyOperationEvent, EMPTY_OPERATION_VIEW);
}

const hang = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

describe('async_request_workflow', () => {
  it.each(['multi_service_orchestration_workflow', 'api_request_workflow'] as const)(
    'answers what its child %s answers',
    async (workflow) => {
      const started = await durable.startAsync(NESTED, { workflow });
      expect(((await started.result()) as AsyncResponse).response).toEqual({ data: (await askMerged(NESTED)).data });
    },
  );

  it("names its timer and its work in Temporal's UI", async () => {
    const started = await durable.startAsync(NESTED);
    await started.result();
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const { events } = await new Client({ connection }).workflow.getHandle(started.run.workflowId).fetchHistory();
    await connection.close();
    const named = (events ?? []).filter(
      (event) => event.timerStartedEventAttributes ?? event.startChildWorkflowExecutionInitiatedEventAttributes,
    );
    const codec = createPayloadCodec(await loadTestKeys(), { namespace: 'default' });
    const sealed = named.map(({ userMetadata }) => userMetadata?.summary ?? {});
    const summaries = (await codec.decode(sealed, undefined as never)).map((one) => defaultPayloadConverter.fromPayload(one));
    expect(summaries).toEqual(['deadline', 'query']);
  });

  it("shows its child's steps as its own, with a total known from the start, each event once and in order", async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    durable.intercept = (call) => (call.service === 'reviews' ? gate.then(() => undefined as never) : undefined);
    const started = await durable.startAsync(NESTED);
    await expect.poll(async () => (await viewOf(started.operationId)).steps.map(({ status }) => status)).toContain('RUNNING');
    const midway = await viewOf(started.operationId);
    expect(midway.progress.total).toBeGreaterThan(2);
    expect(midway.progress.completed).toBeLessThan(midway.progress.total);
    release();
    await started.result();
    const events = await durable.durable.readEvents(started.operationId);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const end = await viewOf(started.operationId);
    expect([end.status, end.progress]).toEqual(['COMPLETED', { completed: midway.progress.total, total: midway.progress.total }]);
    // Every step is told to start before it is told to end.
    for (const { id } of end.steps)
      expect(events.flatMap((event) => ('step' in event && event.step === id ? [event.__typename] : []))).toEqual([
        'StepStarted',
        'StepCompleted',
      ]);
  });

  it('answers at its deadline with what is finished', async () => {
    durable.intercept = (call, signal) => (call.service === 'people' ? hang(signal) : undefined);
    const started = await durable.startAsync('{ books(first: 1) { title author { nick } } }', { deadlineMs: 1_000 });
    expect(((await started.result()) as AsyncResponse).response).toMatchObject({
      data: { books: [{ title: 'Rocannon', author: { nick: null } }] },
      errors: [{ extensions: { code: 'DEADLINE_EXCEEDED' } }],
    });
  });

  it.each(['by signal', "in Temporal's UI"])('ends as cancelled %s, and the call in flight is cut', async (how) => {
    let cut = false;
    durable.intercept = (_, signal) => {
      signal.addEventListener('abort', () => (cut = true));
      return hang(signal);
    };
    const started = await durable.startAsync('{ people { name } }');
    await expect.poll(() => durable.calls.length).toBe(1);
    if (how === 'by signal') await durable.durable.cancel(started.operationId, { reason: 'changed my mind', by: 'usr_alice' });
    else {
      const connection = await Connection.connect({ address: inject('temporalAddress') });
      await new Client({ connection }).workflow.getHandle(started.run.workflowId).cancel();
      await connection.close();
    }
    await expect(started.result()).rejects.toMatchObject({ code: 'OPERATION_CANCELLED', status: 'CANCELLED' });
    await expect.poll(() => cut).toBe(true);
    expect((await viewOf(started.operationId)).status).toBe('CANCELLED');
    for (const id of [started.run.workflowId, `${started.run.workflowId}/run`])
      await expect.poll(() => durable.statusInTemporal(id)).toBe('CANCELLED');
  });

  it("ends with its child's code when the child fails", async () => {
    durable.intercept = ({ node, chunk }) =>
      Promise.resolve({ node, chunk, errors: [], data: { book: { __typename: 'Book', id: 'b1', title: 'x'.repeat(1_400_000) } } });
    const started = await durable.startAsync('{ book(id: "b1") { title } }');
    await expect(started.result()).rejects.toMatchObject({ code: 'SUBGRAPH_ANSWER_TOO_LARGE', status: 'FAILED' });
  });
});
