// Content-addressed bytes: named by their SHA-256, stored once, kept while somebody holds a reference.
// B1. A stream is stored in parts, one in memory at a time; until its end has come and its digest is known, nobody can find it.
// B2. A stream that breaks off leaves nothing. What a process that was killed left is swept by later streams.
import { createHash, randomUUID } from 'node:crypto';
import { CodedError } from '#schema/contracts/errors';
import { runMigrations } from './database/migrations.js';
import type { Database } from './database/open-database.js';

/** Of a stored stream; a stream of one part is stored like bytes. */
const PART_BYTES = 1024 * 1024;
const SWEPT_AT_ONCE = 10;

export interface BlobStore {
  /** Stores the bytes and takes a reference for `owner`; repeating it changes nothing. @returns hex SHA-256 */
  put(bytes: Uint8Array, owner: string): Promise<string>;
  /**
   * As {@link put}, for bytes that are too many to hold.
   *
   * @param expected - hex SHA-256 that the bytes must have; null = any
   * @throws REQUEST_TOO_LARGE as soon as more than `maxBytes` have come, DIGEST_MISMATCH, whatever the source throws; then nothing is stored
   */
  putStream(
    source: AsyncIterable<Uint8Array>,
    owner: string,
    limits: { maxBytes: number; expected: string | null },
  ): Promise<{ digest: string; size: number }>;
  /** @throws NOT_FOUND; DIGEST_MISMATCH when what is stored is not what was put */
  get(digest: string): Promise<Buffer>;
  /** The bytes in parts. @throws as {@link get}, but a mismatch only when all has been read */
  read(digest: string): AsyncIterable<Buffer>;
  /** @throws NOT_FOUND */
  reference(digest: string, owner: string): Promise<void>;
  /** The last reference to leave deletes the bytes; releasing twice changes nothing. */
  release(digest: string, owner: string): Promise<void>;
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

type Query = (sql: string, values: unknown[]) => Promise<{ rowCount: number | null; rows: Record<string, unknown>[] }>;

export async function createBlobStore(database: Database): Promise<BlobStore> {
  await runMigrations(database, { schema: 'blobs', folder: new URL('./migrations', import.meta.url) });
  const { pool } = database;

  async function inTransaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const result = await work((sql, values) => client.query<Record<string, unknown>>(sql, values));
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }

  async function put(bytes: Uint8Array, owner: string): Promise<string> {
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
  }

  /** The parts become a blob, or make way for an equal one that is there. */
  async function finishParts(parts: string, digest: string, owner: string): Promise<void> {
    await inTransaction(async (query) => {
      const { rows } = await query(
        'insert into blobs.blobs (digest, parts) values ($1, $2) on conflict (digest) do update set digest = excluded.digest returning parts',
        [digest, parts],
      );
      await query('insert into blobs.references (digest, owner) values ($1, $2) on conflict do nothing', [digest, owner]);
      if (rows[0]?.['parts'] !== parts) await query('delete from blobs.parts where id = $1', [parts]);
      await query('delete from blobs.drafts where id = $1', [parts]);
    });
  }

  async function dropDraft(id: string): Promise<void> {
    await inTransaction(async (query) => {
      await query('delete from blobs.parts where id = $1', [id]);
      await query('delete from blobs.drafts where id = $1', [id]);
    });
  }

  async function sweepDrafts(): Promise<void> {
    const { rows } = await pool.query<{ id: string }>(
      `select id from blobs.drafts where touched_at < now() - interval '1 hour' limit ${SWEPT_AT_ONCE}`,
    );
    for (const { id } of rows) await dropDraft(id);
  }

  async function* read(digest: string): AsyncIterable<Buffer> {
    const { rows } = await pool.query<{ bytes: Buffer | null; parts: string | null }>(
      'select bytes, parts from blobs.blobs where digest = $1',
      [digest],
    );
    const [blob] = rows;
    if (blob === undefined) throw missing(digest);
    const hash = createHash('sha256');
    if (blob.bytes !== null) {
      hash.update(blob.bytes);
      yield blob.bytes;
    } else {
      for (let n = 0; ; n++) {
        const found = await pool.query<{ bytes: Buffer }>('select bytes from blobs.parts where id = $1 and n = $2', [blob.parts, n]);
        const part = found.rows[0]?.bytes;
        if (part === undefined) break;
        hash.update(part);
        yield part;
      }
    }
    const found = hash.digest('hex');
    if (found !== digest) throw new CodedError('DIGEST_MISMATCH', `the stored bytes of ${digest} have the digest ${found}`);
  }

  return {
    put,
    read,
    async putStream(source, owner, { maxBytes, expected }) {
      const id = randomUUID();
      const hash = createHash('sha256');
      let size = 0;
      let stored = 0;
      let waiting: Uint8Array[] = [];
      let waitingBytes = 0;

      async function storePart(): Promise<void> {
        if (stored === 0) {
          await sweepDrafts();
          await pool.query('insert into blobs.drafts (id) values ($1)', [id]);
        }
        await pool.query('insert into blobs.parts (id, n, bytes) values ($1, $2, $3)', [id, stored, Buffer.concat(waiting)]);
        await pool.query('update blobs.drafts set touched_at = now() where id = $1', [id]);
        stored += 1;
        waiting = [];
        waitingBytes = 0;
      }

      function checkDigest(): string {
        const digest = hash.digest('hex');
        if (expected === null || expected === digest) return digest;
        throw new CodedError('DIGEST_MISMATCH', `the bytes have the SHA-256 ${digest}, ${expected} was announced`);
      }

      try {
        for await (const chunk of source) {
          size += chunk.length;
          if (size > maxBytes) throw new CodedError('REQUEST_TOO_LARGE', `expected at most ${maxBytes} bytes`);
          hash.update(chunk);
          waiting.push(chunk);
          waitingBytes += chunk.length;
          if (waitingBytes >= PART_BYTES) await storePart();
        }
        const digest = checkDigest();
        if (stored === 0) return { digest: await put(Buffer.concat(waiting), owner), size };
        if (waitingBytes > 0) await storePart();
        await finishParts(id, digest, owner);
        return { digest, size };
      } catch (error) {
        // When that fails too, it is swept; what went wrong first is what the caller hears.
        if (stored > 0) await dropDraft(id).catch(() => undefined);
        throw error;
      }
    },
    async get(digest) {
      const parts: Buffer[] = [];
      for await (const part of read(digest)) parts.push(part);
      return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
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
        const { rows } = await query(
          'delete from blobs.blobs b where digest = $1 and not exists (select 1 from blobs.references r where r.digest = b.digest) returning parts',
          [digest],
        );
        const parts = rows[0]?.['parts'];
        if (typeof parts === 'string') await query('delete from blobs.parts where id = $1', [parts]);
      });
    },
  };
}

function missing(digest: string): CodedError {
  return new CodedError('NOT_FOUND', `no blob with the digest ${digest}`);
}
