// No HTTP request is held longer than its operation's deadline: its run goes on, and the caller is told where.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ExecutablePlan } from '#schema/contracts/plan';
import type { OperationRequest, PreparedOperation } from './operation-request.js';
import { createRequestRuns, type RunRoute } from './request-runs.js';
import { createDurableStandIn } from './tests/durable-stand-in.js';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

const { durable, cancelled, state } = createDurableStandIn();
beforeEach(() => state.reset());

describe('a run that takes longer than its caller may be held', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway({
      deps: { durable },
      env: { SLUICE_LONGEST_WAIT_MS: '100', SLUICE_EXECUTION: 'durable' },
      services: [{ name: 'books', sdl: 'type Query { book: Book } type Mutation { addBook: Book } type Book { id: ID! }' }],
    });
  });
  afterAll(() => gateway.close());

  it.each([
    ['a query', '{ book { id } }', {}],
    ['a mutation', 'mutation { addBook { id } }', {}],
    ['a longer wait that was asked for', '{ book { id } }', { prefer: 'wait=500' }],
    ['an answer that may come in parts', 'mutation { addBook { ... @defer { id } } }', { accept: 'multipart/mixed, application/json' }],
  ])('is told by 202 and goes on: %s', async (_, query, headers) => {
    const response = await gateway.post({ query }, headers);
    expect([response.status, response.headers.get('location')]).toEqual([202, '/operations/op_run0']);
    expect(await response.json()).toEqual({ id: 'op_run0', status: 'WORKING', done: false });
    expect(cancelled).toEqual([]);
  });
});

describe('how long a run is waited for', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => vi.useRealTimers());

  const runs = createRequestRuns({ durable, keys: {} as never, claims: {} as never, log: {} as never });
  const never = { operationId: 'op_1', answer: () => new Promise<never>(() => undefined) };
  /** @returns after how many seconds the caller is answered, and what */
  async function wait(plan: Partial<ExecutablePlan>, route: Partial<RunRoute>, mayLeave: boolean) {
    let answer: unknown;
    void runs
      .wait(
        never,
        {
          signal: new AbortController().signal,
          auth: {},
          ...(mayLeave ? { prefer: { respondAsync: false, waitMs: null } } : {}),
        } as unknown as OperationRequest,
        { plan: { kind: 'mutation', ...plan } } as PreparedOperation,
        { path: 'durable', ...route } as RunRoute,
      )
      .then(({ response }) => (answer = response));
    let seconds = 0;
    for (; answer === undefined && seconds < 1_000; seconds += 1) await vi.advanceTimersByTimeAsync(1_000);
    return { seconds, answer };
  }
  const saga = { saga: { steps: [] } };

  it.each([
    ['one service', {}, 'api_request_workflow', 32],
    ['several services', {}, 'multi_service_orchestration_workflow', 62],
    ['a saga, which may have to undo', saga, 'multi_service_orchestration_workflow', 60],
    ['a service that declares a longer time-out', { longestTimeoutMs: 70_000 }, 'multi_service_orchestration_workflow', 72],
  ] as const)('is until its deadline, and two seconds for what is finished then: %s', async (_, plan, workflow, seconds) => {
    expect(await wait(plan, { workflow }, true)).toEqual({ seconds, answer: 'running' });
    // A transport without a status tells it as an error.
    expect(await wait(plan, { workflow }, false)).toMatchObject({
      seconds,
      answer: { data: null, errors: [{ extensions: { code: 'DEADLINE_EXCEEDED', operationId: 'op_1' } }] },
    });
  });
});
