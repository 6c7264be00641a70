// What a failing service costs: time until callers have their partial answer, memory, and the latency of operations that do not need it.
// Prints a table; ends with 1 when a "must reach" is missed: answers within the time limit + 0.5 s, no growth.
// Run: npm run faults
import type { RequestListener } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { FAULTS, FAULTY_SERVICES } from '#gateway/server/tests/faulty-service';
import { startTestGateway, type TestAnswer, type TestGateway } from '#gateway/server/tests/test-gateway';

const TIMEOUT_MS = 3_000;
const GRACE_MS = 500;
const CALLS_AT_ONCE = 20;
const ROUNDS = 5;
/** Between the first round and the last; a leak of every answer would be over it for any fault that sends something. */
const MAX_GROWTH_MB = 4;

async function measure(): Promise<void> {
  let behave: RequestListener = (_, response) => void response.end();
  const things = [{ id: '1' }, { id: '2' }];
  const gateway = await startTestGateway({
    services: [
      {
        name: 'good',
        sdl: FAULTY_SERVICES.good,
        resolvers: { Query: { ping: () => 'pong', things: () => things }, Thing: { __resolveReference: (given: object) => given } },
      },
      { name: 'faulty', sdl: FAULTY_SERVICES.faulty, handler: (request, response) => behave(request, response) },
    ],
    // Sharing would make one call of all.
    env: {
      SLUICE_EXECUTION: 'direct',
      SUBGRAPH_TIMEOUT_MS: String(TIMEOUT_MS),
      SUBGRAPH_COMPRESSION: 'on',
      SUBGRAPH_SHARE_FETCHES: 'false',
    },
  });
  const rows: Record<string, Record<string, string | number>> = {};
  let isMissed = false;
  try {
    const calm = await probe(gateway, sleep(1_000));
    rows['(no fault)'] = { 'good p50 ms': calm.p50, 'good p95 ms': calm.p95 };
    for (const fault of FAULTS) {
      behave = fault.behave;
      await askAtOnce(gateway);
      const before = await heldMb(gateway);
      const rssBefore = rssMb();
      let peak = rssBefore;
      const watch = setInterval(() => (peak = Math.max(peak, rssMb())), 10);
      const asking = (async () => {
        const all: Awaited<ReturnType<typeof ask>>[] = [];
        for (let round = 1; round < ROUNDS; round++) all.push(...(await askAtOnce(gateway)));
        return all;
      })();
      const good = await probe(gateway, asking);
      const answers = await asking;
      clearInterval(watch);
      const growth = (await heldMb(gateway)) - before;
      const slowestMs = Math.round(Math.max(...answers.map(({ ms }) => ms)));
      const wrong = answers.filter(({ answer }) => !isPartial(answer, fault.code)).length;
      isMissed ||= wrong > 0 || slowestMs > TIMEOUT_MS + GRACE_MS || growth > MAX_GROWTH_MB;
      rows[fault.name] = {
        code: fault.code,
        'slowest ms': slowestMs,
        wrong,
        'growth MB': round(growth),
        'peak RSS +MB': round(peak - rssBefore),
        'good p50 ms': good.p50,
        'good p95 ms': good.p95,
      };
    }
  } finally {
    await gateway.close();
  }
  console.log(
    `${ROUNDS} rounds of ${CALLS_AT_ONCE} calls at once, time limit ${TIMEOUT_MS} ms; gateway, services and callers are one process.\n` +
      'growth: heap and buffers after a collection, last round against first; peak: resident set while they run',
  );
  console.table(rows);
  if (isMissed) process.exitCode = 1;
}

function askAtOnce(gateway: TestGateway): Promise<{ answer: TestAnswer; ms: number }[]> {
  return Promise.all(Array.from({ length: CALLS_AT_ONCE }, () => ask(gateway)));
}

async function ask(gateway: TestGateway): Promise<{ answer: TestAnswer; ms: number }> {
  const startedAt = performance.now();
  const answer = await gateway.query('{ ping things { id size } }');
  return { answer, ms: performance.now() - startedAt };
}

function isPartial({ data, errors }: TestAnswer, code: string): boolean {
  const first = errors?.[0];
  return data?.['ping'] === 'pong' && errors?.length === 1 && first?.extensions.code === code && String(first.path) === 'things';
}

/** Latency of an operation that needs the good service only, until `during` is over. */
async function probe(gateway: TestGateway, during: Promise<unknown>): Promise<{ p50: number; p95: number }> {
  let isOver = false;
  void during.finally(() => (isOver = true));
  const times: number[] = [];
  do {
    const startedAt = performance.now();
    const { data } = await gateway.query('{ ping }');
    if (data?.['ping'] !== 'pong') throw new Error('the good service was affected');
    times.push(performance.now() - startedAt);
  } while (!isOver);
  times.sort((a, b) => a - b);
  const at = (share: number): number => round(times[Math.floor((times.length - 1) * share)] ?? 0);
  return { p50: at(0.5), p95: at(0.95) };
}

/** Heap and buffers after a collection of garbage, without what the test's own records keep. */
async function heldMb({ services, log }: TestGateway): Promise<number> {
  for (const { calls } of Object.values(services)) calls.splice(0);
  log.splice(0);
  // Sockets and decompressors let go of their buffers in later turns of the event loop.
  for (let collection = 0; collection < 3; collection++) {
    globalThis.gc?.();
    await sleep(100);
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
}

function rssMb(): number {
  return process.memoryUsage.rss() / 1024 / 1024;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

await measure();
