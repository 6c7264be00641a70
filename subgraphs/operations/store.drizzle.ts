import { createHash } from 'node:crypto';
import { and, asc, desc, eq, inArray, ne, sql } from 'drizzle-orm';
import { bigint, integer, pgSchema, text, timestamp } from 'drizzle-orm/pg-core';
import { runMigrations } from '#platform/database/migrations';
import type { Database } from '#platform/database/open-database';
import { createDrizzle } from '../shared/drizzle.js';
import { behind, newestFirst } from '../shared/page-sql.js';
import type { AuditEntry, OperationStore } from './store.js';

/** Entries are chained one after the other. Any number that nobody else locks. */
const AUDIT_LOCK = 7_235_412;
const VERIFIED_AT_ONCE = 1_000;

const schema = pgSchema('operations');
const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' }).notNull();
const attention = schema.table('attention', {
  operationId: text('operation_id').primaryKey(),
  recoveryId: text('recovery_id').notNull(),
  tenantId: text('tenant_id').notNull(),
  startedBy: text('started_by').notNull(),
  state: text('state').notNull(),
  version: integer('version').notNull(),
  openedAt: time('opened_at'),
  updatedAt: time('updated_at'),
});
const audit = schema.table('audit', {
  number: bigint('number', { mode: 'number' }).primaryKey(),
  at: text('at').notNull(),
  actor: text('actor').notNull(),
  tenantId: text('tenant_id').notNull(),
  action: text('action').notNull(),
  object: text('object').notNull(),
  hash: text('hash').notNull(),
});

export async function createOperationStore(database: Database): Promise<OperationStore> {
  await runMigrations(database, { schema: 'operations', folder: new URL('./migrations', import.meta.url) });
  const db = createDrizzle(database);

  return {
    async recordAttention({ operationId, recoveryId, tenant, startedBy, state, version, at }) {
      await db
        .insert(attention)
        .values({ operationId, recoveryId, tenantId: tenant, startedBy, state, version, openedAt: at, updatedAt: at })
        .onConflictDoUpdate({
          target: attention.operationId,
          set: { state, version, updatedAt: at },
          setWhere: sql`${attention.version} < ${version}`,
        });
    },
    async listAttention({ tenant, startedBy, after, limit }) {
      const rows = await db
        .select({ operationId: attention.operationId, recoveryId: attention.recoveryId, openedAt: attention.openedAt })
        .from(attention)
        .where(
          and(
            ne(attention.state, 'RESOLVED'),
            tenant === null ? undefined : eq(attention.tenantId, tenant),
            startedBy === null ? undefined : eq(attention.startedBy, startedBy),
            behind(attention.openedAt, attention.recoveryId, { after, limit }),
          ),
        )
        .orderBy(newestFirst(attention.openedAt, attention.recoveryId))
        .limit(limit);
      return rows.map((row) => ({ ...row, openedAt: new Date(row.openedAt).toISOString() }));
    },
    async findRecoveries(operationIds) {
      if (operationIds.length === 0) return new Map();
      const rows = await db
        .select({ operationId: attention.operationId, recoveryId: attention.recoveryId })
        .from(attention)
        .where(inArray(attention.operationId, [...operationIds]));
      return new Map(rows.map((row) => [row.operationId, row.recoveryId]));
    },
    async audit(entry) {
      await db.transaction(async (tx) => {
        await tx.execute(sql`select pg_advisory_xact_lock(${AUDIT_LOCK})`);
        const [last] = await tx.select({ number: audit.number, hash: audit.hash }).from(audit).orderBy(desc(audit.number)).limit(1);
        const number = (last?.number ?? 0) + 1;
        const at = new Date().toISOString();
        const { actor, tenant, action, object } = entry;
        await tx.insert(audit).values({ number, at, actor, tenantId: tenant, action, object, hash: toHash(last?.hash, number, at, entry) });
      });
    },
    async verifyAudit() {
      let previous: string | undefined;
      for (let number = 1; ; number += VERIFIED_AT_ONCE) {
        const rows = await db
          .select()
          .from(audit)
          .where(sql`${audit.number} >= ${number}`)
          .orderBy(asc(audit.number))
          .limit(VERIFIED_AT_ONCE);
        for (const [index, row] of rows.entries()) {
          const { tenantId: tenant, ...entry } = row;
          if (row.number !== number + index || row.hash !== toHash(previous, row.number, row.at, { ...entry, tenant }))
            return number + index;
          previous = row.hash;
        }
        if (rows.length < VERIFIED_AT_ONCE) return null;
      }
    },
  };
}

function toHash(previous: string | undefined, number: number, at: string, { actor, tenant, action, object }: AuditEntry): string {
  return createHash('sha256')
    .update(JSON.stringify([previous ?? null, number, at, actor, tenant, action, object]))
    .digest('hex');
}
