// The one database of a deployment: PostgreSQL, or PGlite in a thread behind a Unix socket. One driver (`pg`) for both.
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { CodedError } from '#schema/contracts/errors';
import type { Logger } from '../logger.js';
import { keepRunning, type Mortal } from '../keep-running.js';
import { createThreadClient, startThread } from '../threads.js';
import { lockFolder } from './folder-lock.js';
import type { PgliteMethods } from './pglite-thread.js';

const OPEN_TIMEOUT_MS = 30_000;
const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 30_000;

export interface Database {
  /**
   * With PGlite it holds one connection, so a query on the pool inside a transaction waits for ever: use the
   * transaction's own client.
   */
  pool: pg.Pool;
  kind: 'pglite' | 'postgres';
  close(): Promise<void>;
}

/**
 * @param options.url - PostgreSQL's address; null = PGlite in `<dataDir>/database`
 * @throws DATABASE_UNAVAILABLE, DATA_LOCKED
 */
export async function openDatabase(options: {
  url: string | null;
  dataDir: string;
  /** The caller holds the folder's lock already. */
  isLocked?: boolean;
  log: Logger;
  /** Told when the embedded one keeps ending and is not started again. */
  giveUp?: (reason: unknown) => void;
}): Promise<Database> {
  return options.url === null ? openPglite(options) : openPostgres(options.url, options.log);
}

async function openPostgres(url: string, log: Logger): Promise<Database> {
  const pool = createPool({ connectionString: url, max: 10 }, log);
  await assertAnswers(pool);
  return { pool, kind: 'postgres', close: () => pool.end() };
}

async function openPglite({ dataDir, isLocked = false, log, giveUp }: Omit<Parameters<typeof openDatabase>[0], 'url'>): Promise<Database> {
  const lock = isLocked ? undefined : await lockFolder(dataDir);
  // A Unix socket's path may have 107 characters at most, which a data folder's own path can exceed.
  const socketFolder = await mkdtemp(join(tmpdir(), 'sluice-db-'));
  const socket = join(socketFolder, '.s.PGSQL.5432');
  const folder = join(dataDir, 'database');
  // The pool opens its connection again: statements that were under way when the thread ended fail as those of a server that went away.
  const thread = keepRunning({ name: 'the embedded database', start: () => startPglite({ folder, socket }), log, giveUp });
  const release = async (): Promise<void> => {
    await thread.close();
    await rm(socketFolder, { recursive: true, force: true });
    await lock?.release();
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await thread.current();
    const pool = createPool({ host: socketFolder, port: 5432, user: 'postgres', database: 'postgres', max: 1 }, log);
    await assertAnswers(pool);
    return {
      pool,
      kind: 'pglite',
      close: async () => {
        await pool.end();
        await release();
      },
    };
  } catch (cause) {
    await release();
    throw cause instanceof CodedError && cause.code !== 'INTERNAL_SERVER_ERROR' && cause.code !== 'PART_LOST'
      ? cause
      : new CodedError('DATABASE_UNAVAILABLE', `the embedded database in ${dataDir} could not be opened`, { cause });
  }
}

async function startPglite(at: { folder: string; socket: string }): Promise<Mortal> {
  // Of a thread that ended without closing it.
  await rm(at.socket, { force: true });
  const thread = createThreadClient<PgliteMethods>(startThread(new URL('./pglite-thread.js', import.meta.url)));
  try {
    await thread.call('open', at, OPEN_TIMEOUT_MS);
  } catch (error) {
    await thread.close();
    throw error;
  }
  return { ended: thread.ended, close: () => thread.call('close', null, OPEN_TIMEOUT_MS).finally(() => thread.close()) };
}

function createPool(config: pg.PoolConfig, log: Logger): pg.Pool {
  const pool = new pg.Pool({
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS,
    ...config,
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'idle database connection lost'));
  // Nor may one that breaks between two statements of whoever holds it: the next statement fails, which is enough.
  pool.on('connect', (client) => client.on('error', (error) => log.debug({ err: error }, 'database connection lost')));
  return pool;
}

async function assertAnswers(pool: pg.Pool): Promise<void> {
  try {
    await pool.query('select 1');
  } catch (cause) {
    await pool.end();
    const { code } = cause as { code?: string };
    throw new CodedError(
      'DATABASE_UNAVAILABLE',
      `the database does not answer (${code ?? 'no connection'}): check DATABASE_URL and that PostgreSQL runs`,
      { cause },
    );
  }
}
