// The ledger: each effect in the services' tables as a row of its own, written by triggers in the transaction of the effect. What was
// done and taken back again shows, and so does what was done twice.
import pg from 'pg';
import type { Effect } from './work.js';

export interface LedgerRow {
  /** What the client called it. */
  entry: string;
  effect: Effect;
}

const TABLES: readonly { table: string; entry: string; insert: Effect; remove: Effect }[] = [
  { table: 'tenants.storage_reservations', entry: 'id', insert: 'reserve', remove: 'release' },
  { table: 'files.folders', entry: 'name', insert: 'create folder', remove: 'delete folder' },
  { table: 'files.files', entry: 'name', insert: 'create file', remove: 'delete file' },
  { table: 'plugins.installations', entry: 'plugin', insert: 'install', remove: 'uninstall' },
];

/** Before the first client; the tables must be there. */
export async function openLedger(databaseUrl: string): Promise<void> {
  await ask(databaseUrl, async (client) => {
    await client.query(`
      create schema drill;
      create table drill.ledger (id bigserial primary key, entry text not null, effect text not null);
      create function drill.note() returns trigger language plpgsql as $$
      begin
        if tg_op = 'INSERT' then insert into drill.ledger (entry, effect) values (to_jsonb(new) ->> tg_argv[0], tg_argv[1]);
        else insert into drill.ledger (entry, effect) values (to_jsonb(old) ->> tg_argv[0], tg_argv[2]); end if;
        return null;
      end $$;`);
    for (const { table, entry, insert, remove } of TABLES)
      await client.query(
        `create trigger drill after insert or delete on ${table} for each row execute function drill.note('${entry}', '${insert}', '${remove}')`,
      );
  });
}

export async function readLedger(databaseUrl: string): Promise<LedgerRow[]> {
  return ask(databaseUrl, async (client) => (await client.query<LedgerRow>('select entry, effect from drill.ledger order by id')).rows);
}

/** What stands of plugin installations, as ids of their operations, and what the newest supergraph holds. */
export interface PluginRemains {
  admitted: string[];
  referenced: string[];
  scanned: string[];
  /** Names of services. */
  published: string[];
}

export async function readPluginRemains(databaseUrl: string): Promise<PluginRemains> {
  return ask(databaseUrl, async (client) => {
    const read = async (sql: string): Promise<string[]> => (await client.query<{ it: string }>(sql)).rows.map(({ it }) => it);
    return {
      admitted: await read('select operation_id as it from plugin_host.admissions where removed_at is null'),
      referenced: await read('select owner as it from blobs.references'),
      scanned: await read('select distinct operation_id as it from plugins.scan_reports'),
      published: await read(
        `select service ->> 'name' as it from (select services from supergraph.generations order by number desc limit 1) newest,
         jsonb_array_elements(services) service`,
      ),
    };
  });
}

async function ask<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
