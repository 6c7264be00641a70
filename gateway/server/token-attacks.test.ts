// Tokens that must not open the door, over HTTP and WebSocket, with a real key set: each is refused before any service or workflow is asked.
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createTokenVerifier } from '#platform/identity/token-verifier';
import { createLogger } from '#platform/logger';
import { createCredentials } from './credentials.js';
import type { DurablePort } from './durable-port.js';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

const ISSUER = 'https://issuer.example';
const AUDIENCE = 'sluice';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const attacker = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const attackerEc = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwkOf = (key: KeyObject, kid: string, alg: string): Record<string, unknown> => ({
  ...key.export({ format: 'jwk' }),
  kid,
  alg,
  use: 'sig',
});
const pem = (key: KeyObject): string => key.export({ format: 'pem', type: 'spki' }).toString();

let started = 0;
let fetchedByAttacker = 0;
const durable: DurablePort = {
  isAvailable: () => true,
  maxAnswerChars: 1_000_000,
  start: () => {
    started += 1;
    return Promise.resolve({
      operationId: 'op_1',
      isHere: false,
      result: () => Promise.resolve({ response: { data: { a: 1 } } } as never),
    });
  },
  attach: () => ({ operationId: 'op_1', result: () => Promise.reject(new Error('not asked')) }),
  describe: () => Promise.resolve(undefined),
  findRecovery: () => Promise.resolve(undefined),
  cancel: () => Promise.resolve(),
  judgeCredential: () => Promise.reject(new Error('not asked')),
};

let keySet: Server;
let evil: Server;
let evilUrl: string;
let gateway: TestGateway;

async function serve(body: () => unknown): Promise<{ server: Server; url: string }> {
  const server = createServer((_, response) => void response.setHeader('content-type', 'application/json').end(JSON.stringify(body())));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks` };
}

beforeAll(async () => {
  const set = await serve(() => ({ keys: [jwkOf(rsa.publicKey, 'rsa', 'RS256'), jwkOf(ec.publicKey, 'ec', 'ES256')] }));
  keySet = set.server;
  ({ server: evil, url: evilUrl } = await serve(() => {
    fetchedByAttacker += 1;
    return { keys: [jwkOf(attacker.publicKey, 'rsa', 'RS256')] };
  }));
  gateway = await startTestGateway({
    env: { SLUICE_EXECUTION: 'durable' },
    services: [{ name: 'one', sdl: 'type Query { a: Int }' }],
    deps: {
      durable,
      credentials: createCredentials({
        verifier: createTokenVerifier({ mode: 'jwt', jwksUrl: new URL(set.url), issuer: ISSUER, audience: AUDIENCE }),
        log: createLogger({ name: 'test', level: 'silent' }),
      }),
    },
  });
});
afterAll(async () => {
  await gateway.close();
  for (const server of [keySet, evil]) {
    server.closeAllConnections();
    server.close();
  }
});

const now = (): number => Math.floor(Date.now() / 1000);
const CLAIMS = (): Record<string, unknown> => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'usr_eve',
  tenant: 'ten_acme',
  scope: 'files:read schema:read',
  iat: now(),
  exp: now() + 600,
});

const base64 = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

interface Made {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  without?: string;
  signBy?: (text: string) => string;
}
const byRsa =
  (key: KeyObject = rsa.privateKey) =>
  (text: string) =>
    sign('sha256', Buffer.from(text), key).toString('base64url');
const byEc =
  (key: KeyObject = ec.privateKey) =>
  (text: string) =>
    sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');
const byHmac = (secret: string) => (text: string) => createHmac('sha256', secret).update(text).digest('base64url');

function make({ header = {}, claims = {}, without = '', signBy = byRsa() }: Made = {}): string {
  const payload = Object.fromEntries(Object.entries({ ...CLAIMS(), ...claims }).filter(([name]) => name !== without));
  const text = `${base64({ alg: 'RS256', kid: 'rsa', typ: 'JWT', ...header })}.${base64(payload)}`;
  return `${text}.${signBy(text)}`;
}

const ATTACKS: [what: string, token: () => string | null][] = [
  ['no token', () => null],
  ['an empty token', () => ''],
  ['no token at all, but words', () => 'let.me.in'],
  ['alg none without a signature', () => make({ header: { alg: 'none' }, signBy: () => '' })],
  ['alg None with a signature', () => make({ header: { alg: 'None' } })],
  ['no alg', () => make({ header: { alg: undefined } })],
  ['a foreign key under our kid', () => make({ signBy: byRsa(attacker.privateKey) })],
  ['a foreign key without a kid', () => make({ header: { kid: undefined }, signBy: byRsa(attacker.privateKey) })],
  ['an unknown kid', () => make({ header: { kid: 'other' } })],
  ['a kid that is a path', () => make({ header: { kid: '../../../../dev/null', alg: 'HS256' }, signBy: byHmac('') })],
  ['a kid that is SQL', () => make({ header: { kid: "x' UNION SELECT 'key' --" }, signBy: byHmac('key') })],
  ['a kid that is no string', () => make({ header: { kid: { toString: 'rsa' } } })],
  ['the kid of another key', () => make({ header: { kid: 'ec' } })],
  [
    'HS256 with our public key as the secret',
    () => make({ header: { alg: 'HS256' }, signBy: byHmac(pem(createPublicKey(rsa.publicKey.export({ format: 'pem', type: 'spki' })))) }),
  ],
  [
    'HS256 with our key set as the secret',
    () => make({ header: { alg: 'HS256' }, signBy: byHmac(JSON.stringify(jwkOf(rsa.publicKey, 'rsa', 'RS256'))) }),
  ],
  ['ES256 by a foreign key', () => make({ header: { alg: 'ES256', kid: 'ec' }, signBy: byEc(attackerEc.privateKey) })],
  [
    'an ES256 signature of nulls',
    () => make({ header: { alg: 'ES256', kid: 'ec' }, signBy: () => Buffer.alloc(64).toString('base64url') }),
  ],
  [
    'an algorithm that is not on the list',
    () => make({ header: { alg: 'RS512' }, signBy: (text) => sign('sha512', Buffer.from(text), rsa.privateKey).toString('base64url') }),
  ],
  [
    'its own key in the header',
    () => make({ header: { kid: 'x', jwk: jwkOf(attacker.publicKey, 'x', 'RS256') }, signBy: byRsa(attacker.privateKey) }),
  ],
  ['its own key set in the header', () => make({ header: { jku: evilUrl, x5u: evilUrl }, signBy: byRsa(attacker.privateKey) })],
  ['a critical header that is not known', () => make({ header: { crit: ['exp2'], exp2: 1 } })],
  ['another audience', () => make({ claims: { aud: 'another' } })],
  ['no audience', () => make({ without: 'aud' })],
  ['another issuer', () => make({ claims: { iss: 'https://evil.example' } })],
  ['no issuer', () => make({ without: 'iss' })],
  ['an end in the past', () => make({ claims: { exp: now() - 60 } })],
  ['no end', () => make({ without: 'exp' })],
  ['an end that is a string', () => make({ claims: { exp: String(now() + 600) } })],
  ['a start in the future', () => make({ claims: { nbf: now() + 600 } })],
  ['no subject', () => make({ without: 'sub' })],
  ['a subject that is a path', () => make({ claims: { sub: 'usr/../admin' } })],
  ['no tenant', () => make({ without: 'tenant' })],
  ['a tenant that is a list', () => make({ claims: { tenant: ['ten_acme', 'ten_globex'] } })],
  ['a tenant that is a path', () => make({ claims: { tenant: 'ten_acme/ten_globex' } })],
  ['altered claims', () => make().replace(/\.[^.]+\./, `.${base64({ ...CLAIMS(), sub: 'usr_admin' })}.`)],
  ['a cut signature', () => make().slice(0, -8)],
  ['five parts', () => `${make()}.e30.e30`],
  ['9,000 characters', () => make({ claims: { pad: 'x'.repeat(9_000) } })],
];

async function post(headers: Record<string, string>, search = ''): Promise<{ status: number; code: unknown }> {
  const response = await fetch(`${gateway.url}/graphql${search}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"query":"{ a }"}',
  });
  const { errors } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
  return { status: response.status, code: errors?.[0]?.extensions.code };
}

async function knock(payload: unknown, search = ''): Promise<number> {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql${search}`, 'graphql-transport-ws');
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload })));
  const [[code]] = await Promise.all([once(socket, 'close') as Promise<[number]>, once(socket, 'open')]);
  return code;
}

it.each<[string, () => string]>([
  ['RS256', () => make()],
  ['ES256', () => make({ header: { alg: 'ES256', kid: 'ec' }, signBy: byEc() })],
  ['an audience in a list', () => make({ claims: { aud: ['x', AUDIENCE] } })],
])('a good token opens the door and starts a workflow: %s', async (_, token) => {
  const before = started;
  expect((await post({ authorization: `Bearer ${token()}` })).status).toBe(200);
  expect(started).toBe(before + 1);
});

describe.each(ATTACKS)('%s', (_, token) => {
  it('is refused over HTTP with 401 and over a socket with 4403, before anything starts', async () => {
    const before = started;
    const value = token();
    expect(await post(value === null ? {} : { authorization: `Bearer ${value}` })).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
    expect(await knock(value === null ? undefined : { token: value })).toBe(4403);
    expect(started).toBe(before);
  });
});

describe('a good token in a wrong place', () => {
  it.each<[string, (token: string) => [headers: Record<string, string>, search?: string]]>([
    ['the query string', (token) => [{}, `?access_token=${token}&token=${token}`]],
    ['another scheme', (token) => [{ authorization: `Basic ${token}` }]],
    ['no scheme', (token) => [{ authorization: token }]],
    ['two in one header', (token) => [{ authorization: `Bearer ${token} ${token}` }]],
    ['a cookie', (token) => [{ cookie: `token=${token}; access_token=${token}` }]],
    ['another header', (token) => [{ 'x-gateway-auth': token, 'x-forwarded-authorization': `Bearer ${token}` }]],
  ])('is no token: %s', async (_, place) => {
    const before = started;
    expect(await post(...place(make()))).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
    expect(started).toBe(before);
  });

  it('is no token in the query string of a socket either', async () => {
    expect(await knock({}, `?token=${make()}`)).toBe(4403);
  });
});

it('a token over the limit of a header is refused by its size alone', async () => {
  const response = await fetch(`${gateway.url}/graphql`, { method: 'POST', headers: { authorization: `Bearer ${'x'.repeat(20_000)}` } });
  expect(response.status).toBe(431);
});

it('nobody asked the attacker for keys', () => {
  expect(fetchedByAttacker).toBe(0);
});

it('closes a socket with 4403 within a second of its token’s end', async () => {
  const exp = now() + 2;
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  socket.on('open', () => socket.send(JSON.stringify({ type: 'connection_init', payload: { token: make({ claims: { exp } }) } })));
  await once(socket, 'message');
  const [code] = (await once(socket, 'close')) as [number];
  expect(code).toBe(4403);
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
  expect(Date.now()).toBeLessThan(exp * 1000 + 1_000);
});
