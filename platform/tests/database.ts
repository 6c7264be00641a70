import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { createLogger } from '../logger.js';
import { openDatabase, type Database } from '../database/open-database.js';

const log = createLogger({ name: 'test', level: 'silent' });

/**
 * An empty database for one test file: on the PostgreSQL of TEST_DATABASE_URL when that is set, else PGlite.
 * The same tests run on both.
 */
export async function openTestDatabase(): Promise<Database> {
  const server = process.env['TEST_DATABASE_URL'];
  if (server !== undefined) {
    const name = `sluice_${randomUUID().replaceAll('-', '')}`;
    await onServer(server, `create database ${name}`);
    const database = await openDatabase({ url: new URL(`/${name}`, server).href, dataDir: '', log });
    return {
      ...database,
      close: async () => {
        await database.close();
        await onServer(server, `drop database ${name} with (force)`);
      },
    };
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  const database = await openDatabase({ url: null, dataDir, log });
  return {
    ...database,
    close: async () => {
      await database.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
