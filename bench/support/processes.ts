// Processes under measurement: started on one core, read by /proc, ended with the benchmark. Linux only.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, loadavg, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { findFreePorts, makeDataFolder } from '#tests/support/sluice-process';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** USER_HZ of Linux. */
const TICKS_PER_SECOND = 100;
const READY_MS = 90_000;
const STOP_MS = 30_000;

const require = createRequire(import.meta.url);
const opened: (() => Promise<unknown>)[] = [];

export interface Measured {
  readonly pid: number;
  /** What the ready pattern matched. */
  readonly ready: RegExpMatchArray;
  /** Everything it printed so far, at most the last 100,000 characters. */
  readonly output: () => string;
  /** SIGTERM, and SIGKILL after 30 s. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** On which core all its threads run; absent: any. */
  core?: number;
  env?: Record<string, string>;
  /** What it prints when it can be asked. */
  ready: RegExp;
}

/** Production mode; the environment of the benchmark does not leak into it. @throws when it ends or is not ready within 90 s */
export async function startMeasured(command: readonly string[], { core, env = {}, ready }: StartOptions): Promise<Measured> {
  const [file, ...args] = [...(core === undefined ? [] : ['taskset', '-c', String(core)]), ...command] as [string, ...string[]];
  const { PATH = '', HOME = '', SLUICE_CACHE, TEMPORAL_CLI } = process.env;
  const inherited = Object.fromEntries(
    Object.entries({ PATH, HOME, SLUICE_CACHE, TEMPORAL_CLI }).filter(([, value]) => value !== undefined),
  );
  const child = spawn(file, args, { cwd: ROOT, env: { ...inherited, NODE_ENV: 'production', ...env } });
  let output = '';
  const match = await new Promise<RegExpMatchArray>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${command.join(' ')} was not ready in ${READY_MS / 1000} s:\n${output}`)), READY_MS);
    const look = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-100_000);
      const found = ready.exec(output);
      if (found === null) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', () => reject(new Error(`${command.join(' ')} ended:\n${output}`)));
    opened.push(() => end(child));
  });
  return { pid: child.pid as number, ready: match, output: () => output, stop: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(timer);
}

/** A script of `bench/` by tsx, which is a process of its own: what is measured must be `node` itself. */
export const script = (path: string, ...args: string[]): string[] => [process.execPath, '--import', 'tsx', `${ROOT}/${path}`, ...args];

export interface SluiceUnderTest extends Measured {
  url: string;
  adminUrl: string;
  /** `host:port` of its Temporal. */
  temporal: string;
}

/** The built product, everyone admitted, on free ports and with a data folder of its own. @param nodeFlags - e.g. `--cpu-prof` */
export async function startSluice(
  env: Record<string, string>,
  { core, nodeFlags = [] }: { core?: number; nodeFlags?: readonly string[] } = {},
): Promise<SluiceUnderTest> {
  const [port, admin, temporal, ui] = (await findFreePorts(4)).map(String) as [string, string, string, string];
  const folder = await makeDataFolder();
  opened.push(() => folder.remove());
  const started = await startMeasured([process.execPath, ...nodeFlags, `${ROOT}/dist/cli/main.js`, 'start'], {
    ...(core === undefined ? {} : { core }),
    env: {
      LOG_LEVEL: 'warn',
      SLUICE_DATA: folder.path,
      PORT: port,
      ADMIN_PORT: admin,
      TEMPORAL_PORT: temporal,
      TEMPORAL_UI_PORT: ui,
      ...env,
    },
    ready: /^ready$/m,
  });
  return { ...started, url: `http://127.0.0.1:${port}`, adminUrl: `http://127.0.0.1:${admin}`, temporal: `127.0.0.1:${temporal}` };
}

/** A folder that goes with the benchmark. */
export async function makeFolder(): Promise<string> {
  const folder = await makeDataFolder();
  opened.push(() => folder.remove());
  return folder.path;
}

/** Ends all that was started, the last first. */
export async function closeAll(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

/** Of all threads, since the start; good to 10 ms. */
export async function readCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

/** Resident memory in MiB, now and at its highest. */
export async function readMemory(pid: number): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const read = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return { now: read('VmRSS'), peak: read('VmHWM') };
}

/** Moves this process, which makes the load, to one core. */
export function pinToCore(core: number): void {
  execFileSync('taskset', ['-a', '-c', '-p', String(core), String(process.pid)], { stdio: 'ignore' });
}

/** What figures depend on, in one paragraph. */
export function describeMachine(packages: readonly string[]): string {
  const version = (name: string): string => (require(`${ROOT}/node_modules/${name}/package.json`) as { version: string }).version;
  const busy = (loadavg()[0] as number).toFixed(1);
  return [
    `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version},`,
    `load average before the run ${busy};`,
    packages.map((name) => `${name} ${version(name)}`).join(', '),
  ].join(' ');
}
