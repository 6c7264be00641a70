// Operations for which nobody waits: `Prefer: respond-async`, `wait`, settings by name, and `startOperation`.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AsyncRequest } from '#schema/contracts/workflows';
import { createDurableStandIn } from './tests/durable-stand-in.js';
import { startTestGateway, type TestAnswer, type TestGateway } from './tests/test-gateway.js';

const { durable, started, cancelled, ended, recoveries, state } = createDurableStandIn();
const operations = readFileSync(new URL('../../schema/subgraphs/operations.graphql', import.meta.url), 'utf8');

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    deps: { durable },
    env: { SLUICE_OPERATIONS: 'Nightly=async,Quick=direct' },
    services: [
      {
        name: 'books',
        sdl: 'type Query { book: Book secret: Int @requiresScopes(scopes: [["no:body"]]) } type Mutation { addBook(title: String!): Book } type Book @key(fields: "id") { id: ID! author: Author } type Author @key(fields: "id", resolvable: false) { id: ID! }',
        resolvers: {
          Query: { book: () => ({ id: 'b1', author: { id: 'a1' } }) },
          Mutation: { addBook: () => ({ id: 'b9', author: { id: 'a1' } }) },
        },
      },
      {
        name: 'authors',
        sdl: 'type Query { nobody: Int } type Author @key(fields: "id") { id: ID! name: String }',
        resolvers: { Author: { __resolveReference: ({ id }: { id: string }) => ({ id, name: 'Ada' }) } },
      },
      {
        name: 'operations',
        sdl: operations.slice(operations.indexOf('  @link(url: "https://sluice.dev')).replace('  @link', 'extend schema @link'),
        resolvers: { Mutation: { startOperation: () => ({ operation: { id: 'from-service', title: 'it' } }) } },
      },
    ],
  });
});
afterAll(() => gateway.close());
beforeEach(() => {
  state.reset();
  for (const service of Object.values(gateway.services)) service.calls.length = 0;
});

const BOTH = '{ book { author { name } } }';
const ANSWER = { response: { data: { book: { author: { name: 'Ada' } } } } };
const requestOf = (index = 0): AsyncRequest => started[index]?.request as unknown as AsyncRequest;

describe('Prefer: respond-async', () => {
  it('answers 202 with the place to ask, as plain JSON that is no GraphQL response', async () => {
    const response = await gateway.post({ query: `query Both ${BOTH}` }, { prefer: 'respond-async' });
    expect(response.status).toBe(202);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      location: '/operations/op_run0',
      'operation-id': 'op_run0',
      'preference-applied': 'respond-async',
      'retry-after': '1',
      'content-type': 'application/json; charset=utf-8',
    });
    expect(await response.json()).toEqual({ id: 'op_run0', status: 'WORKING', done: false });
    expect(started).toMatchObject([
      { name: 'async_request_workflow', facts: { kind: 'ASYNC_REQUEST', title: 'Both', tenant: 'ten_acme', startedBy: 'usr_alice' } },
    ]);
    expect(requestOf()).toMatchObject({
      workflow: 'multi_service_orchestration_workflow',
      request: { synchronous: false, deadlineMs: 600_000 },
    });
  });

  it('answers as usual when the run ends within the time the caller waits', async () => {
    state.onStarted = (run) => run.finish(ANSWER);
    const response = await gateway.post({ query: BOTH }, { prefer: 'respond-async, wait=20' });
    expect([response.status, response.headers.get('preference-applied')]).toEqual([200, 'respond-async, wait=20']);
    expect(await response.json()).toMatchObject({
      data: ANSWER.response.data,
      extensions: { operation: { id: 'op_run0', path: 'async' } },
    });
  });

  it('is 202 when the time has passed, and the run goes on', async () => {
    expect((await gateway.post({ query: BOTH }, { prefer: 'respond-async, wait=1' })).status).toBe(202);
    expect(cancelled).toEqual([]);
  });

  it('starts one run for a mutation that comes twice with one key', async () => {
    const send = () =>
      gateway.post({ query: 'mutation { addBook(title: "A") { id } }' }, { prefer: 'respond-async', 'idempotency-key': 'k1' });
    const locations = [await send(), await send()].map((response) => [response.status, response.headers.get('location')]);
    expect(locations).toEqual([
      [202, '/operations/op_run0'],
      [202, '/operations/op_run0'],
    ]);
    expect(started).toHaveLength(1);
  });

  it('makes no difference where there is nothing to run, or the schema is read', async () => {
    for (const query of ['{ __typename }', '{ __type(name: "Book") { name } book { id } }']) {
      const response = await gateway.post({ query }, { prefer: 'respond-async' });
      expect([response.status, response.headers.get('preference-applied')]).toEqual([200, null]);
    }
    expect(started).toEqual([]);
  });

  it('starts nothing for a caller who may not have it, or whose variables are wrong', async () => {
    const post = (body: object) => gateway.post(body, { prefer: 'respond-async' });
    expect((await post({ query: '{ secret }' })).status).not.toBe(202);
    expect((await post({ query: 'mutation($t: String!) { addBook(title: $t) { id } }' })).status).not.toBe(202);
    expect(started).toEqual([]);
  });
});

describe('Prefer: wait=N alone', () => {
  it('is how long the caller waits for a run that has to be', async () => {
    const response = await gateway.post({ query: BOTH }, { prefer: 'wait=0' });
    expect([response.status, response.headers.get('preference-applied')]).toEqual([202, 'wait=0']);
    expect(started).toMatchObject([{ name: 'multi_service_orchestration_workflow' }]);
  });

  it('makes no run of a direct call', async () => {
    expect((await gateway.post({ query: '{ book { id } }' }, { prefer: 'wait=0' })).status).toBe(200);
  });
});

describe('settings by operation name', () => {
  it('send one into the background that did not ask for it, and keep another here', async () => {
    const response = await gateway.post({ query: 'query Nightly { book { id } }' });
    expect([response.status, response.headers.get('preference-applied')]).toEqual([202, null]);
    const { extensions } = await gateway.query(`query Quick ${BOTH}`);
    expect(extensions?.operation).toEqual({ path: 'direct', reason: 'config' });
  });
});

describe('startOperation', () => {
  const START = `mutation($document: String!, $variables: JSON, $name: String, $deadline: Int, $webhook: String) {
    startOperation(document: $document, variables: $variables, operationName: $name, deadlineSeconds: $deadline, webhook: $webhook) { operation { id title } } }`;
  const start = (variables: Record<string, unknown>) => gateway.query(START, variables);
  const codesOf = async (variables: Record<string, unknown>) => (await start(variables)).errors?.map(({ extensions }) => extensions.code);

  it('starts the run here, and the operations service, told which, answers', async () => {
    const answer = await start({
      document: 'mutation Add($title: String!) { addBook(title: $title) { id } } query Other { book { id } }',
      variables: { title: 'A' },
      name: 'Add',
      deadline: 60,
      webhook: 'https://hooks.example.com/x',
    });
    expect(answer).toEqual({
      data: { startOperation: { operation: { id: 'from-service', title: 'it' } } },
      extensions: { operation: { id: 'op_run0', path: 'async', reason: 'start-operation' } },
    });
    expect(requestOf()).toMatchObject({
      workflow: 'api_request_workflow',
      webhook: 'https://hooks.example.com/x',
      request: { operationName: 'Add', variables: { title: 'A' }, deadlineMs: 60_000, synchronous: false },
    });
    // One call, for the answer; the books were left to the run.
    expect([gateway.services['operations']?.calls.length, gateway.services['books']?.calls.length]).toEqual([1, 0]);
  });

  it('sent again with its key when its run has failed answers with the recovery', async () => {
    const again = async () => {
      const response = await gateway.post({ query: START, variables: { document: '{ book { id } }' } }, { 'idempotency-key': 's1' });
      return (await response.json()) as TestAnswer;
    };
    expect((await again()).extensions?.operation).toMatchObject({ id: 'op_run0' });
    ended.set('op_run0', { status: 'FAILED' });
    recoveries.set('op_run0', { id: 'op_recovery', status: 'INPUT_REQUIRED', result: null, looks: 0 });
    expect((await again()).extensions?.operation).toMatchObject({ id: 'op_recovery', recovers: 'op_run0', status: 'INPUT_REQUIRED' });
    expect(started).toHaveLength(1);
  });

  it.each([
    ['is not GraphQL', { document: '{ book' }, 'GRAPHQL_PARSE_FAILED'],
    ['does not fit the schema', { document: '{ nothing }' }, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'breaks a limit',
      { document: `{ book { ${Array.from({ length: 40 }, (_, i) => `a${i}: id`).join(' ')} } }` },
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['the caller may not have', { document: '{ secret }' }, 'FORBIDDEN'],
    ['lacks a variable', { document: 'mutation($t: String!) { addBook(title: $t) { id } }' }, 'BAD_USER_INPUT'],
    ['has other variables than an object', { document: '{ book { id } }', variables: [1] }, 'BAD_USER_INPUT'],
    ['holds several operations', { document: 'query A { book { id } } query B { book { id } }' }, 'BAD_USER_INPUT'],
    ['reads the schema', { document: '{ __schema { __typename } }' }, 'BAD_USER_INPUT'],
    ['starts another', { document: 'mutation { startOperation(document: "{ book { id } }") { operation { id } } }' }, 'BAD_USER_INPUT'],
    ['tells over http', { document: '{ book { id } }', webhook: 'http://hooks.example.com/' }, 'BAD_USER_INPUT'],
    ['tells with a password', { document: '{ book { id } }', webhook: 'https://a:b@hooks.example.com/' }, 'BAD_USER_INPUT'],
    ['tells nowhere', { document: '{ book { id } }', webhook: 'hooks' }, 'BAD_USER_INPUT'],
    ['has a deadline too far', { document: '{ book { id } }', deadline: 100_000 }, 'BAD_USER_INPUT'],
  ])('starts nothing for a document that %s', async (_, variables, code) => {
    expect(await codesOf(variables)).toEqual([code]);
    expect([started, gateway.services['operations']?.calls]).toEqual([[], []]);
  });

  it('stands alone', async () => {
    const both = await gateway.query(
      'mutation { startOperation(document: "{ book { id } }") { operation { id } } addBook(title: "A") { id } }',
    );
    expect(both.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
    expect(started).toEqual([]);
  });

  it('needs Temporal, for queries too', async () => {
    state.isAvailable = false;
    const response = await gateway.post({ query: START, variables: { document: '{ book { id } }' } });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  });
});
