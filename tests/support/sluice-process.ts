// Runs the built product (`dist/cli/main.js`) as users do: a real process on free ports with a data folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const OUTPUT_LIMIT = 4 * 1024 * 1024;

export interface SluiceProcess {
  readonly pid: number;
  /** Everything it printed so far, at most the last 4 MiB. */
  readonly output: string;
  /** Resolves when the output matches; rejects when the process ends before or `timeoutMs` passes. */
  waitFor(pattern: RegExp, timeoutMs?: number): Promise<RegExpMatchArray>;
  /** SIGTERM and wait. @returns the exit code, null when a signal ended it */
  stop(): Promise<number | null>;
  /** SIGKILL and wait. */
  kill(): Promise<void>;
  readonly exited: Promise<number | null>;
}

export function startSluice(args: readonly string[], env: Record<string, string>): SluiceProcess {
  const child = spawn(process.execPath, [COMMAND, ...args], { env: { ...inheritedEnv(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('utf8')).slice(-OUTPUT_LIMIT);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = once(child, 'exit').then(([code]) => code as number | null);

  return {
    get pid() {
      return child.pid ?? -1;
    },
    get output() {
      return output;
    },
    exited,
    waitFor: (pattern, timeoutMs = 60_000) => waitForOutput(child, () => output, pattern, timeoutMs),
    stop: async () => end(child, 'SIGTERM', exited),
    kill: async () => void (await end(child, 'SIGKILL', exited)),
  };
}

async function end(child: ChildProcess, signal: NodeJS.Signals, exited: Promise<number | null>): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  return exited;
}

async function waitForOutput(child: ChildProcess, read: () => string, pattern: RegExp, timeoutMs: number): Promise<RegExpMatchArray> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const match = read().match(pattern);
    if (match !== null) return match;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`process ended before ${pattern} was printed:\n${read()}`);
    if (Date.now() > deadline) throw new Error(`${pattern} was not printed within ${timeoutMs} ms:\n${read()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** The test run's own settings must not leak into the product. */
function inheritedEnv(): Record<string, string> {
  const { PATH = '', HOME = '', SLUICE_CACHE, TEMPORAL_CLI } = process.env;
  return { PATH, HOME, ...(SLUICE_CACHE === undefined ? {} : { SLUICE_CACHE }), ...(TEMPORAL_CLI === undefined ? {} : { TEMPORAL_CLI }) };
}

/** Ports that were free a moment ago. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return (server.address() as { port: number }).port;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export async function makeDataFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
