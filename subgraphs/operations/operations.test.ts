import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { DEV_USERS } from '#platform/identity/dev-tokens';
import { signServiceCall } from '#platform/identity/service-signature';
import type { Database } from '#platform/database/open-database';
import { createLogger } from '#platform/logger';
import { openTestDatabase } from '#platform/tests/database';
import { CodedError } from '#schema/contracts/errors';
import type { OperationEvent, OperationSnapshot } from '#schema/contracts/operations';
import type { VariableRules } from '#schema/contracts/plan';
import { loadTestKeys } from '#tests/support/test-keys';
import { serveForTest, type ServiceCaller } from '../shared/tests/service-caller.js';
import type { OperationDoor } from './door.js';
import { createOperationsSubgraph } from './main.js';
import { createRunIndex } from './run-index.drizzle.js';
import type { RunIndex } from './run-index.js';
import type { OperationStore } from './store.js';
import { createOperationStore } from './store.drizzle.js';

const STEPS = [
  { id: 'fetch', label: 'Fetch the package' },
  { id: 'scan', label: 'Scan it' },
];
const at = '2026-06-01T00:00:00.000Z';
const event = (seq: number, body: object): OperationEvent => ({ seq, at, cursor: `c${seq}`, ...body }) as OperationEvent;
const FAILURE = { code: 'SCAN_BLOCKED', message: 'found something', retryable: false } as const;
const EVENTS: OperationEvent[] = [
  event(1, { __typename: 'OperationStarted', title: 'Install', steps: STEPS }),
  event(2, { __typename: 'StepStarted', step: 'fetch', label: 'Fetch the package' }),
  event(3, { __typename: 'StepCompleted', step: 'fetch', label: 'Fetch the package', detail: null }),
  event(4, { __typename: 'StepFailed', step: 'scan', label: 'Scan it', failure: FAILURE }),
  event(5, { __typename: 'CompensationStarted', step: 'undo-fetch', label: 'Release it', undoes: 'fetch' }),
  event(6, { __typename: 'CompensationCompleted', step: 'undo-fetch', label: 'Release it', undoes: 'fetch' }),
  event(7, { __typename: 'OperationFailed', failure: FAILURE }),
];
const anOperation = (change: Partial<OperationSnapshot>): OperationSnapshot => ({
  id: 'op_1',
  workflowId: 'plugin/@sluice/qr-code',
  runId: 'run-1',
  workflowType: 'plugin_installation_workflow',
  facts: { kind: 'PLUGIN_INSTALLATION', title: 'Install', tenant: 'ten_acme', startedBy: 'usr_alice', plugin: '@sluice/qr-code' },
  status: 'FAILED',
  createdAt: at,
  closedAt: at,
  expiresAt: '2026-06-04T00:00:00.000Z',
  result: null,
  failure: FAILURE,
  ...change,
});

const eventsOf = new Map<string, OperationEvent[]>();
let rows: OperationSnapshot[];
let events: OperationEvent[];
let cancelled: unknown[];
let resolved: unknown[];
let rules: VariableRules | null;
let forcedEnds: OperationSnapshot[];
let recovered: string[];
let released: number;
let looks: number;
let unreadableIds: string[];
/** The door's port in memory; the real one is tested in workers/tests/door.test.ts. */
const door: OperationDoor = {
  namespace: 'default',
  describe: async (id) => rows.find((row) => row.id === id),
  readEvents: async (id) => {
    if (unreadableIds.includes(id)) throw new CodedError('OPERATION_UNREADABLE', 'no key');
    return eventsOf.get(id) ?? events;
  },
  async *watch(_, { after, signal }) {
    try {
      if (after === 'bad') throw new CodedError('CURSOR_INVALID', 'expected a cursor that operationEvents gave out');
      for (const known of EVENTS) if (known.seq > Number(after?.slice(1) ?? 0)) yield known;
      if (rows[0]?.status === 'WORKING') await new Promise((resolve) => signal.addEventListener('abort', resolve));
    } finally {
      released += 1;
    }
  },
  cancel: async (id, request) => void cancelled.push([id, request]),
  resolve: async (id, decision) => void resolved.push([id, decision]),
  readVariableRules: async () => rules,
  listForcedEnds: async ({ tenant }) => forcedEnds.filter(({ facts }) => (tenant ?? facts.tenant) === facts.tenant),
  recover: async (id) => {
    if (forcedEnds.every((row) => row.id !== id)) throw new CodedError('CONFLICT', 'the operation was not ended by force');
    recovered.push(id);
    return `op_r_${id}`;
  },
  async *scan() {
    yield rows;
  },
};

let database: Database;
let store: OperationStore;
/** The real one, which has what `rows` has. */
let index: RunIndex;
let operations: ServiceCaller;
beforeAll(async () => {
  database = await openTestDatabase();
  store = await createOperationStore(database);
  const real = await createRunIndex(database, createLogger({ name: 'test', level: 'silent' }));
  index = {
    ...real,
    list: async (page) => {
      await database.pool.query('delete from operations.runs');
      await real.record(rows);
      const listed = await real.list(page);
      looks += 1;
      return listed;
    },
  };
});
beforeAll(
  async () =>
    void (operations = await serveForTest((keys) =>
      createOperationsSubgraph({
        door,
        store,
        index,
        temporalUrl: 'http://127.0.0.1:8233',
        keys,
        log: createLogger({ name: 'test', level: 'silent' }),
      }),
    )),
);
afterAll(async () => {
  await operations.close();
  await database.close();
});
beforeEach(() => {
  rows = [anOperation({})];
  events = EVENTS;
  cancelled = [];
  resolved = [];
  rules = null;
  forcedEnds = [];
  recovered = [];
  released = 0;
  looks = 0;
  unreadableIds = [];
});

describe('operation', () => {
  it('shows its steps, compensations and failure', async () => {
    const { data } = await operations.ask(
      'alice',
      '{ operation(id: "op_1") { status done kind progress { completed total } steps { id status failure { code } } compensation { status steps { undoes status } } errors { code } startedBy { id } cancellable temporalUrl cursor lastSeq cancelRequested expiresAt } }',
    );
    expect(data.operation).toEqual({
      status: 'FAILED',
      done: true,
      kind: 'PLUGIN_INSTALLATION',
      progress: { completed: 1, total: 2 },
      steps: [
        { id: 'fetch', status: 'COMPLETED', failure: null },
        { id: 'scan', status: 'FAILED', failure: { code: 'SCAN_BLOCKED' } },
      ],
      compensation: { status: 'COMPENSATED', steps: [{ undoes: 'fetch', status: 'COMPLETED' }] },
      errors: [{ code: 'SCAN_BLOCKED' }],
      startedBy: { id: 'usr_alice' },
      cancellable: false,
      temporalUrl: null,
      cursor: 'c7',
      lastSeq: 7,
      cancelRequested: false,
      expiresAt: '2026-06-04T00:00:00.000Z',
    });
  });

  it('tells what of a saga is left and for whom, though its run has an answer', async () => {
    rows = [anOperation({ failure: null, result: { response: { data: null } } })];
    const left = { service: 'files', effect: 'createFile', undo: 'deleteFile', arguments: { id: 'fil_1' } };
    events = [
      ...EVENTS.slice(0, 5),
      event(6, { __typename: 'CompensationFailed', step: 'undo-fetch', label: 'Release it', undoes: 'fetch', failure: FAILURE, left }),
      event(7, { __typename: 'OperationFailed', failure: FAILURE }),
    ];
    const { data } = await operations.ask(
      'alice',
      '{ operation(id: "op_1") { status errors { code } compensation { status left { step service effect undo arguments failure { code } } } } }',
    );
    expect(data.operation).toEqual({
      status: 'FAILED',
      errors: [{ code: 'SCAN_BLOCKED' }],
      compensation: { status: 'PARTIALLY_COMPENSATED', left: [{ step: 'fetch', ...left, failure: { code: 'SCAN_BLOCKED' } }] },
    });
  });

  it.each([
    ['alice', true],
    ['operator', true],
    ['viewer', false],
    ['bob', false],
  ] as const)('is seen by its starter and by operators only: %s', async (user, seen) => {
    const { data } = await operations.ask(user, '{ operation(id: "op_1") { id temporalUrl } operations { nodes { id } } }');
    expect([data.operation !== null, data.operations.nodes.length === 1]).toEqual([seen, seen]);
    if (user === 'operator')
      expect(data.operation.temporalUrl).toBe(
        'http://127.0.0.1:8233/namespaces/default/workflows/plugin%2F%40sluice%2Fqr-code/run-1/timeline',
      );
  });

  it('that cannot be decoded is listed as unreadable, beside all others', async () => {
    const unreadable = { code: 'OPERATION_UNREADABLE', message: 'no key', retryable: false } as const;
    rows = [
      anOperation({ id: 'op_2', status: 'COMPLETED', failure: unreadable }),
      anOperation({ id: 'op_1', status: 'COMPLETED', failure: null, result: { data: 1 } }),
    ];
    unreadableIds = ['op_2'];
    const { data, errors: none } = await operations.ask(
      'operator',
      '{ operations { nodes { id status result errors { code } steps { id } progress { completed } cursor } } }',
    );
    expect(none).toBeUndefined();
    expect(data.operations.nodes).toMatchObject([
      { id: 'op_2', status: 'COMPLETED', result: null, errors: [{ code: 'OPERATION_UNREADABLE' }], steps: [], cursor: null },
      { id: 'op_1', status: 'COMPLETED', result: { data: 1 }, errors: [], progress: { completed: 1 } },
    ]);
  });

  it('is listed page by page, also when several started in one millisecond', async () => {
    rows = ['op_e', 'op_d', 'op_c', 'op_b', 'op_a'].map((id, index) =>
      anOperation({ id, createdAt: index < 3 ? '2026-06-02T00:00:00.000Z' : at }),
    );
    const seen: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const { data } = await operations.ask(
        'alice',
        'query($after: String) { operations(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      seen.push(...(data.operations.nodes as { id: string }[]).map(({ id }) => id));
      ({ hasNextPage: more, endCursor: after } = data.operations.pageInfo as { hasNextPage: boolean; endCursor: string });
    }
    expect(seen).toEqual(['op_e', 'op_d', 'op_c', 'op_b', 'op_a']);
  });
});

it('that never ends cannot be cancelled', async () => {
  rows = [
    anOperation({ status: 'WORKING', facts: { kind: 'SUPERGRAPH', title: 'Coordinator', tenant: 'ten_sluice', startedBy: 'usr_system' } }),
  ];
  const { data } = await operations.ask('operator', 'mutation { cancelOperation(id: "op_1") { userErrors { code } } }');
  expect([data.cancelOperation.userErrors, cancelled]).toEqual([[{ code: 'CONFLICT' }], []]);
});

describe('startOperation', () => {
  const START = 'mutation { startOperation(document: "{ files { nodes { id } } }") { operation { id status } } }';

  it('answers with the run that the gateway started, and only with one that the caller may see', async () => {
    expect((await operations.ask('alice', START, {}, {}, 'op_1')).data.startOperation.operation).toEqual({ id: 'op_1', status: 'FAILED' });
    expect((await operations.ask('bob', START, {}, {}, 'op_1')).errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
  });

  it('is nothing for callers that are no gateway', async () => {
    expect((await operations.ask('alice', START)).errors?.[0]?.extensions.code).toBe('BAD_REQUEST');
  });
});

describe('cancelOperation', () => {
  const CANCEL = 'mutation { cancelOperation(id: "op_1", reason: "mistake") { operation { id status } userErrors { code } } }';

  it('asks the run to stop and says who asked', async () => {
    rows = [anOperation({ status: 'WORKING', closedAt: null, failure: null })];
    expect((await operations.ask('alice', CANCEL)).data.cancelOperation).toEqual({
      operation: { id: 'op_1', status: 'WORKING' },
      userErrors: [],
    });
    expect(cancelled).toEqual([['op_1', { reason: 'mistake', by: 'usr_alice' }]]);
  });

  it('leaves an ended run alone, and hides those of others', async () => {
    expect((await operations.ask('alice', CANCEL)).data.cancelOperation.userErrors).toEqual([{ code: 'CONFLICT' }]);
    expect((await operations.ask('bob', CANCEL)).data.cancelOperation).toEqual({ operation: null, userErrors: [{ code: 'NOT_FOUND' }] });
    expect((await operations.ask('viewer', CANCEL)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect(cancelled).toEqual([]);
  });
});

/** A subscription as the gateway sends it for this user. */
async function follow<Data>(user: keyof typeof DEV_USERS, query: string, variables: Record<string, unknown>) {
  const keys = await loadTestKeys();
  const { id, tenant, scopes } = DEV_USERS[user];
  const sign = (method: string, body: string) =>
    signServiceCall(keys, {
      audience: 'operations',
      method,
      path: '/graphql',
      body,
      operationId: null,
      auth: { principal: id, tenant, scopes, fingerprint: 'f'.repeat(64) },
    });
  const client = createClient({
    url: `${operations.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    lazyCloseTimeout: 0,
    connectionParams: () => ({ auth: sign('CONNECT', '') }),
  });
  return client.iterate<Data>({ query, variables, extensions: { auth: sign('SUBSCRIBE', JSON.stringify({ query, variables })) } });
}

describe('operationEvents', () => {
  async function subscribe(
    user: keyof typeof DEV_USERS,
    variables: { id: string; after: string | null },
    take = Infinity,
  ): Promise<{ seqs: number[]; codes: unknown[] }> {
    const query =
      'subscription($id: ID!, $after: String) { operationEvents(id: $id, after: $after) { __typename ... on OperationEventFields { seq cursor } } }';
    const seqs: number[] = [];
    const codes: unknown[] = [];
    for await (const { data, errors } of await follow<{ operationEvents: { seq: number } }>(user, query, variables)) {
      if (data != null) seqs.push(data.operationEvents.seq);
      codes.push(...(errors ?? []).map(({ extensions }) => extensions?.['code']));
      if (seqs.length >= take) break;
    }
    return { seqs, codes };
  }

  it('gives everything, or what is behind the cursor, and ends', async () => {
    expect((await subscribe('alice', { id: 'op_1', after: null })).seqs).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect((await subscribe('alice', { id: 'op_1', after: 'c3' })).seqs).toEqual([4, 5, 6, 7]);
  });

  it('releases its source when the subscriber leaves while nothing happens', async () => {
    rows = [anOperation({ status: 'WORKING' })];
    await subscribe('alice', { id: 'op_1', after: null }, 7);
    await expect.poll(() => released).toBe(1);
  });

  it('tells a stranger that there is no such operation', async () => {
    expect(await subscribe('bob', { id: 'op_1', after: null })).toEqual({ seqs: [], codes: ['NOT_FOUND'] });
  });
});

describe('operationsChanged', () => {
  const CHANGED =
    'subscription($filter: OperationFilter) { operationsChanged(filter: $filter) { id status progress { completed } startedBy { id } } }';
  interface Changed {
    operationsChanged: { id: string; status: string; progress: { completed: number } }[];
  }
  const working = (id: string, change: Partial<OperationSnapshot> = {}): OperationSnapshot =>
    anOperation({ id, status: 'WORKING', closedAt: null, failure: null, ...change });
  const ended = (id: string): OperationSnapshot => anOperation({ id, status: 'COMPLETED', failure: null });

  it('tells what started and what has another status, to those only who may see it', async () => {
    rows = [working('op_1')];
    const changes = await follow<Changed>('alice', CHANGED, {});
    const next = changes.next();
    await expect.poll(() => looks).toBeGreaterThan(0);
    rows = [working('op_2'), working('op_3', { facts: { ...rows[0]!.facts, startedBy: 'usr_bob', tenant: 'ten_globex' } }), ended('op_1')];
    expect((await next).value.data.operationsChanged.map(({ id, status }: { id: string; status: string }) => [id, status])).toEqual([
      ['op_2', 'WORKING'],
      ['op_1', 'COMPLETED'],
    ]);
    await changes.return?.();
  });

  it('tells a list of one status also what has left it, with its present progress', async () => {
    rows = [working('op_1'), ended('op_0')];
    const changes = await follow<Changed>('alice', CHANGED, { filter: { status: 'WORKING' } });
    const first = changes.next();
    await expect.poll(() => looks).toBeGreaterThan(0);
    events = EVENTS.slice(0, 1);
    rows = [working('op_2'), working('op_1'), ended('op_0')];
    expect((await first).value.data.operationsChanged).toMatchObject([{ id: 'op_2', progress: { completed: 0 } }]);
    events = EVENTS;
    rows = [ended('op_2'), working('op_1'), anOperation({ id: 'op_0', status: 'CANCELLED' })];
    expect((await changes.next()).value.data.operationsChanged).toMatchObject([
      { id: 'op_2', status: 'COMPLETED', progress: { completed: 1 } },
    ]);
    await changes.return?.();
  });
});

describe('webhookSecret', () => {
  it("is for the tenant's admins", async () => {
    expect((await operations.ask('admin', '{ webhookSecret }')).data.webhookSecret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect((await operations.ask('alice', '{ webhookSecret }')).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });
});

describe('an operation that failed', () => {
  const RECOVERY: OperationEvent[] = [
    event(1, { __typename: 'OperationStarted', title: 'Recovery of Rate', steps: [] }),
    event(2, { __typename: 'InputRequired', prompt: 'what now?', choices: ['RETRY', 'SKIP', 'EDIT_VARIABLES', 'GIVE_UP'] }),
  ];
  const facts = { title: 'Rate', tenant: 'ten_acme', startedBy: 'usr_alice' };
  const failed = (n: number) => anOperation({ id: `op_f${n}`, facts: { ...facts, kind: 'ORCHESTRATION' } });
  const recovery = (n: number, change: Partial<OperationSnapshot> = {}) =>
    anOperation({
      id: `op_r${n}`,
      facts: { ...facts, kind: 'RECOVERY', recovers: `op_f${n}` },
      status: 'INPUT_REQUIRED',
      closedAt: null,
      failure: null,
      ...change,
    });
  const attend = (n: number, state: 'RECOVERING' | 'INPUT_REQUIRED' | 'RESOLVED', version: number) =>
    store.recordAttention({
      operationId: `op_f${n}`,
      recoveryId: `op_r${n}`,
      tenant: 'ten_acme',
      startedBy: 'usr_alice',
      state,
      version,
      at: `2026-06-0${n}T00:00:00.000Z`,
    });
  const RESOLVE = `mutation($id: ID!, $choice: ResolutionChoice!, $variables: JSON) {
    resolveOperation(id: $id, choice: $choice, variables: $variables) { operation { id } userErrors { code } } }`;

  beforeEach(() => {
    rows = [failed(1), recovery(1), failed(2), recovery(2)];
    eventsOf.clear();
    for (const n of [1, 2]) {
      eventsOf.set(`op_f${n}`, [event(1, { __typename: 'RecoveryStarted', recovery: `op_r${n}` })]);
      eventsOf.set(`op_r${n}`, RECOVERY);
    }
  });

  it('is listed by page and filter, each page full, though some recoveries are not kept any more', async () => {
    for (const n of [1, 2, 3, 4, 5, 6, 7, 8]) await attend(n, 'INPUT_REQUIRED', 1);
    rows = [1, 4, 5, 8].flatMap((n) => [failed(n), recovery(n, n === 5 ? { status: 'WORKING' } : {})]);
    const page = async (filter: string, after: string | null) =>
      (
        await operations.ask(
          'alice',
          `query($after: String) { operations(first: 2, after: $after, filter: { needsAttention: true ${filter} }) { nodes { id } pageInfo { hasNextPage endCursor } } }`,
          { after },
        )
      ).data.operations as { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
    const ids = ({ nodes }: { nodes: { id: string }[] }) => nodes.map(({ id }) => id);
    const first = await page('', null);
    const second = await page('', first.pageInfo.endCursor);
    expect([ids(first), first.pageInfo.hasNextPage]).toEqual([['op_r8', 'op_r5'], true]);
    expect([ids(second), second.pageInfo.hasNextPage]).toEqual([['op_r4', 'op_r1'], false]);
    expect(ids(await page('status: INPUT_REQUIRED', null))).toEqual(['op_r8', 'op_r4']);
    await database.pool.query('delete from operations.attention');
  });

  it('names its recovery, which names it, and says what it waits for', async () => {
    const { data } = await operations.ask(
      'alice',
      '{ operation(id: "op_f1") { input { prompt } recovery { id recovers { id } input { prompt choices } } } }',
    );
    expect(data.operation).toEqual({
      input: null,
      recovery: {
        id: 'op_r1',
        recovers: { id: 'op_f1' },
        input: { prompt: 'what now?', choices: ['RETRY', 'SKIP', 'EDIT_VARIABLES', 'GIVE_UP'] },
      },
    });
  });

  it('says what became of it when its recovery has ended, and that it failed', async () => {
    const result = { data: { rate: { stars: 4 } } };
    rows = [failed(1), recovery(1, { status: 'COMPLETED', closedAt: at, outcome: 'RECOVERED', result })];
    const { data } = await operations.ask(
      'alice',
      '{ operation(id: "op_f1") { status outcome errors { code } recovery { status outcome result } } }',
    );
    expect(data.operation).toEqual({
      status: 'FAILED',
      outcome: null,
      errors: [{ code: 'SCAN_BLOCKED' }],
      recovery: { status: 'COMPLETED', outcome: 'RECOVERED', result },
    });
  });

  it('is recovered also when it was cancelled and something is left', async () => {
    rows = [{ ...failed(1), status: 'CANCELLED' }, recovery(1)];
    const { data } = await operations.ask('alice', '{ operation(id: "op_f1") { status recovery { id } } }');
    expect(data.operation).toEqual({ status: 'CANCELLED', recovery: { id: 'op_r1' } });
  });

  it('needs attention until it is resolved, whatever order records come in; page by page, for those who may see it', async () => {
    await attend(1, 'RECOVERING', 1);
    await attend(1, 'INPUT_REQUIRED', 2);
    await attend(2, 'RECOVERING', 1);
    const list = async (user: keyof typeof DEV_USERS, after: string | null = null) =>
      (
        await operations.ask(
          user,
          'query($after: String) { operations(first: 1, after: $after, filter: { needsAttention: true }) { nodes { id } pageInfo { hasNextPage endCursor } } }',
          { after },
        )
      ).data.operations as { nodes: { id: string }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
    const first = await list('alice');
    expect([first.nodes, first.pageInfo.hasNextPage]).toEqual([[{ id: 'op_r2' }], true]);
    expect((await list('alice', first.pageInfo.endCursor)).nodes).toEqual([{ id: 'op_r1' }]);
    expect((await list('operator')).nodes).toEqual([{ id: 'op_r2' }]);
    expect([(await list('viewer')).nodes, (await list('bob')).nodes]).toEqual([[], []]);

    await attend(2, 'RESOLVED', 3);
    await attend(2, 'INPUT_REQUIRED', 2);
    expect((await list('alice')).nodes).toEqual([{ id: 'op_r1' }]);
  });

  it('is decided about by operators, by either id, and each decision is on record before it is sent', async () => {
    expect((await operations.ask('operator', RESOLVE, { id: 'op_f1', choice: 'SKIP' })).data.resolveOperation).toEqual({
      operation: { id: 'op_r1' },
      userErrors: [],
    });
    await operations.ask('admin', RESOLVE, { id: 'op_r1', choice: 'EDIT_VARIABLES', variables: { stars: 5 } });
    expect(resolved).toEqual([
      ['op_r1', { choice: 'SKIP', by: 'usr_operator', variables: null }],
      ['op_r1', { choice: 'EDIT_VARIABLES', by: 'usr_admin', variables: { stars: 5 } }],
    ]);
    const { rows: entries } = await database.pool.query('select number, actor, action, object from operations.audit order by number');
    expect(entries.map(({ actor, action, object }: Record<string, unknown>) => [actor, action, object])).toEqual([
      ['usr_operator', 'operation_resolved:SKIP', 'op_f1'],
      ['usr_admin', 'operation_resolved:EDIT_VARIABLES', 'op_f1'],
    ]);
  });

  it('by force needs attention too, from the first look on, and its recovery is started once', async () => {
    const ended = (id: string, change: Partial<OperationSnapshot['facts']>) =>
      anOperation({ id, facts: { ...facts, kind: 'ORCHESTRATION', ...change } });
    const force = ended('op_force', { isRecoverable: true });
    // A query that somebody waited for, and another tenant's.
    forcedEnds = [force, ended('op_query', {}), ended('op_other', { isRecoverable: true, tenant: 'ten_globex', startedBy: 'usr_bob' })];
    rows = [...forcedEnds, recovery(9, { id: 'op_r_op_force', facts: { ...facts, kind: 'RECOVERY', recovers: 'op_force' } })];
    eventsOf.set('op_force', []);
    const list = async () =>
      (await operations.ask('alice', '{ operations(first: 50, filter: { needsAttention: true }) { nodes { id } } }')).data.operations
        .nodes as {
        id: string;
      }[];
    expect(await list()).toContainEqual({ id: 'op_r_op_force' });
    await list();
    expect(recovered).toEqual(['op_force']);
    const { data } = await operations.ask('alice', '{ operation(id: "op_force") { recovery { id } } }');
    expect(data.operation.recovery).toEqual({ id: 'op_r_op_force' });
    // What the recovery records is newer.
    await store.recordAttention({
      operationId: 'op_force',
      recoveryId: 'op_r_op_force',
      tenant: 'ten_acme',
      startedBy: 'usr_alice',
      state: 'RESOLVED',
      version: 1,
      at,
    });
    expect(await list()).not.toContainEqual({ id: 'op_r_op_force' });
  });

  it('by force may be decided about before anybody has looked at the list', async () => {
    const force = anOperation({ id: 'op_force2', facts: { ...facts, kind: 'ASYNC_REQUEST', isRecoverable: true } });
    forcedEnds = [force];
    rows = [force, recovery(8, { id: 'op_r_op_force2', facts: { ...facts, kind: 'RECOVERY', recovers: 'op_force2' } })];
    eventsOf.set('op_force2', []);
    eventsOf.set('op_r_op_force2', RECOVERY);
    expect((await operations.ask('operator', RESOLVE, { id: 'op_force2', choice: 'SKIP' })).data.resolveOperation).toEqual({
      operation: { id: 'op_r_op_force2' },
      userErrors: [],
    });
    expect(resolved).toMatchObject([['op_r_op_force2', { choice: 'SKIP' }]]);
  });

  it('gets edited variables as the operation defines them, or the editor is told what is wrong and nothing is sent', async () => {
    rules = { definitions: '($stars: Int!, $tags: [Tag!])', types: 'enum Tag { GOOD BAD }' };
    const edit = async (variables: object) =>
      (
        await operations.ask('operator', RESOLVE.replace('{ code }', '{ code message }'), {
          id: 'op_f1',
          choice: 'EDIT_VARIABLES',
          variables,
        })
      ).data.resolveOperation.userErrors as unknown;
    expect(await edit({ tags: 'GOOD' })).toEqual([]);
    expect(resolved).toEqual([['op_r1', { choice: 'EDIT_VARIABLES', by: 'usr_operator', variables: { tags: ['GOOD'] } }]]);
    expect(await edit({ tags: ['GOOD', 'UGLY'], stars: null })).toMatchObject([
      { code: 'BAD_USER_INPUT', message: expect.stringContaining('$stars') },
      { code: 'BAD_USER_INPUT', message: expect.stringContaining('tags[1]') },
    ]);
    expect(await edit({ name: 'x' })).toMatchObject([{ code: 'BAD_USER_INPUT', message: expect.stringContaining('name:') }]);
    expect(resolved).toHaveLength(1);
  });

  it('is retried by its starter, who decides nothing else', async () => {
    const RETRY = 'mutation { retryOperation(id: "op_f1") { operation { id } userErrors { code } } }';
    expect((await operations.ask('alice', RETRY)).data.retryOperation.userErrors).toEqual([]);
    expect(resolved).toEqual([['op_r1', { choice: 'RETRY', by: 'usr_alice', variables: null }]]);
    expect((await operations.ask('alice', RESOLVE, { id: 'op_f1', choice: 'SKIP' })).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    expect((await operations.ask('bob', RETRY)).data.retryOperation.userErrors).toEqual([{ code: 'NOT_FOUND' }]);
    expect((await operations.ask('viewer', RETRY)).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });

  it('takes no decision that is not offered, has no sense, or comes too late', async () => {
    const codesOf = async (variables: object) => {
      const { data, errors } = await operations.ask('operator', RESOLVE, variables);
      return errors?.[0]?.extensions.code ?? data.resolveOperation.userErrors[0]?.code;
    };
    expect(await codesOf({ id: 'op_f1', choice: 'COMPENSATE' })).toBe('CONFLICT');
    expect(await codesOf({ id: 'op_f1', choice: 'EDIT_VARIABLES' })).toBe('BAD_USER_INPUT');
    expect(await codesOf({ id: 'op_f1', choice: 'SKIP', variables: { a: 1 } })).toBe('BAD_USER_INPUT');
    expect(await codesOf({ id: 'op_none', choice: 'SKIP' })).toBe('NOT_FOUND');
    rows = [failed(1), recovery(1, { status: 'COMPLETED', closedAt: at })];
    expect(await codesOf({ id: 'op_f1', choice: 'SKIP' })).toBe('CONFLICT');
    eventsOf.set('op_f1', []);
    expect(await codesOf({ id: 'op_f1', choice: 'SKIP' })).toBe('CONFLICT');
    expect(resolved).toEqual([]);
  });

  it('shows in its audit when an entry was changed or taken out', async () => {
    await Promise.all(['a', 'b', 'c'].map((object) => store.audit({ actor: 'usr_x', tenant: 'ten_acme', action: 'x:y', object })));
    expect(await store.verifyAudit()).toBeNull();
    const { rows: last } = await database.pool.query<{ number: string }>('select max(number) as number from operations.audit');
    const number = Number(last[0]?.number);
    await database.pool.query('update operations.audit set actor = $1 where number = $2', ['usr_y', number - 1]);
    expect(await store.verifyAudit()).toBe(number - 1);
    await database.pool.query('delete from operations.audit where number = $1', [number - 1]);
    expect(await store.verifyAudit()).toBe(number - 1);
  });
});
