// `npm run bench`: three ratios, each against its baseline in the same run, on this machine, services answering from memory.
//   1. CPU of the direct path against the plain Apollo pair   2. a durable query against an empty workflow   3. event → WebSocket client
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createClient } from 'graphql-ws';
import { Agent, request } from 'undici';
import { WebSocket } from 'ws';
import { packPlugin } from '#cli/plugin/pack';
import { writePackage } from '#platform/plugin-package/archive';
import { signIn } from '#tests/support/graphql-client';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from '#tests/support/sluice-process';

const OPERATIONS = Number(process.env['BENCH_OPERATIONS'] ?? 3_000);
const RUNS = Number(process.env['BENCH_RUNS'] ?? 200);
const CONCURRENCY = 16;
const QUERY = '{ products { id name price reviews { text } } }';
/** USER_HZ of Linux. */
const TICKS_PER_SECOND = 100;

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const agent = new Agent({ connections: CONCURRENCY, pipelining: 1 });
const data = await makeDataFolder();
const opened: (() => Promise<unknown>)[] = [() => data.remove()];

try {
  printMachine();
  const supergraph = `${data.path}/supergraph.graphql`;
  await startScript('bench/services.ts', [supergraph]);
  await measureDirect(supergraph);
  await measureDurable(supergraph);
  await measureEvents();
} finally {
  for (const close of opened.reverse()) await close();
}
process.exit(0);

async function measureDirect(supergraph: string): Promise<void> {
  const [port] = (await findFreePorts(1)) as [number];
  const apollo = await startScript('bench/baselines/apollo-pair.ts', [supergraph, String(port)]);
  const ours = await startGateway(supergraph, 'direct');
  const targets = [
    { name: 'plain Apollo pair', url: `http://127.0.0.1:${port}/`, pid: apollo.pid as number },
    { name: 'Sluice, direct', url: `${ours.url}/graphql`, pid: ours.process.pid },
  ];
  const used: number[] = [];
  for (const { url } of targets) await load(url, OPERATIONS / 3);
  for (const { name, url, pid } of targets) {
    const before = await readCpuMs(pid);
    const { seconds } = await load(url, OPERATIONS);
    const perOperation = ((await readCpuMs(pid)) - before) / OPERATIONS;
    used.push(perOperation);
    console.log(`  ${name.padEnd(20)} ${perOperation.toFixed(3)} ms CPU per operation, ${Math.round(OPERATIONS / seconds)} per second`);
  }
  report('1. direct path, CPU against the plain Apollo pair', (used[1] as number) / (used[0] as number), 1 / 3);
  apollo.kill();
  await ours.process.stop();
}

async function measureDurable(supergraph: string): Promise<void> {
  const direct = await startGateway(supergraph, 'direct');
  const directMs = await sequential(`${direct.url}/graphql`);
  await direct.process.stop();
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
  report('2. durable two-service query over direct, against an empty workflow', (durableMs - directMs) / emptyMs, 1.3);
  await durable.process.stop();
}

async function measureEvents(): Promise<void> {
  const { process: sluice, url } = await startProduct({});
  const admin = await signIn(url, 'admin');
  const name = '@sluice/bench';
  const files = new Map(await packPlugin(`${root}/examples/plugins/qr-code`));
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
  delays.sort((a, b) => a - b);
  const p50 = median(delays);
  const p95 = delays[Math.floor(delays.length * 0.95)] as number;
  console.log(`  ${delays.length} events, from the workflow's own time to the client: p50 ${p50} ms, p95 ${p95} ms`);
  report('3. event to WebSocket client, p50 in units of 50 ms', p50 / 50, 1);
  await sluice.stop();
}

async function startGateway(supergraph: string, execution: string): Promise<{ process: SluiceProcess; url: string; temporal: string }> {
  return startProduct({ SUPERGRAPH: supergraph, SLUICE_AUTH: 'none', SLUICE_EXECUTION: execution });
}

async function startProduct(env: Record<string, string>): Promise<{ process: SluiceProcess; url: string; temporal: string }> {
  const [port, admin, temporal, ui] = (await findFreePorts(4)).map(String) as [string, string, string, string];
  const folder = await makeDataFolder();
  const started = startSluice(['start'], {
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    SLUICE_DATA: folder.path,
    PORT: port,
    ADMIN_PORT: admin,
    TEMPORAL_PORT: temporal,
    TEMPORAL_UI_PORT: ui,
    ...env,
  });
  opened.push(async () => {
    await started.stop();
    await folder.remove();
  });
  await started.waitFor(/^ready$/m, 90_000);
  return { process: started, url: `http://127.0.0.1:${port}`, temporal: `127.0.0.1:${temporal}` };
}

async function ask(url: string): Promise<void> {
  const { statusCode, body } = await request(url, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: QUERY }),
  });
  const text = await body.text();
  if (statusCode !== 200 || text.includes('"errors"')) throw new Error(`${url} answered ${statusCode}: ${text.slice(0, 300)}`);
}

async function load(url: string, operations: number): Promise<{ seconds: number }> {
  let left = operations;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (left-- > 0) await ask(url);
    }),
  );
  return { seconds: (performance.now() - startedAt) / 1000 };
}

/** p50 of one caller, the first quarter left out. */
async function sequential(url: string): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < RUNS; n++) {
    const startedAt = performance.now();
    await ask(url);
    times.push(performance.now() - startedAt);
  }
  return median(times.slice(RUNS / 4));
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}

function report(what: string, ratio: number, goal: number): void {
  console.log(`${what}: ${ratio.toFixed(2)} (goal ≤ ${goal.toFixed(2)}) ${ratio <= goal ? 'reached' : 'MISSED'}\n`);
}

async function readCpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
}

async function startScript(script: string, args: readonly string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', `${root}/${script}`, ...args], {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  opened.push(async () => child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => chunk.includes('ready') && resolve());
    child.on('exit', () => reject(new Error(`${script} ended`)));
  });
  return child;
}

async function runScript(script: string, args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', `${root}/${script}`, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  await new Promise((resolve) => child.on('exit', resolve));
  return output;
}

function printMachine(): void {
  const version = (name: string): string => (require(`${root}/node_modules/${name}/package.json`) as { version: string }).version;
  const names = ['@apollo/server', '@apollo/gateway', '@temporalio/worker', 'graphql', 'graphql-ws'];
  console.log(
    `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}, ${names.map((name) => `${name} ${version(name)}`).join(', ')}\n`,
  );
}
