import { createHash } from 'node:crypto';
import { createLocalJWKSet, createRemoteJWKSet, jwtVerify, type JWTVerifyGetKey, type JWTPayload } from 'jose';
import { CodedError } from '#schema/contracts/errors';
import { type AuthContext, SCOPES } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { KeyRing } from '../keys.js';
import { AUDIENCE, DEV_ISSUER, MAX_TTL_SECONDS } from './dev-tokens.js';

const CLOCK_SKEW_SECONDS = 5;
const MAX_TOKEN_CHARS = 8_192;
/** Tenant and principal stand in workflow ids and cache keys. */
const ID = /^[A-Za-z0-9_.-]{1,64}$/;
/** Of access tokens (RFC 9068) and of JWTs in general. An id token or a signed package of the same issuer names another type, or none. */
const DEFAULT_TYPES = ['JWT', 'at+jwt'];
const DEFAULT_MAX_LIFE_SECONDS = 24 * 3600;
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
  | { mode: 'dev'; keys: KeyRing }
  | {
      mode: 'jwt';
      jwksUrl: URL;
      issuer: string;
      audience: string;
      /** Allowed `typ` of the header; `none`: it may be absent. @default JWT, at+jwt */
      types?: readonly string[];
      /** From `iat` to `exp`. @default 86400 (24 h) */
      maxLifeSeconds?: number;
    }
  | { mode: 'none' };

interface TokenRules {
  issuer: string;
  audience: string;
  algorithms: string[];
  types: readonly string[];
  maxLifeSeconds: number;
}

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
        types: DEFAULT_TYPES,
        maxLifeSeconds: MAX_TTL_SECONDS,
      });
    }
    case 'jwt':
      // jose never reads jku, x5u or jwk out of a token; keys come from the configured address only.
      return createJwtVerifier(createRemoteJWKSet(options.jwksUrl, { cooldownDuration: 30_000, timeoutDuration: 3_000 }), {
        issuer: options.issuer,
        audience: options.audience,
        algorithms: ['ES256', 'EdDSA', 'RS256'],
        types: options.types ?? DEFAULT_TYPES,
        maxLifeSeconds: options.maxLifeSeconds ?? DEFAULT_MAX_LIFE_SECONDS,
      });
  }
}

function createJwtVerifier(key: JWTVerifyGetKey, { types, maxLifeSeconds, ...rules }: TokenRules): TokenVerifier {
  const allowed = new Set(types.map(toType));
  return {
    async verify(token) {
      if (token === null || token === '' || token.length > MAX_TOKEN_CHARS) throw refusal();
      let payload: JWTPayload;
      let typ: string | undefined;
      try {
        ({
          payload,
          protectedHeader: { typ },
        } = await jwtVerify(token, key, { ...rules, clockTolerance: CLOCK_SKEW_SECONDS, requiredClaims: ['exp', 'iat', 'sub'] }));
      } catch (cause) {
        throw refusal(cause);
      }
      const { iat = 0, exp: until = 0 } = payload;
      if (!allowed.has(toType(typ ?? 'none'))) throw refusal(new Error(`typ is ${typ ?? 'absent'}, expected one of ${types.join(', ')}`));
      if (iat > Date.now() / 1000 + CLOCK_SKEW_SECONDS) throw refusal(new Error('iat lies in the future'));
      if (until - iat > maxLifeSeconds) throw refusal(new Error(`it lives for ${until - iat} s, expected at most ${maxLifeSeconds} s`));
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

/** RFC 7515 §4.1.9: a media type whose `application/` may be left out, in any case. */
function toType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, '');
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
