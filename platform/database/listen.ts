// LISTEN on PostgreSQL over a connection of its own, opened again when it breaks.
import pg from 'pg';
import type { Logger } from '../logger.js';
import type { Database } from './open-database.js';

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;

/**
 * Calls `onMessage` for each NOTIFY on `channel`, and once after each reconnection, since messages may have been missed. PGlite has one
 * process only and nobody else to hear from: there it does nothing.
 *
 * @returns how to stop
 */
export function listenTo({ pool, kind }: Database, channel: string, onMessage: () => void, log: Logger): () => void {
  if (kind !== 'postgres') return () => undefined;
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
    opened.on('notification', onMessage);
    try {
      await opened.connect();
      await opened.query(`listen ${pg.escapeIdentifier(channel)}`);
      retryMs = FIRST_RETRY_MS;
      onMessage();
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
