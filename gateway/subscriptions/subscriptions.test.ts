import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { parse } from 'graphql';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { AuthContext } from '#schema/contracts/identity';
import { createKeys, type KeyRing, loadKeys } from '#platform/keys';
import { createLogger } from '#platform/logger';
import { createSubgraph, type RunningSubgraph, serveSubgraph } from '#subgraphs/shared/create-subgraph';
import { collect } from '../server/tests/collect.js';
import { createEventBuffer, type EventIterator } from './event-buffer.js';
import type { ServiceEvent } from './service-stream.js';
import { createServiceStreams, type ServiceStreams } from './service-streams.js';

const log = createLogger({ name: 'test', level: 'silent' });
const alice = { principal: 'usr_alice', tenant: 'ten_acme', scopes: ['files:read'], fingerprint: 'a'.repeat(64) } as unknown as AuthContext;

describe('a buffer of events', () => {
  it('hands events on in order, then its end', async () => {
    const { push, end, events } = createEventBuffer<number>(() => undefined);
    const first = events.next();
    push(1);
    push(2);
    end();
    push(3);
    expect(await first).toEqual({ done: false, value: 1 });
    expect(await collect(events)).toEqual([2]);
  });

  it('frees its source at once when the consumer leaves while it waits', async () => {
    let released = 0;
    const { events } = createEventBuffer<number>(() => released++);
    const waiting = events.next();
    await events.return();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(released).toBe(1);
  });

  it('ends with SUBSCRIPTION_OVERFLOW behind what it holds, and frees its source then', async () => {
    let released = 0;
    const { push, events } = createEventBuffer<number>(() => released++, 2);
    for (const n of [1, 2, 3, 4]) push(n);
    expect(released).toBe(1);
    expect([await events.next(), await events.next()].map(({ value }) => value as number)).toEqual([1, 2]);
    await expect(events.next()).rejects.toMatchObject({ code: 'SUBSCRIPTION_OVERFLOW' });
    expect(await events.next()).toEqual({ done: true, value: undefined });
  });
});

it('a buffer holds 4 MiB at most, however few events they are', async () => {
  const { push, events } = createEventBuffer<number>(() => undefined);
  for (const n of [1, 2, 3]) push(n, 1.5 * 1024 * 1024);
  expect([await events.next(), await events.next()].map(({ value }) => value as number)).toEqual([1, 2]);
  await expect(events.next()).rejects.toMatchObject({ code: 'SUBSCRIPTION_OVERFLOW' });
});

describe('a stream of a signed service', () => {
  let keys: KeyRing;
  let service: RunningSubgraph;
  let streams: ServiceStreams;
  let left = 0;
  let callers: string[] = [];

  beforeAll(async () => {
    keys = await loadKeys({ dataDir: '/nowhere', env: { SLUICE_KEYS: JSON.stringify(await createKeys()) }, shared: true });
  });

  async function start(signingKeys = keys): Promise<void> {
    callers = [];
    left = 0;
    const ticks = createSubgraph({
      name: 'ticks',
      typeDefs: parse('type Query { a: Int } type Subscription { count(to: Int!): Int for: String broken: Int! silent: Int }'),
      resolvers: {
        Subscription: {
          count: { subscribe: (_: unknown, { to }: { to: number }) => count(to), resolve: (n: number) => n },
          for: {
            subscribe: async function* (_: unknown, __: unknown, { auth }: { auth: AuthContext }) {
              callers.push(auth.principal);
              yield auth.tenant;
            },
            resolve: (tenant: string) => tenant,
          },
          broken: { subscribe: () => count(1), resolve: () => null },
          silent: {
            subscribe: () => ({
              [Symbol.asyncIterator]: () => ({
                next: () => new Promise(() => undefined),
                return: () => (left++, Promise.resolve({ done: true })),
              }),
            }),
          },
        },
      },
      createContext: (call) => call,
      keys,
      log,
    });
    service = await serveSubgraph(ticks, { host: '127.0.0.1', port: 0 });
    streams = createServiceStreams({
      resolve: async () => ({ url: new URL(`${service.url}/graphql`), signed: true }),
      keys: signingKeys,
      log,
    });
  }
  async function* count(to: number): AsyncGenerator<number> {
    for (let n = 1; n <= to; n++) yield n;
  }
  const open = async (operation: string, variables = {}): Promise<EventIterator<ServiceEvent>> =>
    (await streams.open({ generation: 1, service: 'ticks', operation, operationName: null, variables, auth: alice })).events;

  afterEach(async () => {
    await streams.close();
    await service.close();
  });

  it('brings its events in order and ends with it', async () => {
    await start();
    const events = await collect(await open('subscription ($to: Int!) { count(to: $to) }', { to: 3 }));
    expect(events).toEqual([1, 2, 3].map((n) => ({ data: { count: n }, errors: [] })));
  });

  it('is asked in the name of its subscriber, also on the socket that all share', async () => {
    await start();
    expect(await collect(await open('subscription { for }'))).toEqual([{ data: { for: 'ten_acme' }, errors: [] }]);
    expect(callers).toEqual(['usr_alice']);
  });

  it('keeps the path and code of an event’s errors', async () => {
    await start();
    const [event] = await collect(await open('subscription { broken }'));
    expect(event).toMatchObject({ data: null, errors: [{ path: ['broken'], extensions: { service: 'ticks' } }] });
  });

  it('is given up at the service when the subscriber leaves', async () => {
    await start();
    const events = await open('subscription { silent }');
    void events.next();
    // Opened before it is left: otherwise there would be nothing to give up.
    const probe = await collect(await open('subscription ($to: Int!) { count(to: $to) }', { to: 1 }));
    expect(probe).toHaveLength(1);
    await events.return();
    while (left === 0) await turn();
    expect(left).toBe(1);
  });

  it('comes from a service whose end may be asked for twice', async () => {
    await start();
    await Promise.all([service.close(), service.close()]);
    await service.close();
  });

  it('loses no event by a flaw in its errors', async () => {
    const sockets = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    const flawed = ['null', '"boom"', '["boom"]', '[{"message":1,"path":"a"}]'];
    sockets.on('connection', (socket) =>
      socket.on('message', (message: Buffer) => {
        const { type, id } = JSON.parse(message.toString()) as { type: string; id?: string };
        if (type === 'connection_init') return socket.send('{"type":"connection_ack"}');
        if (type !== 'subscribe') return;
        flawed.forEach((errors, a) => socket.send(`{"type":"next","id":"${id}","payload":{"data":{"a":${a}},"errors":${errors}}}`));
        socket.send(JSON.stringify({ type: 'complete', id }));
      }),
    );
    await once(sockets, 'listening');
    const url = new URL(`http://127.0.0.1:${(sockets.address() as AddressInfo).port}/graphql`);
    await start();
    const foreign = createServiceStreams({ resolve: async () => ({ url, signed: false }), keys, log });
    const request = { generation: 1, service: 'ticks', operation: 'subscription { a }', operationName: null, variables: {}, auth: alice };
    const came = await collect((await foreign.open(request)).events);
    expect(came.map(({ data, errors }) => [data, errors.map(({ extensions }) => extensions.code)])).toEqual([
      [{ a: 0 }, []],
      [{ a: 1 }, ['SUBGRAPH_BAD_ANSWER']],
      [{ a: 2 }, ['SUBGRAPH_BAD_ANSWER']],
      [{ a: 3 }, ['SUBGRAPH_ERROR']],
    ]);
    await foreign.close();
    sockets.close();
  });

  it('ends with SUBGRAPH_UNREACHABLE when the service goes away', async () => {
    await start();
    const events = await open('subscription { silent }');
    const next = events.next();
    await collect(await open('subscription ($to: Int!) { count(to: $to) }', { to: 1 }));
    const [outcome] = await Promise.allSettled([next, service.close()]);
    await streams.close();
    await start();
    expect(outcome).toMatchObject({
      status: 'rejected',
      reason: { errors: [{ extensions: { code: 'SUBGRAPH_UNREACHABLE', service: 'ticks' } }] },
    });
  });

  it('ends with an error when the service does not know the signature', async () => {
    const others = await loadKeys({ dataDir: '/nowhere', env: { SLUICE_KEYS: JSON.stringify(await createKeys()) }, shared: true });
    await start(others);
    await expect((await open('subscription { for }')).next()).rejects.toMatchObject({
      errors: [{ extensions: { code: 'SUBGRAPH_UNREACHABLE' } }],
    });
    expect(callers).toEqual([]);
  });
});
