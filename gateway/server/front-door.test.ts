// What browsers find on PORT besides /graphql: the console, the demo login, the right page for the right Accept.
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    services: [{ name: 'one', sdl: 'type Query { a: Int }' }],
    console: { 'index.html': '<html><head><meta name="csp-nonce" content=""><title>x</title></head></html>', 'app.js': 'export {};' },
  });
});
afterAll(() => gateway.close());

/** fetch may neither set a Host nor send a path as it is. */
async function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; headers: Record<string, string>; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gateway.url);
    const sending = httpRequest({ hostname, port, path, method: options.method ?? 'GET', headers: options.headers ?? {} }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers as Record<string, string>, text }));
    });
    sending.on('error', reject);
    sending.end(options.body);
  });
}

describe('the console', () => {
  it('comes with a policy that allows this origin only and a new nonce each time', async () => {
    const [one, two] = [await ask('/'), await ask('/plugins/@sluice/qr-code')];
    const nonce = /content="([\w-]{22})"/.exec(one.text)?.[1] ?? '';
    expect(one.headers['content-security-policy']).toBe(
      `default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data:; font-src 'self'`,
    );
    expect(one.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(two.status).toBe(200);
    expect(two.text).not.toContain(nonce);
  });

  it('has a looser policy for the explorer, for styles and workers only', async () => {
    const policy = (await ask('/explorer')).headers['content-security-policy'];
    expect(policy).toMatch(/style-src 'self' 'unsafe-inline'/);
    expect(policy).toMatch(/worker-src 'self' blob:/);
    expect(policy).toMatch(/script-src 'self';/);
  });

  it('serves its files and nothing outside of its folder', async () => {
    expect(await ask('/app.js')).toMatchObject({
      status: 200,
      text: 'export {};',
      headers: { 'content-type': 'text/javascript; charset=utf-8' },
    });
    expect((await ask('/none.js')).status).toBe(404);
    for (const path of ['/../supergraph.js', '/%2e%2e/%2e%2e/etc/passwd.txt', '/..%2fpackage.json', '/a%00.js', '/%E0%A4%A.js']) {
      expect([path, (await ask(path)).status]).toEqual([path, 404]);
    }
  });

  it('answers only GET and HEAD', async () => {
    expect((await ask('/', { method: 'HEAD' })).text).toBe('');
    expect((await ask('/', { method: 'POST' })).status).toBe(404);
  });

  it('shows /operations/{id} to browsers; others get JSON', async () => {
    const accept = 'text/html,application/xhtml+xml,*/*;q=0.8';
    expect((await ask('/operations/op_abc', { headers: { accept } })).headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      vary: 'Accept',
    });
    expect((await ask('/operations/op_abc', { headers: { accept: '*/*' } })).status).toBe(401);
  });
});

describe('the demo login', () => {
  const login = (headers: Record<string, string>, user = 'alice'): ReturnType<typeof ask> =>
    ask('/dev/login', { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ user }) });

  it('gives a page of this server a token that works', async () => {
    const { status, text, headers } = await login({ origin: gateway.url });
    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
    const { token, expiresAt } = JSON.parse(text) as { token: string; expiresAt: string };
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
    expect((await gateway.post({ query: '{ a }' }, { authorization: `Bearer ${token}` })).status).toBe(200);
  });

  it('lists who can sign in', async () => {
    const { users } = JSON.parse((await ask('/dev/users')).text) as { users: { id: string }[] };
    expect(users.map(({ id }) => id)).toEqual(['admin', 'operator', 'viewer', 'alice', 'bob']);
  });

  it.each<[string, Record<string, string>]>([
    ['a foreign page', { origin: 'https://evil.example' }],
    ['a foreign name that resolves to this machine', { origin: 'http://evil.example:4000', host: 'evil.example:4000' }],
    ['a page of another port', { origin: 'http://127.0.0.1:1' }],
    ['nobody in particular', {}],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
  ])('refuses %s', async (_, headers) => {
    expect((await login(headers)).status).toBe(headers['host'] === undefined ? 403 : 421);
  });

  it('refuses users that do not exist', async () => {
    for (const user of ['root', '__proto__', 'toString']) expect((await login({ origin: gateway.url }, user)).status).toBe(400);
  });
});

it('takes a foreign name that resolves to this machine for a foreign page, whatever its Host says', async () => {
  const headers = {
    origin: 'http://evil.example:4000',
    host: 'evil.example:4000',
    'content-type': 'application/json',
    authorization: `Bearer ${await gateway.token()}`,
  };
  expect((await ask('/graphql', { method: 'POST', headers, body: '{"query":"{ a }"}' })).status).toBe(421);
});

it('has no demo login when everyone is let in anyway', async () => {
  const open = await startTestGateway({ services: [{ name: 'one', sdl: 'type Query { a: Int }' }], env: { SLUICE_AUTH: 'none' } });
  expect((await fetch(`${open.url}/dev/users`)).status).toBe(404);
  const response = await fetch(`${open.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ a }"}',
  });
  expect(await response.json()).toMatchObject({ data: { a: null } });
  await open.close();
});

it('hides the schema’s details from callers who may not read it, on both media types', async () => {
  const closed = await startTestGateway({
    services: [{ name: 'one', sdl: 'type Query { secretField(count: Int!): Int }' }],
    deps: {
      credentials: {
        identify: async () => ({
          auth: { principal: 'usr_x', tenant: 'ten_x', scopes: [], fingerprint: '' } as never,
          expiresAtMs: Date.now() + 60_000,
        }),
        judge: () => Promise.reject(new Error('not asked')),
        judgeThrough: () => undefined,
        revoke: () => undefined,
        watchRevocations: () => () => undefined,
      },
    },
  });
  const messages: string[] = [];
  for (const query of [
    '{ secretFeld }',
    '{ secretField(count: "x") }',
    '{ secretField }',
    '{',
    '{ __schema { types { name } } }',
    'query ($n: Int!) { secretField(count: $n) }',
  ]) {
    const { errors, data } = await closed.query(query, { n: 'x' });
    expect(data ?? null).toBeNull();
    messages.push(errors?.[0]?.message ?? '');
  }
  await closed.close();
  expect(messages).toEqual([
    'Invalid operation',
    'Invalid operation',
    'Invalid operation',
    'Syntax error',
    "introspection needs the scope 'schema:read'",
    'Invalid variables',
  ]);
});
