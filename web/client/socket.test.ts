// @vitest-environment node
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import type { OperationDetail } from './documents.js';
import { createOperationClient } from './operation-client.js';
import type { Connection } from './socket.js';

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

interface EventServer {
  port: number;
  /** The cursor each subscription began with. */
  subscribedAfter: (string | null)[];
  kill(): Promise<void>;
}

async function startEventServer(o: { port?: number; total: number; paceMs: number }): Promise<EventServer> {
  const script = fileURLToPath(new URL('./tests/event-server.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, String(o.port ?? 0), String(o.total), String(o.paceMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  const subscribedAfter: (string | null)[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the event server did not start')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as { listening?: number; subscribed?: string | null };
      if (said.listening !== undefined) resolve(said.listening);
      if (said.subscribed !== undefined) subscribedAfter.push(said.subscribed);
    });
  });
  return {
    port,
    subscribedAfter,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
      running.delete(child);
    },
  };
}

function detail(): OperationDetail {
  return {
    id: 'op_1',
    kind: 'ASYNC_REQUEST',
    title: 'Work',
    status: 'WORKING',
    done: false,
    progress: { completed: 0, total: 0, unit: 'steps' },
    startedBy: null,
    tenant: { id: 'ten_1' },
    createdAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
    cancellable: true,
    cancelRequested: false,
    expiresAt: null,
    temporalUrl: null,
    cursor: null,
    lastSeq: 0,
    result: null,
    errors: [],
    steps: [],
    compensation: null,
    input: null,
    recovery: null,
    recovers: null,
  };
}

function clientOf(port: number): ReturnType<typeof createOperationClient> {
  const answer = (): Response => Response.json({ data: { operation: detail() } });
  return createOperationClient({ url: `http://127.0.0.1:${port}/graphql`, webSocketImpl: WebSocket, fetch: async () => answer() });
}

describe('a socket whose server is killed', () => {
  it('continues behind its cursor when the server is back: every event once, none lost', { timeout: 30_000 }, async () => {
    const total = 120;
    const first = await startEventServer({ total, paceMs: 10 });
    const client = clientOf(first.port);
    const states: Connection['state'][] = [];
    client.connection.subscribe(() => states.push(client.connection.get().state));
    const store = client.operation('op_1');
    store.subscribe(() => undefined, { events: true });

    await vi.waitUntil(() => store.get().events.length >= 20, { timeout: 10_000 });
    await first.kill();
    // At least one connect is refused, which ends a client with the library's defaults.
    await vi.waitUntil(() => client.connection.get().attempt >= 2, { timeout: 10_000 });
    expect(store.get().phase).toBe('stale');

    const second = await startEventServer({ port: first.port, total, paceMs: 2 });
    await vi.waitUntil(() => store.get().phase === 'done', { timeout: 15_000 });
    expect(store.get().events.map(({ seq }) => seq)).toEqual(Array.from({ length: total }, (_, index) => index + 1));
    expect(first.subscribedAfter).toEqual([null]);
    expect(second.subscribedAfter).toHaveLength(1);
    expect(Number(second.subscribedAfter[0])).toBeGreaterThanOrEqual(20);
    expect(new Set(states)).toEqual(new Set(['connecting', 'open', 'reconnecting']));
    await client.close();
    await second.kill();
  });

  it.each([4400, 4401, 4500])('gives up on the final close code %i, says so, and tries again when asked', async (code) => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'graphql-transport-ws' });
    await once(server, 'listening');
    let connects = 0;
    server.on('connection', (socket) => {
      connects += 1;
      socket.close(code, 'Refused');
    });
    const client = clientOf((server.address() as { port: number }).port);
    const store = client.operation('op_1');
    store.subscribe(() => undefined);
    await vi.waitUntil(() => store.get().phase === 'error');
    expect(store.get().error).toMatchObject({ code: 'CONNECTION_REFUSED', source: 'network' });
    expect(client.connection.get()).toMatchObject({ state: 'failed', closeCode: code });
    expect(connects).toBe(1);

    client.reconnect();
    await vi.waitUntil(() => connects === 2);
    await client.close();
    server.close();
  });

  it('reads the connection parameters again at every connect, so that a renewed token is sent', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'graphql-transport-ws' });
    await once(server, 'listening');
    const tokens: unknown[] = [];
    server.on('connection', (socket) =>
      socket.on('message', (data) => {
        const message = JSON.parse((data as Buffer).toString('utf8')) as { type: string; payload?: { token: string } };
        if (message.type !== 'connection_init') return;
        tokens.push(message.payload?.token);
        if (tokens.length === 1) socket.close(4403, 'Forbidden');
        else socket.send(JSON.stringify({ type: 'connection_ack' }));
      }),
    );
    let token = 'old';
    const { port } = server.address() as { port: number };
    const client = createOperationClient({
      url: `http://127.0.0.1:${port}/graphql`,
      webSocketImpl: WebSocket,
      fetch: async () => Response.json({ data: { operation: detail() } }),
      connectionParams: () => ({ token }),
    });
    client.connection.subscribe(() => {
      if (client.connection.get().closeCode === 4403) token = 'renewed';
    });
    client.operation('op_1').subscribe(() => undefined);
    await vi.waitUntil(() => client.connection.get().state === 'open', { timeout: 5_000 });
    expect(tokens).toEqual(['old', 'renewed']);
    await client.close();
    server.close();
  });
});
