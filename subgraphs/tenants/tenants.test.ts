import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '#platform/database/open-database';
import { listenTo } from '#platform/database/listen';
import { STANDING_CHANNEL } from '#schema/contracts/identity';
import { createLogger } from '#platform/logger';
import { openTestDatabase } from '#platform/tests/database';
import { countStatements } from '../shared/tests/count-statements.js';
import { serveForTest, type ServiceCaller } from '../shared/tests/service-caller.js';
import { createTenantsSubgraph } from './main.js';

let database: Database;
let tenants: ServiceCaller;
beforeAll(async () => {
  database = await openTestDatabase();
  const log = createLogger({ name: 'test', level: 'silent' });
  tenants = await serveForTest((keys) => createTenantsSubgraph({ database, keys, log, demoDataAt: Date.UTC(2026, 5, 1) }));
});
afterAll(async () => {
  await tenants.close();
  await database.close();
});

const codes = (answer: { errors?: { extensions: { code: string } }[] }) => answer.errors?.map(({ extensions }) => extensions.code);

describe('tenants', () => {
  it('shows everybody the own tenant, and all of them to whoever looks after the deployment', async () => {
    const query = '{ viewer { id tenant { slug } member { name } } tenants { totalCount nodes { slug } } }';
    expect((await tenants.ask('alice', query)).data).toEqual({
      viewer: { id: 'usr_alice', tenant: { slug: 'acme' }, member: { name: 'Alice Moreau' } },
      tenants: { totalCount: 1, nodes: [{ slug: 'acme' }] },
    });
    expect((await tenants.ask('operator', query)).data.tenants.totalCount).toBe(5);
    expect((await tenants.ask('alice', '{ tenant(id: "ten_globex") { name } member(id: "usr_bob") { email } }')).data).toEqual({
      tenant: null,
      member: null,
    });
  });

  it('pages without gaps or repeats', async () => {
    const seen: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const { data } = await tenants.ask(
        'admin',
        'query($after: String) { tenants(first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      seen.push(...(data.tenants.nodes as { id: string }[]).map(({ id }) => id));
      ({ hasNextPage: more, endCursor: after } = data.tenants.pageInfo as { hasNextPage: boolean; endCursor: string });
    }
    expect(seen).toEqual(['ten_tidewater', 'ten_umbra', 'ten_globex', 'ten_acme', 'ten_sluice']);
    expect(codes(await tenants.ask('admin', '{ tenants(first: 0) { nodes { id } } }'))).toEqual(['BAD_USER_INPUT']);
    expect(codes(await tenants.ask('admin', '{ tenants(after: "!") { nodes { id } } }'))).toEqual(['CURSOR_INVALID']);
  });

  it('asks the database as often for 100 entities as for one', async () => {
    const query =
      'query($r: [_Any!]!) { _entities(representations: $r) { ... on Tenant { name members(first: 3) { totalCount nodes { name tenant { slug } } } } } }';
    const statements = await countStatements(database, () =>
      tenants.ask('admin', query, { r: [{ __typename: 'Tenant', id: 'ten_acme' }] }),
    );
    const many = await countStatements(database, () =>
      tenants.ask('admin', query, {
        r: Array.from({ length: 100 }, (_, i) => ({
          __typename: 'Tenant',
          id: ['ten_acme', 'ten_globex', 'ten_umbra', 'ten_none'][i % 4],
        })),
      }),
    );
    expect(many).toBe(statements);
    expect(statements).toBeLessThanOrEqual(4);
  });

  it('remembers an idempotent mutation with its answer', async () => {
    const create = (slug: string) =>
      tenants.ask(
        'admin',
        'mutation($slug: String!) { createTenant(input: { name: "Soylent", slug: $slug, plan: TEAM }) { id slug quotas { members } } }',
        { slug },
        { 'idempotency-key': 'k1' },
      );
    const first = await create('soylent');
    expect(first.data.createTenant).toMatchObject({ slug: 'soylent', quotas: { members: 50 } });
    expect(await create('soylent')).toEqual(first);
    expect(codes(await create('soylent-two'))).toEqual(['IDEMPOTENCY_KEY_REUSED']);
  });

  it.each([
    ['admin', 'mutation { createTenant(input: { name: " ", slug: "abc" }) { id } }', 'BAD_USER_INPUT'],
    ['admin', 'mutation { createTenant(input: { name: "A", slug: "No Slug" }) { id } }', 'BAD_USER_INPUT'],
    ['admin', 'mutation { createTenant(input: { name: "A", slug: "acme" }) { id } }', 'CONFLICT'],
    ['admin', 'mutation { updateTenantSettings(tenantId: "ten_acme", input: { timeZone: "Moon/Base" }) { id } }', 'BAD_USER_INPUT'],
    ['admin', 'mutation { updateTenantSettings(tenantId: "ten_acme", input: { locale: "x_y" }) { id } }', 'BAD_USER_INPUT'],
    ['admin', 'mutation { addMember(tenantId: "ten_acme", input: { name: "A", email: "alice.moreau@acme.example" }) { id } }', 'CONFLICT'],
    ['admin', 'mutation { addMember(tenantId: "ten_acme", input: { name: "A", email: "nope" }) { id } }', 'BAD_USER_INPUT'],
    ['admin', 'mutation { removeMember(id: "usr_none") }', 'NOT_FOUND'],
    ['admin', 'mutation { setTenantQuotas(tenantId: "ten_acme", input: { storage: -1 }) { id } }', 'BAD_USER_INPUT'],
    ['alice', 'mutation { updateTenant(id: "ten_acme", input: { name: "Mine" }) { id } }', 'FORBIDDEN'],
  ] as const)('refuses, as %s: %s', async (user, mutation, code) => {
    expect(codes(await tenants.ask(user, mutation))).toEqual([code]);
  });

  it('keeps the members within the quota', async () => {
    const add = (email: string) =>
      tenants.ask(
        'admin',
        'mutation($email: String!) { addMember(tenantId: "ten_tidewater", input: { name: "Nurse", email: $email, role: EDITOR }) { id role tenant { slug } } }',
        { email },
      );
    for (let n = 1; n <= 4; n++) expect((await add(`n${n}@tide.example`)).errors).toBeUndefined();
    expect(codes(await add('n5@tide.example'))).toEqual(['QUOTA_EXCEEDED']);
  });

  it('sets storage aside within the quota, once for each key, and gives it back', async () => {
    const GIB = 1024 ** 3;
    const reserve = (reservation: string, bytes: number, key?: string) =>
      tenants.ask(
        'bob',
        'mutation ($reservation: ID!, $bytes: ByteSize!) { reserveStorage(reservation: $reservation, bytes: $bytes) { id bytes tenant { slug } } }',
        { reservation, bytes },
        key === undefined ? {} : { 'idempotency-key': key },
      );
    const release = (reservation: string) =>
      tenants.ask('bob', 'mutation ($id: ID!) { releaseStorage(reservation: $id) }', { id: reservation });
    const reserved = async () =>
      (await tenants.ask('bob', '{ viewer { tenant { quotas { storageReserved } } } }')).data.viewer.tenant.quotas;

    const first = await reserve('upload-1', 60 * GIB, 'k');
    expect(first.data.reserveStorage).toEqual({ id: 'upload-1', bytes: 60 * GIB, tenant: { slug: 'globex' } });
    expect(await reserve('upload-1', 60 * GIB, 'k')).toEqual(first);
    expect(codes(await reserve('upload-1', GIB))).toEqual(['CONFLICT']);
    expect(codes(await reserve('upload-2', 41 * GIB))).toEqual(['QUOTA_EXCEEDED']);
    expect(codes(await reserve('no spaces', GIB))).toEqual(['BAD_USER_INPUT']);
    expect(await reserved()).toEqual({ storageReserved: 60 * GIB });
    expect((await release('upload-1')).data).toEqual({ releaseStorage: 'upload-1' });
    expect((await release('upload-1')).data).toEqual({ releaseStorage: 'upload-1' });
    expect(await reserved()).toEqual({ storageReserved: 0 });
    expect(codes(await tenants.ask('viewer', 'mutation { releaseStorage(reservation: "upload-1") }'))).toEqual(['FORBIDDEN']);
  });

  it('answers nobody who does not come from the gateway', async () => {
    for (const headers of [{}, { 'x-gateway-auth': 'v1.test.1.n.e30.x' }] as Record<string, string>[]) {
      const response = await fetch(`${tenants.url}/graphql`, { method: 'POST', body: '{"query":"{ _service { sdl } }"}', headers });
      expect([response.status, codes((await response.json()) as never)]).toEqual([401, ['SERVICE_CALL_REFUSED']]);
    }
  });
});

it('tells every process of a member who leaves and of a tenant that is suspended', async () => {
  const heard: (string | null)[] = [];
  const stop = listenTo(database, STANDING_CHANNEL, (message) => heard.push(message), createLogger({ name: 'test', level: 'silent' }));
  // PostgreSQL says when the connection stands.
  if (database.kind === 'postgres') await expect.poll(() => heard, { timeout: 10_000 }).toEqual([null]);
  await tenants.ask('admin', 'mutation { removeMember(id: "usr_umbra_noor") }');
  await tenants.ask('admin', 'mutation { updateTenant(id: "ten_umbra", input: { status: SUSPENDED }) { id } }');
  const told = [
    { tenant: 'ten_umbra', principal: 'usr_umbra_noor' },
    { tenant: 'ten_umbra', principal: null },
  ];
  await expect.poll(() => heard.filter((message) => message !== null).map((message) => JSON.parse(message) as unknown)).toEqual(told);
  stop();
});

it('adds a member by the subject of its identity provider', async () => {
  const add = (subject: string) =>
    tenants.ask(
      'admin',
      'mutation($s: ID!) { addMember(tenantId: "ten_globex", input: { subject: $s, name: "N", email: "n@e.example" }) { id } }',
      {
        s: subject,
      },
    );
  expect((await add('idp.subject-1')).data).toEqual({ addMember: { id: 'idp.subject-1' } });
  expect((await add('a b')).errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
});
