// `npm run bench`: CPU of the direct path against the plain Apollo pair, services answering from memory.
import { findFreePorts } from '#tests/support/sluice-process';
import { load } from './support/load.js';
import { closeAll, describeMachine, makeFolder, readCpuMs, script, startMeasured, startSluice } from './support/processes.js';
import { report } from './support/report.js';

const OPERATIONS = Number(process.env['BENCH_OPERATIONS'] ?? 3_000);
const CALLERS = 16;
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
  const used: number[] = [];
  for (const { url } of targets) await load({ url, callers: CALLERS, operations: OPERATIONS / 3, body: () => BODY });
  for (const { name, url, pid } of targets) {
    const before = await readCpuMs(pid);
    const { seconds } = await load({ url, callers: CALLERS, operations: OPERATIONS, body: () => BODY });
    const perOperation = ((await readCpuMs(pid)) - before) / OPERATIONS;
    used.push(perOperation);
    console.log(`  ${name.padEnd(20)} ${perOperation.toFixed(3)} ms CPU per operation, ${Math.round(OPERATIONS / seconds)} per second`);
  }
  report('direct path, CPU against the plain Apollo pair', (used[1] as number) / (used[0] as number), 'at most', 1 / 3);
  await apollo.stop();
  await ours.stop();
}

function startGateway(supergraph: string, execution: string): ReturnType<typeof startSluice> {
  return startSluice({ SUPERGRAPH: supergraph, SLUICE_AUTH: 'none', SLUICE_EXECUTION: execution });
}
