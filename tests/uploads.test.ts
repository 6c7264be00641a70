// Files through the gateway: by link and with the request, into the files service's database and back.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGatewayConfig } from '#gateway/config';
import { type RunningGateway, startGateway } from '#gateway/main';
import { createCredentials } from '#gateway/server/credentials';
import { createBlobStore } from '#platform/blob-store';
import type { Database } from '#platform/database/open-database';
import { type DevUserName, issueDevToken } from '#platform/identity/dev-tokens';
import { createTokenVerifier } from '#platform/identity/token-verifier';
import { signLink, verifyDownloadLink, verifyUploadLink } from '#platform/identity/transfer-links';
import type { KeyRing } from '#platform/keys';
import { createLogger } from '#platform/logger';
import { createMetrics } from '#platform/metrics';
import { openTestDatabase } from '#platform/tests/database';
import type { Generation, SupergraphRegistry } from '#schema/contracts/supergraph';
import { createFilesSubgraph } from '#subgraphs/files/main';
import { type RunningSubgraph, serveSubgraph } from '#subgraphs/shared/create-subgraph';
import { eventually } from './support/eventually.js';
import { loadTestKeys } from './support/test-keys.js';

const MIB = 1024 * 1024;
const MAX = 300 * MIB;
const GENEROUS = 10 * 1024 * MIB;

let keys: KeyRing;
let database: Database;
let files: RunningSubgraph;
let gateway: RunningGateway;
let quota = GENEROUS;
const lines: string[] = [];

beforeAll(async () => {
  keys = await loadTestKeys();
  const log = createLogger({
    name: 'test',
    level: 'debug',
    destination: { write: (line: string) => lines.push(line) > 0 } as unknown as NodeJS.WritableStream,
  });
  database = await openTestDatabase();
  const blobs = await createBlobStore(database);
  const subgraph = await createFilesSubgraph({
    database,
    blobs,
    quota: async () => quota,
    maxUploadBytes: MAX,
    keys,
    log,
    demoDataAt: null,
  });
  files = await serveSubgraph(subgraph, { host: '127.0.0.1', port: 0 });
  const verifier = createTokenVerifier({ mode: 'dev', keys });
  gateway = await startGateway({
    config: readGatewayConfig({
      PORT: '0',
      ADMIN_PORT: '0',
      SLUICE_EXECUTION: 'direct',
      SLUICE_MAX_UPLOAD_BYTES: String(MAX),
      SLUICE_MAX_UPLOAD_FILES: '3',
    }),
    keys,
    log,
    metrics: createMetrics(),
    registry: registryOf(await readFile(new URL('../schema/supergraph.graphql', import.meta.url), 'utf8'), files.url),
    durable: null,
    credentials: createCredentials({ verifier, log }),
    instance: 'test',
    consoleFolder: pathToFileURL(`${tmpdir()}/`),
  });
});
afterAll(async () => {
  await gateway.close();
  await files.close();
  await database.close();
});

function registryOf(supergraphSdl: string, url: string): SupergraphRegistry {
  const services = ['files', 'tenants', 'plugins', 'operations'].map((name) => ({
    name,
    sdl: '',
    host: name,
    path: '/graphql',
    signed: true,
    plugin: null,
  }));
  const generation: Generation = { number: 1, digest: '', supergraphSdl, services };
  return {
    newest: async () => generation,
    get: async () => generation,
    addresses: async () => new Map([['files', url]]),
    recordServing: async () => undefined,
    forgetServing: async () => undefined,
    serving: async () => [],
  } as unknown as SupergraphRegistry;
}

const auth = async (user: DevUserName = 'alice') => ({ authorization: `Bearer ${await issueDevToken(keys, user)}` });
interface Answer {
  data?: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests read what they selected
  errors?: { message: string; extensions: { code: string } }[];
}
async function ask(query: string, variables: object = {}, user: DevUserName = 'alice'): Promise<Answer> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await auth(user)) },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}
const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions.code;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const CREATE = 'mutation ($input: CreateUploadInput!) { createUpload(input: $input) { upload url expiresAt } }';
const FINISH =
  'mutation ($input: UploadFileInput!) { uploadFile(input: $input) { id name mediaType size sha256 downloadUrl tenant { id } } }';
const announce = async (input: object, user?: DevUserName) =>
  (await ask(CREATE, { input }, user)).data.createUpload as { upload: string; url: string };
const put = (url: string, body: RequestInit['body'], init: RequestInit = {}) =>
  fetch(gateway.url + url, { method: 'PUT', body, ...init } as RequestInit);
const finish = (input: object, user?: DevUserName) => ask(FINISH, { input }, user);

/** What the database holds of bytes. */
async function held(): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<{ name: string; n: string }>(
    `select 'blobs' as name, count(*) n from blobs.blobs union all select 'references', count(*) from blobs.references
     union all select 'parts', count(*) from blobs.parts union all select 'drafts', count(*) from blobs.drafts
     union all select 'uploads', count(*) from files.uploads union all select 'files', count(*) from files.files
     union all select 'reservations', count(*) from files.reservations`,
  );
  return Object.fromEntries(rows.map(({ name, n }) => [name, Number(n)]));
}

/** Bytes of alice's tenant. */
async function used(): Promise<number> {
  const { rows } = await database.pool.query<{ n: string }>(
    `select coalesce(sum(size), 0) n from (select tenant_id, size from files.files union all select tenant_id, size from files.uploads) of_all
     where tenant_id = 'ten_acme'`,
  );
  return Number(rows[0]?.n);
}

/** What a broken transfer of a test before left is gone: a draft may come and go after its sender got the answer. */
async function atRest(): Promise<Record<string, number>> {
  let last = '';
  return eventually(
    held,
    (now) => {
      const same = JSON.stringify(now) === last;
      last = JSON.stringify(now);
      return same && now['drafts'] === 0;
    },
    15_000,
    100,
  );
}

async function becomes(expected: Record<string, number>): Promise<void> {
  await eventually(held, (now) => JSON.stringify(now) === JSON.stringify(expected), 15_000);
}

describe('a link', () => {
  it('takes bytes, which become a file, which a link gives back', async () => {
    const bytes = randomBytes(3 * MIB);
    const { upload, url } = await announce({ size: bytes.length, sha256: sha256(bytes) });
    const stored = await put(url, bytes);
    expect([stored.status, await stored.json()]).toEqual([201, { upload, size: bytes.length, sha256: sha256(bytes) }]);
    const { data } = await finish({ file: upload, name: 'größe "1".bin', mediaType: 'text/html' });
    expect(data.uploadFile).toMatchObject({ size: bytes.length, sha256: sha256(bytes), tenant: { id: 'ten_acme' } });

    const fetched = await fetch(gateway.url + (data.uploadFile.downloadUrl as string));
    expect(sha256(new Uint8Array(await fetched.arrayBuffer()))).toBe(sha256(bytes));
    expect(Object.fromEntries(fetched.headers)).toMatchObject({
      'content-type': 'text/html',
      'content-length': String(bytes.length),
      'content-disposition': `attachment; filename="gr__e _1_.bin"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22.bin`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'private, no-store',
    });
    const before = await atRest();
    await ask('mutation ($id: ID!) { deleteFile(id: $id) }', { id: data.uploadFile.id });
    expect(await held()).toEqual({
      ...before,
      blobs: before['blobs']! - 1,
      references: before['references']! - 1,
      parts: before['parts']! - 3,
      files: before['files']! - 1,
    });
    expect((await fetch(gateway.url + (data.uploadFile.downloadUrl as string))).status).toBe(404);
  });

  it('takes an empty file', async () => {
    const { upload, url } = await announce({ size: 0 });
    expect((await put(url, '')).status).toBe(201);
    expect((await finish({ file: upload, name: 'empty.txt' })).data.uploadFile).toMatchObject({
      size: 0,
      mediaType: 'application/octet-stream',
    });
  });

  it('is used up when the bytes have come, also as a file', async () => {
    const { upload, url } = await announce({ size: 4 });
    expect((await put(url, 'once')).status).toBe(201);
    expect((await put(url, 'once')).status).toBe(409);
    await finish({ file: upload, name: 'once.txt' });
    const before = await atRest();
    expect((await put(url, 'more')).status).toBe(409);
    await becomes(before);
    expect(codeOf(await finish({ file: upload, name: 'twice.txt' }))).toBe('NOT_FOUND');
  });

  it('used twice at once keeps one of them', async () => {
    const { upload, url } = await announce({ size: 4 });
    const statuses = (await Promise.all(['aaaa', 'bbbb', 'aaaa'].map((body) => put(url, body)))).map(({ status }) => status).sort();
    expect(statuses).toEqual([201, 409, 409]);
    const { data } = await finish({ file: upload, name: 'raced.txt' });
    const { data: read } = await ask('query ($id: ID!) { file(id: $id) { content } }', { id: data.uploadFile.id });
    expect(['aaaa', 'bbbb']).toContain(Buffer.from(read.file.content as string, 'base64').toString());
  });

  it.each([
    ['another digest', { size: 4, sha256: '0'.repeat(64) }, 'four', 422, 'DIGEST_MISMATCH'],
    ['too many bytes', { size: 3 }, 'four', 413, 'REQUEST_TOO_LARGE'],
    ['too few bytes', { size: 5 }, 'four', 400, 'BAD_REQUEST'],
  ])('refuses %s, and nothing is left', async (_, input, body, status, code) => {
    const { upload, url } = await announce(input);
    const before = await atRest();
    const response = await put(url, body);
    expect([response.status, codeOf((await response.json()) as Answer)]).toEqual([status, code]);
    await becomes(before);
    expect(codeOf(await finish({ file: upload, name: 'x' }))).toBe('NOT_FOUND');
  });

  it('counts what streams, whatever the sender announced', async () => {
    const { url } = await announce({ size: 2 * MIB });
    const before = await atRest();
    const status = await new Promise<number | undefined>((resolve) => {
      const sending = httpRequest(gateway.url + url, { method: 'PUT' });
      sending.on('response', (response) => resolve(response.resume().statusCode));
      sending.on('error', () => undefined);
      const block = randomBytes(256 * 1024);
      const pump = (): void => void (sending.write(block) ? setImmediate(pump) : sending.once('drain', pump));
      pump();
    });
    expect(status).toBe(413);
    await becomes(before);
  });

  it('that breaks off leaves nothing, and can be used again', async () => {
    const bytes = randomBytes(4 * MIB);
    const { url } = await announce({ size: bytes.length });
    const before = await atRest();
    const sending = httpRequest(gateway.url + url, { method: 'PUT', headers: { 'content-length': bytes.length } });
    sending.on('error', () => undefined);
    sending.write(bytes.subarray(0, 3 * MIB));
    await eventually(held, ({ parts }) => parts! > before['parts']!);
    sending.destroy();
    await becomes(before);
    expect((await put(url, bytes)).status).toBe(201);
  });

  it('holds no longer than it says, and only as it was made', async () => {
    const { url } = await announce({ size: 4 });
    const link = verifyUploadLink(keys, url);
    const { data } = await ask('mutation ($input: CreateFileInput!) { createFile(input: $input) { id downloadUrl } }', {
      input: { name: 'linked.txt', mediaType: 'text/plain', content: 'aGk=' },
    });
    const download = verifyDownloadLink(keys, data.createFile.downloadUrl as string);
    const stranger = await loadOtherKeys();
    const [head, claims, mac] = url.split('.') as [string, string, string];
    const other = Buffer.from(JSON.stringify({ ...link, tenant: 'ten_globex' })).toString('base64url');
    for (const path of [
      signLink(keys, { ...link, expiresAtMs: Date.now() - 1 }),
      signLink(stranger, link),
      `${head}.${other}.${mac}`,
      `${head}.${claims}.`,
      `${url}.x`,
      `/uploads/${signLink(keys, download).split('/').at(-1)}`,
      '/uploads/',
      '/uploads/x.y.z',
    ])
      expect([path.slice(0, 12), (await put(path, 'four')).status]).toEqual([path.slice(0, 12), 403]);
    for (const path of [
      signLink(keys, { ...download, expiresAtMs: Date.now() - 1 }),
      `/downloads/${url.split('/').at(-1)}`,
      signLink(stranger, download),
    ])
      expect((await fetch(gateway.url + path)).status).toBe(403);
    // A file of another tenant, should such a link ever be made.
    expect((await fetch(gateway.url + signLink(keys, { ...download, tenant: 'ten_globex' as typeof download.tenant }))).status).toBe(404);
  });

  it('is not for pages of other origins', async () => {
    const { url } = await announce({ size: 4 });
    expect((await put(url, 'four', { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await put(url, 'four', { headers: { origin: gateway.url } })).status).toBe(201);
  });

  it('goes to who may write files, for what has room', async () => {
    expect(codeOf(await ask(CREATE, { input: { size: 4 } }, 'viewer'))).toBe('FORBIDDEN');
    expect(codeOf(await ask(CREATE, { input: { size: MAX + 1 } }))).toBe('BAD_USER_INPUT');
    const { url } = await announce({ size: 2_000 });
    quota = 1_000;
    try {
      expect(codeOf(await ask(CREATE, { input: { size: 2_000 } }))).toBe('QUOTA_EXCEEDED');
      const before = await atRest();
      const response = await put(url, Buffer.alloc(2_000));
      expect([response.status, codeOf((await response.json()) as Answer)]).toEqual([422, 'QUOTA_EXCEEDED']);
      await becomes(before);
    } finally {
      quota = GENEROUS;
    }
  });

  it('gives bytes to their sender only', async () => {
    const { upload, url } = await announce({ size: 4 });
    await put(url, 'mine');
    expect(codeOf(await finish({ file: upload, name: 'stolen.txt' }, 'bob'))).toBe('NOT_FOUND');
    expect(codeOf(await finish({ file: upload, name: 'stolen.txt' }, 'admin'))).toBe('NOT_FOUND');
    expect((await finish({ file: upload, name: 'mine.txt' })).errors).toBeUndefined();
  });

  it('what never became a file is dropped after an hour', async () => {
    const { upload, url } = await announce({ size: 9 });
    await put(url, 'forgotten');
    const before = await atRest();
    await database.pool.query("update files.uploads set created_at = now() - interval '61 minutes' where id = $1", [upload]);
    await announce({ size: 1 });
    expect(await held()).toEqual({
      ...before,
      blobs: before['blobs']! - 1,
      references: before['references']! - 1,
      uploads: before['uploads']! - 1,
    });
  });
});

async function loadOtherKeys(): Promise<KeyRing> {
  return { ...keys, service: [{ kid: 'test', secret: Buffer.alloc(32, 1) }] };
}

describe('a multipart request', () => {
  const form = (operations: unknown, map: unknown, contents: [string, Blob, string?][]): FormData => {
    const data = new FormData();
    data.set('operations', typeof operations === 'string' ? operations : JSON.stringify(operations));
    data.set('map', JSON.stringify(map));
    for (const [field, blob, name] of contents) data.set(field, blob, name);
    return data;
  };
  const send = async (body: FormData, headers: Record<string, string> = { 'graphql-require-preflight': '1' }, user?: DevUserName) =>
    fetch(`${gateway.url}/graphql`, { method: 'POST', body, headers: { ...(await auth(user)), ...headers } });
  const one = { query: FINISH, variables: { input: { file: null } } };
  const text = (content: string) => new Blob([content], { type: 'text/plain' });
  const toFile = { 0: ['variables.input.file'] };

  it('brings a file, with its name and type', async () => {
    const response = await send(form(one, toFile, [['0', text('sent along'), 'along.txt']]));
    expect(await response.json()).toMatchObject({
      data: { uploadFile: { name: 'along.txt', mediaType: 'text/plain', size: 10, sha256: sha256(Buffer.from('sent along')) } },
    });
  });

  it('brings several, one of them for two places', async () => {
    const query = `mutation ($a: UploadFileInput!, $b: UploadFileInput!) { a: uploadFile(input: $a) { size } b: uploadFile(input: $b) { size } }`;
    const variables = { a: { file: null, name: 'first.txt' }, b: { file: null, name: 'second.txt' } };
    const map = { x: ['variables.a.file'], y: ['variables.b.file'] };
    const response = await send(
      form({ query, variables }, map, [
        ['x', text('1')],
        ['y', text('22')],
      ]),
    );
    expect(await response.json()).toMatchObject({ data: { a: { size: 1 }, b: { size: 2 } } });
  });

  it('needs a header that browsers ask for first, and an origin of ours', async () => {
    const before = await atRest();
    const body = () => form(one, toFile, [['0', text('x'), 'csrf.txt']]);
    expect((await send(body(), {})).status).toBe(415);
    expect((await send(body(), { 'graphql-require-preflight': '1', origin: 'https://evil.example' })).status).toBe(403);
    expect(
      (await fetch(`${gateway.url}/graphql`, { method: 'POST', body: body(), headers: { 'graphql-require-preflight': '1' } })).status,
    ).toBe(401);
    expect((await send(body(), { 'apollo-require-preflight': 'true' }, 'viewer')).status).toBe(403);
    await becomes(before);
  });

  it.each<[string, number, string, unknown, unknown, [string, Blob, string?][]]>([
    ['a map that leads nowhere', 400, 'BAD_REQUEST', one, { 0: ['variables.input.other'] }, [['0', text('x')]]],
    ['a map out of the variables', 400, 'BAD_REQUEST', { ...one, query: null }, { 0: ['query'] }, [['0', text('x')]]],
    ['a map to a prototype', 400, 'BAD_REQUEST', one, { 0: ['variables.__proto__.x'] }, [['0', text('x')]]],
    ['a place that is taken', 400, 'BAD_REQUEST', { ...one, variables: { input: { file: 'x' } } }, toFile, [['0', text('x')]]],
    ['a file that did not come', 400, 'BAD_REQUEST', one, { ...toFile, 1: ['variables.input'] }, [['0', text('x')]]],
    [
      'a file that is not in the map',
      400,
      'BAD_REQUEST',
      one,
      toFile,
      [
        ['0', text('x')],
        ['1', text('y')],
      ],
    ],
    ['operations that are no JSON', 400, 'BAD_REQUEST', '{', toFile, [['0', text('x')]]],
    ['a batch', 400, 'BAD_REQUEST', [one], { 0: ['0.variables.input.file'] }, [['0', text('x')]]],
    [
      'too many files',
      413,
      'REQUEST_TOO_LARGE',
      { query: FINISH, variables: { a: null, b: null, c: null, d: null } },
      Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, [`variables.${name}`]])),
      ['a', 'b', 'c', 'd'].map((name) => [name, text(name)]),
    ],
    ['a document that is not valid', 200, 'GRAPHQL_VALIDATION_FAILED', { ...one, query: '{ nothing }' }, toFile, [['0', text('x')]]],
    [
      'a name that is not allowed',
      200,
      'BAD_USER_INPUT',
      { ...one, variables: { input: { file: null, name: '..' } } },
      toFile,
      [['0', text('x')]],
    ],
  ])('with %s is refused and leaves nothing', async (_, status, code, operations, map, contents) => {
    const before = await atRest();
    const response = await send(form(operations, map, contents));
    expect([response.status, codeOf((await response.json()) as Answer)]).toEqual([status, code]);
    await becomes(before);
  });

  it('over the quota is stopped there, not when all of it has come', async () => {
    const before = await atRest();
    quota = (await used()) + MIB;
    let sent = 0;
    const parts = new Set<number>();
    async function* body() {
      const boundary = (head: string) => Buffer.from(`--b\r\ncontent-disposition: form-data; ${head}`);
      yield boundary(`name="operations"\r\n\r\n${JSON.stringify(one)}\r\n`);
      yield boundary(`name="map"\r\n\r\n${JSON.stringify(toFile)}\r\n`);
      yield boundary('name="0"; filename="big.bin"\r\ncontent-type: application/octet-stream\r\n\r\n');
      for (; sent < 100 * MIB; sent += 256 * 1024) {
        yield randomBytes(256 * 1024);
        if (sent % (2 * MIB) === 0) parts.add((await held())['parts'] ?? 0);
      }
    }
    try {
      const response = await fetch(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { ...(await auth()), 'graphql-require-preflight': '1', 'content-type': 'multipart/form-data; boundary=b' },
        body: ReadableStream.from(body()) as RequestInit['body'],
        duplex: 'half',
      } as RequestInit);
      expect(codeOf((await response.json()) as Answer)).toBe('QUOTA_EXCEEDED');
    } finally {
      quota = GENEROUS;
    }
    expect(sent).toBeLessThan(50 * MIB);
    expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
    await becomes(before);
  });

  it('of several at once keeps the quota, whatever their order', async () => {
    const before = await atRest();
    quota = (await used()) + 5 * MIB;
    const links = [];
    for (let n = 0; n < 4; n++) links.push((await announce({ size: 2 * MIB })).url);
    const statuses = await Promise.all(links.map(async (url) => (await put(url, randomBytes(2 * MIB))).status)).finally(
      () => (quota = GENEROUS),
    );
    expect(statuses.sort()).toEqual([201, 201, 422, 422]);
    expect((await atRest())['reservations']).toBe(before['reservations']);
  });

  it('over the quota leaves nothing', async () => {
    const before = await atRest();
    quota = 1_000;
    try {
      const response = await send(form(one, toFile, [['0', new Blob([randomBytes(3 * MIB)]), 'big.bin']]));
      expect(codeOf((await response.json()) as Answer)).toBe('QUOTA_EXCEEDED');
    } finally {
      quota = GENEROUS;
    }
    await becomes(before);
  });

  it('that breaks off, in whichever file, leaves nothing', async () => {
    const before = await atRest();
    const boundary = 'cut';
    const part = (head: string, content: string) => `--${boundary}\r\ncontent-disposition: form-data; name=${head}\r\n\r\n${content}\r\n`;
    const sending = httpRequest(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'graphql-require-preflight': '1', ...(await auth()) },
    });
    sending.on('error', () => undefined);
    sending.write(part('"operations"', JSON.stringify({ query: FINISH, variables: { a: null, b: null } })));
    sending.write(part('"map"', '{"a":["variables.a"],"b":["variables.b"]}'));
    sending.write(part('"a"; filename="a.txt"', 'whole'));
    sending.write(`--${boundary}\r\ncontent-disposition: form-data; name="b"; filename="b.bin"\r\n\r\n`);
    sending.write(randomBytes(3 * MIB));
    await eventually(held, ({ parts, uploads }) => parts! > before['parts']! && uploads! > before['uploads']!);
    sending.destroy();
    await becomes(before);
  });
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const SAMPLE_EVERY = 5 * MIB;

/**
 * @param work - tells the bytes that have passed: memory is read each time that 5 MiB more have
 * @returns of each quarter of them: the average RSS, and what is held throughout (buffers are given back late), MiB
 */
async function watchMemory<T>(
  work: (passed: (bytes: number) => void) => Promise<T>,
): Promise<{ result: T; rss: number[]; held: number[]; seconds: number }> {
  const samples: { rss: number; held: number }[] = [];
  const startedAt = performance.now();
  let passed = 0;
  const result = await work((bytes) => {
    passed += bytes;
    if (passed < (samples.length + 1) * SAMPLE_EVERY) return;
    // What nobody refers to is no matter of ours, however long the collector lets it lie.
    collectGarbage();
    const { rss, heapUsed, external } = process.memoryUsage();
    samples.push({ rss: rss / MIB, held: (heapUsed + external) / MIB });
  });
  const length = Math.floor(samples.length / 4);
  const quarters = [0, 1, 2, 3].map((n) => samples.slice(n * length, (n + 1) * length));
  return {
    result,
    rss: quarters.map((quarter) => Math.round(quarter.reduce((sum, one) => sum + one.rss, 0) / length)),
    held: quarters.map((quarter) => Math.round(Math.min(...quarter.map((one) => one.held)))),
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  };
}

it('200 MiB pass without being held: memory stays flat', async () => {
  const size = 200 * MIB;
  const hash = createHash('sha256');
  async function* generate(mebibytes: number, passed: (bytes: number) => void): AsyncIterable<Uint8Array> {
    const block = Buffer.alloc(MIB);
    for (let n = 0; n < mebibytes; n++) {
      block.writeUInt32LE(n);
      if (mebibytes === 200) hash.update(block);
      yield Buffer.from(block);
      passed(MIB);
    }
  }
  // Not `fetch`, which keeps what it has sent of a stream.
  const stream = async (to: string, mebibytes: number, passed: (bytes: number) => void): Promise<{ sha256: string }> => {
    const sending = httpRequest(gateway.url + to, { method: 'PUT' });
    const answered = once(sending, 'response');
    await pipeline(generate(mebibytes, passed), sending);
    const [response] = (await answered) as [AsyncIterable<Buffer>];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return JSON.parse(Buffer.concat(chunks).toString()) as { sha256: string };
  };
  const fetchBack = async (file: string, passed: (bytes: number) => void): Promise<string> => {
    const { data } = await ask('query ($id: ID!) { file(id: $id) { downloadUrl } }', { id: file });
    const back = createHash('sha256');
    const fetched = await fetch(gateway.url + (data.file.downloadUrl as string));
    for await (const chunk of fetched.body as unknown as AsyncIterable<Uint8Array>) {
      back.update(chunk);
      passed(chunk.length);
    }
    return back.digest('hex');
  };
  // Once before, for what the database, the sockets and the collector take to run at all.
  const warm = await announce({ size: 16 * MIB });
  const unwatched = (): void => undefined;
  await stream(warm.url, 16, unwatched);
  await fetchBack((await finish({ file: warm.upload, name: 'warm.bin' })).data.uploadFile.id as string, unwatched);

  const { upload, url } = await announce({ size });
  const sent = await watchMemory((passed) => stream(url, 200, passed));
  const stored = sent.result;
  expect(stored.sha256).toBe(hash.digest('hex'));
  const { data } = await finish({ file: upload, name: 'large.bin' });
  const fetched = await watchMemory((passed) => fetchBack(data.uploadFile.id as string, passed));
  expect(fetched.result).toBe(stored.sha256);
  for (const [what, { rss, held: least, seconds }] of Object.entries({ sent, fetched }))
    // eslint-disable-next-line no-console -- the figures are worth reading
    console.log(
      `200 MiB ${what} in ${seconds} s, all parts in one process, by quarters: RSS ${rss.join(' ')} MiB, held ${least.join(' ')} MiB`,
    );
  // Whoever kept it would hold 100 MiB more in the last quarter than in the second.
  for (const { held: least } of [sent, fetched]) expect(least[3]! - least[1]!).toBeLessThan(20);
}, 240_000);

it('no link and no name of a file is ever logged', () => {
  const log = lines.join('\n');
  expect(log).not.toMatch(/\/uploads\/\w|\/downloads\/\w|along\.txt/);
});
