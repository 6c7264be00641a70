import { and, count, eq, getTableColumns, inArray, sql, sum } from 'drizzle-orm';
import { bigint, boolean, integer, pgSchema, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';
import { CodedError } from '#schema/contracts/errors';
import { runMigrations } from '#platform/database/migrations';
import type { Database } from '#platform/database/open-database';
import { createDrizzle } from '../shared/drizzle.js';
import { idempotencyTable, once } from '../shared/once.js';
import { behind, newestFirst } from '../shared/page-sql.js';
import { inOrder, missing, unlessTaken } from '../shared/rows.js';
import type { MemberRow, ReservationRow, TenantRow, TenantStore } from './store.js';

const schema = pgSchema('tenants');
const tenants = schema.table('tenants', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  slug: text('slug').notNull(),
  plan: text('plan').$type<TenantRow['plan']>().notNull(),
  status: text('status').$type<TenantRow['status']>().notNull(),
  locale: text('locale').notNull(),
  timeZone: text('time_zone').notNull(),
  allowPublicLinks: boolean('allow_public_links').notNull(),
  storageQuota: bigint('storage_quota', { mode: 'number' }).notNull(),
  memberQuota: integer('member_quota').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
const members = schema.table('members', {
  id: text('id').primaryKey(),
  tenantId: text('tenant_id').notNull(),
  name: text('name').notNull(),
  email: text('email').notNull(),
  role: text('role').$type<MemberRow['role']>().notNull(),
  joinedAt: timestamp('joined_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
const reservations = schema.table(
  'storage_reservations',
  {
    tenantId: text('tenant_id').notNull(),
    id: text('id').notNull(),
    bytes: bigint('bytes', { mode: 'number' }).notNull(),
    createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.tenantId, table.id] })],
);
const keys = idempotencyTable(schema);

export async function createTenantStore(database: Database): Promise<TenantStore> {
  await runMigrations(database, { schema: 'tenants', folder: new URL('./migrations', import.meta.url) });
  const db = createDrizzle(database);
  const only = (id: string | null) => (id === null ? undefined : eq(tenants.id, id));

  return {
    async findTenants(ids) {
      const rows = await db
        .select()
        .from(tenants)
        .where(inArray(tenants.id, [...ids]));
      return inOrder(ids, rows);
    },
    async findMembers(ids) {
      const rows = await db
        .select()
        .from(members)
        .where(inArray(members.id, [...ids]));
      return inOrder(ids, rows);
    },
    listTenants: (page, id) =>
      db
        .select()
        .from(tenants)
        .where(and(only(id), behind(tenants.createdAt, tenants.id, page)))
        .orderBy(newestFirst(tenants.createdAt, tenants.id))
        .limit(page.limit),
    countTenants: async (id) => (await db.select({ n: count() }).from(tenants).where(only(id)))[0]?.n ?? 0,
    async listMembers(tenantIds, page) {
      const ranked = db
        .select({
          ...getTableColumns(members),
          rank: sql<number>`row_number() over (partition by ${members.tenantId} order by ${newestFirst(members.joinedAt, members.id)})`.as(
            'rank',
          ),
        })
        .from(members)
        .where(and(inArray(members.tenantId, [...tenantIds]), behind(members.joinedAt, members.id, page)))
        .as('ranked');
      const rows = await db
        .select()
        .from(ranked)
        .where(sql`${ranked.rank} <= ${page.limit}`)
        .orderBy(ranked.rank);
      return tenantIds.map((id) => rows.filter((row) => row.tenantId === id));
    },
    async countMembers(tenantIds) {
      const rows = await db
        .select({ id: members.tenantId, n: count() })
        .from(members)
        .where(inArray(members.tenantId, [...tenantIds]))
        .groupBy(members.tenantId);
      return tenantIds.map((id) => rows.find((row) => row.id === id)?.n ?? 0);
    },
    createTenant: (request, row) =>
      once(db, keys, request, async (tx) => {
        const [created] = await unlessTaken(`the slug '${row.slug}' is taken`, () => tx.insert(tenants).values(row).returning());
        return created as TenantRow;
      }),
    changeTenant: (request, id, change) =>
      once(db, keys, request, async (tx) => {
        const [changed] =
          Object.keys(change).length === 0
            ? await tx.select().from(tenants).where(eq(tenants.id, id))
            : await tx.update(tenants).set(change).where(eq(tenants.id, id)).returning();
        return changed ?? missing('tenant', id);
      }),
    addMember: (request, row) =>
      once(db, keys, request, async (tx) => {
        // The lock keeps two additions at once from passing the quota together.
        const [tenant] = await tx.select().from(tenants).where(eq(tenants.id, row.tenantId)).for('update');
        if (tenant === undefined) missing('tenant', row.tenantId);
        const [counted] = await tx.select({ n: count() }).from(members).where(eq(members.tenantId, row.tenantId));
        if ((counted?.n ?? 0) >= (tenant?.memberQuota ?? 0))
          throw new CodedError('QUOTA_EXCEEDED', `the tenant has its ${tenant?.memberQuota} members already`);
        const [added] = await unlessTaken(`${row.email} is a member already`, () => tx.insert(members).values(row).returning());
        return added as MemberRow;
      }),
    changeMember: (request, id, change) =>
      once(db, keys, request, async (tx) => {
        const [changed] = await tx.update(members).set(change).where(eq(members.id, id)).returning();
        return changed ?? missing('member', id);
      }),
    removeMember: (request, id) =>
      once(db, keys, request, async (tx) => {
        const [removed] = await tx.delete(members).where(eq(members.id, id)).returning({ id: members.id });
        return removed?.id ?? missing('member', id);
      }),
    async storageReserved(tenantIds) {
      const rows = await db
        .select({ id: reservations.tenantId, bytes: sum(reservations.bytes) })
        .from(reservations)
        .where(inArray(reservations.tenantId, [...tenantIds]))
        .groupBy(reservations.tenantId);
      return tenantIds.map((id) => Number(rows.find((row) => row.id === id)?.bytes ?? 0));
    },
    reserveStorage: (request, row) =>
      once(db, keys, request, async (tx) => {
        // The lock keeps two reservations at once from passing the quota together.
        const [tenant] = await tx.select().from(tenants).where(eq(tenants.id, row.tenantId)).for('update');
        if (tenant === undefined) return missing('tenant', row.tenantId);
        const [held] = await tx
          .select({ bytes: sum(reservations.bytes) })
          .from(reservations)
          .where(eq(reservations.tenantId, row.tenantId));
        const free = tenant.storageQuota - Number(held?.bytes ?? 0);
        if (row.bytes > free) throw new CodedError('QUOTA_EXCEEDED', `the tenant has ${free} bytes free, and ${row.bytes} are asked for`);
        const [reserved] = await unlessTaken(`a reservation '${row.id}' is there already`, () =>
          tx.insert(reservations).values(row).returning(),
        );
        return reserved as ReservationRow;
      }),
    releaseStorage: (request, { tenantId, id }) =>
      once(db, keys, request, async (tx) => {
        await tx.delete(reservations).where(and(eq(reservations.tenantId, tenantId), eq(reservations.id, id)));
        return id;
      }),
    async seed(tenantRows, memberRows) {
      await db
        .insert(tenants)
        .values([...tenantRows])
        .onConflictDoNothing();
      await db
        .insert(members)
        .values([...memberRows])
        .onConflictDoNothing();
    },
  };
}
