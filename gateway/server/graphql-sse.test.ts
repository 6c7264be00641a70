import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueDevToken } from '#platform/identity/dev-tokens';
import { readEvents } from '../subscriptions/service-event-stream.js';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

let left = 0;
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    services: [
      {
        name: 'books',
        sdl: `type Query { book: Book }  type Subscription { count(to: Int!): Book silent: Book }
              type Book @key(fields: "id") { id: ID! author: Author! }
              type Author @key(fields: "id", resolvable: false) { id: ID! }`,
        resolvers: {
          Query: { book: () => ({ id: 'b1', author: { id: 'a1' } }) },
          Subscription: {
            count: {
              subscribe: async function* (_: unknown, { to }: { to: number }) {
                for (let n = 1; n <= to; n++) yield { count: { id: `b${n}`, author: { id: 'a1' } } };
              },
            },
            silent: {
              subscribe: () => ({
                [Symbol.asyncIterator]() {
                  return this;
                },
                next: () => new Promise(() => undefined),
                return: async () => (left++, { done: true, value: undefined }),
              }),
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

const EVENTS = { accept: 'text/event-stream' };

async function read(response: Response): Promise<unknown[]> {
  const events = [];
  for await (const { event, data } of readEvents(response.body as unknown as AsyncIterable<Buffer>))
    events.push(event === 'next' ? (JSON.parse(data) as unknown) : event);
  return events;
}

describe('an event stream', () => {
  it('brings each event of a subscription with the plan’s rest, then its end', async () => {
    const response = await gateway.post(
      { query: 'subscription ($to: Int!) { count(to: $to) { id author { name } } }', variables: { to: 2 } },
      EVENTS,
    );
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(await read(response)).toEqual([
      { data: { count: { id: 'b1', author: { name: 'Ada' } } } },
      { data: { count: { id: 'b2', author: { name: 'Ada' } } } },
      'complete',
    ]);
  });

  it('brings the one result of a query', async () => {
    expect(await read(await gateway.post({ query: '{ book { id } }' }, EVENTS))).toMatchObject([
      { data: { book: { id: 'b1' } } },
      'complete',
    ]);
  });

  it('answers GET as well', async () => {
    const query = new URLSearchParams({ query: 'subscription ($to: Int!) { count(to: $to) { id } }', variables: '{"to":1}' });
    const response = await fetch(`${gateway.url}/graphql?${query.toString()}`, {
      headers: { ...EVENTS, authorization: `Bearer ${await gateway.token()}` },
    });
    expect(await read(response)).toEqual([{ data: { count: { id: 'b1' } } }, 'complete']);
  });

  it.each([
    ['{ book(', 'GRAPHQL_PARSE_FAILED'],
    ['subscription { nothing }', 'GRAPHQL_VALIDATION_FAILED'],
    ['subscription ($to: Int!) { count(to: $to) { id } }', 'BAD_USER_INPUT'],
  ])('says as a result what keeps it from running: %s', async (query, code) => {
    expect(await read(await gateway.post({ query }, EVENTS))).toMatchObject([{ errors: [{ extensions: { code } }] }, 'complete']);
  });

  it.each([
    [401, 'UNAUTHENTICATED', { query: '{ nobody }' }, { authorization: '' }],
    [400, 'BAD_REQUEST', { query: 7 }, {}],
    [400, 'BAD_REQUEST', 'not JSON', {}],
    [403, 'FORBIDDEN', { query: '{ nobody }' }, { origin: 'https://evil.example' }],
  ])('is refused with %i before it begins: %s', async (status, code, body, headers) => {
    const response = await gateway.post(body, { ...EVENTS, ...headers });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code } }] });
  });

  it('is not for clients that take JSON too', async () => {
    const response = await gateway.post({ query: '{ nobody }' }, { accept: 'application/json, text/event-stream' });
    expect(response.headers.get('content-type')).toContain('json');
  });

  it('is given up at the service when its client leaves', async () => {
    const leave = new AbortController();
    const before = left;
    await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { ...EVENTS, 'content-type': 'application/json', authorization: `Bearer ${await gateway.token()}` },
      body: JSON.stringify({ query: 'subscription { silent { id } }' }),
      signal: leave.signal,
    });
    // Behind it on the socket to the service, so that it is open there.
    await read(await gateway.post({ query: 'subscription { count(to: 1) { id } }' }, EVENTS));
    leave.abort();
    while (left === before) await turn();
    expect(left).toBe(before + 1);
  });

  it('ends with UNAUTHENTICATED when the token expires', async () => {
    const token = await issueDevToken(gateway.keys, 'alice', { ttlSeconds: 1, nowMs: Date.now() - 3_000 });
    const response = await gateway.post({ query: 'subscription { silent { id } }' }, { ...EVENTS, authorization: `Bearer ${token}` });
    expect(await read(response)).toMatchObject([{ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] }, 'complete']);
  });

  it('breaks off at the gateway’s end, without complete', async () => {
    const other = await startTestGateway({
      services: [
        {
          name: 'one',
          sdl: 'type Query { a: Int } type Subscription { silent: Int }',
          resolvers: { Subscription: { silent: { subscribe: () => silence() } } },
        },
      ],
    });
    const response = await other.post({ query: 'subscription { silent }' }, EVENTS);
    const events = read(response);
    await Promise.all([other.close(), expect(events).rejects.toThrow()]);
  });
});

async function* silence(): AsyncGenerator<unknown> {
  await new Promise(() => undefined);
  yield undefined;
}
