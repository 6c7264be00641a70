import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBlobStore } from '#platform/blob-store';
import type { Database } from '#platform/database/open-database';
import { createLogger } from '#platform/logger';
import { openTestDatabase } from '#platform/tests/database';
import { countStatements } from '../shared/tests/count-statements.js';
import { serveForTest, type ServiceCaller } from '../shared/tests/service-caller.js';
import { createFilesSubgraph } from './main.js';

let database: Database;
let files: ServiceCaller;
/** Of every tenant, bytes. */
let quota = 1024 ** 3;
beforeAll(async () => {
  database = await openTestDatabase();
  const blobs = await createBlobStore(database);
  const log = createLogger({ name: 'test', level: 'silent' });
  files = await serveForTest((keys) =>
    createFilesSubgraph({
      database,
      blobs,
      quota: async () => quota,
      maxUploadBytes: 1024 ** 3,
      keys,
      log,
      demoDataAt: Date.UTC(2026, 5, 1),
    }),
  );
});
afterAll(async () => {
  await files.close();
  await database.close();
});

const codes = (answer: { errors?: { extensions: { code: string } }[] }) => answer.errors?.map(({ extensions }) => extensions.code);
const CREATE =
  'mutation($input: CreateFileInput!) { createFile(input: $input) { id name size sha256 content tenant { id } owner { id } folder { name } } }';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const aFile = (change: object = {}) => ({ input: { name: 'note.txt', mediaType: 'text/plain', content: base64('hello'), ...change } });
const blobCount = async () => Number((await database.pool.query('select count(*) from blobs.blobs')).rows[0].count);

describe('files', () => {
  it('stores content under its digest and gives it back', async () => {
    const { data, errors } = await files.ask('alice', CREATE, aFile({ folderId: 'fld_acme_1' }));
    expect(errors).toBeUndefined();
    expect(data.createFile).toMatchObject({
      size: 5,
      sha256: createHash('sha256').update('hello').digest('hex'),
      content: base64('hello'),
      tenant: { id: 'ten_acme' },
      owner: { id: 'usr_alice' },
      folder: { name: 'Shipments 2026' },
    });
  });

  it('stores equal content once, and deletes it with the last file', async () => {
    const before = await blobCount();
    const ids: string[] = [];
    for (const name of ['twin-a', 'twin-b'])
      ids.push((await files.ask('alice', CREATE, aFile({ name, content: base64('twin') }))).data.createFile.id);
    expect(await blobCount()).toBe(before + 1);
    for (const id of ids) expect((await files.ask('alice', 'mutation($id: ID!) { deleteFile(id: $id) }', { id })).data.deleteFile).toBe(id);
    expect(await blobCount()).toBe(before);
  });

  it('creates a file once for one idempotency key, and keeps one reference on its content', async () => {
    const send = () => files.ask('alice', CREATE, aFile({ name: 'once', content: base64('once') }), { 'idempotency-key': 'key-1' });
    const first = await send();
    expect(await send()).toEqual(first);
    const { rows } = await database.pool.query('select owner from blobs.references where digest = $1', [first.data.createFile.sha256]);
    expect(rows).toEqual([{ owner: first.data.createFile.id }]);
  });

  it('knows the fields of one call apart, also twice the same field under one key', async () => {
    const two = (b: string) =>
      `mutation { a: createFolder(input: { name: "Keyed A" }) { id } b: createFolder(input: { name: "${b}" }) { id } }`;
    const send = (query: string) => files.ask('alice', query, {}, { 'idempotency-key': 'two-folders' });
    const first = await send(two('Keyed B'));
    expect(first.errors).toBeUndefined();
    expect(first.data.a.id).not.toBe(first.data.b.id);
    expect(await send(two('Keyed B'))).toEqual(first);
    // What else is selected below changes no effect.
    expect((await send(two('Keyed B').replaceAll('{ id }', '{ id name }'))).data.b).toEqual({ ...first.data.b, name: 'Keyed B' });
  });

  it.each([
    'mutation { a: createFolder(input: { name: "Reused 2" }) { id } }',
    // Another response key is another call too: nothing may happen a second time under one key.
    'mutation { other: createFolder(input: { name: "Reused" }) { id } }',
    'mutation { a: createFolder(input: { name: "Reused" }) { id } b: createFolder(input: { name: "Reused 3" }) { id } }',
    'mutation { a: deleteFolder(id: "fld_acme_1") }',
  ])('answers 409 to a key that came with another call: %s', async (other) => {
    const send = (query: string) => files.send('alice', query, {}, { 'idempotency-key': 'reused' });
    expect((await send('mutation { a: createFolder(input: { name: "Reused" }) { id } }')).status).toBe(200);
    const before = (await files.ask('alice', '{ folders { totalCount } }')).data;
    const response = await send(other);
    expect([response.status, new Set(codes((await response.json()) as never))]).toEqual([409, new Set(['IDEMPOTENCY_KEY_REUSED'])]);
    expect((await files.ask('alice', '{ folders { totalCount } }')).data).toEqual(before);
  });

  it('lets a repeat that comes while the first one runs wait for its answer', async () => {
    const send = () =>
      files.ask('bob', 'mutation { createFolder(input: { name: "At once" }) { id } }', {}, { 'idempotency-key': 'at-once' });
    const answers = await Promise.all([send(), send(), send()]);
    expect(answers[0]?.errors).toBeUndefined();
    expect(new Set(answers.map(({ data }) => data.createFolder.id)).size).toBe(1);
  });

  it('forgets the key of an effect that failed: the same call may succeed later', async () => {
    const send = () => files.ask('bob', 'mutation { createFolder(input: { name: "Later" }) { id } }', {}, { 'idempotency-key': 'later' });
    const { id } = (await files.ask('bob', 'mutation { createFolder(input: { name: "Later" }) { id } }')).data.createFolder;
    expect(codes(await send())).toEqual(['CONFLICT']);
    await files.ask('bob', 'mutation ($id: ID!) { deleteFolder(id: $id) }', { id });
    expect((await send()).errors).toBeUndefined();
  });

  it('hides other tenants and their files', async () => {
    const query =
      '{ files(first: 100) { nodes { tenant { id } } totalCount } file(id: "fil_globex_12") { name } folder(id: "fld_globex_4") { name } _entities(representations: [{ __typename: "Tenant", id: "ten_globex" }]) { ... on Tenant { storageUsed } } }';
    const { data } = await files.ask('alice', query);
    expect(new Set((data.files.nodes as { tenant: { id: string } }[]).map(({ tenant }) => tenant.id))).toEqual(new Set(['ten_acme']));
    expect([data.file, data.folder, data._entities]).toEqual([null, null, [null]]);
    expect(codes(await files.ask('alice', 'mutation { deleteFile(id: "fil_globex_12") }'))).toEqual(['NOT_FOUND']);
    expect(codes(await files.ask('alice', CREATE, aFile({ folderId: 'fld_globex_4' })))).toEqual(['NOT_FOUND']);
  });

  it('moves a file within its own tenant only, whoever asks', async () => {
    const MOVE = 'mutation($id: ID!, $folder: ID) { updateFile(id: $id, input: { folderId: $folder }) { folder { id } } }';
    const { id } = (await files.ask('alice', CREATE, aFile({ name: 'moving' }))).data.createFile;
    const { data } = await files.ask('admin', '{ folders(first: 100) { nodes { id tenant { id } } } }');
    const foreign = (data.folders.nodes as { id: string; tenant: { id: string } }[]).filter(({ tenant }) => tenant.id !== 'ten_acme');
    const own = await files.ask('admin', 'mutation { createFolder(input: { name: "Operators" }) { id } }');
    for (const folder of [foreign[0]?.id, own.data.createFolder.id])
      expect(codes(await files.ask('admin', MOVE, { id, folder }))).toEqual(['NOT_FOUND']);
    expect((await files.ask('admin', MOVE, { id, folder: 'fld_acme_1' })).data.updateFile.folder.id).toBe('fld_acme_1');
  });

  it('refuses a cursor that no list gave out', async () => {
    for (const after of ['x', btoa('2026-06-01 '), btoa('1 fil_1'), btoa('2026-06-01T00:00:00.000Z fil\u0000')])
      expect(codes(await files.ask('alice', 'query($after: String) { files(after: $after) { nodes { id } } }', { after }))).toEqual([
        'CURSOR_INVALID',
      ]);
  });

  it('asks the database as often for many files and tenants as for few', async () => {
    const list = (first: number) =>
      files.ask(
        'admin',
        'query($first: Int!) { files(first: $first) { nodes { name folder { name parent { name } } } pageInfo { hasNextPage } } }',
        { first },
      );
    expect(await countStatements(database, () => list(20))).toBe(await countStatements(database, () => list(2)));
    const ofTenants = (n: number) =>
      files.ask(
        'admin',
        'query($r: [_Any!]!) { _entities(representations: $r) { ... on Tenant { storageUsed files(first: 2) { totalCount nodes { name } } } } }',
        { r: Array.from({ length: n }, (_, i) => ({ __typename: 'Tenant', id: `ten_${['acme', 'globex', 'umbra'][i % 3]}` })) },
      );
    const one = await countStatements(database, () => ofTenants(1));
    expect(await countStatements(database, () => ofTenants(100))).toBe(one);
    expect(one).toBeLessThanOrEqual(4);
  });

  it('filters by folder, part of the name, and media type', async () => {
    const query = 'query($filter: FileFilter) { files(filter: $filter) { totalCount nodes { name } } }';
    expect((await files.ask('alice', query, { filter: { nameContains: 'ON-TIME' } })).data.files.totalCount).toBe(2);
    expect((await files.ask('alice', query, { filter: { nameContains: '100%_' } })).data.files.totalCount).toBe(0);
    expect(
      (await files.ask('alice', query, { filter: { mediaType: 'application/json', folderId: 'fld_acme_3' } })).data.files.totalCount,
    ).toBe(2);
  });

  it('keeps a folder until it is empty, and its name once per place', async () => {
    const { id } = (await files.ask('bob', 'mutation { createFolder(input: { name: "Drafts" }) { id } }')).data.createFolder as {
      id: string;
    };
    expect(codes(await files.ask('bob', 'mutation { createFolder(input: { name: "Drafts" }) { id } }'))).toEqual(['CONFLICT']);
    const file = (await files.ask('bob', CREATE, aFile({ folderId: id }))).data.createFile as { id: string };
    expect(codes(await files.ask('bob', 'mutation($id: ID!) { deleteFolder(id: $id) }', { id }))).toEqual(['CONFLICT']);
    await files.ask('bob', 'mutation($id: ID!) { deleteFile(id: $id) }', { id: file.id });
    expect((await files.ask('bob', 'mutation($id: ID!) { deleteFolder(id: $id) }', { id })).data.deleteFolder).toBe(id);
  });

  it.each([
    [{ name: 'a/b' }, 'BAD_USER_INPUT'],
    [{ name: '..' }, 'BAD_USER_INPUT'],
    [{ mediaType: 'text' }, 'BAD_USER_INPUT'],
    [{ content: 'not base64!' }, 'BAD_USER_INPUT'],
    [{ content: Buffer.alloc(2 * 1024 * 1024 + 1).toString('base64') }, 'BAD_USER_INPUT'],
  ])('refuses %#', async (change, code) => {
    expect(codes(await files.ask('alice', CREATE, aFile(change)))).toEqual([code]);
  });

  it('keeps a tenant within its quota', async () => {
    const { storageUsed } = (
      await files.ask(
        'bob',
        '{ _entities(representations: [{ __typename: "Tenant", id: "ten_globex" }]) { ... on Tenant { storageUsed } } }',
      )
    ).data._entities[0] as { storageUsed: number };
    const before = await blobCount();
    quota = storageUsed + 5;
    try {
      const both = await Promise.all(
        ['full-a', 'full-b'].map((name) => files.ask('bob', CREATE, aFile({ name, content: base64(name.slice(-5)) }))),
      );
      expect(both.map((answer) => codes(answer)?.[0] ?? 'ok').sort()).toEqual(['QUOTA_EXCEEDED', 'ok']);
    } finally {
      quota = 1024 ** 3;
    }
    expect(await blobCount()).toBe(before + 1);
  });

  it('lets a viewer read and not write', async () => {
    expect(codes(await files.ask('viewer', CREATE, aFile()))).toEqual(['FORBIDDEN']);
    expect((await files.ask('viewer', '{ files(first: 1) { nodes { name } } }')).data.files.nodes).toHaveLength(1);
  });
});
