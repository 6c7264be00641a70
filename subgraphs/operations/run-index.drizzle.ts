import { setTimeout as sleep } from 'node:timers/promises';
import { and, desc, eq, isNull, lt, or, sql } from 'drizzle-orm';
import { boolean, pgSchema, text, timestamp } from 'drizzle-orm/pg-core';
import { runMigrations } from '#platform/database/migrations';
import type { Database } from '#platform/database/open-database';
import type { Logger } from '#platform/logger';
import {
  type NotedRun,
  type OperationKindName,
  type OperationSnapshot,
  type OperationStatus,
  TERMINAL_STATUSES,
} from '#schema/contracts/operations';
import { createDrizzle } from '../shared/drizzle.js';
import type { IndexedRun, RunIndex } from './run-index.js';

/** Rows of one statement. */
const AT_ONCE = 200;
/** Beyond this the database does not keep up: what is not noted is found in Temporal's list. */
const MAX_WAITING = 5_000;
/** How long the answer to a start waits for a database that does not answer. */
const NOTE_TIMEOUT_MS = 1_000;
/** Of an ended run, where Temporal does not tell how long it keeps one. */
const KEPT_WHERE_UNKNOWN_MS = 30 * 24 * 3600 * 1000;

const schema = pgSchema('operations');
const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'string', precision: 3 });
const runs = schema.table('runs', {
  id: text('id').primaryKey(),
  workflowId: text('workflow_id').notNull(),
  runId: text('run_id').notNull(),
  workflowType: text('workflow_type').notNull(),
  kind: text('kind').$type<OperationKindName>().notNull(),
  title: text('title').notNull(),
  tenantId: text('tenant_id').notNull(),
  startedBy: text('started_by').notNull(),
  plugin: text('plugin'),
  recovers: text('recovers'),
  isRecoverable: boolean('is_recoverable').notNull(),
  listedAt: time('listed_at').notNull(),
  createdAt: time('created_at'),
  status: text('status').$type<OperationStatus>(),
  closedAt: time('closed_at'),
  expiresAt: time('expires_at'),
});
const followed = schema.table('followed', { source: text('source').primaryKey(), until: time('until').notNull() });
const VISIBILITY = 'visibility';

export async function createRunIndex(database: Database, log: Logger): Promise<RunIndex> {
  await runMigrations(database, { schema: 'operations', folder: new URL('./migrations', import.meta.url) });
  const db = createDrizzle(database);
  let waiting: { run: NotedRun; done: () => void }[] = [];
  let isWriting = false;

  /** One statement at a time: what comes meanwhile goes into the next one. */
  async function writeNoted(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) {
      const batch = waiting.slice(0, AT_ONCE);
      waiting = waiting.slice(AT_ONCE);
      try {
        const rows = batch.map(({ run }) => ({ ...toColumns(run), listedAt: run.at }));
        await db.insert(runs).values(rows).onConflictDoNothing();
      } catch (error) {
        log.warn({ err: error, runs: batch.length }, 'started runs are not listed until Temporal lists them');
      }
      for (const { done } of batch) done();
    }
    isWriting = false;
  }

  return {
    async note(run) {
      if (waiting.length >= MAX_WAITING) return;
      const noted = new Promise<void>((done) => waiting.push({ run, done }));
      if (!isWriting) void writeNoted();
      const gaveUp = new AbortController();
      await Promise.race([noted, sleep(NOTE_TIMEOUT_MS, undefined, { signal: gaveUp.signal, ref: false }).catch(() => undefined)]);
      gaveUp.abort();
    },
    async record(operations) {
      for (let from = 0; from < operations.length; from += AT_ONCE) {
        const rows = operations.slice(from, from + AT_ONCE).map(toRow);
        // A run that cannot be decoded has no starter: what is known of it stays.
        const unlessUnknown = (column: 'title' | 'started_by') =>
          sql.raw(`case when excluded.started_by = '' then runs.${column} else excluded.${column} end`);
        await db
          .insert(runs)
          .values([...new Map(rows.map((row) => [row.id, row])).values()])
          .onConflictDoUpdate({
            target: runs.id,
            set: {
              runId: sql`excluded.run_id`,
              createdAt: sql`excluded.created_at`,
              status: sql`excluded.status`,
              closedAt: sql`excluded.closed_at`,
              expiresAt: sql`excluded.expires_at`,
              title: unlessUnknown('title'),
              startedBy: unlessUnknown('started_by'),
            },
            setWhere: sql`${runs.closedAt} is null or ${runs.startedBy} = ''`,
          });
      }
    },
    async list({ tenant, startedBy, kind, plugin, status, after, limit }) {
      const rows = await db
        .select()
        .from(runs)
        .where(
          and(
            tenant === null ? undefined : eq(runs.tenantId, tenant),
            startedBy === null ? undefined : eq(runs.startedBy, startedBy),
            kind === undefined ? undefined : eq(runs.kind, kind),
            plugin === undefined ? undefined : eq(runs.plugin, plugin),
            status === undefined
              ? undefined
              : TERMINAL_STATUSES.includes(status)
                ? or(isNull(runs.closedAt), eq(runs.status, status))
                : isNull(runs.closedAt),
            after === null ? undefined : sql`(${runs.listedAt}, ${runs.id}) < (${after.at}::timestamptz, ${after.id})`,
          ),
        )
        .orderBy(desc(runs.listedAt), desc(runs.id))
        .limit(limit);
      return rows.map(toIndexedRun);
    },
    async remove(id) {
      await db.delete(runs).where(eq(runs.id, id));
    },
    async removeExpired(now) {
      await db.delete(runs).where(lt(runs.expiresAt, now.toISOString()));
    },
    async readFollowed() {
      const [row] = await db.select().from(followed).where(eq(followed.source, VISIBILITY));
      return row === undefined ? null : new Date(row.until).toISOString();
    },
    async writeFollowed(until) {
      await db
        .insert(followed)
        .values({ source: VISIBILITY, until })
        .onConflictDoUpdate({ target: followed.source, set: { until: sql`greatest(excluded.until, ${followed.until})` } });
    },
  };
}

function toColumns({ id, workflowId, runId, workflowType, facts }: Omit<NotedRun, 'at'>) {
  const { kind, title, tenant, startedBy, plugin = null, recovers = null, isRecoverable = false } = facts;
  return { id, workflowId, runId, workflowType, kind, title, tenantId: tenant, startedBy, plugin, recovers, isRecoverable };
}

function toRow(operation: OperationSnapshot) {
  const { createdAt, status, closedAt, expiresAt } = operation;
  const lastsUntil = closedAt === null ? null : (expiresAt ?? new Date(Date.parse(closedAt) + KEPT_WHERE_UNKNOWN_MS).toISOString());
  return { ...toColumns(operation), listedAt: createdAt, createdAt, status, closedAt, expiresAt: lastsUntil };
}

function toIndexedRun(row: typeof runs.$inferSelect): IndexedRun {
  const { id, workflowId, runId, workflowType, kind, title, tenantId, startedBy, plugin, recovers, isRecoverable } = row;
  const listedAt = new Date(row.listedAt).toISOString();
  const toTime = (value: string | null): string | null => (value === null ? null : new Date(value).toISOString());
  return {
    key: { at: listedAt, id },
    operation: {
      id,
      workflowId,
      runId,
      workflowType,
      facts: {
        kind,
        title,
        tenant: tenantId,
        startedBy,
        ...(plugin === null ? {} : { plugin }),
        ...(recovers === null ? {} : { recovers }),
        ...(isRecoverable ? { isRecoverable } : {}),
      },
      status: row.status ?? 'WORKING',
      createdAt: toTime(row.createdAt) ?? listedAt,
      closedAt: toTime(row.closedAt),
      expiresAt: toTime(row.expiresAt),
      result: null,
      failure: null,
    },
  };
}
