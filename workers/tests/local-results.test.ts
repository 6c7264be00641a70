import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { askMerged } from '#tests/federation/support/library';
import { createLocalResults } from '../client/local-results.js';
import { createDurableWorld, type DurableWorld } from './durable-world.js';

const QUERY = '{ people { name reviews { stars } } }';
let durable: DurableWorld;
beforeAll(async () => void (durable = await createDurableWorld()));
afterAll(() => durable.close());
beforeEach(() => {
  durable.intercept = () => undefined;
  vi.restoreAllMocks();
});

const watchHistoryCalls = () => vi.spyOn(durable.connection.workflowService, 'getWorkflowExecutionHistory');

describe('the result of a run that ends on a worker of its starter', () => {
  it('is told without asking the server, which has it too', async () => {
    const calls = watchHistoryCalls();
    const run = await durable.startRequest(QUERY);
    const here = (await run.result()) as { response: unknown };
    expect(here.response).toEqual({ data: (await askMerged(QUERY)).data });
    expect(calls).not.toHaveBeenCalled();
    expect(await durable.statusInTemporal(run.run.workflowId)).toBe('COMPLETED');
    expect(await durable.durable.attach(run.operationId).result()).toEqual(here);
    expect(calls).toHaveBeenCalled();
  });

  it('is asked of the server when the run ends otherwise, or takes long', async () => {
    const calls = watchHistoryCalls();
    durable.intercept = ({ node, chunk }) =>
      Promise.resolve({ node, chunk, errors: [], data: { book: { __typename: 'Book', id: 'b1', title: 'x'.repeat(1_400_000) } } });
    const failed = await durable.startRequest('{ book(id: "b1") { title } }');
    await expect(failed.result()).rejects.toMatchObject({ failure: { code: 'SUBGRAPH_ANSWER_TOO_LARGE' } });
    expect(calls).toHaveBeenCalled();

    calls.mockClear();
    durable.intercept = async ({ node, chunk }) => {
      await new Promise((resolve) => setTimeout(resolve, 2_300));
      return { node, chunk, errors: [], data: { book: { __typename: 'Book', id: 'b1', title: 'late' } } };
    };
    const late = await durable.startRequest('{ book(id: "b1") { title } }');
    expect(await late.result()).toMatchObject({ response: { data: { book: { title: 'late' } } } });
    expect(calls).toHaveBeenCalled();
  });

  it('is that of its own run, not of another under the same id', async () => {
    const workflowId = `request/ten_acme/${randomUUID()}`;
    const first = await durable.startRequest('{ people { name } }', {}, { workflowId });
    const result = await first.result();
    const second = await durable.startRequest('{ books(first: 1) { title } }', {}, { workflowId });
    expect(await second.result()).not.toEqual(result);
  });
});

it('whoever expects a result that has gone elsewhere is told so at once', async () => {
  const results = createLocalResults();
  const [one, other, third] = [results.expect('a'), results.expect('a'), results.expect('b')];
  one.forget();
  results.tell('a', { runId: 'r', result: {} });
  third.forget();
  results.tell('b', { runId: 'r', result: {} });
  expect(await Promise.all([one.end, other.end, third.end])).toEqual([undefined, { runId: 'r', result: {} }, undefined]);
});
