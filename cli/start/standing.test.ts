import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLogger } from '#platform/logger';
import { openTestDatabase } from '#platform/tests/database';
import type { AuthContext } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import { createTenantsSubgraph } from '#subgraphs/tenants/main';
import { serveForTest, type ServiceCaller } from '#subgraphs/shared/tests/service-caller';
import { loadTestKeys } from '#tests/support/test-keys';
import { createStandingCheck } from './standing.js';

let tenants: ServiceCaller;
let close: () => Promise<void>;
beforeAll(async () => {
  const database = await openTestDatabase();
  const log = createLogger({ name: 'test', level: 'silent' });
  tenants = await serveForTest((keys) => createTenantsSubgraph({ database, keys, log, demoDataAt: Date.UTC(2026, 5, 1) }));
  close = async () => {
    await tenants.close();
    await database.close();
  };
});
afterAll(() => close());

async function judge(principal: string, tenant: string, { requiresMembers = true, url = tenants.url } = {}): Promise<unknown> {
  const registry = { addresses: async () => new Map([['tenants', url]]) } as never;
  const auth: AuthContext = {
    principal: principal as PrincipalId,
    tenant: tenant as TenantId,
    scopes: [],
    fingerprint: 'f'.repeat(64),
  };
  return createStandingCheck({ registry, keys: await loadTestKeys(), requiresMembers })(auth);
}

it.each([
  ['usr_alice', 'ten_acme', true, null],
  ['usr_bob', 'ten_acme', true, 'NOT_A_MEMBER'],
  ['usr_nobody', 'ten_acme', true, 'NOT_A_MEMBER'],
  ['auth0|17', 'ten_acme', false, null],
  ['usr_nobody', 'ten_elsewhere', true, 'NOT_A_MEMBER'],
  ['usr_nobody', 'ten_elsewhere', false, null],
  ['usr_system', 'ten_sluice', true, null],
])('%s of %s, where members alone are admitted: %s', async (principal, tenant, requiresMembers, reason) => {
  expect(await judge(principal, tenant, { requiresMembers })).toBe(reason);
});

it('is lost with the membership, and with the tenant', async () => {
  expect(await judge('usr_acme_tom', 'ten_acme')).toBeNull();
  await tenants.ask('admin', 'mutation { removeMember(id: "usr_acme_tom") }');
  expect(await judge('usr_acme_tom', 'ten_acme')).toBe('NOT_A_MEMBER');

  await tenants.ask('admin', 'mutation { removeMember(id: "usr_tide_grace") }');
  expect(await judge('usr_tide_grace', 'ten_tidewater')).toBe('NOT_A_MEMBER');

  await tenants.ask('admin', 'mutation { updateTenant(id: "ten_globex", input: { status: SUSPENDED }) { status } }');
  expect(await judge('usr_bob', 'ten_globex', { requiresMembers: false })).toBe('TENANT_SUSPENDED');
});

it('is not guessed when the service is away', async () => {
  await expect(judge('usr_alice', 'ten_acme', { url: 'http://127.0.0.1:1' })).rejects.toMatchObject({ code: 'SUBGRAPH_UNREACHABLE' });
});
