// Runs the built product (`dist/cli/main.js`) as users do: a real process on free ports with a data folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const OUTPUT_LIMIT = 4 * 1024 * 1024;
const FIRST_PORT = 12_000;
const PORTS = 20_000;
const MAX_PORT_TRIES = 200;

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
  /** SIGSTOP or SIGCONT. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
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
    signal: (name) => void child.kill(name),
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

/** Of the ports below those that Linux gives to outgoing connections: from these nobody gets one by chance before it is used. */
export async function findFreePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries === MAX_PORT_TRIES) throw new Error(`${count} free ports were not found in ${MAX_PORT_TRIES} tries`);
    const port = FIRST_PORT + randomInt(PORTS);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

export async function makeDataFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
