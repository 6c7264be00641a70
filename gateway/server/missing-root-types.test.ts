// Operations of a kind that the schema does not have, by every way in: the caller's mistake, told as a request error.
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ services: [{ name: 'books', sdl: 'type Query { book: String }' }] });
});
afterAll(() => gateway.close());

const documents = ['mutation', 'subscription'].flatMap((kind) =>
  ['{ nope }', '{ __typename }', '($id: ID!) { nope(id: $id) { id } }', '{ ...F } fragment F on Query { book }', '@saga { nope }'].map(
    (rest) => `${kind} ${rest}`,
  ),
);
const refused = [expect.objectContaining({ extensions: expect.objectContaining({ code: 'GRAPHQL_VALIDATION_FAILED' }) as unknown })];

describe.each(documents)('%s on a schema without that type', (query) => {
  it('is refused over HTTP', async () => {
    const modern = await gateway.post({ query }, { accept: 'application/graphql-response+json' });
    expect(modern.status).toBe(400);
    const old = await gateway.post({ query }, { accept: 'application/json' });
    expect(old.status).toBe(200);
    const parts = await gateway.post({ query: `${query} query Q { book ... @defer { book } }` }, { accept: 'multipart/mixed' });
    for (const response of [modern, old]) {
      const answer = (await response.json()) as { errors: unknown[] };
      expect(answer).not.toHaveProperty('data');
      expect(answer.errors).toEqual(expect.arrayContaining(refused));
    }
    expect(await parts.text()).not.toContain('INTERNAL_SERVER_ERROR');
    const got = await fetch(`${gateway.url}/graphql?query=${encodeURIComponent(query)}`, {
      headers: { authorization: `Bearer ${await gateway.token()}`, accept: 'application/graphql-response+json' },
    });
    expect([400, 405]).toContain(got.status);
  });

  it('is refused by an event stream and a socket', async () => {
    const events = await gateway.post({ query }, { accept: 'text/event-stream' });
    expect(await events.text()).toContain('"code":"GRAPHQL_VALIDATION_FAILED"');
    const client = createClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: async () => ({ token: await gateway.token() }),
    });
    const told = await new Promise((resolve) =>
      client.subscribe({ query }, { next: resolve, error: resolve, complete: () => resolve([]) }),
    );
    await client.dispose();
    expect(told).toEqual(expect.arrayContaining(refused));
  });
});
