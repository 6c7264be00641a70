import { createHash } from 'node:crypto';
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify, type JWTVerifyGetKey, type JWTPayload } from 'jose';
import { CodedError } from '#schema/contracts/errors';
import { type AuthContext, SCOPES } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { KeyRing } from '../keys.js';
import { AUDIENCE, DEV_ISSUER } from './dev-tokens.js';

const CLOCK_SKEW_SECONDS = 5;
const MAX_TOKEN_CHARS = 8_192;
/** Tenant and principal stand in workflow ids and cache keys. */
const ID = /^[A-Za-z0-9_.-]{1,64}$/;
/** RFC 6749 §A.1, without the space. */
const CLIENT = /^[\x21-\x7E]{1,128}$/;
/** RFC 6749 §3.3. */
const SCOPE = /^[\x21\x23-\x5B\x5D-\x7E]+$/;

export interface VerifiedToken {
  auth: AuthContext;
  expiresAtMs: number;
}

/** Judges a bearer credential by itself: signature, issuer, audience, time. Standing (revoked? suspended?) is judged after it. */
export interface TokenVerifier {
  /** @throws UNAUTHENTICATED with a constant message: the reason is nobody's business but the log's */
  verify(token: string | null): Promise<VerifiedToken>;
}

export type TokenVerifierOptions =
  { mode: 'dev'; keys: KeyRing } | { mode: 'jwt'; jwksUrl: URL; issuer: string; audience: string } | { mode: 'none' };

export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  switch (options.mode) {
    case 'none':
      return { verify: () => Promise.resolve(EVERYONE()) };
    case 'dev': {
      const { kid, publicJwk } = options.keys.devToken;
      return createJwtVerifier(createLocalJWKSet({ keys: [{ ...publicJwk, kid, alg: 'ES256' }] }), {
        issuer: DEV_ISSUER,
        audience: AUDIENCE,
        algorithms: ['ES256'],
      });
    }
    case 'jwt':
      // jose never reads jku, x5u or jwk out of a token; keys come from the configured address only.
      return createJwtVerifier(createRemoteJWKSet(options.jwksUrl, { cooldownDuration: 30_000, timeoutDuration: 3_000 }), {
        issuer: options.issuer,
        audience: options.audience,
        algorithms: ['ES256', 'EdDSA', 'RS256'],
      });
  }
}

function createJwtVerifier(key: JWTVerifyGetKey, rules: { issuer: string; audience: string; algorithms: string[] }): TokenVerifier {
  return {
    async verify(token) {
      if (token === null || token === '' || token.length > MAX_TOKEN_CHARS) throw refusal();
      let payload: JWTPayload;
      try {
        ({ payload } = await jwtVerify(token, key, { ...rules, clockTolerance: CLOCK_SKEW_SECONDS, requiredClaims: ['exp', 'sub'] }));
      } catch (cause) {
        throw refusal(cause);
      }
      const { sub, exp, scope, tenant, client_id, azp } = payload;
      if (!isId(sub) || !isId(tenant) || exp === undefined) throw refusal();
      const scopes = typeof scope === 'string' ? scope.split(' ').filter((one) => SCOPE.test(one)) : [];
      const client = client_id ?? azp;
      return {
        auth: {
          principal: sub as PrincipalId,
          tenant: tenant as TenantId,
          scopes,
          fingerprint: createHash('sha256').update(token).digest('hex'),
          ...(typeof client === 'string' && CLIENT.test(client) ? { client } : {}),
        },
        expiresAtMs: exp * 1000,
      };
    },
  };
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value);
}

function refusal(cause?: unknown): CodedError {
  return new CodedError('UNAUTHENTICATED', 'a valid bearer token is required', { cause });
}

/** For tests and benchmarks on loopback: whoever comes has every scope. */
const EVERYONE = (): VerifiedToken => ({
  auth: { principal: 'usr_anyone' as PrincipalId, tenant: 'ten_sluice' as TenantId, scopes: SCOPES, fingerprint: '0'.repeat(64) },
  expiresAtMs: Number.MAX_SAFE_INTEGER,
});
