// `npm run bench -- starts`: what each role needs until it says `ready`, on PostgreSQL and a Temporal server that run already.
// CPU is what carries over: on a busy machine a start takes a multiple of it.
import { createKeys } from '#platform/keys';
import { startTemporal } from '#tests/chaos/drill/victims';
import { startPostgres } from '#tests/support/postgres';
import { findFreePorts } from '#tests/support/sluice-process';
import { closeAll, describeMachine, makeFolder, readCpuMs, readMemory, ROOT, startMeasured } from './support/processes.js';
import { table } from './support/report.js';

const STARTS = Number(process.env['BENCH_STARTS'] ?? 5);
const ROLES = ['gateway', 'worker', 'subgraph tenants', 'subgraph files', 'subgraph plugins', 'subgraph operations', 'plugin-host'];

interface Start {
  cpuMs: number;
  wallMs: number;
  peakMiB: number;
}

export async function benchStarts(): Promise<void> {
  console.log(`${describeMachine(['@apollo/server', '@temporalio/worker', 'graphql'])}\n`);
  const postgres = await startPostgres();
  try {
    const [temporalPort, port] = (await findFreePorts(2)) as [number, number];
    const folder = await makeFolder();
    const temporal = await startTemporal({ port: temporalPort, folder });
    try {
      await measureStarts({
        DATABASE_URL: postgres.url,
        TEMPORAL_ADDRESS: `127.0.0.1:${temporalPort}`,
        SLUICE_KEYS: JSON.stringify(await createKeys()),
        SLUICE_DATA: folder,
        LOG_LEVEL: 'warn',
        PORT: String(port),
        ADMIN_PORT: '0',
      });
    } finally {
      await temporal.stop();
    }
  } finally {
    await closeAll();
    await postgres.stop();
  }
}

async function measureStarts(env: Record<string, string>): Promise<void> {
  const commands = new Map([
    ['Node alone', ['-e', 'setInterval(() => {}, 1e6); console.log("ready")']],
    ...ROLES.map((role): [string, string[]] => [role, [`${ROOT}/dist/cli/main.js`, 'start', ...role.split(' ')]]),
  ]);
  const starts = new Map<string, Start[]>([...commands.keys()].map((name) => [name, []]));
  // The first round migrates, publishes the first supergraph and warms the file cache. All roles in turn, so that each meets the same load.
  for (let round = 0; round <= STARTS; round++) {
    for (const [name, command] of commands) {
      const start = await measureStart(command, env);
      if (round > 0) starts.get(name)?.push(start);
    }
  }
  const medianOf = (of: keyof Start, all: Start[]): number => all.map((start) => start[of]).sort((a, b) => a - b)[all.length >> 1] ?? 0;
  const rows = [...starts].map(([name, all]) => [name, medianOf('cpuMs', all), medianOf('wallMs', all), medianOf('peakMiB', all)]);
  console.log(table([`until ready, median of ${STARTS}`, 'CPU ms', 'ms', 'peak MiB'], rows));
}

async function measureStart(command: readonly string[], env: Record<string, string>): Promise<Start> {
  const startedAt = performance.now();
  const started = await startMeasured([process.execPath, ...command], { env, ready: /^ready$/m });
  const wallMs = performance.now() - startedAt;
  const [cpuMs, { peak }] = await Promise.all([readCpuMs(started.pid), readMemory(started.pid)]);
  await started.stop();
  return { cpuMs, wallMs, peakMiB: peak };
}
