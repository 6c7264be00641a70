import type { StandingCheck } from '#gateway/server/credentials';
import { askService, SYSTEM_AUTH } from './ask-service.js';

const STANDING = `query($tenant: ID!, $member: ID!) {
  tenant(id: $tenant) { status members(first: 1) { nodes { id } } }
  member(id: $member) { tenant { id } }
}`;

/**
 * What the tenants service says of a caller. A tenant that it does not know, or for which it keeps no members, says nothing.
 *
 * @param options.knowsPrincipals - are the members' ids those of the principals?
 */
export function createStandingCheck({
  knowsPrincipals,
  ...deps
}: Parameters<typeof askService>[0] & { knowsPrincipals: boolean }): StandingCheck {
  return async ({ tenant, principal }) => {
    if (principal === SYSTEM_AUTH.principal) return null;
    const variables = { tenant, member: principal };
    const data = await askService(deps, { name: 'tenants', host: 'tenants', path: '/graphql', query: STANDING, variables });
    const found = data['tenant'] as { status: string; members: { nodes: unknown[] } } | null;
    if (found?.status === 'SUSPENDED') return 'TENANT_SUSPENDED';
    const member = data['member'] as { tenant: { id: string } } | null;
    const hasMembers = (found?.members.nodes.length ?? 0) > 0;
    return knowsPrincipals && hasMembers && member?.tenant.id !== tenant ? 'NOT_A_MEMBER' : null;
  };
}
