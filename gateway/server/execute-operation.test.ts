// The durable half, over a stand-in for Temporal that runs nothing by itself: what is started, awaited, cancelled and refused.
import { GraphQLError } from 'graphql';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { CodedError } from '#schema/contracts/errors';
import type { ServiceCall } from '#schema/contracts/activities';
import type { AsyncRequest } from '#schema/contracts/workflows';
import type { Json } from '#schema/contracts/json';
import type { OperationStatus } from '#schema/contracts/operations';
import type { FetchesAhead } from '../fetching/fetches-ahead.js';
import { createDurableStandIn, type RecoveryStandIn } from './tests/durable-stand-in.js';
import { startTestGateway, type TestAnswer, type TestGateway } from './tests/test-gateway.js';

const { durable, started, cancelled, ended, recoveries, state } = createDurableStandIn();

const BOTH = '{ book { author { name } } }';
const answerOf = (data: unknown): object => ({ response: { data }, services: [] });

const sentAhead: { workflowId: string; calls: readonly ServiceCall[]; headers: unknown; isForgotten: boolean }[] = [];
const ahead: Pick<FetchesAhead, 'send'> = {
  send(workflowId, calls, headers) {
    const sent = { workflowId, calls, headers, isForgotten: false };
    sentAhead.push(sent);
    return () => (sent.isForgotten = true);
  },
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    deps: { durable, ahead: { ...ahead, fetcher: { fetch: () => Promise.reject(new Error('nobody asks')) } } },
    env: { SLUICE_SAGAS: 'StoreBook, StoreShelf', SLUICE_FORWARD_HEADERS: 'books=x-team' },
    services: [
      {
        name: 'books',
        sdl: `extend schema
                @link(url: "https://sluice.dev/directives/v1.0", import: ["@compensate", "@idempotent", "@timeout", "@retry"])
                @composeDirective(name: "@compensate")
                @composeDirective(name: "@idempotent")
                @composeDirective(name: "@timeout")
                @composeDirective(name: "@retry")
              directive @timeout(ms: Int!) on FIELD_DEFINITION
              directive @retry(attempts: Int! = 3) on FIELD_DEFINITION
              directive @idempotent on FIELD_DEFINITION
              directive @compensate(with: String!, arguments: [String!]! = []) on FIELD_DEFINITION
              type Query { book(title: String): Book  hanging: Int @timeout(ms: 50)  patient: Int @timeout(ms: 70000) @retry }
              type Mutation {
                addBook(title: String): Book @compensate(with: "removeBook", arguments: ["id: result.id"])
                removeBook(id: ID!): ID @requiresScopes(scopes: [["files:write"]])
                renameBook(title: String): String @idempotent
              }
              type Book @key(fields: "id") { id: ID! author: Author } type Author @key(fields: "id", resolvable: false) { id: ID! }`,
        resolvers: {
          Query: { book: () => ({ id: 'b1', author: { id: 'a1' } }), hanging: () => new Promise(() => undefined) },
          Mutation: {
            addBook: () => ({ id: 'b9', author: { id: 'a1' } }),
            renameBook: (_: unknown, { title }: { title: string }) => {
              if (title === 'A') return title;
              throw new GraphQLError('reused', { extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } });
            },
          },
        },
      },
      {
        name: 'authors',
        sdl: 'type Query { nobody: Int } type Author @key(fields: "id") { id: ID! name: String }',
        resolvers: { Author: { __resolveReference: ({ id }: { id: string }) => ({ id, name: 'Ada' }) } },
      },
    ],
  });
});
afterAll(() => gateway.close());
beforeEach(() => {
  state.reset();
  sentAhead.length = 0;
  for (const service of Object.values(gateway.services)) service.calls.length = 0;
});

describe('a field with a policy of its own', () => {
  it('has its time-out also in a direct call', async () => {
    expect(await gateway.query('{ hanging }')).toMatchObject({
      data: { hanging: null },
      errors: [{ extensions: { code: 'SUBGRAPH_TIMEOUT' } }],
      extensions: { operation: { path: 'direct' } },
    });
  });

  it('is a run when it is to be tried again, with a deadline that has room for it', async () => {
    state.onStarted = (run) => run.finish(answerOf({ patient: 1 }));
    expect((await gateway.query('{ patient }')).extensions?.operation).toMatchObject({ path: 'durable', reason: 'directive-retry' });
    expect(started).toMatchObject([
      {
        name: 'api_request_workflow',
        request: { deadlineMs: 70_000, plan: { root: { policy: { timeoutMs: 70_000, retry: { attempts: 3 } } } } },
      },
    ]);
  });
});

describe('an operation over several services', () => {
  it('is a run that is named in the answer and its header', async () => {
    state.onStarted = (run) => run.finish(answerOf({ book: { author: { name: 'Ada' } } }));
    const response = await gateway.post({ query: `query Both ${BOTH}` });
    expect(response.headers.get('operation-id')).toBe('op_run0');
    expect(await response.json()).toEqual({
      data: { book: { author: { name: 'Ada' } } },
      extensions: { operation: { id: 'op_run0', path: 'durable', reason: 'several-services' } },
    });
    expect(started).toMatchObject([
      {
        name: 'multi_service_orchestration_workflow',
        facts: { kind: 'ORCHESTRATION', title: 'Both', tenant: 'ten_acme', startedBy: 'usr_alice' },
        request: { generation: 1, operationName: 'Both', synchronous: true, plan: { services: ['authors', 'books'] } },
      },
    ]);
    expect(started[0]?.workflowId).toMatch(/^request\/ten_acme\/[0-9a-f-]{36}$/);
    expect(gateway.services['books']?.calls).toEqual([]);
  });

  it('hands nothing over that could be a credential', async () => {
    state.onStarted = (run) => run.finish(answerOf({ book: null }));
    await gateway.query(BOTH);
    expect(JSON.stringify(started)).not.toContain('eyJ');
  });

  it('gets introspection from here and data from the run, in the order of the query', async () => {
    state.onStarted = (run) => run.finish(answerOf({ book: { author: { name: 'Ada' } } }));
    const { data } = await gateway.query('{ __type(name: "Book") { name } book { author { name } } }');
    expect(JSON.stringify(data)).toBe('{"__type":{"name":"Book"},"book":{"author":{"name":"Ada"}}}');
  });

  it('tells why its run failed, and which run that was', async () => {
    state.onStarted = (run) => run.fail(new CodedError('OPERATION_CANCELLED', 'cancelled'));
    expect(await gateway.query(BOTH)).toMatchObject({
      data: null,
      errors: [{ extensions: { code: 'OPERATION_CANCELLED', operationId: 'op_run0' } }],
    });
  });
});

describe('the first fetches of a run', () => {
  const ask = async (isHere: boolean): Promise<(typeof sentAhead)[number] | undefined> => {
    state.isHere = isHere;
    state.onStarted = (run) => run.finish(answerOf({ book: null }));
    await gateway.query(BOTH, undefined, { 'x-team': 'red' });
    return sentAhead.pop();
  };
  beforeEach(() => ask(true));

  it('are sent while it is started, and left to it where it runs here', async () => {
    expect(await ask(true)).toMatchObject({
      workflowId: started[1]?.workflowId,
      calls: [{ service: 'books', generation: 1, auth: { principal: 'usr_alice' }, operationId: null, timeoutMs: 3_000 }],
      headers: { books: { 'x-team': 'red' } },
      isForgotten: false,
    });
    await gateway.query(BOTH);
    expect(sentAhead[0]?.calls[0]?.trace).toEqual(started[2]?.request.trace);
  });

  it('are forgotten when it is not there', async () => {
    state.startFails = new CodedError('TEMPORAL_UNAVAILABLE', 'away');
    expect(await ask(true)).toMatchObject({ isForgotten: true });
  });

  it('are forgotten when it goes elsewhere, and not sent again until one runs here', async () => {
    expect(await ask(false)).toMatchObject({ isForgotten: true });
    expect(await ask(true)).toBeUndefined();
    expect(await ask(true)).toMatchObject({ isForgotten: false });
  });

  it('are not sent of mutations, under a key, in the background, or to a service that takes its time', async () => {
    started.length = 0;
    await gateway.query('mutation { addBook(title: "A") { author { name } } }');
    await gateway.post({ query: BOTH }, { 'idempotency-key': 'k1' });
    await gateway.post({ query: BOTH }, { prefer: 'respond-async' });
    await gateway.query('{ patient }');
    expect(started.map(({ name }) => name)).toEqual([
      'multi_service_orchestration_workflow',
      'multi_service_orchestration_workflow',
      'async_request_workflow',
      'api_request_workflow',
    ]);
    expect(sentAhead).toEqual([]);
  });
});

describe('a caller that leaves', () => {
  const leaveDuring = async (query: string, headers: Record<string, string> = {}): Promise<void> => {
    const leaving = new AbortController();
    state.onStarted = () => leaving.abort();
    await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await gateway.token()}`, ...headers },
      body: JSON.stringify({ query }),
      signal: leaving.signal,
    }).catch(() => undefined);
  };

  it('ends its query', async () => {
    await leaveDuring(BOTH);
    await expect.poll(() => cancelled).toEqual([{ id: 'op_run0', reason: 'the caller left' }]);
  });

  it.each([
    ['its mutation', 'mutation { addBook { author { name } } }', {}],
    ['what it may ask for again under its key', BOTH, { 'idempotency-key': 'left' }],
  ])('does not end %s', async (_, document, headers) => {
    await leaveDuring(document, headers);
    // A later query is cancelled; by then this would have been.
    await leaveDuring(BOTH);
    await expect.poll(() => cancelled).toEqual([{ id: 'op_run1', reason: 'the caller left' }]);
  });
});

describe('a saga', () => {
  beforeEach(() => {
    state.onStarted = (run) => run.finish(answerOf({ addBook: null }));
  });

  it('is a run whose plan holds its steps, by directive or by its name in the settings', async () => {
    for (const document of ['mutation @saga { addBook { id } }', 'mutation StoreBook { addBook { id } }'])
      expect((await gateway.query(document)).extensions?.operation).toMatchObject({ path: 'durable', reason: 'saga' });
    expect(started.map(({ request }) => request.plan.saga?.steps.map(({ undo }) => undo?.field))).toEqual([['removeBook'], ['removeBook']]);
    expect((await gateway.query('mutation Other { addBook { id } }')).extensions?.operation).toMatchObject({ path: 'direct' });
    expect((await gateway.query('query @saga { book { id } }')).errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it('is refused before anything starts when the caller may not use an undo', async () => {
    const authorization = `Bearer ${await gateway.token('viewer')}`;
    expect((await gateway.query('mutation @saga { addBook { id } }', {}, { authorization })).errors).toMatchObject([
      { extensions: { code: 'SAGA_NOT_COMPENSABLE' } },
    ]);
    expect(started).toEqual([]);
    expect((await gateway.query('mutation { addBook { id } }', {}, { authorization })).data).toEqual({ addBook: { id: 'b9' } });
  });
});

describe('what is too large for a run', () => {
  const large = { title: 'ü'.repeat(5_000) };

  it('is answered here when it is a query, and says so', async () => {
    state.maxRequestBytes = 9_000;
    const answer = await gateway.query('query ($title: String) { book(title: $title) { author { name } } }', large);
    expect(answer.extensions?.operation).toEqual({ path: 'direct', reason: 'too-large-for-run' });
    expect(answer.data).toMatchObject({ book: { author: { name: 'Ada' } } });
    expect(started).toEqual([]);
  });

  it('is refused with limit and size when it is a mutation, before anything is sent', async () => {
    state.maxRequestBytes = 9_000;
    for (const headers of [{}, { prefer: 'respond-async' }]) {
      const query = 'mutation ($title: String) { addBook(title: $title) { author { name } } }';
      const response = await gateway.post({ query, variables: large }, headers);
      expect(response.status).toBe(413);
      const { errors } = (await response.json()) as TestAnswer;
      expect(errors).toMatchObject([{ extensions: { code: 'RUN_TOO_LARGE', limit: 'runBytes', maximum: 9_000 } }]);
      expect(errors?.[0]?.extensions['actual']).toBeGreaterThan(10_000);
    }
    expect(started).toEqual([]);
    expect(gateway.services['books']?.calls).toEqual([]);
  });

  it('goes through as long as it fits, and where large payloads have a store', async () => {
    for (const maximum of [undefined, 50_000]) {
      state.maxRequestBytes = maximum;
      state.onStarted = (run) => run.finish(answerOf({ addBook: null }));
      const query = 'mutation ($title: String) { addBook(title: $title) { author { name } } }';
      expect((await gateway.query(query, large)).data).toEqual({ addBook: null });
    }
    expect(started).toHaveLength(2);
  });

  it('is asked again here when only its answer was, for a query', async () => {
    state.onStarted = (run) => run.fail(new CodedError('SUBGRAPH_ANSWER_TOO_LARGE', 'the answer is larger than a run can keep'));
    const answer = await gateway.query(BOTH);
    expect(answer).toEqual({
      data: { book: { author: { name: 'Ada' } } },
      extensions: { operation: { path: 'direct', reason: 'too-large-for-run' } },
    });
    expect((await gateway.query('mutation { addBook { author { name } } }')).errors).toMatchObject([
      { extensions: { code: 'SUBGRAPH_ANSWER_TOO_LARGE' } },
    ]);
  });
});

describe('without Temporal', () => {
  beforeEach(() => {
    state.isAvailable = false;
  });

  it('a query runs directly and says so', async () => {
    expect(await gateway.query(BOTH)).toEqual({
      data: { book: { author: { name: 'Ada' } } },
      extensions: { operation: { path: 'direct', reason: 'temporal-unavailable' } },
    });
  });

  it('a mutation that needs a run is refused with 503 before anything is sent', async () => {
    const response = await gateway.post({ query: 'mutation { addBook { author { name } } }' });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'TEMPORAL_UNAVAILABLE', retryable: true } }] });
    expect(gateway.services['books']?.calls).toEqual([]);
  });

  it('that goes away at the start, a query runs directly and a mutation is refused', async () => {
    state.isAvailable = true;
    state.startFails = new CodedError('TEMPORAL_UNAVAILABLE', 'gone');
    expect((await gateway.query(BOTH)).extensions?.operation).toEqual({ path: 'direct', reason: 'temporal-unavailable' });
    expect((await gateway.post({ query: 'mutation { addBook { author { name } } }' })).status).toBe(503);
    expect(gateway.services['books']?.calls).toHaveLength(1);
  });
});

describe('a mutation with an Idempotency-Key', () => {
  const send = (title: string, key = 'k1', user?: string): Promise<Response> =>
    gateway.post(
      { query: 'mutation ($title: String) { addBook(title: $title) { id } }', variables: { title } },
      { 'idempotency-key': key, ...(user === undefined ? {} : { authorization: `Bearer ${user}` }) },
    );

  it('runs once: a repeat is answered by the first run', async () => {
    state.onStarted = (run) => run.finish(answerOf({ addBook: { id: 'b9' } }));
    const [first, second] = [await send('A'), await send('A')];
    expect(started).toHaveLength(1);
    expect(started[0]).toMatchObject({ name: 'api_request_workflow', once: true });
    expect(started[0]?.workflowId).toMatch(/^request\/ten_acme\/[\w-]{43}$/);
    expect([await first.text(), await second.text()].every((text) => text.includes('b9'))).toBe(true);
    expect(second.headers.get('operation-id')).toBe('op_run0');
  });

  it('cannot be used for another request', async () => {
    state.onStarted = (run) => run.finish(answerOf({ addBook: { id: 'b9' } }));
    await send('A');
    const response = await send('B');
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }] });
    expect(started).toHaveLength(1);
  });

  it('leads to the running operation while that one runs, by every door', async () => {
    const client = createClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { token: await gateway.token() },
    });
    const overSocket = async (title: string): Promise<TestAnswer> => {
      const query = 'mutation ($title: String) { addBook(title: $title) { id } }';
      for await (const answer of client.iterate({ query, variables: { title }, extensions: { idempotencyKey: 'k1' } }))
        return answer as TestAnswer;
      throw new Error('the socket gave no answer');
    };
    const first = send('A');
    await expect.poll(() => started.length).toBe(1);
    const others = [send('A').then((response) => response.json() as Promise<TestAnswer>), overSocket('A')];
    // Refused before anything waits for the run.
    expect((await overSocket('B')).errors).toMatchObject([{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }]);
    started[0]?.finish(answerOf({ addBook: { id: 'b9' } }));
    for (const { data } of await Promise.all(others)) expect(data).toEqual({ addBook: { id: 'b9' } });
    expect((await first).headers.get('operation-id')).toBe('op_run0');
    // And when it has ended.
    expect((await overSocket('A')).data).toEqual({ addBook: { id: 'b9' } });
    expect(started).toHaveLength(1);
    await client.dispose();
  });

  describe('whose run has failed', () => {
    const FAILED = { data: { addBook: null }, errors: [{ message: 'lost', extensions: { code: 'OUTCOME_UNKNOWN' } }] };
    const read = async (response: Response): Promise<TestAnswer> => (await response.json()) as TestAnswer;
    const again = (headers: Record<string, string> = {}, title = 'A'): Promise<Response> => {
      const variables = { title };
      const query = 'mutation ($title: String) { addBook(title: $title) { id } }';
      return gateway.post({ query, variables }, { 'idempotency-key': 'k1', ...headers });
    };
    const recover = (status: OperationStatus, result: Json = null): RecoveryStandIn => {
      const recovery = { id: 'op_recovery', status, result, looks: 0 };
      recoveries.set('op_run0', recovery);
      return recovery;
    };

    beforeEach(async () => {
      state.onStarted = (run) => run.finish({ response: FAILED });
      await send('A');
      ended.set('op_run0', { status: 'FAILED', result: FAILED });
    });

    it('leads to its recovery while that works, and to what it came to', async () => {
      const recovery = recover('WORKING');
      const accepted = await again({ prefer: 'wait=0' });
      expect([accepted.status, accepted.headers.get('location')]).toEqual([202, '/operations/op_recovery']);
      expect(await accepted.json()).toEqual({ id: 'op_recovery', status: 'WORKING', done: false });
      const looks = recovery.looks;
      const waiting = again();
      await expect.poll(() => recovery.looks).toBeGreaterThan(looks);
      Object.assign(recovery, { status: 'COMPLETED', result: { data: { addBook: { id: 'b9' } } } });
      const recovered = await waiting;
      expect(recovered.headers.get('operation-id')).toBe('op_recovery');
      expect(await read(recovered)).toEqual({
        data: { addBook: { id: 'b9' } },
        extensions: { operation: { id: 'op_recovery', path: 'durable', reason: 'idempotency-key', recovers: 'op_run0' } },
      });
      expect(started).toHaveLength(1);
    });

    it('says that a decision is waited for, beside the answer there is, and does not wait itself', async () => {
      recover('INPUT_REQUIRED');
      expect(await read(await again())).toMatchObject({
        ...FAILED,
        extensions: { operation: { id: 'op_recovery', recovers: 'op_run0', status: 'INPUT_REQUIRED' } },
      });
      const accepted = await again({ prefer: 'wait=60' });
      expect(accepted.status).toBe(202);
      expect(await accepted.json()).toEqual({ id: 'op_recovery', status: 'INPUT_REQUIRED', done: false });
    });

    it('says so too when its recovery comes to that while somebody waits for it', async () => {
      const recovery = recover('WORKING');
      const [waiting, accepting] = [again(), again({ prefer: 'wait=60' })];
      await expect.poll(() => recovery.looks).toBe(2);
      recovery.status = 'INPUT_REQUIRED';
      expect(await read(await waiting)).toMatchObject({ ...FAILED, extensions: { operation: { status: 'INPUT_REQUIRED' } } });
      expect(await (await accepting).json()).toMatchObject({ id: 'op_recovery', status: 'INPUT_REQUIRED' });
    });

    it('is never an answer without data and without errors: how the run ended is asked once more', async () => {
      ended.set('op_run0', { status: 'FAILED', result: null, failure: null });
      recover('INPUT_REQUIRED');
      expect(await read(await again())).toMatchObject(FAILED);
    });

    it('leads there too when the run was cancelled and something was left', async () => {
      ended.set('op_run0', { status: 'CANCELLED', failure: { code: 'OPERATION_CANCELLED', message: 'cancelled', retryable: false } });
      recover('INPUT_REQUIRED');
      expect(await read(await again())).toMatchObject({
        data: null,
        errors: [{ extensions: { code: 'OPERATION_CANCELLED' } }],
        extensions: { operation: { id: 'op_recovery', status: 'INPUT_REQUIRED' } },
      });
    });

    it('has failed when it was given up', async () => {
      recover('COMPLETED', FAILED);
      expect(await read(await again())).toMatchObject({ ...FAILED, extensions: { operation: { recovers: 'op_run0' } } });
    });

    it.each([['there is nothing to recover'], ['its recovery was ended in Temporal']])('has failed where %s', async (where) => {
      if (where !== 'there is nothing to recover') recover('CANCELLED');
      expect(await read(await again())).toMatchObject({ ...FAILED, extensions: { operation: { id: 'op_run0' } } });
    });

    it('is still no other request', async () => {
      recover('WORKING');
      expect((await again({}, 'B')).status).toBe(422);
    });
  });

  it('goes to a service that remembers it itself, whose refusal is its answer', async () => {
    const rename = (title: string): Promise<Response> =>
      gateway.post({ query: `mutation { renameBook(title: "${title}") }` }, { 'idempotency-key': 'k7' });
    expect(await (await rename('A')).json()).toMatchObject({ data: { renameBook: 'A' }, extensions: { operation: { path: 'direct' } } });
    const [, second] = [await rename('A'), await rename('B')];
    expect(second.status).toBe(200);
    expect(await second.json()).toMatchObject({
      data: { renameBook: null },
      errors: [{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED', origin: 'service' } }],
    });
    expect(started).toEqual([]);
    const keys = gateway.services['books']?.calls.map(({ headers }) => headers['idempotency-key']);
    expect(keys?.[0]).toMatch(/^[\w-]{43}\.0$/);
    expect(new Set(keys).size).toBe(1);
  });

  it('is one key to services, whichever way the request goes', async () => {
    const rename = (headers: object): Promise<Response> =>
      gateway.post({ query: 'mutation { renameBook(title: "A") }' }, { 'idempotency-key': 'k8', ...headers });
    await rename({});
    await rename({ prefer: 'respond-async' });
    const { request } = started[0]?.request as unknown as AsyncRequest;
    expect(gateway.services['books']?.calls[0]?.headers['idempotency-key']).toBe(`${request.keyBase}.0`);
  });

  it('is refused in a run as well when its service knows it for another request', async () => {
    const error = { message: 'reused', extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } };
    state.onStarted = (run) => run.finish({ response: { data: { renameBook: null }, errors: [error] } });
    const query = 'mutation { renameBook(title: "A") }';
    expect((await gateway.post({ query }, { 'idempotency-key': 'k9', prefer: 'respond-async, wait=5' })).status).toBe(422);
  });

  it('does not name the effects of several fields: their order in another plan may be another', async () => {
    state.onStarted = (run) => run.finish(answerOf({ a: 'A', b: 'A' }));
    await gateway.post({ query: 'mutation { a: renameBook(title: "A") b: renameBook(title: "A") }' }, { 'idempotency-key': 'k10' });
    expect(started[0]?.request.keyBase).toBeUndefined();
  });

  it('does not meet the key of another caller', async () => {
    state.onStarted = (run) => run.finish(answerOf({ addBook: { id: 'b9' } }));
    await send('A');
    await send('A', 'k1', await gateway.token('viewer'));
    expect(started).toHaveLength(2);
  });

  it('is refused when the key is too long', async () => {
    expect((await send('A', 'k'.repeat(257))).status).toBe(400);
  });
});

describe('/operations/{id} over a foreign supergraph', () => {
  const ask = async (id: string, user: 'alice' | 'bob' | 'admin', method = 'GET'): Promise<Response> =>
    fetch(`${gateway.url}/operations/${id}`, { method, headers: { authorization: `Bearer ${await gateway.token(user)}` } });

  beforeEach(async () => {
    state.onStarted = (run) => run.finish(answerOf({ book: null }));
    await gateway.query(BOTH);
  });

  it('describes the run to its owner and to operators, to nobody else', async () => {
    const response = await ask('op_run0', 'alice');
    expect([response.status, response.headers.get('vary'), response.headers.get('retry-after')]).toEqual([200, 'Accept, Origin', '1']);
    expect(await response.json()).toMatchObject({ id: 'op_run0', kind: 'ORCHESTRATION', status: 'WORKING', done: false });
    expect((await ask('op_run0', 'admin')).status).toBe(200);
    expect((await ask('op_run0', 'bob')).status).toBe(404);
    expect((await ask('op_none', 'alice')).status).toBe(404);
    expect((await fetch(`${gateway.url}/operations/op_run0`)).status).toBe(401);
  });

  it('names what recovers a run that has failed, which names it', async () => {
    ended.set('op_run0', { status: 'FAILED' });
    recoveries.set('op_run0', { id: 'op_recovery', status: 'INPUT_REQUIRED', result: null, looks: 0 });
    expect(await (await ask('op_run0', 'alice')).json()).toMatchObject({
      status: 'FAILED',
      recovery: { id: 'op_recovery', status: 'INPUT_REQUIRED' },
      recovers: null,
      outcome: null,
    });
  });

  it('is asked to stop by DELETE', async () => {
    expect((await ask('op_run0', 'bob', 'DELETE')).status).toBe(404);
    expect(cancelled).toEqual([]);
    const response = await ask('op_run0', 'alice', 'DELETE');
    expect([response.status, response.headers.get('location')]).toEqual([202, '/operations/op_run0']);
    expect(cancelled).toHaveLength(1);
    expect((await ask('op_run0', 'alice', 'PUT')).status).toBe(405);
  });
});
