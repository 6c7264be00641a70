// `npm run bench -- federation`: the gateway against the plain Apollo pair and against Hive Gateway, over the same four services in the
// same run. Services and load share core 0, the gateway under measurement has core 1 for itself; the others wait meanwhile.
// Settings: BENCH_SECONDS [5] of each of BENCH_ROUNDS [3] turns, which go round so that a busy moment of the machine hits all alike.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { findFreePorts } from '#tests/support/sluice-process';
import { ask, load, median } from '../support/load.js';
import {
  closeAll,
  describeMachine,
  makeFolder,
  pinToCore,
  readCpuMs,
  readMemory,
  ROOT,
  script,
  startMeasured,
  startSluice,
} from '../support/processes.js';
import { report, table } from '../support/report.js';
import { ONE_SERVICE_QUERY, SHOP_QUERY, SHOP_QUERY_BY_CALLER } from './catalogue.js';

const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 5);
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const CALLERS = 50;
const ONE_FETCH_OPERATIONS = 12_000;
const LOAD_CORE = 0;
const GATEWAY_CORE = 1;
const HIVE = `${ROOT}/bench/federation/hive-gateway`;

interface Gateway {
  name: string;
  url: string;
  pid: number;
  stop(): Promise<unknown>;
}

interface Figures {
  cpuMs: number;
  perSecond: number;
  p95: number;
  peakMiB: number;
  /** Of core 0: where it nears 1, requests per second say nothing about the gateway. */
  loadCore: number;
}

const same = (): string => JSON.stringify({ query: SHOP_QUERY });
const differing = (n: number): string => JSON.stringify({ query: SHOP_QUERY_BY_CALLER, variables: { askedBy: `caller-${n}` } });

export async function benchFederation(): Promise<void> {
  installHive();
  pinToCore(LOAD_CORE);
  console.log(`${describeMachine(['@apollo/server', '@apollo/gateway', 'graphql', 'undici'])}\n`);
  try {
    const supergraph = `${await makeFolder()}/supergraph.graphql`;
    const services = await startMeasured(script('bench/federation/services.ts', supergraph), { core: LOAD_CORE, ready: /^ready (\d+)$/m });

    const apart = [
      await startApollo(supergraph),
      await startHive(supergraph, 'js'),
      await startHive(supergraph, 'rust'),
      await startOurs(supergraph, false),
    ];
    await checkAnswers(apart);
    const off = await measureAll('no deduplication, one query', apart, services.pid, same);
    await measureAll('no deduplication, a variable that differs', apart, services.pid, differing);
    await stopAll(apart);

    const shared = [await startHive(supergraph, 'js', true), await startOurs(supergraph, true)];
    await measureAll('deduplication, one query', shared, services.pid, same);
    await measureAll('deduplication, a variable that differs', shared, services.pid, differing);
    await stopAll(shared);

    const extra = await measureOneFetch(supergraph, `http://127.0.0.1:${services.ready[1]}/products`);
    const [apollo, hive, , ours] = off as [Figures, Figures, Figures, Figures];
    report('CPU per operation, as a part of the plain Apollo pair', ours.cpuMs / apollo.cpuMs, 'at most', 1 / 3);
    report("requests per second, in units of Hive Gateway's JavaScript planner", ours.perSecond / hive.perSecond, 'at least', 1);
    report('one service, plan known: ms CPU over the same fetch by the bare client', extra, 'at most', 0.3);
  } finally {
    await closeAll();
  }
}

/** Only here: its 750 packages are no part of the product's. */
function installHive(): void {
  if (existsSync(`${HIVE}/node_modules`)) return;
  console.log('installing Hive Gateway …');
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: HIVE, stdio: 'inherit' });
}

async function startApollo(supergraph: string): Promise<Gateway> {
  const [port] = (await findFreePorts(1)) as [number];
  const started = await startMeasured(script('bench/baselines/apollo-pair.ts', supergraph, String(port)), {
    core: GATEWAY_CORE,
    ready: /ready/,
  });
  return { ...started, name: 'plain Apollo pair', url: `http://127.0.0.1:${port}/` };
}

/** `js`: its JavaScript planner and executor, with the compiler of documents that it offers; `rust`: its Rust planner. */
async function startHive(supergraph: string, planner: 'js' | 'rust', sharesRequests = false): Promise<Gateway> {
  const [port] = (await findFreePorts(1)) as [number];
  const started = await startMeasured(
    [
      process.execPath,
      `${HIVE}/node_modules/@graphql-hive/gateway/dist/bin.js`,
      ...['supergraph', supergraph, '--host', '127.0.0.1', '--port', String(port), '--config-path', `${HIVE}/gateway.config.mjs`],
      ...(planner === 'js' ? ['--jit'] : ['--hive-router-runtime']),
    ],
    { core: GATEWAY_CORE, env: { SHARE_REQUESTS: String(sharesRequests) }, ready: /Starting Hive Gateway/ },
  );
  const url = `http://127.0.0.1:${port}/graphql`;
  await untilAnswers(url);
  return { ...started, name: `Hive Gateway, ${planner === 'js' ? 'JavaScript' : 'Rust'} planner`, url };
}

async function startOurs(supergraph: string, sharesFetches: boolean): Promise<Gateway> {
  const env = { SUPERGRAPH: supergraph, SLUICE_AUTH: 'none', SLUICE_EXECUTION: 'direct', SUBGRAPH_SHARE_FETCHES: String(sharesFetches) };
  const started = await startSluice(env, { core: GATEWAY_CORE });
  return { ...started, name: 'Sluice, direct', url: `${started.url}/graphql` };
}

async function untilAnswers(url: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      await ask(url, JSON.stringify({ query: '{ __typename }' }));
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Speed counts among equal answers only. */
async function checkAnswers(gateways: readonly Gateway[]): Promise<void> {
  const texts = await Promise.all(gateways.map(({ url }) => ask(url, same())));
  const answers = texts.map((text) => (JSON.parse(text) as { data: unknown }).data);
  gateways.forEach(({ name }, n) => {
    if (!isDeepStrictEqual(answers[n], answers[0])) throw new Error(`${name} answers otherwise than ${gateways[0]?.name}`);
  });
  console.log(`the same answer of ${(Buffer.byteLength(JSON.stringify({ data: answers[0] })) / 1000).toFixed(1)} kB from all\n`);
}

async function measureAll(title: string, gateways: readonly Gateway[], services: number, body: (n: number) => string): Promise<Figures[]> {
  const rounds: Figures[][] = gateways.map(() => []);
  for (const { url } of gateways) await load({ url, callers: CALLERS, durationMs: SECONDS * 1000, body });
  for (let round = 0; round < ROUNDS; round++)
    for (const [n, gateway] of gateways.entries()) rounds[n]?.push(await measure(gateway, services, body));
  const figures = rounds.map((own) => ({
    cpuMs: median(own.map(({ cpuMs }) => cpuMs)),
    perSecond: median(own.map(({ perSecond }) => perSecond)),
    p95: median(own.map(({ p95 }) => p95)),
    peakMiB: Math.max(...own.map(({ peakMiB }) => peakMiB)),
    loadCore: median(own.map(({ loadCore }) => loadCore)),
  }));
  const rows = figures.map((f, n) => [
    gateways[n]?.name ?? '',
    f.cpuMs,
    f.perSecond,
    f.p95,
    f.peakMiB,
    `${Math.round(f.loadCore * 100)} %`,
  ]);
  console.log(`${title}, ${CALLERS} callers, median of ${ROUNDS} × ${SECONDS} s`);
  console.log(`${table(['gateway', 'CPU ms/op', 'op/s', 'p95 ms', 'peak MiB', 'load core'], rows)}\n`);
  return figures;
}

async function measure({ url, pid }: Gateway, services: number, body: (n: number) => string): Promise<Figures> {
  const [own, others, mine] = [await readCpuMs(pid), await readCpuMs(services), process.cpuUsage()];
  const { operations, seconds, p95 } = await load({ url, callers: CALLERS, durationMs: SECONDS * 1000, body });
  const spent = process.cpuUsage(mine);
  return {
    cpuMs: ((await readCpuMs(pid)) - own) / operations,
    perSecond: operations / seconds,
    p95,
    peakMiB: (await readMemory(pid)).peak,
    loadCore: ((await readCpuMs(services)) - others + (spent.user + spent.system) / 1000) / (seconds * 1000),
  };
}

/** @returns ms CPU of the gateway for a request of one fetch, less what the bare client takes for that fetch */
async function measureOneFetch(supergraph: string, service: string): Promise<number> {
  const ours = await startOurs(supergraph, false);
  const body = (): string => JSON.stringify({ query: ONE_SERVICE_QUERY });
  await load({ url: ours.url, callers: CALLERS, operations: ONE_FETCH_OPERATIONS / 2, body });
  const gateway: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = await readCpuMs(ours.pid);
    await load({ url: ours.url, callers: CALLERS, operations: ONE_FETCH_OPERATIONS, body });
    gateway.push(((await readCpuMs(ours.pid)) - before) / ONE_FETCH_OPERATIONS);
    const args = [service, ONE_SERVICE_QUERY, String(ONE_FETCH_OPERATIONS), String(CALLERS)];
    const client = await startMeasured(script('bench/federation/bare-client.ts', ...args), {
      core: GATEWAY_CORE,
      ready: /^ready ([\d.]+)$/m,
    });
    bare.push(Number(client.ready[1]));
    await client.stop();
  }
  await ours.stop();
  console.log(`one service: gateway ${median(gateway).toFixed(3)} ms CPU, bare client ${median(bare).toFixed(3)} ms CPU per operation\n`);
  return median(gateway) - median(bare);
}

async function stopAll(gateways: readonly Gateway[]): Promise<void> {
  for (const gateway of gateways) await gateway.stop();
}
