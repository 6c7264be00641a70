// `npm run bench -- sockets`: 5,000 WebSockets on one process, a subscription each, and an event for all of them at once, again and again.
// How late does it come, and what does a socket weigh? Settings: BENCH_SOCKETS [5000], BENCH_BEATS [40].
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { quantile } from '../support/load.js';
import { readGauge } from '../support/metrics.js';
import {
  closeAll,
  describeMachine,
  makeFolder,
  type Measured,
  readMemory,
  ROOT,
  script,
  type SluiceUnderTest,
  startMeasured,
  startSluice,
} from '../support/processes.js';
import { report } from '../support/report.js';

const SOCKETS = Number(process.env['BENCH_SOCKETS'] ?? 5_000);
const BEATS = Number(process.env['BENCH_BEATS'] ?? 40);
const CLIENTS = 2;
const WARM_UP_SOCKETS = 200;
const WARM_UP_BEATS = 10;
const BEAT_EVERY_MS = 2_000;
/** Collecting takes a tenth of it; pages go back to the system a little later. */
const COLLECTED_WITHIN_MS = 3_000;
const DELIVERED_WITHIN_MS = 30_000;

export async function benchSockets(): Promise<void> {
  console.log(`${describeMachine(['graphql-ws', 'ws', 'graphql'])}\n`);
  try {
    const folder = await makeFolder();
    const service = await startMeasured(script('bench/sockets/service.ts', folder), { ready: /ready (\S+)/ });
    const beats = `${service.ready[1]}/beat`;
    const ours = await startSluice(
      {
        SLUICE_SUBGRAPHS: `${folder}/supergraph.yaml`,
        SLUICE_AUTH: 'none',
        SLUICE_MAX_CONNECTIONS_PER_CLIENT: String(2 * SOCKETS),
      },
      { nodeFlags: ['--expose-gc', '--import', `${ROOT}/bench/sockets/collect-garbage.mjs`] },
    );
    const url = `${ours.url.replace('http', 'ws')}/graphql`;

    const first = await startClients(url, WARM_UP_SOCKETS);
    await waitFor('sluice_subscriptions', WARM_UP_SOCKETS, ours.adminUrl);
    for (let n = 0; n < WARM_UP_BEATS; n++) await tell(beats, 100);
    await first.stop();
    await waitFor('sluice_websockets', 0, ours.adminUrl);
    const before = await readUse(ours);

    const startedAt = performance.now();
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => startClients(url, SOCKETS / CLIENTS)));
    await waitFor('sluice_subscriptions', SOCKETS, ours.adminUrl);
    console.log(`  ${SOCKETS} sockets open after ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    for (let n = 0; n < WARM_UP_BEATS; n++) await tell(beats, BEAT_EVERY_MS);
    await collect(clients, WARM_UP_BEATS * SOCKETS);
    for (let n = 0; n < BEATS; n++) await tell(beats, BEAT_EVERY_MS);
    const { delays, lost } = await collect(clients, BEATS * SOCKETS);
    const after = await readUse(ours);

    const [p50, p99, last] = [0.5, 0.99, 1].map((q) => quantile(delays, q)) as [number, number, number];
    const ofSocket = (what: 'resident' | 'used'): number => ((after[what] - before[what]) * 1024) / SOCKETS;
    console.log(`  ${BEATS} events for each, ${delays.length} came: p50 ${p50} ms, p99 ${p99} ms, the last ${last} ms after it was sent`);
    for (const what of ['resident', 'used'] as const)
      console.log(`  ${what} ${before[what].toFixed(0)} MiB before, ${after[what].toFixed(0)} MiB with all sockets`);
    report('events and sockets lost', BEATS * SOCKETS - delays.length + lost, 'at most', 0);
    report(`delivery to ${SOCKETS} sockets, p99 in ms`, p99, 'at most', 250);
    report('memory of a socket, the larger of the two, kB', Math.max(ofSocket('resident'), ofSocket('used')), 'at most', 50);
  } finally {
    await closeAll();
  }
}

function startClients(url: string, count: number): Promise<Measured> {
  return startMeasured(script('bench/sockets/clients.ts', url, String(count)), { ready: /ready (\S+)/ });
}

/**
 * MiB, without garbage. What a heap has grown to by starting stays resident, so that sockets can lie in it unseen: what V8 says is in use is
 * read as well.
 */
async function readUse({ pid, adminUrl }: SluiceUnderTest): Promise<{ resident: number; used: number }> {
  process.kill(pid, 'SIGUSR2');
  await sleep(COLLECTED_WITHIN_MS);
  const heap = await readGauge(adminUrl, 'nodejs_heap_size_used_bytes');
  const external = await readGauge(adminUrl, 'nodejs_external_memory_bytes');
  return { resident: (await readMemory(pid)).now, used: (heap + external) / 2 ** 20 };
}

async function tell(url: string, thenWaitMs: number): Promise<void> {
  const { body } = await request(url, { method: 'POST' });
  await body.dump();
  await sleep(thenWaitMs);
}

/** Asks the clients until as many events have come as were sent, or it is too late. */
async function collect(clients: readonly Measured[], expected: number): Promise<{ delays: number[]; lost: number }> {
  const delays: number[] = [];
  for (const untilMs = Date.now() + DELIVERED_WITHIN_MS; ;) {
    let lost = 0;
    for (const { ready } of clients) {
      const { body } = await request(ready[1] as string);
      const told = (await body.json()) as { delays: number[]; lost: number };
      for (const delay of told.delays) delays.push(delay);
      lost += told.lost;
    }
    if (delays.length >= expected || Date.now() > untilMs) return { delays, lost };
    await sleep(100);
  }
}

async function waitFor(gauge: string, value: number, adminUrl: string): Promise<void> {
  for (const untilMs = Date.now() + DELIVERED_WITHIN_MS; ;) {
    const now = await readGauge(adminUrl, gauge);
    if (now === value) return;
    if (Date.now() > untilMs) throw new Error(`${gauge} is ${now}, not ${value}`);
    await sleep(100);
  }
}
