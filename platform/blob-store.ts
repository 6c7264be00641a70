// Content-addressed bytes: named by their SHA-256, stored once, kept while somebody holds a reference.
import { createHash } from 'node:crypto';
import { CodedError } from '#schema/contracts/errors';
import { runMigrations } from './database/migrations.js';
import type { Database } from './database/open-database.js';

export interface BlobStore {
  /** Stores the bytes and takes a reference for `owner`; repeating it changes nothing. @returns hex SHA-256 */
  put(bytes: Uint8Array, owner: string): Promise<string>;
  /** @throws NOT_FOUND; DIGEST_MISMATCH when what is stored is not what was put */
  get(digest: string): Promise<Buffer>;
  /** @throws NOT_FOUND */
  reference(digest: string, owner: string): Promise<void>;
  /** The last reference to leave deletes the bytes; releasing twice changes nothing. */
  release(digest: string, owner: string): Promise<void>;
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function createBlobStore(database: Database): Promise<BlobStore> {
  await runMigrations(database, { schema: 'blobs', folder: new URL('./migrations', import.meta.url) });
  const { pool } = database;

  async function inTransaction<T>(
    work: (query: (sql: string, values: unknown[]) => Promise<{ rowCount: number | null }>) => Promise<T>,
  ): Promise<T> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const result = await work((sql, values) => client.query(sql, values));
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }

  return {
    async put(bytes, owner) {
      const digest = sha256(bytes);
      await inTransaction(async (query) => {
        // `do update` locks the row, so that a release at the same time cannot delete it under the new reference.
        await query('insert into blobs.blobs (digest, bytes) values ($1, $2) on conflict (digest) do update set digest = excluded.digest', [
          digest,
          Buffer.from(bytes),
        ]);
        await query('insert into blobs.references (digest, owner) values ($1, $2) on conflict do nothing', [digest, owner]);
      });
      return digest;
    },
    async get(digest) {
      const { rows } = await pool.query<{ bytes: Buffer }>('select bytes from blobs.blobs where digest = $1', [digest]);
      const bytes = rows[0]?.bytes;
      if (bytes === undefined) throw missing(digest);
      const found = sha256(bytes);
      if (found !== digest) throw new CodedError('DIGEST_MISMATCH', `the stored bytes of ${digest} have the digest ${found}`);
      return bytes;
    },
    async reference(digest, owner) {
      await inTransaction(async (query) => {
        const { rowCount } = await query('select 1 from blobs.blobs where digest = $1 for update', [digest]);
        if (rowCount === 0) throw missing(digest);
        await query('insert into blobs.references (digest, owner) values ($1, $2) on conflict do nothing', [digest, owner]);
      });
    },
    async release(digest, owner) {
      await inTransaction(async (query) => {
        await query('select 1 from blobs.blobs where digest = $1 for update', [digest]);
        await query('delete from blobs.references where digest = $1 and owner = $2', [digest, owner]);
        await query(
          'delete from blobs.blobs b where digest = $1 and not exists (select 1 from blobs.references r where r.digest = b.digest)',
          [digest],
        );
      });
    },
  };
}

function missing(digest: string): CodedError {
  return new CodedError('NOT_FOUND', `no blob with the digest ${digest}`);
}
