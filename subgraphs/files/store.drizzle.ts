import { and, count, eq, getTableColumns, gt, ilike, inArray, lt, or, type SQL, sql, sum } from 'drizzle-orm';
import { bigint, pgSchema, text, timestamp } from 'drizzle-orm/pg-core';
import { CodedError } from '#schema/contracts/errors';
import { runMigrations } from '#platform/database/migrations';
import type { Database } from '#platform/database/open-database';
import { createDrizzle, type Drizzle, type Transaction } from '../shared/drizzle.js';
import { idempotencyTable, once } from '../shared/once.js';
import { behind, newestFirst } from '../shared/page-sql.js';
import { inOrder, missing, unlessTaken } from '../shared/rows.js';
import { type FileFilter, type FileRow, type FileStore, type FolderRow, toFileId } from './store.js';

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
const uploads = schema.table('uploads', {
  id: text('id').primaryKey(),
  tenantId: text('tenant_id').notNull(),
  ownerId: text('owner_id').notNull(),
  name: text('name'),
  mediaType: text('media_type'),
  size: bigint('size', { mode: 'number' }).notNull(),
  sha256: text('sha256').notNull(),
  createdAt: timestamp('created_at', { withTimezone: true, mode: 'string' }).notNull().defaultNow(),
});
const reservations = schema.table('reservations', {
  id: text('id').primaryKey(),
  tenantId: text('tenant_id').notNull(),
  bytes: bigint('bytes', { mode: 'number' }).notNull(),
  expiresAt: timestamp('expires_at', { withTimezone: true, mode: 'string' }).notNull(),
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
    createFile: (request, row, quota) =>
      once(db, keys, request, async (tx) => {
        await assertRoom(tx, row.tenantId, row.size, quota);
        return insertFile(tx, row);
      }),
    createFileOfUpload: (request, { id, tenantId, ownerId }, toRow) =>
      once(db, keys, request, async (tx) => {
        const mine = and(eq(uploads.id, id), eq(uploads.tenantId, tenantId), eq(uploads.ownerId, ownerId));
        const [upload] = await tx.delete(uploads).where(mine).returning();
        if (upload === undefined) return missing('upload', id);
        return insertFile(tx, toRow(upload));
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
    isUploadTaken: async (id) => (await findHeld(db, id)) !== undefined,
    reserveRoom: ({ id, tenantId }, bytes, quota) =>
      db.transaction(async (tx) => {
        await lockSpace(tx, tenantId);
        await tx.delete(reservations).where(or(eq(reservations.id, id), lt(reservations.expiresAt, sql`now()`)));
        const granted = Math.max(0, Math.min(bytes, quota - (await sumSpace(tx, tenantId))));
        await tx.insert(reservations).values({ id, tenantId, bytes: granted, expiresAt: sql`now() + interval '1 hour'` });
        return granted;
      }),
    dropReservation: async (id) => void (await db.delete(reservations).where(eq(reservations.id, id))),
    keepUpload: (row, quota, reservation) =>
      db.transaction(async (tx) => {
        await tx.delete(reservations).where(eq(reservations.id, reservation));
        await assertRoom(tx, row.tenantId, row.size, quota);
        const held = await findHeld(tx, row.id);
        if (held !== undefined) return held;
        await tx.insert(uploads).values(row);
        return null;
      }),
    dropUpload: async (id) => (await db.delete(uploads).where(eq(uploads.id, id)).returning())[0],
    dropUploadsBefore: (time, atMost) => {
      const old = db.select({ id: uploads.id }).from(uploads).where(lt(uploads.createdAt, time)).limit(atMost);
      return db.delete(uploads).where(inArray(uploads.id, old)).returning();
    },
    spaceUsed: (tenant) => sumSpace(db, tenant),
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

/** Held to the end of the transaction, so that two additions at once do not pass the quota together. */
async function lockSpace(tx: Transaction, tenant: string): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtext(${`files.space/${tenant}`}))`);
}

async function assertRoom(tx: Transaction, tenant: string, bytes: number, quota: number): Promise<void> {
  await lockSpace(tx, tenant);
  const free = quota - (await sumSpace(tx, tenant));
  if (bytes > free) throw new CodedError('QUOTA_EXCEEDED', `the tenant has ${Math.max(0, free)} bytes free, and ${bytes} are asked for`);
}

async function sumSpace(db: Drizzle | Transaction, tenant: string): Promise<number> {
  const of = [
    db
      .select({ bytes: sum(files.size) })
      .from(files)
      .where(eq(files.tenantId, tenant)),
    db
      .select({ bytes: sum(uploads.size) })
      .from(uploads)
      .where(eq(uploads.tenantId, tenant)),
    db
      .select({ bytes: sum(reservations.bytes) })
      .from(reservations)
      .where(and(eq(reservations.tenantId, tenant), gt(reservations.expiresAt, sql`now()`))),
  ];
  let total = 0;
  for (const query of of) total += Number((await query)[0]?.bytes ?? 0);
  return total;
}

/** The digest of the upload of this id, or of the file that it has become. */
async function findHeld(db: Drizzle | Transaction, id: string): Promise<string | undefined> {
  const [upload] = await db.select({ sha256: uploads.sha256 }).from(uploads).where(eq(uploads.id, id));
  if (upload !== undefined) return upload.sha256;
  const [file] = await db
    .select({ sha256: files.sha256 })
    .from(files)
    .where(eq(files.id, toFileId(id)));
  return file?.sha256;
}

async function insertFile(tx: Transaction, row: Omit<FileRow, 'createdAt' | 'updatedAt'>): Promise<FileRow> {
  const [created] = await unlessTaken(`a file '${row.name}' is there already, or its folder is gone`, () =>
    tx.insert(files).values(row).returning(),
  );
  return created as FileRow;
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
