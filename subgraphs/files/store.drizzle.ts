import { and, count, eq, getTableColumns, ilike, inArray, type SQL, sql, sum } from 'drizzle-orm';
import { bigint, pgSchema, text, timestamp } from 'drizzle-orm/pg-core';
import { CodedError } from '#schema/contracts/errors';
import { runMigrations } from '#platform/database/migrations';
import type { Database } from '#platform/database/open-database';
import { createDrizzle, type Transaction } from '../shared/drizzle.js';
import { idempotencyTable, once } from '../shared/once.js';
import { behind, newestFirst } from '../shared/page-sql.js';
import { inOrder, missing, unlessTaken } from '../shared/rows.js';
import type { FileFilter, FileRow, FileStore, FolderRow } from './store.js';

const MAX_DEPTH = 20;

const schema = pgSchema('files');
const folders = schema.table('folders', {
  id: text('id').primaryKey(),
  tenantId: text('tenant_id').notNull(),
  parentId: text('parent_id'),
  name: text('name').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
const files = schema.table('files', {
  id: text('id').primaryKey(),
  tenantId: text('tenant_id').notNull(),
  ownerId: text('owner_id').notNull(),
  folderId: text('folder_id'),
  name: text('name').notNull(),
  mediaType: text('media_type').notNull(),
  size: bigint('size', { mode: 'number' }).notNull(),
  sha256: text('sha256').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
  updatedAt: timestamp('updated_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
const keys = idempotencyTable(schema);

export async function createFileStore(database: Database): Promise<FileStore> {
  await runMigrations(database, { schema: 'files', folder: new URL('./migrations', import.meta.url) });
  const db = createDrizzle(database);
  const ofTenant = (tenant: string | null): SQL | undefined => (tenant === null ? undefined : eq(files.tenantId, tenant));
  const matching = (tenant: string | null, { folderId, nameContains, mediaType }: FileFilter): SQL | undefined =>
    and(
      ofTenant(tenant),
      folderId == null ? undefined : eq(files.folderId, folderId),
      nameContains == null ? undefined : ilike(files.name, `%${nameContains.replace(/[\\%_]/g, '\\$&')}%`),
      mediaType == null ? undefined : eq(files.mediaType, mediaType),
    );
  const inTenant = (tenant: string | null): SQL | undefined => (tenant === null ? undefined : eq(folders.tenantId, tenant));

  return {
    findFiles: async (ids) =>
      inOrder(
        ids,
        await db
          .select()
          .from(files)
          .where(inArray(files.id, [...ids])),
      ),
    findFolders: async (ids) =>
      inOrder(
        ids,
        await db
          .select()
          .from(folders)
          .where(inArray(folders.id, [...ids])),
      ),
    listFiles: (page, tenant, filter) =>
      db
        .select()
        .from(files)
        .where(and(matching(tenant, filter), behind(files.createdAt, files.id, page)))
        .orderBy(newestFirst(files.createdAt, files.id))
        .limit(page.limit),
    countFiles: async (tenant, filter) => (await db.select({ n: count() }).from(files).where(matching(tenant, filter)))[0]?.n ?? 0,
    async listFilesOf(parent, ids, page, tenant) {
      const column = files[parent];
      const ranked = db
        .select({
          ...getTableColumns(files),
          rank: sql<number>`row_number() over (partition by ${column} order by ${newestFirst(files.createdAt, files.id)})`.as('rank'),
        })
        .from(files)
        .where(and(inArray(column, [...ids]), ofTenant(tenant), behind(files.createdAt, files.id, page)))
        .as('ranked');
      const rows = await db
        .select()
        .from(ranked)
        .where(sql`${ranked.rank} <= ${page.limit}`)
        .orderBy(ranked.rank);
      return ids.map((id) => rows.filter((row) => row[parent] === id));
    },
    async countFilesOf(parent, ids, tenant) {
      const column = files[parent];
      const rows = await db
        .select({ id: column, n: count() })
        .from(files)
        .where(and(inArray(column, [...ids]), ofTenant(tenant)))
        .groupBy(column);
      return ids.map((id) => rows.find((row) => row.id === id)?.n ?? 0);
    },
    async storageUsed(tenantIds) {
      const rows = await db
        .select({ id: files.tenantId, bytes: sum(files.size) })
        .from(files)
        .where(inArray(files.tenantId, [...tenantIds]))
        .groupBy(files.tenantId);
      return tenantIds.map((id) => Number(rows.find((row) => row.id === id)?.bytes ?? 0));
    },
    listFolders: (page, tenant) =>
      db
        .select()
        .from(folders)
        .where(and(inTenant(tenant), behind(folders.createdAt, folders.id, page)))
        .orderBy(newestFirst(folders.createdAt, folders.id))
        .limit(page.limit),
    countFolders: async (tenant) => (await db.select({ n: count() }).from(folders).where(inTenant(tenant)))[0]?.n ?? 0,

    createFolder: (request, row) =>
      once(db, keys, request, async (tx) => {
        await assertDepth(tx, row.parentId);
        const [created] = await unlessTaken(`a folder '${row.name}' is there already`, () => tx.insert(folders).values(row).returning());
        return created as FolderRow;
      }),
    renameFolder: (request, id, name) =>
      once(db, keys, request, async (tx) => {
        const [changed] = await unlessTaken(`a folder '${name}' is there already`, () =>
          tx.update(folders).set({ name }).where(eq(folders.id, id)).returning(),
        );
        return changed ?? missing('folder', id);
      }),
    deleteFolder: (request, id) =>
      once(db, keys, request, async (tx) => {
        const [deleted] = await unlessTaken('the folder is not empty', () =>
          tx.delete(folders).where(eq(folders.id, id)).returning({ id: folders.id }),
        );
        return deleted?.id ?? missing('folder', id);
      }),
    createFile: (request, row) =>
      once(db, keys, request, async (tx) => {
        const [created] = await unlessTaken(`a file '${row.name}' is there already, or its folder is gone`, () =>
          tx.insert(files).values(row).returning(),
        );
        return created as FileRow;
      }),
    changeFile: (request, id, change) =>
      once(db, keys, request, async (tx) => {
        const [changed] = await unlessTaken('a file of that name is there already, or the folder is gone', () =>
          tx
            .update(files)
            .set({ ...change, updatedAt: sql`now()` })
            .where(eq(files.id, id))
            .returning(),
        );
        return changed ?? missing('file', id);
      }),
    deleteFile: (request, id) =>
      once(db, keys, request, async (tx) => {
        const [deleted] = await tx.delete(files).where(eq(files.id, id)).returning();
        return deleted ?? missing('file', id);
      }),
    async seed(folderRows, fileRows) {
      await db
        .insert(folders)
        .values([...folderRows])
        .onConflictDoNothing();
      await db
        .insert(files)
        .values([...fileRows])
        .onConflictDoNothing();
    },
    isEmpty: async () => (await db.select({ id: files.id }).from(files).limit(1)).length === 0,
  };
}

async function assertDepth(tx: Transaction, parentId: string | null): Promise<void> {
  if (parentId === null) return;
  const { rows } = await tx.execute<{ depth: number }>(sql`
    with recursive above as (
      select id, parent_id, 1 as depth from files.folders where id = ${parentId}
      union all
      select f.id, f.parent_id, above.depth + 1 from files.folders f join above on f.id = above.parent_id where above.depth <= ${MAX_DEPTH}
    ) select max(depth)::int as depth from above`);
  const depth = rows[0]?.depth ?? null;
  if (depth === null) missing('folder', parentId);
  if ((depth ?? 0) >= MAX_DEPTH) throw new CodedError('BAD_USER_INPUT', `folders can be ${MAX_DEPTH} deep`);
}
