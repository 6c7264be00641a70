import type { StandingCheck } from '#gateway/server/credentials';
import { askService, SYSTEM_AUTH } from './ask-service.js';

const STANDING = `query($tenant: ID!, $member: ID!) {
  tenant(id: $tenant) { status }
  member(id: $member) { tenant { id } }
}`;

/**
 * What the tenants service says of a caller.
 *
 * @param options.requiresMembers - is nobody admitted but the members of tenants that it knows? Members' ids are those of the principals
 */
export function createStandingCheck({
  requiresMembers,
  ...deps
}: Parameters<typeof askService>[0] & { requiresMembers: boolean }): StandingCheck {
  return async ({ tenant, principal }) => {
    if (principal === SYSTEM_AUTH.principal) return null;
    const variables = { tenant, member: principal };
    const data = await askService(deps, { name: 'tenants', host: 'tenants', path: '/graphql', query: STANDING, variables });
    const found = data['tenant'] as { status: string } | null;
    if (found?.status === 'SUSPENDED') return 'TENANT_SUSPENDED';
    const member = data['member'] as { tenant: { id: string } } | null;
    return requiresMembers && member?.tenant.id !== tenant ? 'NOT_A_MEMBER' : null;
  };
}
