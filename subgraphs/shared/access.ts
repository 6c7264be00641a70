import { CodedError } from '#schema/contracts/errors';
import type { AuthContext, Scope } from '#schema/contracts/identity';
import type { TenantId } from '#schema/contracts/ids';

/** @throws FORBIDDEN */
export function requireScope(auth: AuthContext, scope: Scope): void {
  if (!auth.scopes.includes(scope)) throw new CodedError('FORBIDDEN', `the scope ${scope} is required`);
}

/** The one tenant whose rows the caller may see, or null for all of them. */
export function visibleTenant(auth: AuthContext): TenantId | null {
  return auth.scopes.includes('deployment:read') ? null : auth.tenant;
}

export function isVisible(auth: AuthContext, row: { tenantId: string }): boolean {
  const tenant = visibleTenant(auth);
  return tenant === null || tenant === row.tenantId;
}
