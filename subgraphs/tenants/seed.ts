import type { MemberRow, TenantRow, TenantStore } from './store.js';

const GIB = 1024 ** 3;
const DAY_MS = 24 * 3600 * 1000;

/** Demo tenants and people; the demo users of platform/identity/dev-tokens.ts are members. Repeating it adds nothing. */
export async function seedTenants(store: TenantStore, nowMs: number): Promise<void> {
  const ago = (days: number): string => new Date(nowMs - days * DAY_MS).toISOString();
  const tenant = (slug: string, name: string, plan: TenantRow['plan'], days: number, locale: string, timeZone: string): TenantRow => ({
    id: `ten_${slug}`,
    name,
    slug,
    plan,
    status: 'ACTIVE',
    locale,
    timeZone,
    allowPublicLinks: plan === 'TEAM',
    storageQuota: plan === 'ENTERPRISE' ? 2048 * GIB : plan === 'TEAM' ? 100 * GIB : GIB,
    memberQuota: plan === 'ENTERPRISE' ? 5_000 : plan === 'TEAM' ? 50 : 5,
    createdAt: ago(days),
  });
  const member = (id: string, tenantSlug: string, name: string, role: MemberRow['role'], days: number): MemberRow => ({
    id: `usr_${id}`,
    tenantId: `ten_${tenantSlug}`,
    name,
    email: `${name.toLowerCase().replaceAll(' ', '.')}@${tenantSlug}.example`,
    role,
    joinedAt: ago(days),
  });
  await store.seed(
    [
      tenant('sluice', 'Sluice Operations', 'ENTERPRISE', 720, 'en', 'UTC'),
      tenant('acme', 'Acme Logistics', 'ENTERPRISE', 540, 'en-GB', 'Europe/London'),
      tenant('globex', 'Globex Energy', 'TEAM', 410, 'de', 'Europe/Berlin'),
      tenant('umbra', 'Umbra Film Archive', 'TEAM', 233, 'fr', 'Europe/Paris'),
      tenant('tidewater', 'Tidewater Clinic', 'FREE', 61, 'en-US', 'America/New_York'),
    ],
    [
      member('admin', 'sluice', 'Ada Lindqvist', 'ADMIN', 720),
      member('operator', 'sluice', 'Omar Haddad', 'OPERATOR', 655),
      member('alice', 'acme', 'Alice Moreau', 'ADMIN', 540),
      member('viewer', 'acme', 'Vera Novak', 'VIEWER', 498),
      member('acme_raj', 'acme', 'Raj Patel', 'EDITOR', 300),
      member('acme_ines', 'acme', 'Ines Duarte', 'EDITOR', 122),
      member('acme_tom', 'acme', 'Tom Becker', 'VIEWER', 40),
      member('bob', 'globex', 'Bob Okafor', 'ADMIN', 410),
      member('globex_lena', 'globex', 'Lena Vogel', 'EDITOR', 380),
      member('globex_piotr', 'globex', 'Piotr Zielinski', 'VIEWER', 90),
      member('umbra_claire', 'umbra', 'Claire Fontaine', 'ADMIN', 233),
      member('umbra_noor', 'umbra', 'Noor Aziz', 'EDITOR', 200),
      member('tide_grace', 'tidewater', 'Grace Kim', 'ADMIN', 61),
    ],
  );
}
