// A throw-away PostgreSQL out of Debian's package, for the tests that must hold on both databases.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { findFreePorts } from './sluice-process.js';

const run = promisify(execFile);
const DEBIAN = '/usr/lib/postgresql';

/** Folder of `initdb` and `postgres`, the newest one; undefined when none is installed. */
export function findPostgres(): string | undefined {
  try {
    const [newest] = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
    return newest === undefined ? undefined : join(DEBIAN, newest, 'bin');
  } catch {
    return undefined;
  }
}

export interface TestPostgres {
  /** Of a superuser; the database is `postgres`. */
  url: string;
  /** SIGKILL. */
  crash(): Promise<void>;
  /** Its fast shutdown, which ends transactions. */
  end(): Promise<void>;
  /** Starts it again on its data. */
  revive(): Promise<void>;
  /** To the server and all of its processes. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  stop(): Promise<void>;
}

/** @throws Error when PostgreSQL is not installed or does not come up within 20 s */
export async function startPostgres(): Promise<TestPostgres> {
  const bin = findPostgres();
  if (bin === undefined) throw new Error(`PostgreSQL is not installed below ${DEBIAN}`);
  const [port] = (await findFreePorts(1)) as [number];
  const folder = await mkdtemp(join(tmpdir(), 'sluice-pg-'));
  // PostgreSQL refuses to run as root.
  const asUser = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--'] : [];
  if (asUser.length > 0) await run('chown', ['postgres', folder]);
  await chmod(folder, 0o700);
  const command = (program: string, ...args: string[]): [string, string[]] => {
    const [first, ...rest] = [...asUser, join(bin, program), ...args];
    return [first as string, rest];
  };
  await run(...command('initdb', '-D', folder, '-U', 'sluice', '--auth=trust', '--encoding=UTF8', '--locale=C.UTF-8'), { cwd: '/' });
  const start = (): ChildProcess =>
    spawn(
      ...command(
        'postgres',
        '-D',
        folder,
        '-p',
        String(port),
        '-k',
        '',
        '-c',
        'listen_addresses=127.0.0.1',
        '-c',
        'max_connections=200',
        '-c',
        'fsync=off',
      ),
      { cwd: '/', stdio: 'ignore' },
    );
  let server = start();
  const url = `postgres://sluice@127.0.0.1:${port}/postgres`;
  await waitUntilUp(url);
  /** The server's own process, not the one that changed the user for it. */
  const readPid = async (): Promise<number> => Number((await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n', 1)[0]);
  const end = async (signal: 'SIGKILL' | 'SIGINT'): Promise<void> => {
    const exited = once(server, 'exit');
    process.kill(await readPid(), signal);
    await exited;
  };
  return {
    url,
    crash: () => end('SIGKILL'),
    end: () => end('SIGINT'),
    signal: async (name) => {
      const pid = await readPid();
      // First, so that it starts no further ones.
      process.kill(pid, name);
      // Each is of a group of its own.
      const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
      for (const child of children.trim().split(' ').filter(Boolean)) process.kill(Number(child), name);
      // Who changed the user stops with the server, and does not go on with it.
      if (name === 'SIGCONT') server.kill(name);
    },
    revive: async () => {
      // Processes of the crashed server may hold its memory for a moment.
      for (const deadline = Date.now() + 20_000; ;) {
        server = start();
        const refused = once(server, 'exit').then(() => true);
        if (!(await Promise.race([refused, waitUntilUp(url).then(() => false)]))) return;
        if (Date.now() > deadline) throw new Error('PostgreSQL does not start again');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    stop: async () => {
      const exited = once(server, 'exit');
      await run(...command('pg_ctl', '-D', folder, '-m', 'immediate', 'stop'), { cwd: '/' });
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function waitUntilUp(url: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; ;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
