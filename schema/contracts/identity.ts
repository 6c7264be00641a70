import type { PrincipalId, TenantId } from './ids.js';

/**
 * What a caller may do, as verified at the door. It travels into workflows and to services;
 * the credential itself never does.
 */
export interface AuthContext {
  principal: PrincipalId;
  tenant: TenantId;
  /** Ours ({@link SCOPES}) and those that the users' own services speak of. */
  scopes: readonly string[];
  /** Hex SHA-256 of the credential: names it in caches and revocations without being it. */
  fingerprint: string;
  /** The application that the credential was issued to, by its claim `client_id` or `azp`; absent where it names none. */
  client?: string;
}

export const SCOPES = [
  'tenants:read',
  'tenants:write',
  'files:read',
  'files:write',
  'plugins:read',
  'plugins:write',
  'operations:read',
  'operations:write',
  /** See and act on every tenant and every operation: admins and operators of the deployment. */
  'deployment:read',
  'deployment:write',
  'schema:read',
  /** Read what Temporal keeps encrypted, of the runs that one may see: of all with `deployment:read`, of the tenant's with `tenants:write`. */
  'history:decode',
  /** Send any document where others may send trusted ones only: for tools that people write queries in. */
  'documents:any',
] as const;

export type Scope = (typeof SCOPES)[number];

/** What was taken away: a principal's membership, or a tenant's standing (null: of all its principals). */
export interface Revocation {
  tenant: string;
  principal: string | null;
}

/** Where the tenants service tells of revocations, as JSON, by PostgreSQL's NOTIFY. */
export const STANDING_CHANNEL = 'sluice_standing';

/** What `authenticate_request_activity` is told: a reference to the claim and the credential's fingerprint, never a token. */
export interface CredentialReference {
  ref: string;
  fingerprint: string;
  /** Of a run long after its start: who it works for. No claim is kept that long, so that the standing alone is judged. */
  auth?: AuthContext;
}

export type CredentialVerdict =
  | { standing: 'good'; auth: AuthContext; expiresAtMs: number }
  | { standing: 'refused'; reason: 'UNKNOWN_CLAIM' | 'EXPIRED' | 'REVOKED' | 'TENANT_SUSPENDED' | 'NOT_A_MEMBER' };
