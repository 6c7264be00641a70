import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestDatabase } from '../tests/database.js';
import { createFilePayloadStore } from './file-store.js';
import { createExternalStorage, createPayloadStore, type PayloadStore } from './payload-store.js';

const DAY_MS = 24 * 3600 * 1000;
const keepMs = 10 * DAY_MS;
let nowMs = Date.UTC(2026, 0, 1);
const now = (): number => nowMs;

interface Opened {
  store: PayloadStore;
  count(): Promise<number>;
  alter(digest: string, bytes: Buffer): Promise<unknown>;
  close(): Promise<unknown>;
}

async function openInDatabase(): Promise<Opened> {
  const database = await openTestDatabase();
  return {
    store: await createPayloadStore(database, { keepMs, now }),
    count: async () => Number((await database.pool.query('select count(*) from payloads.payloads')).rows[0].count),
    alter: (digest, bytes) => database.pool.query('update payloads.payloads set bytes = $2 where digest = $1', [digest, bytes]),
    close: () => database.close(),
  };
}

async function openInFiles(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-payloads-'));
  const list = async (): Promise<string[]> => {
    const found = await readdir(folder, { recursive: true, withFileTypes: true });
    return found.filter((entry) => entry.isFile()).map(({ name }) => name);
  };
  return {
    store: createFilePayloadStore(folder, { keepMs, now }),
    count: async () => (await list()).length,
    alter: (digest, bytes) => writeFile(join(folder, digest.slice(0, 2), digest), bytes),
    close: () => rm(folder, { recursive: true }),
  };
}

describe.each([
  ['the database', openInDatabase],
  ['files', openInFiles],
])('large payloads in %s', (_, open) => {
  let opened: Opened;
  let store: PayloadStore;
  beforeAll(async () => {
    opened = await open();
    store = opened.store;
  });
  afterAll(() => opened.close());

  it('lie under their digest, equal ones once', async () => {
    const digest = await store.put(Buffer.from('large'));
    expect(await store.put(Buffer.from('large'))).toBe(digest);
    expect((await store.get(digest)).toString()).toBe('large');
    expect(await opened.count()).toBe(1);
  });

  it('are kept while they are used, and gone with later writes when they are not', async () => {
    // Their digests begin alike: files are swept by folders.
    const [used, unused] = [await store.put(Buffer.from('used 0')), await store.put(Buffer.from('unused 97'))];
    expect(used.slice(0, 2)).toBe(unused.slice(0, 2));
    nowMs += 6 * DAY_MS;
    await store.get(used);
    nowMs += 5 * DAY_MS;
    await store.put(Buffer.from('used 0'));
    expect((await store.get(used)).toString()).toBe('used 0');
    await expect(store.get(unused)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are refused when they were altered, or never were', async () => {
    const digest = await store.put(Buffer.from('whole'));
    await opened.alter(digest, Buffer.from('other'));
    await expect(store.get(digest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    for (const name of ['0'.repeat(64), '../../etc/passwd', '']) await expect(store.get(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('the storage of a data converter', () => {
  it('says that the store is away, and asks for it again', async () => {
    const opened = await openInFiles();
    let isAway = true;
    const storage = createExternalStorage(() => (isAway ? Promise.reject(new Error('refused')) : Promise.resolve(opened.store)));
    const [driver] = storage.drivers;
    await expect(driver?.store({}, [{ data: Buffer.from('x') }])).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    isAway = false;
    const claims = (await driver?.store({}, [{ data: Buffer.from('x') }])) ?? [];
    expect(Buffer.from((await driver?.retrieve({}, claims))?.[0]?.data ?? []).toString()).toBe('x');
    await opened.close();
  });
});
