import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GRACE_MS, MAX_EVENTS } from './follow-operation.js';
import type { KeyStorage } from './idempotency.js';
import { POLL_MS } from './live-reads.js';
import { operationList } from './operation-list.js';
import { type OperationClient, createOperationClient } from './operation-client.js';
import type { OperationState } from './operation-state.js';
import { type FakeOperationServer, type ScriptedEvent, createFakeOperationServer } from './testing/index.js';

const STEPS = [
  { id: 'fetch', label: 'Fetch the package' },
  { id: 'load', label: 'Load the sandbox' },
];
const started: ScriptedEvent = { __typename: 'OperationStarted', title: 'Install', steps: STEPS };
const stepStarted = (step: string): ScriptedEvent => ({ __typename: 'StepStarted', step, label: step });
const stepCompleted = (step: string): ScriptedEvent => ({ __typename: 'StepCompleted', step, label: step, detail: null });
const progressed = (completed: number): ScriptedEvent => ({
  __typename: 'StepProgressed',
  step: 'fetch',
  label: 'fetch',
  completed,
  total: null,
  detail: `${completed}`,
});
const completed: ScriptedEvent = { __typename: 'OperationCompleted' };
const INSTALL =
  'mutation InstallPlugin($input: InstallPluginInput!) { installPlugin(input: $input) { operation { id } userErrors { code } } }';

let server: FakeOperationServer;
let storage: KeyStorage;
let client: OperationClient;

function memoryStorage(): KeyStorage {
  const values = new Map<string, string>();
  return {
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => void values.set(name, value),
    removeItem: (name) => void values.delete(name),
  };
}

/** Lets requests answer and frames pass. */
const settle = (ms = 200): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

function listen(id: string, options?: { events: boolean }): { states: OperationState[]; stop: () => void } {
  const states: OperationState[] = [];
  const store = client.operation(id);
  return { states, stop: store.subscribe(() => states.push(store.get()), options) };
}

beforeEach(() => {
  vi.useFakeTimers();
  server = createFakeOperationServer();
  storage = memoryStorage();
  client = createOperationClient({ transport: server.transport, storage });
  server.add({ id: 'op_1', title: 'Install' });
});
afterEach(async () => {
  await client.close();
  vi.useRealTimers();
});

describe('1. one upstream subscription', () => {
  it('serves any number of listeners', async () => {
    listen('op_1');
    listen('op_1');
    await settle();
    listen('op_1');
    await settle();
    expect(server.seen.subscribes).toEqual([{ id: 'op_1', after: null }]);
    expect(server.seen.requests).toEqual(['SluiceOperation']);
  });

  it('outlives a change of page, and ends when nobody came back within the grace time', async () => {
    const first = listen('op_1');
    await settle();
    first.stop();
    await settle(GRACE_MS - 100);
    expect(server.seen.open).toBe(1);
    const second = listen('op_1');
    await settle(GRACE_MS * 2);
    expect(server.seen.subscribes).toHaveLength(1);
    second.stop();
    await settle(GRACE_MS + 100);
    expect(server.seen.open).toBe(0);
  });

  it('opens nothing before somebody listens', async () => {
    client.operation('op_1').get();
    await settle();
    expect(server.seen.requests).toEqual([]);
  });
});

describe('2. a late listener', () => {
  it('reads the state at once', async () => {
    server.emit('op_1', started);
    listen('op_1');
    await settle();
    expect(
      client
        .operation('op_1')
        .get()
        .view.steps.map(({ label }) => label),
    ).toEqual(['Fetch the package', 'Load the sandbox']);
  });
});

describe('3. a terminal state', () => {
  it('closes the subscription, reads the result, and stays readable', async () => {
    const { stop } = listen('op_1');
    await settle();
    server.emit('op_1', started);
    server.emit('op_1', completed);
    await settle();
    expect(server.seen.open).toBe(0);
    expect(client.operation('op_1').get()).toMatchObject({ phase: 'done', view: { status: 'COMPLETED' }, detail: { done: true } });
    stop();
    await settle(GRACE_MS * 3);
    expect(client.operation('op_1').get().view.status).toBe('COMPLETED');
  });

  it('needs no subscription when it was reached before', async () => {
    server.emit('op_1', completed);
    listen('op_1');
    await settle();
    expect(client.operation('op_1').get().phase).toBe('done');
    expect(server.seen.subscribes).toEqual([]);
  });
});

describe('4. state first, then events', () => {
  it('subscribes behind the cursor of the state it read', async () => {
    const cursor = server.emit('op_1', started);
    listen('op_1');
    await settle();
    expect(server.seen.subscribes).toEqual([{ id: 'op_1', after: cursor }]);
    server.emit('op_1', stepStarted('fetch'));
    await settle();
    expect(client.operation('op_1').get().view.steps[0]?.status).toBe('RUNNING');
  });

  it('drops an event that it has folded already', async () => {
    server.emit('op_1', started);
    listen('op_1', { events: true });
    await settle();
    server.emit('op_1', stepStarted('fetch'));
    server.emit('op_1', stepCompleted('fetch'));
    server.deliverRaw('op_1', { ...server.events('op_1')[1]!, cursor: 'another' });
    await settle();
    expect(client.operation('op_1').get().view.steps[0]?.status).toBe('COMPLETED');
    expect(
      client
        .operation('op_1')
        .get()
        .events.map(({ seq }) => seq),
    ).toEqual([1, 2, 3]);
    expect(server.seen.requests).toHaveLength(1);
  });

  it('reads the operation again when an event is missing', async () => {
    server.emit('op_1', started);
    listen('op_1');
    await settle();
    server.deliverRaw('op_1', { ...stepStarted('load'), seq: 3, at: '2026-01-01T00:00:01Z', cursor: 'op_1:3' });
    await settle();
    expect(server.seen.requests).toEqual(['SluiceOperation', 'SluiceOperation']);
    expect(client.operation('op_1').get().view.lastSeq).toBe(1);
  });

  it('shows a transient event, which repeats the last cursor, without moving its position', async () => {
    server.emit('op_1', started);
    const cursor = server.emit('op_1', stepStarted('fetch'));
    listen('op_1', { events: true });
    await settle();
    server.deliverRaw('op_1', { ...progressed(7), seq: 2, at: '2026-01-01T00:00:01Z', cursor });
    await settle();
    const { view, events } = client.operation('op_1').get();
    expect(view).toMatchObject({ lastSeq: 2, steps: [{ status: 'RUNNING', detail: '7' }, { status: 'PENDING' }] });
    expect(events).toHaveLength(2);
  });

  it('reads events from the start only when somebody wants them, without showing history as the present', async () => {
    server.emit('op_1', started);
    server.emit('op_1', stepStarted('fetch'));
    server.emit('op_1', stepCompleted('fetch'));
    const { states } = listen('op_1');
    await settle();
    listen('op_1', { events: true });
    await settle();
    expect(server.seen.subscribes.map(({ after }) => after)).toEqual(['op_1:3', null]);
    expect(server.seen.open).toBe(1);
    expect(
      client
        .operation('op_1')
        .get()
        .events.map(({ seq }) => seq),
    ).toEqual([1, 2, 3]);
    expect(states.filter(({ view }) => view.lastSeq > 0).every(({ view }) => view.steps[0]?.status === 'COMPLETED')).toBe(true);
  });

  it('gives the events of an operation that had ended before', async () => {
    for (const event of [started, stepStarted('fetch'), completed]) server.emit('op_1', event);
    listen('op_1', { events: true });
    await settle();
    expect(client.operation('op_1').get()).toMatchObject({ phase: 'done', view: { status: 'COMPLETED' } });
    expect(client.operation('op_1').get().events).toHaveLength(3);
    expect(server.seen.open).toBe(0);
  });
});

describe('5. a lost connection', () => {
  it('shows what was known as stale and gets what it missed, each event once', async () => {
    listen('op_1', { events: true });
    await settle();
    server.emit('op_1', started);
    await settle();
    server.disconnect();
    await settle();
    expect(client.operation('op_1').get()).toMatchObject({ phase: 'stale', view: { title: 'Install' } });
    server.emit('op_1', stepStarted('fetch'));
    server.emit('op_1', stepCompleted('fetch'));
    server.connect();
    await settle();
    expect(server.seen.subscribes.at(-1)).toEqual({ id: 'op_1', after: 'op_1:1' });
    expect(
      client
        .operation('op_1')
        .get()
        .events.map(({ seq }) => seq),
    ).toEqual([1, 2, 3]);
    expect(client.operation('op_1').get().phase).toBe('live');
  });
});

describe('6. a flood', () => {
  it('of 10,000 events calls listeners once a frame, counts all, and keeps a bounded tail', async () => {
    const { states } = listen('op_1', { events: true });
    await settle();
    const before = states.length;
    for (let n = 1; n <= 10_000; n += 1) {
      server.emit('op_1', progressed(n));
      if (n % 1_000 === 0) await settle(17);
    }
    await settle();
    const { events, dropped, view } = client.operation('op_1').get();
    expect(states.length - before).toBeLessThanOrEqual(12);
    expect(view.lastSeq).toBe(10_000);
    expect(events.length + dropped).toBe(10_000);
    expect(events.length).toBeLessThanOrEqual(2 * MAX_EVENTS);
    expect(events.at(-1)?.seq).toBe(10_000);
  });

  it('is flushed in a hidden tab too, which gets no animation frames', async () => {
    vi.stubGlobal('requestAnimationFrame', () => 1);
    const { states } = listen('op_1');
    await settle();
    server.emit('op_1', started);
    await settle(120);
    expect(states.at(-1)?.view.title).toBe('Install');
    vi.unstubAllGlobals();
  });
});

describe('8. start', () => {
  const pick = (data: {
    installPlugin: { operation: { id: string } | null; userErrors: [] };
  }): { operation: { id: string } | null; userErrors: [] } => data.installPlugin;
  const variables = { input: { name: '@sluice/qr-code' } };
  let keys: string[];

  beforeEach(() => {
    keys = [];
    server.onMutation('InstallPlugin', (sent, headers) => {
      keys.push(headers['idempotency-key']!);
      expect((sent.input as { clientMutationId: string }).clientMutationId).toBe(headers['idempotency-key']);
      return { data: { installPlugin: { operation: { id: 'op_1' }, userErrors: [] } } };
    });
  });

  it('sends a double click once', async () => {
    const both = await Promise.all([client.start(INSTALL, variables, { pick }), client.start(INSTALL, variables, { pick })]);
    expect(both.map(({ id }) => id)).toEqual(['op_1', 'op_1']);
    expect(keys).toHaveLength(1);
  });

  it('takes a new key after the acknowledgement', async () => {
    await client.start(INSTALL, variables, { pick });
    await client.start(INSTALL, variables, { pick });
    expect(new Set(keys).size).toBe(2);
  });

  it('carries the key of a lost try, also after a reload and with the fields in another order', async () => {
    const sent: string[] = [];
    const request = server.transport.request.bind(server.transport);
    const lossy = {
      ...server.transport,
      request: async <Data>(call: Parameters<typeof request>[0]) => {
        if (call.headers !== undefined) sent.push(call.headers['idempotency-key']!);
        const answer = await request<Data>(call);
        // The gateway has done the work, the answer is lost.
        if (sent.length === 1) throw new Error('connection reset');
        return answer;
      },
    };
    const before = createOperationClient({ transport: lossy, storage });
    await expect(before.start(INSTALL, { input: { name: 'a', version: '1' } }, { pick })).rejects.toMatchObject({
      code: 'NETWORK_ERROR',
      source: 'network',
      retryable: true,
    });
    await before.close();
    const after = createOperationClient({ transport: lossy, storage });
    await after.start(INSTALL, { input: { version: '1', name: 'a' } }, { pick });
    expect(sent[1]).toBe(sent[0]);
    await after.close();
  });

  it('tells what the user did wrong, and starts nothing', async () => {
    const userErrors = [{ code: 'ALREADY_INSTALLED', message: 'The plugin is installed already.', retryable: false }];
    server.onMutation('InstallPlugin', () => ({ data: { installPlugin: { operation: null, userErrors } } }));
    expect(await client.start(INSTALL, variables, { pick })).toEqual({ id: null, userErrors });
  });

  it('tells once when what was started here has ended, whichever page is shown, also after a reload', async () => {
    const ended: string[] = [];
    await client.start(INSTALL, variables, { pick });
    await settle();
    await client.close();
    client = createOperationClient({ transport: server.transport, storage });
    client.onSettled((state) => ended.push(`${state.id} ${state.view.status}`));
    client.resume();
    await settle();
    server.emit('op_1', started);
    server.emit('op_1', completed);
    await settle(2_000);
    expect(ended).toEqual(['op_1 COMPLETED']);
    client.resume();
    await settle(2_000);
    expect(ended).toHaveLength(1);
  });
});

describe('9. cancel', () => {
  it('resolves with the acknowledgement; only events change the state', async () => {
    server.emit('op_1', started);
    listen('op_1');
    await settle();
    expect(await client.cancel('op_1', 'not needed')).toEqual({ accepted: true, userErrors: [] });
    await settle();
    expect(client.operation('op_1').get().view).toMatchObject({ status: 'WORKING', cancelRequested: false });
    server.emit('op_1', { __typename: 'CancelRequested', reason: 'not needed', by: 'usr_admin' });
    await settle();
    expect(client.operation('op_1').get().view).toMatchObject({ status: 'WORKING', cancelRequested: true });
    server.emit('op_1', { __typename: 'OperationCancelled', reason: 'not needed' });
    await settle();
    expect(client.operation('op_1').get().view.status).toBe('CANCELLED');
  });
});

describe('10. errors', () => {
  it('say code, message, source and whether trying again may help', async () => {
    listen('op_unknown');
    await settle();
    expect(client.operation('op_unknown').get()).toMatchObject({
      phase: 'error',
      error: { code: 'NOT_FOUND', retryable: false, source: 'graphql' },
    });
  });

  it('of the network are tried again while somebody looks', async () => {
    server.failRequests(2);
    listen('op_1');
    await settle();
    expect(client.operation('op_1').get()).toMatchObject({ phase: 'error', error: { source: 'network', retryable: true } });
    await settle(3_000);
    expect(client.operation('op_1').get()).toMatchObject({ phase: 'live', error: undefined });
  });
});

describe('12. importing the package', () => {
  it('touches nothing: the core knows no React, no timer runs, no storage is read', async () => {
    const read = vi.spyOn(Storage.prototype, 'getItem');
    vi.resetModules();
    await import('./index.js');
    expect(vi.getTimerCount()).toBe(0);
    expect(read).not.toHaveBeenCalled();
  });
});

describe('a list', () => {
  it('patches rows in place and counts new ones instead of moving what is shown', async () => {
    server.add({ id: 'op_2', title: 'Second' });
    const list = operationList(client);
    const stop = list.subscribe(() => undefined);
    await settle();
    expect(list.get()).toMatchObject({ phase: 'live', fresh: 0, counts: { WORKING: 2 } });
    server.add({ id: 'op_3', title: 'Third' });
    server.emit('op_1', completed);
    await settle(POLL_MS + 100);
    expect(list.get().items.map(({ id, status }) => `${id} ${status}`)).toEqual(['op_2 WORKING', 'op_1 COMPLETED']);
    expect(list.get()).toMatchObject({ fresh: 1, counts: { WORKING: 2, COMPLETED: 1 } });
    list.showFresh();
    expect(list.get().items.map(({ id }) => id)).toEqual(['op_3', 'op_2', 'op_1']);
    expect(list.get().fresh).toBe(0);
    stop();
    const requests = server.seen.requests.length;
    await settle(POLL_MS * 4);
    expect(server.seen.requests).toHaveLength(requests);
  });

  it('is read again when the gateway says that it changed, and seldom while nothing runs', async () => {
    server.emit('op_1', completed);
    const list = operationList(client);
    list.subscribe(() => undefined);
    await settle();
    const requests = server.seen.requests.length;
    await settle(POLL_MS * 3);
    expect(server.seen.requests).toHaveLength(requests);
    server.add({ id: 'op_2', title: 'Second' });
    await settle();
    expect(list.get()).toMatchObject({ fresh: 1, counts: { WORKING: 1, COMPLETED: 1 } });
  });

  it('is read again when the connection is lost and when it is back: what happened meanwhile is not told', async () => {
    server.emit('op_1', completed);
    const list = operationList(client);
    list.subscribe(() => undefined);
    await settle();
    server.disconnect();
    await settle();
    expect(list.get()).toMatchObject({ phase: 'error', error: { code: 'NETWORK_ERROR' } });
    server.add({ id: 'op_2', title: 'Second' });
    server.connect();
    await settle();
    expect(list.get()).toMatchObject({ phase: 'live', fresh: 1 });
  });

  it('loads more behind its last row, each row once', async () => {
    for (let n = 2; n <= 40; n += 1) server.add({ id: `op_${n}` });
    const list = operationList(client);
    list.subscribe(() => undefined);
    await settle();
    expect(list.get()).toMatchObject({ hasMore: true });
    expect(list.get().items).toHaveLength(25);
    await list.loadMore();
    await settle(POLL_MS * 2);
    expect(list.get()).toMatchObject({ hasMore: false, fresh: 0 });
    expect(new Set(list.get().items.map(({ id }) => id)).size).toBe(40);
    expect(list.get().items).toHaveLength(40);
  });

  it('keeps its rows when the gateway is away, and says so', async () => {
    const list = operationList(client, { status: 'WORKING' });
    list.subscribe(() => undefined);
    await settle();
    server.disconnect();
    await settle(POLL_MS + 100);
    expect(list.get()).toMatchObject({ phase: 'error', error: { code: 'NETWORK_ERROR' } });
    expect(list.get().items).toHaveLength(1);
  });
});
