// LISTEN on PostgreSQL over a connection of its own, opened again when it breaks; and NOTIFY. PGlite has one process only: there messages
// go from function to function.
import pg from 'pg';
import type { Logger } from '../logger.js';
import type { Database } from './open-database.js';

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;

/** Of databases in this process, by channel. */
const local = new WeakMap<pg.Pool, Map<string, Set<(message: string) => void>>>();

/** Tells every process that listens. @throws what the database does */
export async function notifyAll({ pool, kind }: Database, channel: string, message: string): Promise<void> {
  if (kind === 'postgres') return void (await pool.query('select pg_notify($1, $2)', [channel, message]));
  for (const listener of local.get(pool)?.get(channel) ?? []) listener(message);
}

function listenHere(pool: pg.Pool, channel: string, onMessage: (message: string) => void): () => void {
  const channels = local.get(pool) ?? new Map<string, Set<(message: string) => void>>();
  local.set(pool, channels);
  const listeners = channels.get(channel) ?? new Set();
  channels.set(channel, listeners);
  // A function of its own: one listener may listen twice.
  const listener = (message: string): void => onMessage(message);
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/**
 * Calls `onMessage` for each message on `channel`, and with null after each connection to PostgreSQL, since messages may have been missed.
 *
 * @returns how to stop
 */
export function listenTo({ pool, kind }: Database, channel: string, onMessage: (message: string | null) => void, log: Logger): () => void {
  if (kind !== 'postgres') return listenHere(pool, channel, onMessage);
  let client: pg.Client | undefined;
  let retryMs = FIRST_RETRY_MS;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  async function connect(): Promise<void> {
    const opened = new pg.Client({ ...pool.options, keepAlive: true });
    client = opened;
    let isLost = false;
    const lose = (error?: Error): void => {
      if (isLost || isStopped) return;
      isLost = true;
      log.debug({ err: error, channel }, 'listening connection lost');
      opened.end().catch(() => undefined);
      timer = setTimeout(() => void connect(), retryMs);
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    };
    opened.on('error', lose);
    opened.on('end', () => lose());
    opened.on('notification', ({ payload }) => onMessage(payload ?? ''));
    try {
      await opened.connect();
      await opened.query(`listen ${pg.escapeIdentifier(channel)}`);
      retryMs = FIRST_RETRY_MS;
      onMessage(null);
    } catch (error) {
      lose(error as Error);
    }
  }

  void connect();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    client?.end().catch(() => undefined);
  };
}
