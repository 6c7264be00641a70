// For processes that share a database: what a gateway seals, any worker opens.
import { CodedError } from '#schema/contracts/errors';
import { runMigrations } from '#platform/database/migrations';
import type { Database } from '#platform/database/open-database';
import type { ClaimStore } from './header-claims.js';

const TIDY_EVERY_MS = 60_000;

interface Row {
  key_id: string;
  sealed: Buffer;
  ends_at_ms: string;
}

/** Applies its migrations first. @throws DATABASE_UNAVAILABLE */
export async function createDatabaseClaimStore(database: Database, { now = Date.now } = {}): Promise<ClaimStore> {
  await guard(runMigrations(database, { schema: 'fetching', folder: new URL('./migrations', import.meta.url) }));
  const { pool } = database;
  let tidiedAtMs = now();

  async function tidy(): Promise<void> {
    if (now() - tidiedAtMs < TIDY_EVERY_MS) return;
    tidiedAtMs = now();
    await pool.query('delete from fetching.header_claims where ends_at_ms <= $1', [now()]);
  }

  return {
    put: (ref, { keyId, sealed, endsAtMs }) =>
      guard(
        (async () => {
          await tidy();
          const values = [ref, keyId, sealed, endsAtMs];
          await pool.query('insert into fetching.header_claims (ref, key_id, sealed, ends_at_ms) values ($1, $2, $3, $4)', values);
        })(),
      ),
    get: (ref) =>
      guard(
        (async () => {
          const text = 'select key_id, sealed, ends_at_ms from fetching.header_claims where ref = $1 and ends_at_ms > $2';
          const { rows } = await pool.query<Row>(text, [ref, now()]);
          const [row] = rows;
          return row === undefined ? undefined : { keyId: row.key_id, sealed: row.sealed, endsAtMs: Number(row.ends_at_ms) };
        })(),
      ),
  };
}

async function guard<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw new CodedError('DATABASE_UNAVAILABLE', 'sealed headers cannot be kept or read', { cause });
  }
}
