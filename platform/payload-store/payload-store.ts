// Where large payloads of runs lie, so that histories hold their digests only. Content-addressed; what lies here is encrypted already.
// L1. A payload is kept as long as a history may name it: every store and every read puts its end off again.
// L2. Nothing else cleans up: each write takes some of what has expired with it.
import type { Payload } from '@temporalio/common';
import { ExternalStorage, type StorageDriver, StorageDriverClaim } from '@temporalio/common';
import proto from '@temporalio/proto';
import { CodedError } from '#schema/contracts/errors';
import { sha256 } from '../blob-store.js';
import { runMigrations } from '../database/migrations.js';
import type { Database } from '../database/open-database.js';

/** Larger payloads leave the history: a workflow task's results travel together in one message of 4 MB. */
const THRESHOLD_BYTES = 64 * 1024;
/** Taken away by one write at most. */
const SWEPT = 20;
const DRIVER_NAME = 'sluice-database';
const PayloadMessage = proto.temporal.api.common.v1.Payload;

export interface PayloadStore {
  /** @returns hex SHA-256 */
  put(bytes: Uint8Array): Promise<string>;
  /** @throws NOT_FOUND when it has expired; DIGEST_MISMATCH when what lies there is not what was put */
  get(digest: string): Promise<Buffer>;
}

/** @param options.keepMs - after the last use; at least the longest run and the namespace's retention together */
export async function createPayloadStore(database: Database, options: { keepMs: number; now?: () => number }): Promise<PayloadStore> {
  const { keepMs, now = Date.now } = options;
  await runMigrations(database, { schema: 'payloads', folder: new URL('./migrations', import.meta.url) });
  const { pool } = database;
  const end = (): Date => new Date(now() + keepMs);

  return {
    async put(bytes) {
      const digest = sha256(bytes);
      await pool.query(
        `insert into payloads.payloads (digest, bytes, expires_at) values ($1, $2, $3)
         on conflict (digest) do update set expires_at = greatest(payloads.expires_at, excluded.expires_at)`,
        [digest, Buffer.from(bytes), end()],
      );
      await pool.query(
        `delete from payloads.payloads where digest in
           (select digest from payloads.payloads where expires_at < $1 order by expires_at limit ${SWEPT} for update skip locked)`,
        [new Date(now())],
      );
      return digest;
    },
    async get(digest) {
      const { rows } = await pool.query<{ bytes: Buffer; expires_at: Date }>(
        'select bytes, expires_at from payloads.payloads where digest = $1',
        [digest],
      );
      const [row] = rows;
      if (row === undefined) throw new CodedError('NOT_FOUND', 'a payload of the run is not kept any more');
      if (sha256(row.bytes) !== digest) throw new CodedError('DIGEST_MISMATCH', 'a payload of the run is not what was stored');
      // Once in half its time is enough: reads stay reads.
      if (row.expires_at.getTime() - now() < keepMs / 2)
        await pool.query('update payloads.payloads set expires_at = $2 where digest = $1', [digest, end()]);
      return row.bytes;
    },
  };
}

/**
 * For a data converter, on clients and workers alike.
 *
 * @param open - called with the first large payload, and again after it failed
 */
export function createExternalStorage(open: () => Promise<PayloadStore>): ExternalStorage {
  async function withStore<T>(work: (store: PayloadStore) => Promise<T>): Promise<T> {
    try {
      return await work(await open());
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw new CodedError('DATABASE_UNAVAILABLE', 'the store of large payloads does not answer', { cause: error });
    }
  }
  const driver: StorageDriver = {
    name: DRIVER_NAME,
    type: 'sluice.database',
    store: (_, payloads) =>
      withStore((store) =>
        Promise.all(
          payloads.map(async (payload) => new StorageDriverClaim({ digest: await store.put(PayloadMessage.encode(payload).finish()) })),
        ),
      ),
    retrieve: (_, claims) =>
      withStore((store) =>
        Promise.all(
          claims.map(async ({ claimData }): Promise<Payload> => PayloadMessage.decode(await store.get(claimData['digest'] ?? ''))),
        ),
      ),
  };
  return new ExternalStorage({ drivers: [driver], payloadSizeThreshold: THRESHOLD_BYTES });
}
