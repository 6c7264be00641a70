// Lets the store tests run on PostgreSQL: platform/tests/database.ts reads TEST_DATABASE_URL.
import { startPostgres } from './postgres.js';

export default async function setup(): Promise<() => Promise<void>> {
  if (process.env['TEST_DATABASE_URL'] !== undefined) return () => Promise.resolve();
  const postgres = await startPostgres();
  process.env['TEST_DATABASE_URL'] = postgres.url;
  return async () => {
    delete process.env['TEST_DATABASE_URL'];
    await postgres.stop();
  };
}
