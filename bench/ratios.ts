// `npm run bench`: three ratios, each against its baseline in the same run, on this machine, services answering from memory.
//   1. CPU of the direct path against the plain Apollo pair   2. a durable query against an empty workflow   3. event → WebSocket client
import { spawn } from 'node:child_process';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { packPlugin } from '#cli/plugin/pack';
import { writePackage } from '#platform/plugin-package/archive';
import { signIn } from '#tests/support/graphql-client';
import { findFreePorts } from '#tests/support/sluice-process';
import { ask, load, median, quantile } from './support/load.js';
import { closeAll, describeMachine, makeFolder, readCpuMs, ROOT, script, startMeasured, startSluice } from './support/processes.js';
import { report } from './support/report.js';

const OPERATIONS = Number(process.env['BENCH_OPERATIONS'] ?? 3_000);
const RUNS = Number(process.env['BENCH_RUNS'] ?? 200);
const CALLERS = 16;
const BODY = JSON.stringify({ query: '{ products { id name price reviews { text } } }' });

export async function benchRatios(): Promise<void> {
  console.log(`${describeMachine(['@apollo/server', '@apollo/gateway', '@temporalio/worker', 'graphql', 'graphql-ws'])}\n`);
  try {
    const supergraph = `${await makeFolder()}/supergraph.graphql`;
    await startMeasured(script('bench/baselines/two-services.ts', supergraph), { ready: /ready/ });
    await measureDirect(supergraph);
    await measureDurable(supergraph);
    await measureEvents();
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

async function measureDurable(supergraph: string): Promise<void> {
  const direct = await startGateway(supergraph, 'direct');
  const directMs = await sequential(`${direct.url}/graphql`);
  await direct.stop();
  const durable = await startGateway(supergraph, 'durable');
  const durableMs = await sequential(`${durable.url}/graphql`);
  const empty = await runScript('bench/baselines/empty-workflow.ts', [durable.temporal, String(RUNS)]);
  const emptyMs = median(
    empty
      .split('\n')
      .map(Number)
      .filter((ms) => ms > 0)
      .slice(RUNS / 4),
  );
  console.log(`  direct ${directMs.toFixed(1)} ms, durable ${durableMs.toFixed(1)} ms, empty workflow ${emptyMs.toFixed(1)} ms (p50)`);
  report('durable two-service query over direct, against an empty workflow', (durableMs - directMs) / emptyMs, 'at most', 1.3);
  await durable.stop();
}

async function measureEvents(): Promise<void> {
  const sluice = await startSluice({});
  const { url } = sluice;
  const admin = await signIn(url, 'admin');
  const name = '@sluice/bench';
  const files = new Map(await packPlugin(`${ROOT}/examples/plugins/qr-code`));
  files.set('plugin.json', Buffer.from((files.get('plugin.json') as Buffer).toString('utf8').replace('@sluice/qr-code', name)));
  // Unsigned: each installation runs two steps, fails, and is compensated.
  const published = await admin.query('mutation($p: Base64!) { publishPluginVersion(input: { package: $p }) { userErrors { message } } }', {
    p: (await writePackage(files)).toString('base64'),
  });
  if (published.errors !== undefined) throw new Error(JSON.stringify(published.errors));
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { token: admin.token },
  });
  const delays: number[] = [];
  for (let n = 0; n < 30; n++) {
    const { data: started } = await admin.query(
      'mutation($name: String!) { installPlugin(input: { name: $name }) { operation { id } userErrors { message } } }',
      { name },
    );
    const { operation } = started?.['installPlugin'] as { operation: { id: string } };
    const query = 'subscription($id: ID!) { operationEvents(id: $id) { __typename ... on OperationEventFields { at } } }';
    for await (const { data: next } of client.iterate<{ operationEvents: { at: string } }>({
      query,
      variables: { id: operation.id },
    })) {
      if (next != null) delays.push(Date.now() - Date.parse(next.operationEvents.at));
    }
  }
  await client.dispose();
  const p50 = median(delays);
  const p95 = quantile(delays, 0.95);
  console.log(`  ${delays.length} events, from the workflow's own time to the client: p50 ${p50} ms, p95 ${p95} ms`);
  report('event to WebSocket client, p50 in units of 50 ms', p50 / 50, 'at most', 1);
  await sluice.stop();
}

function startGateway(supergraph: string, execution: string): ReturnType<typeof startSluice> {
  return startSluice({ SUPERGRAPH: supergraph, SLUICE_AUTH: 'none', SLUICE_EXECUTION: execution });
}

/** p50 of one caller, the first quarter left out. */
async function sequential(url: string): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < RUNS; n++) {
    const startedAt = performance.now();
    await ask(url, BODY);
    times.push(performance.now() - startedAt);
  }
  return median(times.slice(RUNS / 4));
}

async function runScript(path: string, args: readonly string[]): Promise<string> {
  const [file, ...all] = script(path, ...args) as [string, ...string[]];
  const child = spawn(file, all, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  await new Promise((resolve) => child.on('exit', resolve));
  return output;
}
