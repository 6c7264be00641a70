// `npm run bench -- swaps`: the whole product while a service's schema changes 20 times in a minute: composition, publication, loading and
// swap under 50 direct requests and 5 durable ones a second and 200 subscriptions. What is lost, and how long is the event loop blocked?
// Settings: BENCH_SWAPS [20], BENCH_SECONDS [60].
import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { ask, quantile } from '../support/load.js';
import { closeAll, describeMachine, makeFolder, ROOT, script, startMeasured, startSluice } from '../support/processes.js';
import { report } from '../support/report.js';
import { readGeneration } from '../support/supergraph-versions.js';
import { SDL } from './schemas.js';

const SWAPS = Number(process.env['BENCH_SWAPS'] ?? 20);
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 60);
const DIRECT_PER_SECOND = 50;
const DURABLE_PER_SECOND = 5;
const SUBSCRIPTIONS = 200;
const SOCKETS = 10;
/** Equal subscriptions share a stream of the service: so many different ones. */
const GROUPS = 20;
const DIRECT = JSON.stringify({ query: '{ items { id name } }' });
const DURABLE = JSON.stringify({ query: '{ items { id note } }' });
const WARM_UP_MS = 5_000;
/** A swap's own work ends this long after the gateway tells the new generation; by then subscriptions are reviewed. */
const SETTLED_MS = 300;

export async function benchSwaps(): Promise<void> {
  console.log(`${describeMachine(['@apollo/gateway', 'graphql', 'graphql-ws'])}\n`);
  try {
    const folder = await makeFolder();
    await startMeasured(script('bench/swaps/services.ts', folder), { ready: /ready/ });
    const watched = `${folder}/loop.txt`;
    await writeFile(watched, '');
    const ours = await startSluice(
      { SLUICE_SUBGRAPHS: `${folder}/supergraph.yaml`, SLUICE_AUTH: 'none', LOOP_WATCH: watched },
      { nodeFlags: ['--import', `${ROOT}/bench/swaps/loop-watch.mjs`] },
    );
    const url = `${ours.url}/graphql`;
    const subscriptions = openSubscriptions(url);
    for (const body of [DIRECT, DURABLE]) await ask(url, body);
    await sleep(WARM_UP_MS);

    const untilMs = Date.now() + SECONDS * 1000;
    const [direct, durable, swaps] = await Promise.all([
      askSteadily(url, DIRECT, DIRECT_PER_SECOND, untilMs),
      askSteadily(url, DURABLE, DURABLE_PER_SECOND, untilMs),
      changeSchema(folder, ours.adminUrl, untilMs),
    ]);
    const streams = await subscriptions.end();

    const turns = (await readFile(watched, 'utf8'))
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split(' ').map(Number) as [number, number, number])
      .filter(([endMs]) => endMs <= untilMs && endMs > untilMs - SECONDS * 1000);
    const swapping = turns.filter(([endMs]) => swaps.some(({ fromMs, toMs }) => endMs >= fromMs && endMs <= toMs + SETTLED_MS));
    const longest = (own: typeof turns, column: 1 | 2): number => Math.max(0, ...own.map((turn) => turn[column]));
    console.log(
      `  ${swaps.length} swaps in ${SECONDS} s, ${Math.round(
        quantile(
          swaps.map(({ fromMs, toMs }) => toMs - fromMs),
          0.5,
        ),
      )} ms from file to served (p50)`,
    );
    console.log(`  direct  ${direct.answered} answered, ${direct.failures.length} lost, p95 ${direct.p95.toFixed(0)} ms`);
    console.log(`  durable ${durable.answered} answered, ${durable.failures.length} lost, p95 ${durable.p95.toFixed(0)} ms`);
    console.log(`  streams ${streams.events} events, ${streams.gaps} gaps, ${streams.ended} of ${SUBSCRIPTIONS} ended`);
    console.log(
      `  longest turn of the event loop: ${longest(turns, 1).toFixed(0)} ms, of it ${longest(turns, 2).toFixed(0)} ms on the CPU;`,
    );
    console.log(`  while swapping: ${longest(swapping, 1).toFixed(0)} ms, of it ${longest(swapping, 2).toFixed(0)} ms on the CPU`);
    for (const failure of [...direct.failures, ...durable.failures, ...streams.failures].slice(0, 5)) console.log(`  ${failure}`);
    report('swaps', swaps.length, 'at least', SWAPS);
    report(
      'lost answers, events and streams',
      direct.failures.length + durable.failures.length + streams.gaps + streams.ended,
      'at most',
      0,
    );
    report('longest block by a swap, ms on the CPU', longest(swapping, 2), 'at most', 50);
  } finally {
    await closeAll();
  }
}

/** Open loop: a request leaves when its time has come, whether the one before was answered or not. */
async function askSteadily(url: string, body: string, perSecond: number, untilMs: number) {
  const asked: Promise<void>[] = [];
  const times: number[] = [];
  const failures: string[] = [];
  for (let next = Date.now(); next < untilMs; next += 1000 / perSecond) {
    await sleep(Math.max(0, next - Date.now()));
    const sentAt = performance.now();
    asked.push(
      ask(url, body).then(
        () => void times.push(performance.now() - sentAt),
        (error: unknown) => void failures.push(String(error)),
      ),
    );
  }
  await Promise.all(asked);
  return { answered: times.length, failures, p95: quantile(times, 0.95) };
}

async function changeSchema(folder: string, adminUrl: string, untilMs: number): Promise<{ fromMs: number; toMs: number }[]> {
  const swaps: { fromMs: number; toMs: number }[] = [];
  const everyMs = (SECONDS * 1000) / SWAPS;
  let served = await readGeneration(adminUrl);
  for (let n = 0, next = Date.now(); n < SWAPS && Date.now() < untilMs; n++, next += everyMs) {
    await sleep(Math.max(0, next - Date.now()));
    const fromMs = Date.now();
    await writeFile(`${folder}/next`, SDL.notes.replace('note: String!', `note: String! version${n}: Int`));
    await rename(`${folder}/next`, `${folder}/notes.graphql`);
    for (;;) {
      const now = await readGeneration(adminUrl);
      if (now > served) {
        served = now;
        swaps.push({ fromMs, toMs: Date.now() });
        break;
      }
      if (Date.now() > untilMs + 10_000) return swaps;
      await sleep(50);
    }
  }
  return swaps;
}

/** Counted ticks, completed by the other service. */
function openSubscriptions(url: string) {
  const failures: string[] = [];
  let events = 0;
  let gaps = 0;
  let ended = 0;
  let isOver = false;
  const clients: Client[] = Array.from({ length: SOCKETS }, () =>
    createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, lazy: false, retryAttempts: 0 }),
  );
  const finish = (why: string): void => {
    if (isOver) return;
    ended += 1;
    failures.push(`a stream ended: ${why}`);
  };
  for (let n = 0; n < SUBSCRIPTIONS; n++) {
    let last: number | undefined;
    const query = `subscription { ticks(group: ${n % GROUPS}) { sequence item { id note } } }`;
    clients[n % SOCKETS]?.subscribe<{ ticks: { sequence: number } }>(
      { query },
      {
        next({ data, errors }) {
          const sequence = data?.ticks.sequence;
          events += 1;
          if (errors !== undefined) failures.push(JSON.stringify(errors).slice(0, 200));
          if (errors !== undefined || (last !== undefined && sequence !== last + 1)) gaps += 1;
          last = sequence;
        },
        error: (error) => finish(JSON.stringify(error).slice(0, 200)),
        complete: () => finish('complete'),
      },
    );
  }
  return {
    async end() {
      isOver = true;
      for (const client of clients) await client.dispose();
      return { events, gaps, ended, failures };
    },
  };
}
