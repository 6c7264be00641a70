// `npm run bench`: CPU of the direct path against the plain Apollo pair, services answering from memory.
import { findFreePorts } from '#tests/support/sluice-process';
import { load, median } from './support/load.js';
import { closeAll, describeMachine, makeFolder, readCpuMs, script, startMeasured, startSluice } from './support/processes.js';
import { report } from './support/report.js';

const OPERATIONS = Number(process.env['BENCH_OPERATIONS'] ?? 5_000);
const CALLERS = 16;
/** They take turns, so that the machine's moods fall on both; the median counts. */
const SLICES = 5;
const BODY = JSON.stringify({ query: '{ products { id name price reviews { text } } }' });

export async function benchRatios(): Promise<void> {
  console.log(`${describeMachine(['@apollo/server', '@apollo/gateway', 'graphql'])}\n`);
  try {
    const supergraph = `${await makeFolder()}/supergraph.graphql`;
    await startMeasured(script('bench/baselines/two-services.ts', supergraph), { ready: /ready/ });
    await measureDirect(supergraph);
  } finally {
    await closeAll();
  }
}

async function measureDirect(supergraph: string): Promise<void> {
  const [port] = (await findFreePorts(1)) as [number];
  const apollo = await startMeasured(script('bench/baselines/apollo-pair.ts', supergraph, String(port)), { ready: /ready/ });
  const ours = await startGateway(supergraph, 'direct');
  const targets = [
    { name: 'plain Apollo pair', url: `http://127.0.0.1:${port}/`, pid: apollo.pid },
    { name: 'Sluice, direct', url: `${ours.url}/graphql`, pid: ours.pid },
  ];
  for (const { url } of targets) await load({ url, callers: CALLERS, operations: OPERATIONS, body: () => BODY });
  const slices = targets.map((): number[] => []);
  for (let slice = 0; slice < SLICES; slice++)
    for (const [index, { url, pid }] of targets.entries()) {
      const before = await readCpuMs(pid);
      await load({ url, callers: CALLERS, operations: OPERATIONS / SLICES, body: () => BODY });
      slices[index]?.push(((await readCpuMs(pid)) - before) / (OPERATIONS / SLICES));
    }
  const used = slices.map(median);
  for (const [index, { name }] of targets.entries()) console.log(`  ${name.padEnd(20)} ${used[index]?.toFixed(3)} ms CPU per operation`);
  report('direct path, CPU against the plain Apollo pair', (used[1] as number) / (used[0] as number), 'at most', 1 / 3);
  await apollo.stop();
  await ours.stop();
}

function startGateway(supergraph: string, execution: string): ReturnType<typeof startSluice> {
  return startSluice({ SUPERGRAPH: supergraph, SLUICE_AUTH: 'none', SLUICE_EXECUTION: execution });
}
