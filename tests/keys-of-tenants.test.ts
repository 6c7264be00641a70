// An idempotency key belongs to one principal of one tenant. Identity providers give one subject to several tenants: the same principal,
// the same key and the same mutation in two tenants are two requests. Every `@idempotent` field of our services is tried.
import { readFileSync } from 'node:fs';
import { type FieldDefinitionNode, Kind, parse } from 'graphql';
import { v7 as uuid } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toOperationKey } from '#gateway/server/idempotency-key';
import { createBlobStore } from '#platform/blob-store';
import type { Database } from '#platform/database/open-database';
import { createLogger } from '#platform/logger';
import { openTestDatabase } from '#platform/tests/database';
import { SCOPES } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { OperationFacts } from '#schema/contracts/operations';
import { createFilesSubgraph } from '#subgraphs/files/main';
import { createPluginsSubgraph } from '#subgraphs/plugins/main';
import { createPluginStore } from '#subgraphs/plugins/store.drizzle';
import { type Caller, serveForTest, type ServiceCaller } from '#subgraphs/shared/tests/service-caller';
import { createTenantsSubgraph } from '#subgraphs/tenants/main';
import { loadTestKeys } from '#tests/support/test-keys';

const TENANTS = ['ten_acme', 'ten_globex'] as TenantId[];
const PRINCIPAL = 'usr_everywhere' as PrincipalId;
const toCaller = (tenant: TenantId): Caller => ({
  principal: PRINCIPAL,
  tenant,
  // Sees the own tenant only.
  scopes: SCOPES.filter((scope) => scope !== 'deployment:read'),
});

interface Trial {
  /** Of the mutation; the ids that it names are made for each tenant. */
  document: string;
  variables?: (tenant: TenantId) => Promise<object> | object;
  /** Why a repeat does not get the very same answer. */
  repeats?: string;
}

const once = <T>(make: (tenant: TenantId) => Promise<T> | T) => {
  const made = new Map<TenantId, Promise<T> | T>();
  return (tenant: TenantId): Promise<T> | T => made.get(tenant) ?? made.set(tenant, make(tenant)).get(tenant)!;
};
const aFolder = once(async (tenant) => insert('files.folders', { id: `fld_${uuid()}`, tenant_id: tenant, name: uuid() }));
const anotherFolder = once(async (tenant) => insert('files.folders', { id: `fld_${uuid()}`, tenant_id: tenant, name: uuid() }));
const bytes = { tenant_id: '', owner_id: PRINCIPAL, name: 'a', media_type: 'text/plain', size: 1, sha256: 'a'.repeat(64) };
const aFile = once(async (tenant) => insert('files.files', { ...bytes, id: `fil_${uuid()}`, tenant_id: tenant, name: uuid() }));
const anotherFile = once(async (tenant) => insert('files.files', { ...bytes, id: `fil_${uuid()}`, tenant_id: tenant, name: uuid() }));
const anUpload = once(async (tenant) => insert('files.uploads', { ...bytes, id: `upl_${uuid()}`, tenant_id: tenant }));
const member = async (tenant: TenantId): Promise<string> =>
  insert('tenants.members', { id: `usr_${uuid()}`, tenant_id: tenant, name: 'M', email: `${uuid()}@example.com`, role: 'VIEWER' });
const aMember = once(member);
const anotherMember = once(member);

const TRIALS: Record<string, Record<string, Trial>> = {
  tenants: {
    // A slug is one tenant's in the whole deployment.
    createTenant: {
      document: 'mutation ($slug: String!) { createTenant(input: { name: "N", slug: $slug }) { id } }',
      variables: (tenant) => ({ slug: `slug-${tenant.slice(4)}` }),
    },
    updateTenant: {
      document: 'mutation ($id: ID!) { updateTenant(id: $id, input: { name: "Renamed" }) { id name } }',
      variables: (id) => ({ id }),
    },
    updateTenantSettings: {
      document: 'mutation ($id: ID!) { updateTenantSettings(tenantId: $id, input: { locale: "de" }) { id settings { locale } } }',
      variables: (id) => ({ id }),
    },
    setTenantQuotas: {
      document: 'mutation ($id: ID!) { setTenantQuotas(tenantId: $id, input: { members: 99 }) { id quotas { members } } }',
      variables: (id) => ({ id }),
    },
    addMember: {
      document: 'mutation ($id: ID!) { addMember(tenantId: $id, input: { name: "N", email: "n@example.com" }) { id tenant { id } } }',
      variables: (id) => ({ id }),
    },
    updateMemberRole: {
      document: 'mutation ($id: ID!) { updateMemberRole(id: $id, role: ADMIN) { id role } }',
      variables: async (tenant) => ({ id: await aMember(tenant) }),
    },
    removeMember: {
      document: 'mutation ($id: ID!) { removeMember(id: $id) }',
      variables: async (tenant) => ({ id: await anotherMember(tenant) }),
    },
    reserveStorage: { document: 'mutation { reserveStorage(reservation: "r1", bytes: 5) { id bytes tenant { id } } }' },
    releaseStorage: {
      document: 'mutation ($id: ID!) { releaseStorage(reservation: $id) }',
      variables: (tenant) => ({ id: `of-${tenant}` }),
    },
  },
  files: {
    createFolder: { document: 'mutation { createFolder(input: { name: "Same" }) { id tenant { id } } }' },
    renameFolder: {
      document: 'mutation ($id: ID!) { renameFolder(id: $id, name: "Other") { id name } }',
      variables: async (tenant) => ({ id: await aFolder(tenant) }),
    },
    deleteFolder: {
      document: 'mutation ($id: ID!) { deleteFolder(id: $id) }',
      variables: async (tenant) => ({ id: await anotherFolder(tenant) }),
    },
    createFile: {
      document: 'mutation { createFile(input: { name: "same.txt", mediaType: "text/plain", content: "YQ==" }) { id tenant { id } } }',
    },
    createUpload: { document: 'mutation { createUpload(input: { size: 3 }) { upload } }', repeats: 'each is a new link' },
    uploadFile: {
      document: 'mutation ($file: Upload!) { uploadFile(input: { file: $file, name: "up.txt" }) { id tenant { id } } }',
      variables: async (tenant) => ({ file: await anUpload(tenant) }),
    },
    updateFile: {
      document: 'mutation ($id: ID!) { updateFile(id: $id, input: { name: "renamed.txt" }) { id tenant { id } } }',
      variables: async (tenant) => ({ id: await aFile(tenant) }),
    },
    deleteFile: {
      document: 'mutation ($id: ID!) { deleteFile(id: $id) }',
      variables: async (tenant) => ({ id: await anotherFile(tenant) }),
    },
  },
  plugins: {
    // A plugin is installed for the deployment: the second tenant is told that it runs, not that it was its own request.
    installPlugin: { document: 'mutation { installPlugin(input: { name: "@a/b" }) { operation { id } userErrors { code } } }' },
    publishPluginVersion: {
      document: 'mutation { publishPluginVersion(input: { package: "YQ==" }) { version { id } userErrors { code } } }',
      repeats: 'it is refused, which is judged anew',
    },
  },
  // Says what is to be so; sent twice it says the same, whoever else has said it.
  operations: { cancelOperation: { document: '' } },
};

let database: Database;
const services: Record<string, ServiceCaller> = {};
const runs = new Map<string, { id: string; facts: OperationFacts; status: 'WORKING' }>();
async function insert(table: string, row: Record<string, unknown>): Promise<string> {
  const names = Object.keys(row);
  const text = `insert into ${table} (${names.join()}) values (${names.map((_, index) => `$${index + 1}`).join()}) returning id`;
  return ((await database.pool.query<{ id: string }>(text, Object.values(row))).rows[0] as { id: string }).id;
}
beforeAll(async () => {
  database = await openTestDatabase();
  const log = createLogger({ name: 'test', level: 'silent' });
  const blobs = await createBlobStore(database);
  const store = await createPluginStore(database);
  const version = { id: 'ver_1', plugin: '@a/b', version: '1.0.0', digest: 'd', size: 1, manifest: {}, sdl: '', readme: null };
  await store.addVersion({ ...version, publishedBy: PRINCIPAL });
  const start = (async (_: unknown, __: unknown, { workflowId, facts }: { workflowId: string; facts: OperationFacts }) => {
    const running = runs.get(workflowId);
    if (running !== undefined) throw Object.assign(new Error('running'), { code: 'OPERATION_IN_PROGRESS' });
    runs.set(workflowId, { id: 'op_first', facts, status: 'WORKING' });
    return { operationId: 'op_first' };
  }) as never;
  const door = { start, describe: async () => undefined, findNewest: async (id: string) => runs.get(id) };
  const demoDataAt = Date.UTC(2026, 5, 1);
  services['tenants'] = await serveForTest((keys) => createTenantsSubgraph({ database, keys, log, demoDataAt }));
  services['files'] = await serveForTest((keys) =>
    createFilesSubgraph({ database, blobs, quota: async () => 1e9, maxUploadBytes: 1e9, keys, log, demoDataAt }),
  );
  services['plugins'] = await serveForTest((keys) => createPluginsSubgraph({ store, blobs, door, keys, log }));
});
afterAll(async () => {
  for (const service of Object.values(services)) await service.close();
  await database.close();
});

describe('one principal in two tenants, with one key', () => {
  it.each(Object.keys(TRIALS))('is tried with every keyed mutation of %s', (service) => {
    const keyed = mutationFields(service).filter(({ directives }) => directives?.some(({ name }) => name.value === 'idempotent'));
    expect(Object.keys(TRIALS[service] ?? {}).sort()).toEqual(keyed.map(({ name }) => name.value).sort());
  });

  it.each(
    Object.entries(TRIALS)
      .flatMap(([service, trials]) => Object.entries(trials).map(([field, trial]) => [service, field, trial] as const))
      .filter(([service]) => service !== 'operations'),
  )(
    'has two effects of %s.%s, and neither tenant gets the answer of the other',
    async (service, field, { document, variables = () => ({}), repeats }) => {
      const ask = async (tenant: TenantId) => {
        const given = await Promise.resolve(variables(tenant));
        const { data, errors } = await (services[service] as ServiceCaller).ask(toCaller(tenant), document, given, {
          'idempotency-key': `key-${field}`,
        });
        return JSON.stringify(errors ?? data[field]);
      };
      const answers = [];
      for (const tenant of TENANTS) answers.push(await ask(tenant));
      expect(answers.filter((answer) => answer.includes('IDEMPOTENCY_KEY_REUSED') || answer.includes('INTERNAL'))).toEqual([]);
      if (field !== 'publishPluginVersion') expect(answers[1]).not.toBe(answers[0]);
      for (const [index, tenant] of TENANTS.entries()) {
        expect(answers[index]).not.toContain(TENANTS[1 - index]);
        if (repeats === undefined) expect(await ask(tenant)).toBe(answers[index]);
      }
    },
  );

  it('has two names for its runs and for the calls of its services', async () => {
    const keys = await loadTestKeys();
    const names = TENANTS.map((tenant) => toOperationKey(keys, { tenant, principal: PRINCIPAL }, 'k'));
    expect(new Set(names).size).toBe(2);
    expect(toOperationKey(keys, { tenant: 'ten_a' as TenantId, principal: 'b' as PrincipalId }, 'k')).not.toBe(
      toOperationKey(keys, { tenant: 'ten_' as TenantId, principal: 'ab' as PrincipalId }, 'k'),
    );
  });
});

it('a key that was stored before the tenant was part of it still holds', async () => {
  const files = services['files'] as ServiceCaller;
  const [tenant] = TENANTS as [TenantId];
  const create = () =>
    files.ask(toCaller(tenant), 'mutation { createFolder(input: { name: "Old" }) { id } }', {}, { 'idempotency-key': 'old' });
  const first = (await create()).data.createFolder;
  await database.pool.query(`update files.idempotency_keys set tenant = '' where key like 'old%'`);
  expect((await create()).data.createFolder).toEqual(first);
  const other = 'mutation { createFolder(input: { name: "Other" }) { id } }';
  expect((await files.ask(toCaller(tenant), other, {}, { 'idempotency-key': 'old' })).errors).toMatchObject([
    { extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } },
  ]);
});

function mutationFields(service: string): FieldDefinitionNode[] {
  return parse(readFileSync(new URL(`../schema/subgraphs/${service}.graphql`, import.meta.url), 'utf8')).definitions.flatMap(
    (definition) =>
      definition.kind === Kind.OBJECT_TYPE_DEFINITION && definition.name.value === 'Mutation' ? [...(definition.fields ?? [])] : [],
  );
}
