// The processes of the drill: each can be killed, stopped and frozen, and comes back by itself at the same address. Only processes that were
// started here are ended, each by its own id.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { createLogger } from '#platform/logger';
import { findTemporal } from '#platform/temporal-server/find-temporal';
import { toServerArguments } from '#platform/temporal-server/settings';
import { startSluice, type SluiceProcess } from '#tests/support/sluice-process';
import type { TestPostgres } from '#tests/support/postgres';

const READY_MS = 60_000;

export interface Victim {
  name: string;
  /** SIGKILL, then waits until it is ready again. @returns ms between the two */
  kill(): Promise<number>;
  /** Asks it to stop, then waits until it is ready again. @returns ms from asking to its end, and from there to ready */
  restart(): Promise<{ endedMs: number; readyMs: number }>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): Promise<void>;
  stop(): Promise<void>;
  /** How often it ended without being asked to. */
  readonly ownEnds: number;
  /** How often it was asked to stop and did not end well. */
  readonly forcedEnds: number;
}

/** A role of the product, started again whenever it ends: what a process manager does. */
export async function startRole(
  name: string,
  args: readonly string[],
  env: Record<string, string>,
  say: (line: string) => void,
): Promise<Victim> {
  let ownEnds = 0;
  let forcedEnds = 0;
  let isStopped = false;
  let isAsked = false;
  let running: SluiceProcess;
  let ready: Promise<void>;

  function start(): void {
    const started = startSluice(['start', ...args], env);
    running = started;
    ready = started.waitFor(/^ready$/m, READY_MS).then(
      () => undefined,
      () => undefined,
    );
    void started.exited.then(async () => {
      if (isStopped) return;
      if (!isAsked) {
        ownEnds++;
        say(`${name} ended by itself:\n${started.output.slice(-1_500)}`);
      }
      isAsked = false;
      await new Promise((resolve) => setTimeout(resolve, 200));
      if (!isStopped) start();
    });
  }

  /** Follows it over further starts: one may fail while what it needs is away. */
  async function untilReady(): Promise<void> {
    for (const deadline = Date.now() + READY_MS; Date.now() < deadline;) {
      await ready;
      if (/^ready$/m.test(running.output)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`${name} is not ready:\n${running.output.slice(-2_000)}`);
  }

  async function untilReadyAfter(ended: SluiceProcess): Promise<void> {
    while (running === ended) await new Promise((resolve) => setTimeout(resolve, 25));
    await untilReady();
  }

  start();
  await untilReady();
  return {
    name,
    get ownEnds() {
      return ownEnds;
    },
    get forcedEnds() {
      return forcedEnds;
    },
    kill: async () => {
      const killed = running;
      const at = Date.now();
      isAsked = true;
      await killed.kill();
      await untilReadyAfter(killed);
      return Date.now() - at;
    },
    restart: async () => {
      const asked = running;
      const at = Date.now();
      isAsked = true;
      const code = await asked.stop();
      const endedAt = Date.now();
      if (code !== 0) {
        forcedEnds++;
        say(`${name} did not stop well (${code}):\n${asked.output.slice(-1_500)}`);
      }
      await untilReadyAfter(asked);
      return { endedMs: endedAt - at, readyMs: Date.now() - endedAt };
    },
    signal: async (signal) => running.signal(signal),
    stop: async () => {
      isStopped = true;
      await running.stop();
    },
  };
}

/** A Temporal server on a database file of its own. */
export async function startTemporal(at: { port: number; folder: string }): Promise<Victim> {
  const executable = await findTemporal({
    binary: 'temporal',
    configured: process.env['TEMPORAL_CLI'] ?? null,
    cacheDir: process.env['SLUICE_CACHE'] ?? join(homedir(), '.cache', 'sluice'),
    path: process.env['PATH'] ?? '',
    log: createLogger({ name: 'drill', level: 'silent' }),
  });
  const args = toServerArguments({ port: at.port, uiPort: null, file: join(at.folder, 'temporal.db'), namespace: 'default' });
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(executable, args, { stdio: 'ignore' });
    await untilServing(`127.0.0.1:${at.port}`);
    return child;
  };
  let server = await start();
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  };
  return {
    name: 'temporal',
    ownEnds: 0,
    forcedEnds: 0,
    restart: async () => {
      const at = Date.now();
      await end('SIGTERM');
      const endedAt = Date.now();
      server = await start();
      return { endedMs: endedAt - at, readyMs: Date.now() - endedAt };
    },
    signal: async (signal) => void server.kill(signal),
    kill: async () => {
      const killedAt = Date.now();
      await end('SIGKILL');
      server = await start();
      return Date.now() - killedAt;
    },
    stop: () => end('SIGTERM'),
  };
}

async function untilServing(address: string): Promise<void> {
  for (const deadline = Date.now() + READY_MS; ;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 1_000 });
      await connection.workflowService.describeNamespace({ namespace: 'default' }).finally(() => connection.close());
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export function toVictim(postgres: TestPostgres): Victim {
  return {
    name: 'postgres',
    ownEnds: 0,
    forcedEnds: 0,
    restart: async () => {
      const at = Date.now();
      await postgres.end();
      const endedAt = Date.now();
      await postgres.revive();
      return { endedMs: endedAt - at, readyMs: Date.now() - endedAt };
    },
    signal: (signal) => postgres.signal(signal),
    kill: async () => {
      const killedAt = Date.now();
      await postgres.crash();
      await postgres.revive();
      return Date.now() - killedAt;
    },
    stop: () => postgres.stop(),
  };
}
