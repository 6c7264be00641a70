import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { Database } from '#platform/database/open-database';

export type Drizzle = NodePgDatabase;
/** Inside a transaction only this may be used: with PGlite there is no second connection. */
export type Transaction = Parameters<Parameters<Drizzle['transaction']>[0]>[0];

export function createDrizzle(database: Database): Drizzle {
  return drizzle({ client: database.pool });
}
