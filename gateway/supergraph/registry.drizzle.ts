// The registry in the database: what every gateway, worker and plugin host of a deployment agrees on.
// Generations are immutable, so those read once are kept; only the newest number is asked for again and again.
import { desc, eq, gt, max, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { CodedError } from '#schema/contracts/errors';
import type { Generation, SupergraphRegistry } from '#schema/contracts/supergraph';
import { listenTo } from '#platform/database/listen';
import { runMigrations } from '#platform/database/migrations';
import type { Database } from '#platform/database/open-database';
import type { Logger } from '#platform/logger';
import { addresses, generations, serving } from './registry.schema.js';

const SEEN_WITHIN = sql`now() - interval '5 seconds'`;
const MAX_KNOWN = 8;
const CHANNEL = 'sluice_supergraph';

const columns = {
  number: generations.number,
  digest: generations.digest,
  supergraphSdl: generations.supergraphSdl,
  services: generations.services,
  changes: generations.changes,
};

/** Applies its migrations first. @throws DATABASE_UNAVAILABLE */
export async function createDatabaseRegistry(database: Database, log: Logger): Promise<SupergraphRegistry> {
  await guard(runMigrations(database, { schema: 'supergraph', folder: new URL('./migrations', import.meta.url) }));
  const db = drizzle({ client: database.pool });
  const known = new Map<number, Generation>();
  const watchers = new Set<() => void>();
  const tellWatchers = (): void => watchers.forEach((wake) => wake());
  let stopListening: (() => void) | undefined;

  function remember(generation: Generation | undefined): Generation | undefined {
    if (generation === undefined) return undefined;
    known.set(generation.number, generation);
    for (const oldest of known.keys()) {
      if (known.size <= MAX_KNOWN) break;
      known.delete(oldest);
    }
    return generation;
  }

  async function get(number: number): Promise<Generation | undefined> {
    const [row] = known.has(number)
      ? [known.get(number)]
      : await guard(db.select(columns).from(generations).where(eq(generations.number, number)));
    return remember(row);
  }

  return {
    get,
    async newest() {
      const [row] = await guard(db.select({ number: max(generations.number) }).from(generations));
      return row?.number == null ? undefined : get(row.number);
    },
    async publish(next, requestId) {
      const written = await guard(
        db
          .insert(generations)
          .values({ ...next, requestId })
          .onConflictDoNothing()
          .returning({ number: generations.number }),
      );
      if (written.length === 0)
        throw new CodedError('GENERATION_CONFLICT', `generation ${next.number} or its request was published already`);
      tellWatchers();
      // Others notice by looking, too: a message that is lost costs a second.
      if (database.kind === 'postgres') await guard(db.execute(sql`select pg_notify(${CHANNEL}, '')`)).catch(() => undefined);
    },
    async publishedBy(requestId) {
      const [row] = await guard(db.select(columns).from(generations).where(eq(generations.requestId, requestId)));
      return remember(row);
    },
    async addresses() {
      return new Map((await guard(db.select().from(addresses))).map(({ host, url }) => [host, url]));
    },
    async setAddress(host, url) {
      const set = { url: url.replace(/\/$/, ''), updatedAt: sql`now()` };
      await guard(
        db
          .insert(addresses)
          .values({ host, ...set })
          .onConflictDoUpdate({ target: addresses.host, set }),
      );
    },
    async recordServing({ instance, role, number }) {
      const set = { role, number, seenAt: sql`now()` };
      await guard(
        db
          .insert(serving)
          .values({ instance, ...set })
          .onConflictDoUpdate({ target: serving.instance, set }),
      );
    },
    async forgetServing(instance) {
      await guard(db.delete(serving).where(eq(serving.instance, instance)));
    },
    watch(wake) {
      // A function of its own: one watcher may watch twice.
      const watcher = (): void => wake();
      watchers.add(watcher);
      stopListening ??= listenTo(database, CHANNEL, tellWatchers, log);
      return () => {
        watchers.delete(watcher);
        if (watchers.size > 0) return;
        stopListening?.();
        stopListening = undefined;
      };
    },
    async serving() {
      const rows = await guard(db.select().from(serving).where(gt(serving.seenAt, SEEN_WITHIN)).orderBy(desc(serving.number)));
      return rows.map(({ instance, role, number, seenAt }) => ({ instance, role, number, seenAtMs: seenAt.getTime() }));
    },
  };
}

/** An error that the server answered with is a defect and stays itself; anything else means that it did not answer. */
async function guard<T>(query: PromiseLike<T>): Promise<T> {
  try {
    return await query;
  } catch (error) {
    if (sqlStateOf(error) !== undefined) throw error;
    throw new CodedError('DATABASE_UNAVAILABLE', 'the database does not answer', { cause: error });
  }
}

/** Drizzle wraps the driver's error. Codes of the network (`EPIPE`), of connections (class 08) and of shutdowns (57) are no answers. */
function sqlStateOf(error: unknown): string | undefined {
  const code = ((error as { cause?: unknown }).cause as { code?: unknown } | undefined)?.code ?? (error as { code?: unknown }).code;
  return typeof code === 'string' && /^(?!57|08|E)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
