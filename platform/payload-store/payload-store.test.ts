import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../database/open-database.js';
import { openTestDatabase } from '../tests/database.js';
import { createExternalStorage, createPayloadStore, type PayloadStore } from './payload-store.js';

const DAY_MS = 24 * 3600 * 1000;
let database: Database;
let store: PayloadStore;
let nowMs = Date.UTC(2026, 0, 1);
beforeAll(async () => {
  database = await openTestDatabase();
  store = await createPayloadStore(database, { keepMs: 10 * DAY_MS, now: () => nowMs });
});
afterAll(() => database.close());

const count = async (): Promise<number> => Number((await database.pool.query('select count(*) from payloads.payloads')).rows[0].count);

describe('large payloads', () => {
  it('lie under their digest, equal ones once', async () => {
    const digest = await store.put(Buffer.from('large'));
    expect(await store.put(Buffer.from('large'))).toBe(digest);
    expect((await store.get(digest)).toString()).toBe('large');
    expect(await count()).toBe(1);
  });

  it('are kept while they are used, and gone with later writes when they are not', async () => {
    const [used, unused] = [await store.put(Buffer.from('used')), await store.put(Buffer.from('unused'))];
    nowMs += 6 * DAY_MS;
    await store.get(used);
    nowMs += 5 * DAY_MS;
    await store.put(Buffer.from('another'));
    expect((await store.get(used)).toString()).toBe('used');
    await expect(store.get(unused)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are refused when they were altered', async () => {
    const digest = await store.put(Buffer.from('whole'));
    await database.pool.query('update payloads.payloads set bytes = $2 where digest = $1', [digest, Buffer.from('other')]);
    await expect(store.get(digest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  it('say that the database is away, and are asked for again', async () => {
    let isAway = true;
    const storage = createExternalStorage(() => (isAway ? Promise.reject(new Error('refused')) : Promise.resolve(store)));
    const [driver] = storage.drivers;
    await expect(driver?.store({}, [{ data: Buffer.from('x') }])).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
    isAway = false;
    const claims = (await driver?.store({}, [{ data: Buffer.from('x') }])) ?? [];
    expect(Buffer.from((await driver?.retrieve({}, claims))?.[0]?.data ?? []).toString()).toBe('x');
  });
});
