import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createBlobStore, type BlobStore, sha256 } from '../blob-store.js';
import { createLogger } from '../logger.js';
import { openTestDatabase } from '../tests/database.js';
import { killThread } from '../tests/watch-threads.js';
import { lockFolder } from './folder-lock.js';
import { openDatabase, type Database } from './open-database.js';

vi.mock('../threads.js', async (original) => (await import('../tests/watch-threads.js')).watchThreads(original));

let database: Database;
let blobs: BlobStore;
beforeAll(async () => {
  database = await openTestDatabase();
  blobs = await createBlobStore(database);
});
afterAll(() => database.close());

describe('the connection pool', () => {
  it('goes on after a statement that failed', async () => {
    for (let n = 0; n < 3; n++) {
      await expect(database.pool.query('select nothing from nowhere')).rejects.toThrow();
      expect((await database.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    }
  });
});

describe.runIf(process.env['TEST_DATABASE_URL'] !== undefined)('a connection that breaks while somebody holds it', () => {
  it('costs its holder the next statement, and not the process', async () => {
    const client = await database.pool.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const ended = new Promise<void>((resolve) => client.on('end', resolve));
    await database.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
    await ended;
    await expect(client.query('select 1')).rejects.toThrow();
    client.release(true);
    expect((await database.pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });
});

describe('the blob store', () => {
  const bytes = Buffer.from('hello, blob');

  it('stores equal bytes once and deletes them with the last reference', async () => {
    const digest = await blobs.put(bytes, 'one');
    expect(await blobs.put(bytes, 'two')).toBe(digest);
    await blobs.release(digest, 'one');
    await blobs.release(digest, 'one');
    expect(await blobs.get(digest)).toEqual(bytes);
    await blobs.release(digest, 'two');
    await expect(blobs.get(digest)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(blobs.reference(digest, 'late')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('never hands out bytes that were changed in the database', async () => {
    const digest = await blobs.put(Buffer.from('signed package'), 'owner');
    await database.pool.query('update blobs.blobs set bytes = $2 where digest = $1', [digest, Buffer.from('signed pachage')]);
    await expect(blobs.get(digest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  describe('given a stream', () => {
    const MIB = 1024 * 1024;
    const limits = { maxBytes: 10 * MIB, expected: null };
    async function* chunks(bytes: Buffer, breaksAt = Infinity): AsyncIterable<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 100_000) {
        if (at >= breaksAt) throw new Error('the sender left');
        yield bytes.subarray(at, at + 100_000);
      }
    }
    const random = randomBytes;
    const rows = async (): Promise<number[]> => {
      const { rows: found } = await database.pool.query<{ n: string }>(
        'select count(*) n from blobs.blobs union all select count(*) from blobs.parts union all select count(*) from blobs.drafts',
      );
      return found.map(({ n }) => Number(n));
    };

    it.each([0, 1, 100_000, MIB, MIB + 1, 3 * MIB + 17])('keeps %i bytes as they are, and deletes all of them', async (size) => {
      const before = await rows();
      const bytes = random(size);
      expect(await blobs.putStream(chunks(bytes), 'streamed', limits)).toEqual({ digest: sha256(bytes), size });
      expect((await blobs.get(sha256(bytes))).equals(bytes)).toBe(true);
      await blobs.release(sha256(bytes), 'streamed');
      expect(await rows()).toEqual(before);
    });

    it('stores equal streams once', async () => {
      const bytes = random(2 * MIB + 3);
      await blobs.putStream(chunks(bytes), 'one', limits);
      const once = await rows();
      await Promise.all(['two', 'three'].map((owner) => blobs.putStream(chunks(bytes), owner, limits)));
      expect(await rows()).toEqual(once);
      for (const owner of ['one', 'two']) await blobs.release(sha256(bytes), owner);
      expect((await blobs.get(sha256(bytes))).equals(bytes)).toBe(true);
      await blobs.release(sha256(bytes), 'three');
      await expect(blobs.get(sha256(bytes))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    it.each([
      ['breaks off', { breaksAt: 2 * MIB }, 'the sender left'],
      ['is longer than allowed', { maxBytes: 2 * MIB }, 'expected at most 2097152 bytes'],
      ['has another digest', { expected: '0'.repeat(64) }, 'was announced'],
    ])(
      'that %s leaves nothing',
      async (_, { breaksAt, ...others }: { breaksAt?: number; maxBytes?: number; expected?: string }, message) => {
        const before = await rows();
        await expect(blobs.putStream(chunks(random(3 * MIB), breaksAt), 'broken', { ...limits, ...others })).rejects.toThrow(message);
        expect(await rows()).toEqual(before);
      },
    );

    it('sweeps what a killed process left, after an hour', async () => {
      await database.pool.query("insert into blobs.drafts values ('old', now() - interval '61 minutes'), ('new', now())");
      await database.pool.query("insert into blobs.parts values ('old', 0, 'x'), ('new', 0, 'x')");
      const bytes = random(2 * MIB);
      await blobs.putStream(chunks(bytes), 'sweeper', limits);
      await blobs.release(sha256(bytes), 'sweeper');
      expect((await database.pool.query('select id from blobs.parts')).rows).toEqual([{ id: 'new' }]);
      await database.pool.query('delete from blobs.parts');
      await database.pool.query('delete from blobs.drafts');
    });

    it('never tells that changed bytes are whole', async () => {
      const bytes = random(2 * MIB);
      const { digest } = await blobs.putStream(chunks(bytes), 'changed', limits);
      await database.pool.query('update blobs.parts set bytes = set_byte(bytes, 0, 99) where n = 1');
      await expect(blobs.get(digest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
      await database.pool.query('delete from blobs.parts where n = 1');
      await expect(blobs.get(digest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
      await blobs.release(digest, 'changed');
    });
  });

  it('keeps a megabyte as it is', async () => {
    const large = Buffer.alloc(1024 * 1024, 7);
    expect(sha256(await blobs.get(await blobs.put(large, 'large')))).toBe(sha256(large));
  });
});

describe('the data folder', () => {
  it('is refused to a second opener and free again after SIGKILL of the first', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-lock-'));
    const holder = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        '--input-type=module',
        '-e',
        `
      import { lockFolder } from ${JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href)};
      await lockFolder(${JSON.stringify(folder)}); console.log('locked'); setInterval(() => {}, 1000);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(holder.stdout, 'data');
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'DATA_LOCKED' });
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await (await lockFolder(folder)).release();
    await rm(folder, { recursive: true });
  });

  it('keeps what was committed when it is opened again', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sluice-again-'));
    const log = createLogger({ name: 'test', level: 'silent' });
    const first = await openDatabase({ url: null, dataDir, log });
    await first.pool.query('create table t (n int)');
    await first.pool.query('insert into t values (1), (2)');
    await first.close();
    const second = await openDatabase({ url: null, dataDir, log });
    expect((await second.pool.query('select n from t order by n')).rows).toEqual([{ n: 1 }, { n: 2 }]);
    await second.close();
    await rm(dataDir, { recursive: true });
  });

  it('is opened again when the thread of the embedded one ends: what was under way fails as if the server went away', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sluice-dead-'));
    const embedded = await openDatabase({ url: null, dataDir, log: createLogger({ name: 'test', level: 'silent' }) });
    await embedded.pool.query('create table t (n int)');
    await embedded.pool.query('insert into t values (1)');
    const underWay = embedded.pool.query('select pg_sleep(60)').catch((error: unknown) => error as Error);
    await killThread('pglite-thread.js');
    expect((await underWay) as Error).toMatchObject({ message: expect.stringMatching(/^Connection terminated|ECONNRESET/) });
    const read = (): Promise<object[] | null> =>
      embedded.pool.query('select n from t').then(
        ({ rows }) => rows as object[],
        () => null,
      );
    await expect.poll(read, { timeout: 30_000 }).toEqual([{ n: 1 }]);
    await embedded.close();
    await rm(dataDir, { recursive: true });
  }, 60_000);

  it('says in one sentence that PostgreSQL is away', async () => {
    const opening = openDatabase({ url: 'postgres://127.0.0.1:1/none', dataDir: '', log: createLogger({ name: 'test', level: 'silent' }) });
    await expect(opening).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  });
});
