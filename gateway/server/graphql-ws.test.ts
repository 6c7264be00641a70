import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { type Client, createClient, type FormattedExecutionResult } from 'graphql-ws';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { issueDevToken } from '#platform/identity/dev-tokens';
import { collect } from './tests/collect.js';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

const names: Record<string, string> = { a1: 'Ada', a2: 'Bo' };
const listeners = new Set<(id: string) => void>();

/** Events as the test sends them, to every subscriber. */
function published(): AsyncIterableIterator<{ added: { id: string; author: { id: string } } }> {
  const queue: string[] = [];
  let wake = (): void => undefined;
  const listen = (id: string): void => {
    queue.push(id);
    wake();
  };
  listeners.add(listen);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      while (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      const id = queue.shift() as string;
      return { done: false, value: { added: { id: `b-${id}`, author: { id } } } };
    },
    return: async () => (listeners.delete(listen), { done: true, value: undefined }),
  };
}

/** Calls of a service that never answers, and those that were given up. */
let asked = 0;
let hungUp = 0;
let gateway: TestGateway;
const clients: Client[] = [];
beforeAll(async () => {
  gateway = await startTestGateway({
    services: [
      {
        name: 'books',
        sdl: `type Query { book(id: ID!): Book }  type Mutation { addBook: Book }
              type Subscription { added: Book }
              type Book @key(fields: "id") { id: ID! author: Author! }
              type Author @key(fields: "id", resolvable: false) { id: ID! }`,
        resolvers: {
          Query: { book: (_: unknown, { id }: { id: string }) => ({ id, author: { id: 'a1' } }) },
          Mutation: { addBook: () => ({ id: 'b9', author: { id: 'a1' } }) },
          Subscription: { added: { subscribe: published } },
        },
      },
      {
        name: 'authors',
        sdl: 'type Query { nobody: Int } type Author @key(fields: "id") { id: ID! name: String }',
        resolvers: { Author: { __resolveReference: ({ id }: { id: string }) => ({ id, name: names[id] ?? null }) } },
      },
      {
        name: 'slow',
        sdl: 'type Query { slow: Int }',
        handler: (request, response) => {
          asked++;
          request.resume();
          response.on('close', () => hungUp++);
        },
      },
    ],
  });
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.dispose();
});
afterAll(() => gateway.close());

function connect(
  options: { token?: unknown; headers?: Record<string, string>; on?: Parameters<typeof createClient>[0]['on'] } = {},
): Client {
  const { headers = {} } = options;
  class Impl extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, { headers });
    }
  }
  const client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: Impl,
    retryAttempts: 0,
    connectionParams: async () => ({ token: 'token' in options ? options.token : await gateway.token() }),
    ...(options.on === undefined ? {} : { on: options.on }),
  });
  clients.push(client);
  return client;
}

async function ask(client: Client, query: string, variables: Record<string, unknown> = {}): Promise<FormattedExecutionResult[]> {
  return collect<FormattedExecutionResult>(client.iterate({ query, variables }));
}

async function untilListening(count: number): Promise<void> {
  while (listeners.size !== count) await turn();
}

describe('queries and mutations over a socket', () => {
  it('go through the same pipeline as over HTTP', async () => {
    const client = connect();
    expect(await ask(client, 'query ($id: ID!) { book(id: $id) { author { name } } __type(name: "Book") { name } }', { id: 'b1' })).toEqual(
      [
        {
          data: { book: { author: { name: 'Ada' } }, __type: { name: 'Book' } },
          extensions: { operation: { path: 'direct', reason: 'temporal-unavailable' } },
        },
      ],
    );
    expect(await ask(client, 'mutation { addBook { id } }')).toMatchObject([{ data: { addBook: { id: 'b9' } } }]);
    const planned = client.iterate({ query: '{ nobody }', extensions: { plan: true } });
    expect(await collect(planned)).toMatchObject([{ data: { nobody: null }, extensions: { plan: { fetches: 1 } } }]);
  });

  it.each([
    ['{ book(', 'GRAPHQL_PARSE_FAILED'],
    ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    [`{ book(id: 1) { ${Array.from({ length: 31 }, (_, n) => `a${n}: id`).join(' ')} } }`, 'GRAPHQL_VALIDATION_FAILED'],
    ['query A { nobody } query B { nobody }', 'OPERATION_RESOLUTION_FAILURE'],
  ])('are refused alike: %s', async (query, code) => {
    await expect(ask(connect(), query)).rejects.toMatchObject([{ extensions: { code } }]);
  });

  it('end at the service when the client takes its question back', async () => {
    const answers = connect().iterate({ query: '{ slow }' });
    const first = answers.next();
    while (asked === 0) await turn();
    await answers.return?.();
    expect(await first).toMatchObject({ done: true });
    while (hungUp === 0) await turn();
  });

  it('answer wrong variables without data', async () => {
    expect(await ask(connect(), 'query ($id: ID!) { book(id: $id) { id } }')).toMatchObject([
      { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] },
    ]);
  });
});

describe('a subscription', () => {
  it('runs the plan’s rest for each event and shapes it', async () => {
    const events = connect().iterate({ query: 'subscription { new: added { author { name } id } }' });
    const first = events.next();
    await untilListening(1);
    for (const listen of listeners) ['a1', 'a2'].forEach(listen);
    expect((await first).value).toEqual({ data: { new: { author: { name: 'Ada' }, id: 'b-a1' } } });
    expect((await events.next()).value).toEqual({ data: { new: { author: { name: 'Bo' }, id: 'b-a2' } } });
    await events.return?.();
    await untilListening(0);
  });

  it('shares its stream at the service with equal ones of its caller, until the first event', async () => {
    const [one, two] = [connect(), connect()].map((client) => client.iterate({ query: 'subscription { added { id author { name } } }' }));
    const firsts = [one?.next(), two?.next()];
    await untilListening(1);
    // On the sockets' way behind both.
    expect(await ask(connect(), '{ nobody }')).toHaveLength(1);
    for (const listen of listeners) listen('a1');
    for (const first of firsts) expect((await first)?.value).toEqual({ data: { added: { id: 'b-a1', author: { name: 'Ada' } } } });
    const late = connect().iterate({ query: 'subscription { added { id author { name } } }' });
    void late.next();
    await untilListening(2);
    await late.return?.();
    await one?.return?.();
    await untilListening(1);
    await two?.return?.();
    await untilListening(0);
  });

  it('is given up at the service when its socket breaks', async () => {
    const client = connect();
    const lost = client.iterate({ query: 'subscription { added { id } }' }).next();
    lost.catch(() => undefined);
    await untilListening(1);
    client.terminate();
    await untilListening(0);
  });

  it('is refused like any other document', async () => {
    await expect(ask(connect(), 'subscription { added { nothing } }')).rejects.toMatchObject([
      { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
    ]);
  });
});

describe('the door', () => {
  const closeOf = (client: Client): Promise<unknown> =>
    ask(client, '{ nobody }').then(
      () => undefined,
      (error: { code?: number }) => error.code,
    );

  it.each([
    ['no token', undefined],
    ['a forged token', 'eyJhbGciOiJub25lIn0.e30.'],
    ['something else', { token: 1 }],
  ])('closes with 4403 on %s', async (_, token) => {
    expect(await closeOf(connect({ token }))).toBe(4403);
  });

  it('closes with 4403 when the token expires', async () => {
    // The verifier grants five seconds of skew, so this token verifies for three more.
    const token = await issueDevToken(gateway.keys, 'alice', { ttlSeconds: 1, nowMs: Date.now() - 3_000 });
    const closed = new Promise<number>((resolve) => {
      const client = connect({ token, on: { closed: (event) => resolve((event as { code: number }).code) } });
      void client
        .iterate({ query: 'subscription { added { id } }' })
        .next()
        .catch(() => undefined);
    });
    expect(await closed).toBe(4403);
  });

  it('refuses pages of other origins before the handshake, and lets its own in', async () => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
      origin: 'https://evil.example',
    });
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(403);
    expect(await ask(connect({ headers: { origin: gateway.url } }), '{ nobody }')).toEqual([
      { data: { nobody: null }, extensions: { operation: { path: 'direct', reason: 'one-service' } } },
    ]);
  });

  it.each([
    ['what is not JSON', 'graphql-transport-ws', (socket: WebSocket) => socket.send('{'), 4400],
    [
      'a frame over 64 KiB',
      'graphql-transport-ws',
      (socket: WebSocket) => socket.send(JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(70_000) } })),
      1009,
    ],
    [
      'subscribing before the init',
      'graphql-transport-ws',
      (socket: WebSocket) => socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{ nobody }' } })),
      4401,
    ],
  ])('closes on %s', async (_, protocol, misbehave, code) => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, protocol);
    const closed = once(socket, 'close') as Promise<[number]>;
    socket.on('error', () => undefined);
    socket.on('open', () => misbehave(socket));
    expect((await closed)[0]).toBe(code);
  });

  it('takes at most 50 operations a socket', async () => {
    const client = connect();
    const running = Array.from({ length: 50 }, (_, n) => client.iterate({ query: `subscription { a${n}: added { id } }` }));
    running.forEach((events) => void events.next().catch(() => undefined));
    await untilListening(50);
    await expect(ask(client, '{ nobody }')).rejects.toMatchObject([{ extensions: { code: 'QUOTA_EXCEEDED' } }]);
    client.terminate();
    await untilListening(0);
  });
});

it('takes as many sockets of one caller as its settings say', async () => {
  const other = await startTestGateway({
    services: [{ name: 'one', sdl: 'type Query { a: Int }' }],
    env: { SLUICE_MAX_CONNECTIONS_PER_CLIENT: '1' },
  });
  const open = async (user: 'alice' | 'bob'): Promise<{ socket: WebSocket; end: Promise<number> }> => {
    const token = await other.token(user);
    const socket = new WebSocket(`${other.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { token } })));
    const end = Promise.race([once(socket, 'message').then(() => 0), once(socket, 'close').then(([code]) => code as number)]);
    return { socket, end };
  };
  const first = await open('alice');
  expect(await first.end).toBe(0);
  expect(await (await open('alice')).end).toBe(1013);
  expect(await (await open('bob')).end).toBe(0);
  first.socket.close();
  await once(first.socket, 'close');
  let again = 1013;
  while (again !== 0) again = await (await open('alice')).end;
  await other.close();
});

it('lets a client go with 4413 when it does not read what it asked for', async () => {
  const other = await startTestGateway({
    services: [{ name: 'one', sdl: 'type Query { big: String }', resolvers: { Query: { big: () => 'x'.repeat(4 * 1024 * 1024) } } }],
  });
  const token = await other.token();
  const socket = new WebSocket(`${other.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { token } })));
  await once(socket, 'message');
  const closed = once(socket, 'close') as Promise<[number]>;
  // What is not read stays in the gateway.
  socket.pause();
  for (let n = 0; n < 12; n++) socket.send(JSON.stringify({ id: `${n}`, type: 'subscribe', payload: { query: `{ a${n}: big }` } }));
  while (other.services['one']?.calls.length !== 12) await turn();
  while (!other.log.some((line) => line.includes('socket let go'))) await turn();
  socket.resume();
  expect((await closed)[0]).toBe(4413);
  await other.close();
});

it('closes sockets with 1012 at its end, on which clients come back', async () => {
  const other = await startTestGateway({ services: [{ name: 'one', sdl: 'type Query { a: Int }' }] });
  const closed = new Promise<number>((resolve) => {
    const client = createClient({
      url: `${other.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      lazy: false,
      retryAttempts: 0,
      onNonLazyError: () => undefined,
      connectionParams: async () => ({ token: await other.token() }),
      on: { connected: () => void other.close(), closed: (event) => resolve((event as { code: number }).code) },
    });
    clients.push(client);
  });
  expect(await closed).toBe(1012);
});
