import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import type { Database } from './open-database.js';

/** Any number that nobody else locks: processes that start at once migrate one after the other. */
const MIGRATION_LOCK = 7_235_411;

/** Applies the committed SQL files of `folder` that are not yet in `schema`'s own journal. Forward only. */
export async function runMigrations(database: Database, options: { schema: string; folder: URL }): Promise<void> {
  const client = await database.pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await migrate(drizzle({ client }), {
      migrationsFolder: fileURLToPath(options.folder),
      migrationsSchema: options.schema,
      migrationsTable: 'schema_migrations',
    });
  } finally {
    await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]).finally(() => client.release());
  }
}
