import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { attentionList } from './attention-list.js';
import type { KeyStorage } from './idempotency.js';
import { IDLE_POLL_MS, POLL_MS } from './live-reads.js';
import { type OperationClient, createOperationClient } from './operation-client.js';
import { resolveOperation, retryOperation } from './resolve-operation.js';
import { type FakeOperationServer, createFakeOperationServer } from './testing/index.js';
import type { OperationTransport, TransportRequest } from './transport.js';

const FAILURE = { code: 'SUBGRAPH_UNREACHABLE', message: 'A service could not be reached.', retryable: true } as const;
const LEFT = { step: 'fetch-1', service: 'files', effect: 'createFile', undo: 'deleteFile', arguments: { id: 'fil_1' }, failure: FAILURE };

let server: FakeOperationServer;
let client: OperationClient;
let sent: { name: string; variables: Record<string, unknown>; key: string }[];
/** Answers are lost while it is set: the gateway has done the work. */
let losing: boolean;

function listening(transport: OperationTransport): OperationTransport {
  return {
    ...transport,
    async request<Data>(request: TransportRequest) {
      const key = request.headers?.['idempotency-key'];
      if (key !== undefined)
        sent.push({ name: /mutation (\w+)/.exec(request.document as string)?.[1] ?? '', variables: request.variables, key });
      const answer = await transport.request<Data>(request);
      if (losing && key !== undefined) throw new Error('connection reset');
      return answer;
    },
  };
}

function memoryStorage(): KeyStorage {
  const values = new Map<string, string>();
  return {
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => void values.set(name, value),
    removeItem: (name) => void values.delete(name),
  };
}

function addFailed(n: number): void {
  server.add({ id: `op_${n}`, title: `mutation Store${n}`, kind: 'ORCHESTRATION', startedBy: 'usr_alice', left: [LEFT] });
  server.emit(`op_${n}`, { __typename: 'OperationFailed', failure: FAILURE });
  server.add({ id: `rec_${n}`, title: `Recovery of Store${n}`, recovers: `op_${n}` });
}
const settle = (ms = 200): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  server = createFakeOperationServer();
  sent = [];
  losing = false;
  client = createOperationClient({ transport: listening(server.transport), storage: memoryStorage() });
  addFailed(1);
});
afterEach(async () => {
  await client.close();
  vi.useRealTimers();
});

describe('a decision', () => {
  it('is acknowledged with the recovery that acts on it', async () => {
    expect(await resolveOperation(client, 'op_1', { choice: 'GIVE_UP' })).toEqual({ accepted: true, recovery: 'rec_1', userErrors: [] });
    expect(sent).toMatchObject([{ name: 'SluiceResolveOperation', variables: { id: 'op_1', choice: 'GIVE_UP', variables: null } }]);
  });

  it('to retry is sent as a retry, which the starter may', async () => {
    await resolveOperation(client, 'op_1', { choice: 'RETRY' });
    await retryOperation(client, 'op_1');
    expect(sent.map(({ name }) => name)).toEqual(['SluiceRetryOperation', 'SluiceRetryOperation']);
  });

  it('is sent once for a double click', async () => {
    const edit = { choice: 'EDIT_VARIABLES', variables: { name: 'b' }, about: 4 } as const;
    await Promise.all([resolveOperation(client, 'op_1', edit), resolveOperation(client, 'op_1', edit)]);
    expect(sent).toHaveLength(1);
  });

  it('whose answer was lost carries its key once more; one about a later state does not', async () => {
    losing = true;
    await expect(retryOperation(client, 'op_1', 4)).rejects.toMatchObject({ code: 'NETWORK_ERROR', source: 'network', retryable: true });
    losing = false;
    await retryOperation(client, 'op_1', 4);
    losing = true;
    await expect(retryOperation(client, 'op_1', 4)).rejects.toMatchObject({ source: 'network' });
    losing = false;
    await retryOperation(client, 'op_1', 9);
    const [lost, again, next, later] = sent.map(({ key }) => key);
    expect(again).toBe(lost);
    expect(new Set([lost, next, later]).size).toBe(3);
  });

  it('that was answered with an error takes a new key: the old one stands for that answer', async () => {
    const errors = [{ message: 'A service could not be reached.', extensions: { code: 'SUBGRAPH_UNREACHABLE', retryable: true } }];
    server.onMutation('SluiceRetryOperation', () => ({ data: null, errors }));
    for (let n = 0; n < 2; n += 1)
      await expect(retryOperation(client, 'op_1', 4)).rejects.toMatchObject({ code: 'SUBGRAPH_UNREACHABLE', source: 'graphql' });
    expect(new Set(sent.map(({ key }) => key)).size).toBe(2);
  });

  it('tells why it was refused', async () => {
    const userErrors = [{ code: 'CONFLICT', message: 'it is resolved already', retryable: false }];
    server.onMutation('SluiceResolveOperation', () => ({ data: { resolveOperation: { operation: null, userErrors } } }));
    expect(await resolveOperation(client, 'op_1', { choice: 'SKIP' })).toEqual({ accepted: false, recovery: null, userErrors });
  });
});

describe('the list of what needs attention', () => {
  it('says what failed, for whom, and what is left', async () => {
    const list = attentionList(client);
    list.subscribe(() => undefined);
    await settle();
    expect(list.get()).toMatchObject({
      phase: 'live',
      hasMore: false,
      items: [{ id: 'rec_1', recovers: { title: 'mutation Store1', errors: [FAILURE], compensation: { left: [LEFT] } } }],
    });
  });

  it('loses a row as soon as it is resolved, and gets new ones, without a poll', async () => {
    const list = attentionList(client);
    list.subscribe(() => undefined);
    addFailed(2);
    await settle();
    expect(list.get().items.map(({ id }) => id)).toEqual(['rec_2', 'rec_1']);
    server.emit('rec_1', { __typename: 'OperationCompleted' });
    await settle();
    expect(list.get().items.map(({ id }) => id)).toEqual(['rec_2']);
  });

  it('reads as many pages as were asked for, and each again', async () => {
    for (let n = 2; n <= 45; n += 1) addFailed(n);
    const list = attentionList(client);
    list.subscribe(() => undefined);
    await settle();
    expect(list.get().items).toHaveLength(20);
    await list.loadMore();
    await list.loadMore();
    expect(list.get()).toMatchObject({ hasMore: false });
    expect(list.get().items).toHaveLength(45);
    server.emit('rec_1', { __typename: 'OperationCompleted' });
    await settle();
    expect(list.get().items).toHaveLength(44);
  });

  it('is one list for any number of listeners, and reads seldom while its stream is there', async () => {
    const list = attentionList(client);
    const stops = [list.subscribe(() => undefined), attentionList(client).subscribe(() => undefined)];
    await settle();
    const requests = server.seen.requests.length;
    await settle(POLL_MS * 3);
    expect(server.seen.requests).toHaveLength(requests);
    await settle(IDLE_POLL_MS);
    expect(server.seen.requests).toHaveLength(requests + 1);
    for (const stop of stops) stop();
    await settle(IDLE_POLL_MS * 2);
    expect(server.seen.requests).toHaveLength(requests + 1);
  });

  it('keeps its rows when the gateway is away, says so, and is read when it is back', async () => {
    const list = attentionList(client);
    list.subscribe(() => undefined);
    await settle();
    server.disconnect();
    await settle();
    expect(list.get()).toMatchObject({ phase: 'error', error: { code: 'NETWORK_ERROR' }, items: [{ id: 'rec_1' }] });
    server.emit('rec_1', { __typename: 'OperationCompleted' });
    server.connect();
    await settle();
    expect(list.get()).toMatchObject({ phase: 'live', items: [] });
  });
});
