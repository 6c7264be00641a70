import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceCall } from '#schema/contracts/activities';
import type { ServiceAnswer } from '#schema/contracts/plan';
import type { ComplexRequest, OrchestrationResponse } from '#schema/contracts/workflows';
import { askMerged, world } from '#tests/federation/support/library';
import { parseCursor } from '../client/history-events.js';
import { AUTH, createDurableWorld, type DurableWorld } from './durable-world.js';

let durable: DurableWorld;
beforeAll(async () => void (durable = await createDurableWorld()));
afterAll(() => durable.close());
beforeEach(() => {
  durable.calls.length = 0;
  durable.intercept = () => undefined;
  durable.verdict = 'good';
});

const NESTED = '{ people { name reviews { stars book { title weight author { name } } } } }';

async function run(document: string, options?: Parameters<DurableWorld['startRequest']>[1]): Promise<OrchestrationResponse> {
  return (await (await durable.startRequest(document, options)).result()) as OrchestrationResponse;
}

describe('multi_service_orchestration_workflow', () => {
  it.each([NESTED, '{ items { __typename ... on Book { author { nick } } } any(kind: "person") { ... on Person { reviews { key } } } }'])(
    'answers as the services do together: %s',
    async (document) => {
      const { response } = await run(document);
      expect(response).toEqual({ data: (await askMerged(document)).data });
    },
  );

  it('answers alike when its fetches are regular activities', async () => {
    expect((await run(NESTED, { synchronous: false })).response).toEqual({ data: (await askMerged(NESTED)).data });
  });

  it('sends who asks and what run it is with every fetch', async () => {
    const started = await durable.startRequest(NESTED);
    await started.result();
    expect(durable.calls.length).toBeGreaterThan(2);
    for (const call of durable.calls)
      expect(call).toMatchObject({ auth: AUTH, operationId: started.operationId, generation: 1, idempotencyKey: null });
  });

  it('tells the same events whether they leave one by one, together at its end or with its result, and goes on from any of them', async () => {
    const read = async (how: Partial<ComplexRequest>) => {
      const started = await durable.startRequest(NESTED, how);
      const { events: inResult = [] } = (await started.result()) as OrchestrationResponse;
      return { id: started.operationId, inResult, events: await durable.durable.readEvents(started.operationId) };
    };
    const [together, atEnd, apart] = await Promise.all([read({ reportsWithResult: true }), read({ reportsAtEnd: true }), read({})]);
    const tell = ({ events }: typeof together) => events.map(({ at: _, cursor: __, ...event }) => event);
    expect(tell(together)).toEqual(tell(apart));
    expect(tell(atEnd)).toEqual(tell(apart));
    expect([together, atEnd, apart].map(({ inResult }) => inResult.length)).toEqual([apart.events.length, 0, 0]);
    const eventIds = ({ events }: typeof together) => new Set(events.map(({ cursor }) => parseCursor(cursor).eventId));
    expect([together, atEnd, apart].map((one) => eventIds(one).size)).toEqual([1, 1, apart.events.length]);

    const rest: number[] = [];
    const after = together.events[1]?.cursor ?? '';
    for await (const event of durable.durable.watch(together.id, { after, signal: AbortSignal.timeout(20_000) })) rest.push(event.seq);
    expect(rest).toEqual(together.events.slice(2).map(({ seq }) => seq));
  });

  it('keeps its events out of a large result, which may leave the history', async () => {
    durable.intercept = ({ node, chunk }) =>
      Promise.resolve({ node, chunk, errors: [], data: { book: { __typename: 'Book', id: 'b1', title: 'x'.repeat(70_000) } } });
    const started = await durable.startRequest('{ book(id: "b1") { title } }', { reportsWithResult: true });
    expect(await started.result()).not.toHaveProperty('events');
    const events = await durable.durable.readEvents(started.operationId);
    expect(events.map(({ __typename }) => __typename)).toEqual(['OperationStarted', 'StepCompleted', 'OperationCompleted']);
  });

  it('hands the trace of its request to every fetch', async () => {
    const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'a=1' };
    await run(NESTED, { trace });
    expect(new Set(durable.calls.map((call) => JSON.stringify(call.trace)))).toEqual(new Set([JSON.stringify(trace)]));
  });

  it('gives each mutation fetch a key of its own', async () => {
    const started = await durable.startRequest(
      'mutation { a: rate(book: "b1", stars: 1) { stars author { name } } b: rate(book: "b2", stars: 2) { stars } }',
    );
    await started.result();
    const keys = durable.calls
      .filter(({ operationKind }) => operationKind === 'mutation')
      .map(({ idempotencyKey, node }) => [idempotencyKey, node]);
    expect(keys.map(([key]) => key)).toEqual(keys.map(([, node]) => `${started.operationId}.${node}`));
    expect(new Set(keys.map(([key]) => key)).size).toBe(keys.length);
  });

  it('builds them on what its caller gave, also in its recovery', async () => {
    let isLost = true;
    durable.intercept = ({ operationKind }) => (isLost && operationKind === 'mutation' ? Promise.reject(new Error('lost')) : undefined);
    const started = await durable.startRequest('mutation { rate(book: "b1", stars: 4) { stars } }', { keyBase: 'given' });
    await started.result();
    isLost = false;
    await expect.poll(async () => (await durable.durable.findRecovery(started.operationId))?.status).toBe('INPUT_REQUIRED');
    const recovery = await durable.durable.findRecovery(started.operationId);
    await durable.durable.resolve(recovery?.id ?? '', { choice: 'RETRY', by: 'usr_operator', variables: null });
    await durable.durable.attach(recovery?.id ?? '').result();
    expect(durable.calls.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['given.0', 'given.0']);
  });

  it('keeps what the other services gave when one fails', async () => {
    durable.intercept = (call) => (call.service === 'people' ? down(call) : undefined);
    const { response } = await run('{ books(first: 1) { title author { nick } } }');
    expect(response).toMatchObject({
      data: { books: [{ title: 'Rocannon', author: { nick: null } }] },
      errors: [{ path: ['books'], extensions: { code: 'SUBGRAPH_UNREACHABLE', service: 'people' } }],
    });
  });

  describe('when a service is away that an effect is read from', () => {
    const RATE = 'mutation { rate(book: "b1", stars: 3) { stars author { name } } }';
    const awayFor = (times: number): void => {
      let left = times;
      durable.intercept = (call) => (call.service === 'people' && left-- > 0 ? down(call) : undefined);
    };
    const sent = (service: string): number => durable.calls.filter((call) => call.service === service).length;

    it.each([true, false])('asks it again, since the caller cannot without the effect (a caller waits: %s)', async (synchronous) => {
      awayFor(2);
      const { response } = await run(RATE, { synchronous });
      expect(response).toEqual({ data: { rate: { stars: 3, author: { name: expect.any(String) as string } } } });
      expect([sent('reviews'), sent('people')]).toEqual([1, 3]);
    });

    it('does not ask again for a query, whose caller can', async () => {
      awayFor(1);
      const { response } = await run('{ books(first: 1) { title author { nick } } }');
      expect(response.errors).toHaveLength(1);
      expect(sent('people')).toBe(1);
    });
  });

  it('says that it does not know whether a lost mutation took effect, and sends it once only', async () => {
    durable.intercept = (call) => (call.operationKind === 'mutation' ? Promise.reject(new Error('connection lost')) : undefined);
    const { response } = await run('mutation { rate(book: "b1", stars: 1) { stars } }');
    expect(response.errors).toMatchObject([{ extensions: { code: 'OUTCOME_UNKNOWN' } }]);
    expect(durable.calls.filter(({ operationKind }) => operationKind === 'mutation')).toHaveLength(1);
  });

  it('answers at its deadline with what is finished', async () => {
    durable.intercept = (call, signal) => (call.service === 'people' ? hang(signal) : undefined);
    const { response } = await run('{ books(first: 1) { title author { nick } } }', { synchronous: false, deadlineMs: 1_000 });
    expect(response).toMatchObject({
      data: { books: [{ title: 'Rocannon', author: { nick: null } }] },
      errors: [{ extensions: { code: 'DEADLINE_EXCEEDED' } }],
    });
  });

  it('keeps its deadline while its caller waits: a query by the time of its fetches, a mutation by a timer', async () => {
    durable.intercept = (call, signal) => (call.service === 'people' || call.operationKind === 'mutation' ? hang(signal) : undefined);
    expect((await run('{ books(first: 1) { title author { nick } } }', { deadlineMs: 1_000 })).response).toMatchObject({
      data: { books: [{ title: 'Rocannon', author: { nick: null } }] },
      errors: [{ extensions: { code: 'SUBGRAPH_TIMEOUT' } }],
    });
    const late = await run('mutation { rate(book: "b1", stars: 1) { stars } }', { deadlineMs: 1_000 });
    expect(late.response.errors).toMatchObject([{ extensions: { code: 'DEADLINE_EXCEEDED' } }]);
    expect(late.failure?.code).toBe('OUTCOME_UNKNOWN');
  });

  describe('when a service asks to be called later', () => {
    const later = ({ node, chunk, service }: ServiceCall, retryAfterMs: number): Promise<ServiceAnswer> =>
      Promise.resolve({
        node,
        chunk,
        data: null,
        errors: [{ message: 'later', extensions: { code: 'SUBGRAPH_UNAVAILABLE', service, retryable: true, retryAfterMs } }],
      });
    /** Turns the first `times` calls to `people` away. */
    function turnAway(times: number, retryAfterMs: number, arrivals: number[] = []): number[] {
      durable.intercept = (call) => {
        if (call.service !== 'people') return undefined;
        arrivals.push(Date.now());
        return arrivals.length <= times ? later(call, retryAfterMs) : undefined;
      };
      return arrivals;
    }
    const DOCUMENT = '{ books(first: 1) { title author { nick } } }';

    it.each([
      ['a caller waits', true, 500],
      ['a caller waits, and it is a timer of the run', true, 2_500],
      ['nobody waits', false, 500],
    ])('calls it then, not earlier, and answers as if nothing had been: %s', async (_, synchronous, retryAfterMs) => {
      const arrivals = turnAway(1, retryAfterMs);
      const { response } = await run(DOCUMENT, { synchronous });
      expect(response).toEqual({ data: (await askMerged(DOCUMENT)).data });
      expect(arrivals).toHaveLength(2);
      expect((arrivals[1] ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThanOrEqual(retryAfterMs - 5);
    });

    it('gives its answer after the last attempt', async () => {
      const arrivals = turnAway(Infinity, 0);
      const { response } = await run(DOCUMENT);
      expect(response).toMatchObject({
        data: { books: [{ title: 'Rocannon', author: { nick: null } }] },
        errors: [{ path: ['books'], extensions: { code: 'SUBGRAPH_UNAVAILABLE', service: 'people', retryAfterMs: 0 } }],
      });
      expect(arrivals).toHaveLength(3);
    });

    it.each([true, false])('gives its answer at once when the time would not be enough (a caller waits: %s)', async (synchronous) => {
      const arrivals = turnAway(Infinity, 60_000);
      const { response } = await run(DOCUMENT, { synchronous });
      expect(response.errors).toMatchObject([{ extensions: { code: 'SUBGRAPH_UNAVAILABLE', retryAfterMs: 60_000 } }]);
      expect(arrivals).toHaveLength(1);
    });

    it('sends a mutation that may not be repeated once', async () => {
      durable.intercept = (call) => (call.operationKind === 'mutation' ? later(call, 0) : undefined);
      const { response } = await run('mutation { rate(book: "b1", stars: 1) { stars } }');
      expect(response.errors).toMatchObject([{ extensions: { code: 'SUBGRAPH_UNAVAILABLE' } }]);
      expect(durable.calls).toHaveLength(1);
    });
  });

  it('refuses an answer that a run cannot keep, without trying again', async () => {
    durable.intercept = (call) =>
      Promise.resolve({
        node: call.node,
        chunk: call.chunk,
        errors: [],
        data: { book: { __typename: 'Book', id: 'b1', title: 'x'.repeat(1_400_000) } },
      });
    await expect(run('{ book(id: "b1") { title } }', { synchronous: false })).rejects.toMatchObject({ code: 'SUBGRAPH_ANSWER_TOO_LARGE' });
    expect(durable.calls).toHaveLength(1);
  });

  it('ends as cancelled when it is asked to, and the call in flight is cut', async () => {
    let cut = false;
    durable.intercept = (_, signal) => {
      signal.addEventListener('abort', () => (cut = true));
      return hang(signal);
    };
    const started = await durable.startRequest('{ people { name } }', { synchronous: false });
    await expect.poll(() => durable.calls.length).toBe(1);
    await durable.durable.cancel(started.operationId, { reason: 'changed my mind', by: 'usr_alice' });
    await expect(started.result()).rejects.toMatchObject({ code: 'OPERATION_CANCELLED', status: 'CANCELLED' });
    await expect.poll(() => cut).toBe(true);
    const events = await durable.durable.readEvents(started.operationId);
    expect(events.map(({ __typename }) => __typename)).toEqual(['OperationStarted', 'CancelRequested', 'StepFailed', 'OperationCancelled']);
  });
});

describe('api_request_workflow', () => {
  const start = () =>
    durable.durable.start(
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
          credential: { ref: 'ref-1', fingerprint: AUTH.fingerprint },
        },
      ],
      {
        workflowId: `request/ten_acme/${crypto.randomUUID()}`,
        taskQueue: durable.taskQueue,
        eager: true,
        facts: { kind: 'API_REQUEST', title: 'rate twice', tenant: AUTH.tenant, startedBy: AUTH.principal },
      },
    );

  it('authenticates, routes, transforms', async () => {
    expect((await (await start()).result()).response).toEqual({ data: { a: { stars: 3 }, b: { stars: 2 } } });
  });

  it('does nothing for a caller who lost the standing meanwhile', async () => {
    durable.verdict = 'refused';
    await expect((await start()).result()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(durable.calls).toHaveLength(0);
  });
});

function down({ node, chunk }: { node: number; chunk: number }): Promise<ServiceAnswer> {
  return Promise.resolve({ node, chunk, data: null, errors: [{ message: 'no answer', extensions: { code: 'SUBGRAPH_UNREACHABLE' } }] });
}

function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
}
