// Names and nesting that a caller chooses: by every way in, a coded refusal, and nothing runs.
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

let gateway: TestGateway;
let effects = 0;
beforeAll(async () => {
  gateway = await startTestGateway({
    env: { SLUICE_AUTH: 'none', SLUICE_ALLOWED_HOSTS: 'api.example.com, *.apps.example.com' },
    services: [
      {
        name: 'a',
        sdl: 'scalar JSON input In { in: In } type Query { q(in: In, json: JSON): Int } type Mutation { m: Int }',
        resolvers: { Query: { q: () => 1 }, Mutation: { m: () => ++effects } },
      },
    ],
  });
});
afterAll(() => gateway.close());

function statusOf(url: string, host: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { headers: { ...headers, host } }, (response) => resolve(response.resume().statusCode));
    sent.on('error', reject);
    sent.end();
  });
}

describe('a Host', () => {
  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:4000', 'example.com'])(
    '%s is refused on both ports',
    async (host) => {
      const upgrade = {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      };
      expect(await statusOf(`${gateway.url}/graphql?query={q}`, host)).toBe(421);
      expect(await statusOf(`${gateway.url}/health/ready`, host)).toBe(421);
      expect(await statusOf(`${gateway.url}/graphql`, host, upgrade)).toBe(421);
      expect(await statusOf(`${gateway.adminUrl}/metrics`, host)).toBe(421);
    },
  );

  it.each(['localhost:4000', '127.0.0.1', '[::1]:4000', '10.1.2.3:4000', 'API.example.com', 'a.apps.example.com:443'])(
    '%s is served',
    async (host) => {
      expect(await statusOf(`${gateway.url}/health/ready`, host)).toBe(200);
      expect(await statusOf(`${gateway.adminUrl}/metrics`, host)).toBe(200);
    },
  );
});

it('does not run mutations by GET as an event stream', async () => {
  const response = await fetch(`${gateway.url}/graphql?query=${encodeURIComponent('mutation { m }')}`, {
    headers: { accept: 'text/event-stream' },
  });
  expect(await response.text()).toContain('"code":"BAD_REQUEST"');
  expect(effects).toBe(0);
});

describe('what is nested too deep', () => {
  const deep = (open: string, inner: string, close: string): string => open.repeat(6_000) + inner + close.repeat(6_000);
  const bodies = [
    `{"query":"query($in: In) { q(in: $in) }","variables":{"in":${deep('{"in":', 'null', '}')}}}`,
    `{"query":"query($json: JSON) { q(json: $json) }","variables":{"json":${deep('[', '1', ']')}}}`,
    `{"query":"{ q }","extensions":{"x":${deep('[', '1', ']')}}}`,
    JSON.stringify({ query: `{ q(json: ${deep('[', '1', ']')}) }` }),
    JSON.stringify({ query: deep('{ q ', '', '}') }),
  ];
  it.each(bodies.map((body, index) => [index, body] as const))('is a bad request: %i', async (_, body) => {
    for (const accept of ['application/json', 'text/event-stream', 'multipart/mixed, application/json']) {
      const response = await gateway.post(body, { accept });
      const text = await response.text();
      expect(text).toMatch(/"(BAD_REQUEST|GRAPHQL_PARSE_FAILED)"/);
      expect(text).not.toContain('INTERNAL_SERVER_ERROR');
      if (accept === 'application/json') expect(response.status).toBe(400);
    }
  });
});
