// Demo users and their tokens, for SLUICE_AUTH=dev. The tokens are real ones: signed, short-lived, verified like any other.
import { SignJWT, importJWK } from 'jose';
import { type Scope, SCOPES } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { KeyRing } from '../keys.js';

export const DEV_ISSUER = 'sluice-dev';
export const AUDIENCE = 'sluice';
/** For scripts and demos that run for long. */
export const MAX_TTL_SECONDS = 30 * 24 * 3600;

export interface DevUser {
  id: PrincipalId;
  name: string;
  tenant: TenantId;
  scopes: readonly Scope[];
}

const READ = ['tenants:read', 'files:read', 'plugins:read', 'operations:read', 'schema:read'] as const satisfies readonly Scope[];
const WORK = [...READ, 'files:write', 'operations:write'] as const satisfies readonly Scope[];

function user(id: string, name: string, tenant: string, scopes: readonly Scope[]): DevUser {
  return { id: `usr_${id}` as PrincipalId, name, tenant: tenant as TenantId, scopes };
}

export const DEV_USERS = {
  admin: user('admin', 'Ada Lindqvist', 'ten_sluice', SCOPES),
  operator: user('operator', 'Omar Haddad', 'ten_sluice', [...WORK, 'deployment:read', 'deployment:write', 'history:decode']),
  viewer: user('viewer', 'Vera Novak', 'ten_acme', READ),
  alice: user('alice', 'Alice Moreau', 'ten_acme', WORK),
  bob: user('bob', 'Bob Okafor', 'ten_globex', WORK),
} as const satisfies Record<string, DevUser>;

export type DevUserName = keyof typeof DEV_USERS;

/** @param options - `ttlSeconds` @default 3600 (1 h); at most 30 days. `client`: the application that the token is for */
export async function issueDevToken(
  keys: KeyRing,
  name: DevUserName,
  options: { ttlSeconds?: number; nowMs?: number; client?: string } = {},
): Promise<string> {
  const { id, tenant, scopes } = DEV_USERS[name];
  const issuedAt = Math.floor((options.nowMs ?? Date.now()) / 1000);
  return new SignJWT({ tenant, scope: scopes.join(' '), ...(options.client === undefined ? {} : { client_id: options.client }) })
    .setProtectedHeader({ alg: 'ES256', kid: keys.devToken.kid, typ: 'at+jwt' })
    .setIssuer(DEV_ISSUER)
    .setAudience(AUDIENCE)
    .setSubject(id)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.min(options.ttlSeconds ?? 3600, MAX_TTL_SECONDS))
    .sign(await importJWK(keys.devToken.privateJwk, 'ES256'));
}
