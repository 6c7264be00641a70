import { createHash, createHmac } from 'node:crypto';
import { SignJWT, generateKeyPair, importJWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import type { AuthContext } from '#schema/contracts/identity';
import { createKeys, loadKeys, type KeyRing } from '../keys.js';
import { DEV_USERS, issueDevToken } from './dev-tokens.js';
import { createServiceCallVerifier, signServiceCall } from './service-signature.js';
import { createTokenVerifier } from './token-verifier.js';

let keys: KeyRing;
let auth: AuthContext;
beforeAll(async () => {
  keys = await loadKeys({ dataDir: '/nowhere', env: { SLUICE_KEYS: JSON.stringify(await createKeys()) }, shared: true });
  auth = (await createTokenVerifier({ mode: 'dev', keys }).verify(await issueDevToken(keys, 'alice'))).auth;
});

describe('a dev token', () => {
  it('says who the caller is', () => {
    expect(auth).toMatchObject({ principal: 'usr_alice', tenant: 'ten_acme', scopes: DEV_USERS.alice.scopes });
    expect(auth.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, () => Promise<string | null>]>([
    ['absent', async () => null],
    ['not a token', async () => 'abc'],
    ['expired', () => issueDevToken(keys, 'alice', { ttlSeconds: 60, nowMs: Date.now() - 120_000 })],
    ['without a type', async () => sign(await devKey(), {}, { typ: undefined })],
    ['of another type', async () => sign(await devKey(), {}, { typ: 'dpop+jwt' })],
    ['not saying when it was issued', async () => sign(await devKey(), {}, { issuedAt: null })],
    ['issued in the future', async () => sign(await devKey(), {}, { issuedAt: '10m' })],
    ['valid for ten years', async () => sign(await devKey(), {}, { expires: '10y' })],
    ['signed by another key', async () => sign((await generateKeyPair('ES256')).privateKey, {})],
    ['unsigned', async () => `${btoa('{"alg":"none"}')}.${btoa('{"sub":"usr_admin"}')}.`],
    [
      'altered',
      async () =>
        (await issueDevToken(keys, 'alice')).replace(/\.[^.]+\./, `.${btoa('{"sub":"usr_admin","exp":9999999999}').replace(/=/g, '')}.`),
    ],
  ])('is refused when it is %s', async (_, token) => {
    await expect(createTokenVerifier({ mode: 'dev', keys }).verify(await token())).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

type Key = Parameters<SignJWT['sign']>[0];

const devKey = (): Promise<Key> => importJWK(keys.devToken.privateJwk, 'ES256');

async function sign(
  key: Key,
  claims: Record<string, unknown>,
  how: { typ?: string | undefined; issuedAt?: string | null; expires?: string } = {},
): Promise<string> {
  const { typ, issuedAt, expires } = { typ: 'JWT', issuedAt: '0s', expires: '1h', ...how };
  const token = new SignJWT({ tenant: 'ten_acme', scope: 'files:read', ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: keys.devToken.kid, ...(typ === undefined ? {} : { typ }) })
    .setIssuer('sluice-dev')
    .setAudience('sluice')
    .setSubject('usr_alice')
    .setExpirationTime(expires);
  if (issuedAt !== null) token.setIssuedAt(issuedAt);
  return token.sign(key);
}

it.each(['JWT', 'jwt', 'at+jwt', 'application/at+jwt'])('a token of the type %s is taken', async (typ) => {
  const verifier = createTokenVerifier({ mode: 'dev', keys });
  expect((await verifier.verify(await sign(await devKey(), {}, { typ, expires: '29d' }))).auth.principal).toBe('usr_alice');
});

describe('a signed service call', () => {
  const call = { method: 'POST', path: '/graphql', body: '{"query":"{ __typename }"}' };
  const signed = (nowMs?: number): string =>
    signServiceCall(keys, { audience: 'files', ...call, auth, operationId: 'op_1', ...(nowMs === undefined ? {} : { nowMs }) });

  it('brings the claims over', () => {
    expect(createServiceCallVerifier({ keys, audience: 'files' }).verify(signed(), call)).toEqual({ auth, operationId: 'op_1' });
  });

  it.each([
    ['another body', { ...call, body: '{"query":"mutation"}' }],
    ['another path', { ...call, path: '/other' }],
    ['another method', { ...call, method: 'GET' }],
  ])('is refused for %s', (_, other) => {
    expect(() => createServiceCallVerifier({ keys, audience: 'files' }).verify(signed(), other)).toThrow(/altered/);
  });

  it.each([
    ['taken away', { 'idempotency-key': 'k1' }, {}],
    ['added', {}, { 'idempotency-key': 'k1' }],
    ['exchanged', { 'idempotency-key': 'k1' }, { 'idempotency-key': 'k2' }],
    ['doubled', { 'idempotency-key': 'k1' }, { 'idempotency-key': 'k1, k2' }],
  ])('is refused when its key was %s', (_, sent, came) => {
    const header = signServiceCall(keys, { audience: 'files', ...call, headers: sent, auth, operationId: null });
    expect(() => createServiceCallVerifier({ keys, audience: 'files' }).verify(header, { ...call, headers: came })).toThrow(/altered/);
    const asSent = { ...call, headers: { ...sent, traceparent: 'any' } };
    expect(createServiceCallVerifier({ keys, audience: 'files' }).verify(header, asSent)).toEqual({ auth, operationId: null });
  });

  it('still comes from a gateway that signs no headers, and goes to a service that reads none', () => {
    const secret = keys.service[0]?.secret as Buffer;
    const sign = (head: string): string => {
      const bodyHash = createHash('sha256').update(call.body).digest('base64url');
      const text = `${head}\nfiles\n${call.method}\n${call.path}\n${bodyHash}`;
      return `${head}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
    };
    const claims = Buffer.from(JSON.stringify({ auth, operationId: null })).toString('base64url');
    const headers = { 'idempotency-key': 'k1' };
    const verifier = createServiceCallVerifier({ keys, audience: 'files' });
    const fromBefore = sign(`v1.${keys.service[0]?.kid}.${Date.now()}.abc.${claims}`);
    expect(verifier.verify(fromBefore, { ...call, headers })).toEqual({ auth, operationId: null });

    const header = signServiceCall(keys, { audience: 'files', ...call, headers, auth, operationId: 'op_1' });
    expect(sign(header.split('.').slice(0, 5).join('.'))).toBe(header);
    expect(JSON.parse(Buffer.from(header.split('.')[4] as string, 'base64url').toString())).toMatchObject({ auth, operationId: 'op_1' });
  });

  it('is refused by another service', () => {
    expect(() => createServiceCallVerifier({ keys, audience: 'tenants' }).verify(signed(), call)).toThrow(/altered/);
  });

  it('is refused with altered claims', () => {
    const parts = signed().split('.');
    parts[4] = Buffer.from(JSON.stringify({ auth: { ...auth, tenant: 'ten_globex' }, operationId: null })).toString('base64url');
    expect(() => createServiceCallVerifier({ keys, audience: 'files' }).verify(parts.join('.'), call)).toThrow(/altered/);
  });

  it('is refused the second time, and when older than 30 s', () => {
    const verifier = createServiceCallVerifier({ keys, audience: 'files' });
    const header = signed();
    verifier.verify(header, call);
    expect(() => verifier.verify(header, call)).toThrow(/replayed/);
    expect(() => verifier.verify(signed(Date.now() - 31_000), call)).toThrow(/too old/);
  });

  it.each([undefined, '', 'v1.x.y', 'v2.a.b.c.d.e'])('is refused when the header is %j', (header) => {
    expect(() => createServiceCallVerifier({ keys, audience: 'files' }).verify(header, call)).toThrow(/unsigned/);
  });
});
