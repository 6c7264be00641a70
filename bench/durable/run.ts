// `npm run bench -- durable`: what durability costs, against what any durable run costs on this machine. Services answer from memory.
//   1. one caller in a closed loop: a query over two services direct, durable, the empty workflow (by the SDK's own worker, and by ours for
//      comparison), and the query as one would write it by hand; what is durable and what is by hand also after a pause
//   2. 32 callers: durable queries against empty workflows
//   3. event → WebSocket client   4. 1,000 viewers of one operation
// What is compared takes turns, slice by slice, so that the machine's moods fall on all of it. Not request by request: a dev server at its
// defaults limits how often it looks for tasks, and would rest while the others are asked.
// Settings: BENCH_RUNS [400], BENCH_SECONDS [60].
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, load, median, quantile } from '../support/load.js';
import { quantileBound, readHistogram } from '../support/metrics.js';
import { closeAll, describeMachine, makeFolder, script, startMeasured, startSluice, type SluiceUnderTest } from '../support/processes.js';
import { report } from '../support/report.js';
import { startDefaultTemporal } from '../support/temporal.js';
import { measureEvents } from './events.js';
import { measureViewers } from './viewers.js';

const RUNS = Number(process.env['BENCH_RUNS'] ?? 400);
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 60);
const WARM_UP_RUNS = 100;
/** Of each of the many callers. */
const WARM_UP_RUNS_EACH = 25;
/** In a row to one target. */
const SLICE_RUNS = 25;
const PAUSED_RUNS = 60;
const PAUSE_MS = 400;
const CALLERS = 32;
const SLICES = 3;
const BODY = JSON.stringify({ query: '{ products { id name price reviews { text } } }' });

/** Each part has its own processes, and none of another's beside it. */
export async function benchDurable(): Promise<void> {
  console.log(`${describeMachine(['@temporalio/worker', '@temporalio/client', 'graphql', 'graphql-ws'])}\n`);
  for (const measure of [measureOneCaller, measureManyCallers, measureEvents, measureViewers]) {
    try {
      await measure();
    } finally {
      await closeAll();
    }
  }
}

async function measureOneCaller(): Promise<void> {
  const { supergraph, services } = await startServices();
  const direct = await startGateway(supergraph, 'direct');
  const gateway = await startGateway(supergraph, 'durable');
  const urls = {
    direct: `${direct.url}/graphql`,
    durable: `${gateway.url}/graphql`,
    empty: await startEmpty(gateway.temporal),
    emptyByOurs: await startEmpty(gateway.temporal, 'ours'),
    plain: await startPlain(services),
  };
  const times: Record<keyof typeof urls, number[]> = { direct: [], durable: [], empty: [], emptyByOurs: [], plain: [] };
  const names = Object.keys(urls) as (keyof typeof urls)[];
  for (const name of names) for (let n = 0; n < WARM_UP_RUNS; n++) await time(urls[name]);
  for (let done = 0; done < RUNS; done += SLICE_RUNS)
    for (const name of names) for (let n = 0; n < SLICE_RUNS; n++) times[name].push(await time(urls[name]));
  const [once, durable, empty, plain] = [median(times.direct), median(times.durable), median(times.empty), median(times.plain)];
  console.log(
    `  one caller, p50: direct ${once.toFixed(1)} ms, durable ${durable.toFixed(1)} ms, by hand ${plain.toFixed(1)} ms, empty workflow ${empty.toFixed(1)} ms` +
      ` (by our worker ${median(times.emptyByOurs).toFixed(1)} ms)`,
  );
  const paused = { durable: [] as number[], plain: [] as number[] };
  for (let n = 0; n < PAUSED_RUNS; n++) {
    for (const name of ['durable', 'plain'] as const) {
      await sleep(PAUSE_MS);
      paused[name].push(await time(urls[name]));
    }
  }
  console.log(
    `  after pauses of at least ${PAUSE_MS} ms, p50: durable ${median(paused.durable).toFixed(1)} ms, by hand ${median(paused.plain).toFixed(1)} ms`,
  );
  report('durable two-service query over direct, against an empty workflow', (durable - once) / empty, 'at most', 1.3);
  report('durable two-service query against the same by hand, dev server at its defaults', durable / plain, 'at most', 1 / 4);
}

/** @returns milliseconds */
async function time(url: string): Promise<number> {
  const startedAt = performance.now();
  await ask(url, BODY);
  return performance.now() - startedAt;
}

async function measureManyCallers(): Promise<void> {
  const { supergraph } = await startServices();
  const { url, adminUrl, temporal } = await startGateway(supergraph, 'durable');
  const targets = [
    { name: 'empty', at: await startEmpty(temporal) },
    { name: 'durable', at: `${url}/graphql` },
  ] as const;
  for (const { at } of targets) await load({ url: at, callers: CALLERS, operations: CALLERS * WARM_UP_RUNS_EACH, body: () => BODY });
  const operations = { durable: 0, empty: 0 };
  const slowest = { durable: [] as number[], empty: [] as number[] };
  const before = await readHistogram(adminUrl, START_METRIC);
  for (let slice = 0; slice < SLICES; slice++) {
    for (const { name, at } of targets) {
      const figures = await load({ url: at, callers: CALLERS, durationMs: (SECONDS * 1000) / SLICES / 2, body: () => BODY });
      operations[name] += figures.operations / figures.seconds / SLICES;
      slowest[name].push(figures.p99);
    }
  }
  const p99 = quantileBound(before, await readHistogram(adminUrl, START_METRIC), 0.99);
  for (const { name } of targets) {
    console.log(
      `  ${CALLERS} callers, ${name.padEnd(7)} ${operations[name].toFixed(1)} per second, p99 ${quantile(slowest[name], 0.5).toFixed(0)} ms`,
    );
  }
  report(`throughput of ${CALLERS} callers against empty workflows`, operations.durable / operations.empty, 'at least', 0.7);
  report('start of a workflow under that load, p99 in seconds (the bound of its bucket)', p99, 'at most', 0.5);
}

const START_METRIC = 'sluice_run_start_seconds';

async function startServices(): Promise<{ supergraph: string; services: readonly string[] }> {
  const supergraph = `${await makeFolder()}/supergraph.graphql`;
  const { ready } = await startMeasured(script('bench/baselines/two-services.ts', supergraph), { ready: /ready (\S+) (\S+)/ });
  return { supergraph, services: ready };
}

function startGateway(supergraph: string, execution: string): Promise<SluiceUnderTest> {
  return startSluice({ SUPERGRAPH: supergraph, SLUICE_AUTH: 'none', SLUICE_EXECUTION: execution });
}

async function startEmpty(temporal: string, whose = 'sdk'): Promise<string> {
  const { ready } = await startMeasured(script('bench/baselines/empty-workflow.ts', temporal, whose), { ready: /ready (\d+)/ });
  return `http://127.0.0.1:${ready[1]}/`;
}

/** Worker and client are two processes, as in the samples. */
async function startPlain([, products = '', reviews = '']: readonly string[]): Promise<string> {
  const env = { TEMPORAL_ADDRESS: await startDefaultTemporal(), PRODUCTS_URL: products, REVIEWS_URL: reviews };
  await startMeasured(script('bench/baselines/plain/worker.ts'), { env, ready: /ready/ });
  const { ready } = await startMeasured(script('bench/baselines/plain/server.ts'), { env, ready: /ready (\d+)/ });
  return `http://127.0.0.1:${ready[1]}/`;
}
