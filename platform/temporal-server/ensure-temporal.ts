// The Temporal server of a deployment: the configured one, or a child of ours on a database file.
// Owns: starting, adopting after a crash, starting again when it ends, stopping.  Does not own: connections to it.
// T1. One server per database file: a second one would start without complaint and corrupt what both hold.
// T2. The child has its own process group, so that Ctrl-C ends it after the drain and not before.
// T3. A port that something else holds is refused, never shared.
// T4. One that ends by itself is started again on its ports and its file (keep-running.ts).
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '#schema/contracts/errors';
import { type End, keepRunning, type Mortal } from '../keep-running.js';
import type { Logger } from '../logger.js';
import { findTemporal } from './find-temporal.js';
import { toServerArguments, type UiCodec } from './settings.js';

const START_TIMEOUT_MS = 30_000;
const STOP_GRACE_MS = 8_000;
const LOOK_EVERY_MS = 200;

export interface TemporalServer {
  address: string;
  namespace: string;
  /** Base URL of Temporal's UI, when known. */
  uiUrl: string | null;
  /** With which that UI comes to the codec server; null when it was given none. */
  uiCapability: string | null;
  /** Ends a server that this process started or adopted; a configured one is left alone. */
  stop(): Promise<void>;
}

export interface TemporalServerOptions {
  address: string | null;
  namespace: string;
  uiUrl: string | null;
  /** Of the server that is started; a null `uiPort` leaves the UI out. */
  port: number;
  uiPort: number | null;
  /** Null or absent: that UI shows payloads as they are kept. */
  uiCodec?: UiCodec | null;
  cli: string | null;
  cacheDir: string;
  dataDir: string;
  /** Folders that are searched, as in PATH. */
  path: string;
  log: Logger;
  /** Told when the server keeps ending and is not started again. */
  giveUp?: (reason: unknown) => void;
}

type RunningServer = Mortal & { record: ServerRecord };

interface ServerRecord {
  pid: number;
  /** Tells the process from a later one with the same pid. */
  startedAt: string;
  port: number;
  uiPort: number | null;
  /** Its UI was told once, at its start. */
  uiCapability?: string | null;
  file: string;
}

/** @throws TEMPORAL_UNAVAILABLE, PORT_TAKEN, CONFIG_INVALID */
export async function ensureTemporal(options: TemporalServerOptions): Promise<TemporalServer> {
  const { log, dataDir } = options;
  if (options.address !== null) {
    log.info({ step: 'TEMPORAL_ADDRESS', address: options.address }, 'using the configured Temporal server');
    return {
      address: options.address,
      namespace: options.namespace,
      uiUrl: options.uiUrl,
      uiCapability: null,
      stop: () => Promise.resolve(),
    };
  }
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const recordFile = join(dataDir, 'temporal.json');
  const file = resolve(dataDir, 'temporal.db');

  const adopted = await findRunning(recordFile, file);
  // An adopted one keeps its ports when it has to be started again.
  const { port, uiPort } = adopted ?? options;
  // And its UI what it was told of the codec server, which decodes by that.
  const { uiCodec: configured = null } = options;
  const uiCodec = adopted === undefined || configured === null ? configured : { ...configured, capability: adopted.uiCapability ?? null };
  const server = keepRunning({ name: 'the Temporal server', start: startOrAdopt, log, giveUp: options.giveUp });
  const { record } = await server.current();
  return {
    address: `127.0.0.1:${record.port}`,
    namespace: options.namespace,
    uiUrl: record.uiPort === null ? null : `http://127.0.0.1:${record.uiPort}`,
    uiCapability: record.uiCapability ?? null,
    stop: async () => {
      await server.close();
      await rm(recordFile, { force: true });
      log.info('stopped the Temporal server');
    },
  };

  async function startOrAdopt(): Promise<RunningServer> {
    const running = await findRunning(recordFile, file);
    if (running === undefined) return startServer();
    log.info({ pid: running.pid, port: running.port }, 'adopted the Temporal server of an earlier run');
    return toRunning(running, waitForEnd(running));
  }

  async function startServer(): Promise<RunningServer> {
    const executable = await findTemporal({
      binary: 'temporal',
      configured: options.cli,
      cacheDir: options.cacheDir,
      path: options.path,
      log,
    });
    for (const [name, number] of [
      ['TEMPORAL_PORT', port],
      ['TEMPORAL_UI_PORT', uiPort],
    ] as const) {
      if (number !== null && (await accepts(number)))
        throw new CodedError(
          'PORT_TAKEN',
          `${name}: port ${number} on 127.0.0.1 is taken by another program; set another one or end that program`,
        );
    }
    const output = await open(join(dataDir, 'temporal.log'), 'a');
    const child = spawn(executable, toServerArguments({ ...options, port, uiPort, uiCodec, file }), {
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
    });
    child.unref();
    await output.close();
    const record = await recordChild(child, recordFile, {
      port,
      uiPort,
      uiCapability: uiCodec?.capability ?? null,
      file,
    });
    await waitUntilUp(child, port, dataDir);
    log.info({ pid: record.pid, port: record.port }, 'started a Temporal server');
    return toRunning(record, waitForEnd(record));
  }
}

function toRunning(record: ServerRecord, gone: Promise<void>): RunningServer {
  let end: End = 'died';
  return {
    record,
    ended: gone.then(() => end),
    close: async () => {
      end = 'ended by us';
      await endProcess(record);
    },
  };
}

/** Of an adopted one no exit is told, so that both are looked at. */
async function waitForEnd({ pid, startedAt }: ServerRecord): Promise<void> {
  while ((await readStartTime(pid)) === startedAt) await sleep(LOOK_EVERY_MS, undefined, { ref: false });
}

async function recordChild(child: ChildProcess, recordFile: string, at: Omit<ServerRecord, 'pid' | 'startedAt'>): Promise<ServerRecord> {
  if (child.pid === undefined) {
    const [cause] = (await once(child, 'error')) as [Error];
    throw new CodedError('TEMPORAL_UNAVAILABLE', 'the temporal command could not be started', { cause });
  }
  const record: ServerRecord = { pid: child.pid, startedAt: (await readStartTime(child.pid)) ?? '', ...at };
  await writeFile(`${recordFile}.tmp`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${recordFile}.tmp`, recordFile);
  return record;
}

async function waitUntilUp(child: ChildProcess, port: number, dataDir: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new CodedError(
        'TEMPORAL_UNAVAILABLE',
        `the Temporal server ended at once (${child.exitCode ?? child.signalCode}); its log is ${join(dataDir, 'temporal.log')}`,
      );
    }
    if (Date.now() > deadline)
      throw new CodedError('TEMPORAL_UNAVAILABLE', `the Temporal server did not listen on port ${port} within ${START_TIMEOUT_MS} ms`);
    await new Promise((tick) => setTimeout(tick, 50));
  }
}

/** The recorded server, if it is that very process and answers. One that runs and does not answer is ended first (T1). */
async function findRunning(recordFile: string, file: string): Promise<ServerRecord | undefined> {
  const record = await readFile(recordFile, 'utf8').then(
    (text) => JSON.parse(text) as ServerRecord,
    () => undefined,
  );
  if (record?.file !== file || (await readStartTime(record.pid)) !== record.startedAt) return undefined;
  if (await accepts(record.port)) return record;
  await endProcess(record);
  return undefined;
}

async function endProcess({ pid, startedAt }: ServerRecord): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if ((await readStartTime(pid)) !== startedAt) return;
    process.kill(pid, signal);
    const deadline = Date.now() + STOP_GRACE_MS;
    while (Date.now() < deadline && (await readStartTime(pid)) === startedAt) await new Promise((tick) => setTimeout(tick, 50));
  }
}

/** @returns what identifies this life of the process; undefined when there is none (a zombie counts as none) */
async function readStartTime(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    try {
      process.kill(pid, 0);
      return 'alive';
    } catch {
      return undefined;
    }
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // Behind the command's closing bracket: state is the first field, start time the twentieth.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' ? undefined : fields[19];
}

async function accepts(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 });
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      settle(answer);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
}
