import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBlobStore, type BlobStore, sha256 } from '../blob-store.js';
import { createLogger } from '../logger.js';
import { openTestDatabase } from '../tests/database.js';
import { lockFolder } from './folder-lock.js';
import { openDatabase, type Database } from './open-database.js';

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

  it('says in one sentence that PostgreSQL is away', async () => {
    const opening = openDatabase({ url: 'postgres://127.0.0.1:1/none', dataDir: '', log: createLogger({ name: 'test', level: 'silent' }) });
    await expect(opening).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' });
  });
});
