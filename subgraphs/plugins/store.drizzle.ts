import { and, asc, count, eq, gt, inArray, type SQL, sql } from 'drizzle-orm';
import { bigint, integer, jsonb, pgSchema, text, timestamp } from 'drizzle-orm/pg-core';
import { rcompare } from 'semver';
import { v7 as uuid } from 'uuid';
import { runMigrations } from '#platform/database/migrations';
import type { Database } from '#platform/database/open-database';
import { CodedError } from '#schema/contracts/errors';
import type { PluginPermission, ScanFinding } from '#schema/contracts/plugins';
import { createDrizzle } from '../shared/drizzle.js';
import { idempotencyTable, once, recall } from '../shared/once.js';
import { inOrder } from '../shared/rows.js';
import type { PluginStore } from './store.js';

const schema = pgSchema('plugins');
const time = (name: string) => timestamp(name, { withTimezone: true, mode: 'string' }).notNull().defaultNow();
const versions = schema.table('versions', {
  id: text('id').primaryKey(),
  plugin: text('plugin').notNull(),
  version: text('version').notNull(),
  digest: text('digest').notNull(),
  size: bigint('size', { mode: 'number' }).notNull(),
  manifest: jsonb('manifest').$type<Record<string, unknown>>().notNull(),
  sdl: text('sdl').notNull(),
  readme: text('readme'),
  publishedAt: time('published_at'),
  publishedBy: text('published_by').notNull(),
});
const installations = schema.table('installations', {
  id: text('id').primaryKey(),
  plugin: text('plugin').notNull(),
  version: text('version').notNull(),
  digest: text('digest').notNull(),
  generation: integer('generation').notNull(),
  granted: jsonb('granted').$type<readonly PluginPermission[]>().notNull(),
  operationId: text('operation_id').notNull(),
  installedAt: time('installed_at'),
  installedBy: text('installed_by').notNull(),
});
const reports = schema.table('scan_reports', {
  operationId: text('operation_id').notNull(),
  check: text('check').notNull(),
  plugin: text('plugin').notNull(),
  digest: text('digest').notNull(),
  findings: jsonb('findings').$type<readonly ScanFinding[]>().notNull(),
  scannedAt: time('scanned_at'),
});
const keys = idempotencyTable(schema);

export async function createPluginStore(database: Database): Promise<PluginStore> {
  await runMigrations(database, { schema: 'plugins', folder: new URL('./migrations', import.meta.url) });
  const db = createDrizzle(database);

  const matching = ({ text: searched, installed }: { text: string | null; installed: boolean | null }): SQL | undefined => {
    const isInstalled = sql`exists (select 1 from ${installations} i where i.plugin = ${versions.plugin})`;
    const pattern = `%${(searched ?? '').replace(/[\\%_]/g, '\\$&')}%`;
    return and(
      searched === null ? undefined : sql`(${versions.plugin} ilike ${pattern} or ${versions.manifest}::text ilike ${pattern})`,
      installed === null ? undefined : installed ? isInstalled : sql`not ${isInstalled}`,
    );
  };

  return {
    async listVersions(plugins) {
      const rows = await db
        .select()
        .from(versions)
        .where(inArray(versions.plugin, [...plugins]));
      return plugins.map((plugin) => rows.filter((row) => row.plugin === plugin).sort((a, b) => rcompare(a.version, b.version)));
    },
    findVersions: async (ids) =>
      inOrder(
        ids,
        await db
          .select()
          .from(versions)
          .where(inArray(versions.id, [...ids])),
      ),
    async listPlugins({ after, limit, ...filter }) {
      const rows = await db
        .selectDistinct({ plugin: versions.plugin })
        .from(versions)
        .where(and(matching(filter), after === null ? undefined : gt(versions.plugin, after)))
        .orderBy(asc(versions.plugin))
        .limit(limit);
      return rows.map(({ plugin }) => plugin);
    },
    countPlugins: async (filter) =>
      (
        await db
          .select({ n: sql<number>`count(distinct ${versions.plugin})::int` })
          .from(versions)
          .where(matching(filter))
      )[0]?.n ?? 0,
    async addVersion(row) {
      await db.insert(versions).values(row).onConflictDoNothing();
      const [stored] = await db
        .select()
        .from(versions)
        .where(and(eq(versions.plugin, row.plugin), eq(versions.version, row.version)));
      if (stored?.digest !== row.digest)
        throw new CodedError('CONFLICT', `${row.plugin} ${row.version} is published already, with other content`);
      return stored;
    },
    async findInstallations(plugins) {
      const rows = await db
        .select()
        .from(installations)
        .where(inArray(installations.plugin, [...plugins]));
      return plugins.map((plugin) => rows.find((row) => row.plugin === plugin));
    },
    findInstallation: async (id) => (await db.select().from(installations).where(eq(installations.id, id)))[0],
    listInstallations: ({ after, limit }) =>
      db
        .select()
        .from(installations)
        .where(after === null ? undefined : gt(installations.plugin, after))
        .orderBy(asc(installations.plugin))
        .limit(limit),
    countInstallations: async () => (await db.select({ n: count() }).from(installations))[0]?.n ?? 0,
    async addInstallation(row) {
      await db
        .insert(installations)
        .values({ ...row, id: row.id || `ins_${uuid()}` })
        .onConflictDoNothing();
      const [stored] = await db.select().from(installations).where(eq(installations.plugin, row.plugin));
      if (stored?.operationId !== row.operationId) throw new CodedError('ALREADY_INSTALLED', `${row.plugin} is installed already`);
      return stored;
    },
    async deleteInstallation(plugin, operationId) {
      await db.delete(installations).where(and(eq(installations.plugin, plugin), eq(installations.operationId, operationId)));
    },
    async saveReport(report) {
      await db.insert(reports).values(report).onConflictDoNothing();
    },
    async deleteReports(operationId) {
      await db.delete(reports).where(eq(reports.operationId, operationId));
    },
    recall: (request) => recall<string>(db, keys, request),
    remember: (request, begun) => once(db, keys, request, () => Promise.resolve(begun)),
  };
}
