// Runs what docker-compose.yml says without Docker: commands and environment come from the file and from our Dockerfile, service by service. Each
// container's ports become free ones of this machine, wherever the file names them.
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { parse as parseYaml } from 'yaml';
import { type BareTemporal, startBareTemporal } from './bare-temporal.js';
import { startPostgres, type TestPostgres } from './postgres.js';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from './sluice-process.js';

interface ComposeService {
  image?: string;
  build?: { dockerfile?: string };
  command?: string[];
  environment?: Record<string, string>;
  ports?: string[];
}

export interface ComposeDeployment {
  /** Of our own image, by the service's name. */
  processes: ReadonlyMap<string, SluiceProcess>;
  databaseUrl: string;
  /** The environment of one of our services, as its process has it. */
  environmentOf(service: string): Record<string, string>;
  /** `http://…` of a port that the file publishes. */
  publishedUrl(service: string): string;
  stop(): Promise<void>;
}

/**
 * @param options.variables - what stands for `${NAME}` in the file
 * @param options.extra - more environment for each of our services; may not replace what the file says
 */
export async function startCompose(options: {
  file: URL;
  variables: Record<string, string>;
  extra?: Record<string, string>;
}): Promise<ComposeDeployment> {
  const { services } = parseYaml(await readFile(options.file, 'utf8'), { merge: true }) as { services: Record<string, ComposeService> };
  const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);
  const image = await readImage(new URL(ours[0]?.[1].build?.dockerfile ?? 'Dockerfile', options.file));
  const closers: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const postgres = await startPostgres();
    closers.push(() => postgres.stop());
    const temporal = await startBareTemporal();
    closers.push(() => temporal.stop());
    const places = await placePorts(services, { postgres, temporal });
    const { POSTGRES_USER = '', POSTGRES_DB = '' } = services['postgres']?.environment ?? {};
    await makeDatabase(postgres, { user: POSTGRES_USER, database: POSTGRES_DB });

    const environments = new Map<string, Record<string, string>>();
    for (const [name, { environment = {} }] of ours) {
      const data = await makeDataFolder();
      closers.push(() => data.remove());
      const said = { ...image.environment, ...environment };
      const local = Object.entries(said).map(([key, value]): [string, string] => {
        const text = interpolate(value, options.variables);
        if (key === 'PORT' || key === 'ADMIN_PORT') return [key, places.get(`${name}:${text}`) ?? text];
        return [key, key === 'SLUICE_DATA' ? data.path : relocate(text, places)];
      });
      environments.set(name, { ...options.extra, ...Object.fromEntries(local) });
    }
    const processes = new Map(
      ours.map(([name, { command = [] }]) => [name, startSluice([...image.command, ...command], environments.get(name) ?? {})]),
    );
    closers.push(() => Promise.all([...processes.values()].map((started) => started.stop())));
    await Promise.all([...processes.values()].map((started) => started.waitFor(/^ready$/m, 120_000)));
    return {
      processes,
      databaseUrl: relocate(`postgres://${POSTGRES_USER}@postgres:5432/${POSTGRES_DB}`, places),
      environmentOf: (service) => environments.get(service) ?? {},
      publishedUrl(service) {
        const [port] = services[service]?.ports ?? [];
        return `http://127.0.0.1:${places.get(`${service}:${port?.split(':').at(-1) ?? ''}`) ?? ''}`;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What our image starts, and the environment that it brings. */
async function readImage(dockerfile: URL): Promise<{ command: string[]; environment: Record<string, string> }> {
  const text = await readFile(dockerfile, 'utf8');
  const [, entry = '[]'] = /^ENTRYPOINT (\[.*\])$/m.exec(text) ?? [];
  const [program, script, ...command] = JSON.parse(entry) as string[];
  if (program !== 'node' || script !== 'dist/cli/main.js')
    throw new Error(`${dockerfile.pathname}: ENTRYPOINT is not our command: ${entry}`);
  const settings = [...text.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = '']) => line.split(' '));
  return { command, environment: Object.fromEntries(settings.map((setting) => setting.split('=') as [string, string])) };
}

/** @returns for each `service:port` that a container of the file has, the port of this machine that stands for it */
async function placePorts(
  services: Record<string, ComposeService>,
  servers: { postgres: TestPostgres; temporal: BareTemporal },
): Promise<Map<string, string>> {
  const names = Object.entries(services).flatMap(([name, { environment = {} }]) =>
    ['PORT', 'ADMIN_PORT'].flatMap((key) => (environment[key] === undefined ? [] : [`${name}:${environment[key]}`])),
  );
  const ports = await findFreePorts(names.length);
  return new Map([
    ...names.map((name, index): [string, string] => [name, String(ports[index])]),
    ['postgres:5432', new URL(servers.postgres.url).port],
    ['temporal:7233', servers.temporal.address.split(':')[1] ?? ''],
  ]);
}

/** A host and port of the file's own network as this machine has them; what names nobody there stays, and leads nowhere. */
function relocate(text: string, places: ReadonlyMap<string, string>): string {
  return text.replace(/(?<=^|[@/])[a-z][a-z-]*:\d+/g, (name) => (places.has(name) ? `127.0.0.1:${places.get(name) ?? ''}` : name));
}

/** As Compose does: `${NAME}`, `${NAME:-default}`, `${NAME:?why}`. */
function interpolate(text: string, variables: Record<string, string>): string {
  return String(text).replace(/\$\{(\w+)(?::(-|\?)([^}]*))?\}/g, (_, name: string, rule: string | undefined, operand: string) => {
    const value = variables[name] ?? '';
    if (value !== '') return value;
    if (rule === '?') throw new Error(`docker-compose.yml wants ${name}: ${operand}`);
    return rule === '-' ? operand : '';
  });
}

/** As the image of PostgreSQL does at its first start. */
async function makeDatabase({ url }: TestPostgres, { user, database }: { user: string; database: string }): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const { rows } = await client.query('select 1 from pg_roles where rolname = $1', [user]);
    if (rows.length === 0) await client.query(`create role ${pg.escapeIdentifier(user)} superuser login`);
    await client.query(`create database ${pg.escapeIdentifier(database)} owner ${pg.escapeIdentifier(user)}`);
  } finally {
    await client.end();
  }
}
