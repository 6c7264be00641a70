// Which package digests the plugin hosts may load. Only an installation or update run writes here: there is no other way in.
import { runMigrations } from '#platform/database/migrations';
import type { Database } from '#platform/database/open-database';
import type { PluginPermission } from '#schema/contracts/plugins';

export interface Admission {
  service: string;
  digest: string;
  /** Set when the plugin was taken out; calls in flight may still finish. */
  removedAtMs: number | null;
}

export interface Admissions {
  admit(admission: { service: string; digest: string; operationId: string; granted: readonly PluginPermission[] }): Promise<void>;
  /** Only what this operation admitted; repeating it changes nothing. */
  withdraw(admission: { service: string; digest: string; operationId: string }): Promise<void>;
  find(service: string, digest: string): Promise<Admission | undefined>;
}

export async function createAdmissions(database: Database): Promise<Admissions> {
  await runMigrations(database, { schema: 'plugin_host', folder: new URL('./migrations', import.meta.url) });
  const { pool } = database;
  return {
    async admit({ service, digest, operationId, granted }) {
      await pool.query(
        `insert into plugin_host.admissions (service, digest, operation_id, granted) values ($1, $2, $3, $4)
         on conflict (service, digest) do update set operation_id = excluded.operation_id, granted = excluded.granted, removed_at = null`,
        [service, digest, operationId, JSON.stringify(granted)],
      );
    },
    async withdraw({ service, digest, operationId }) {
      await pool.query(
        'update plugin_host.admissions set removed_at = now() where service = $1 and digest = $2 and operation_id = $3 and removed_at is null',
        [service, digest, operationId],
      );
    },
    async find(service, digest) {
      const { rows } = await pool.query<{ removed_at: Date | null }>(
        'select removed_at from plugin_host.admissions where service = $1 and digest = $2',
        [service, digest],
      );
      return rows[0] === undefined ? undefined : { service, digest, removedAtMs: rows[0].removed_at?.getTime() ?? null };
    },
  };
}
