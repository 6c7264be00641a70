// `npm run bench -- soak`: does memory grow? 200,000 requests of ever new and of known operations while the supergraph changes 200 times;
// what is resident in the last quarter against the second one (the first one warms up). Settings: BENCH_REQUESTS, BENCH_SWAPS.
import { SHOP_QUERY } from './federation/catalogue.js';
import { load } from './support/load.js';
import { closeAll, describeMachine, makeFolder, readMemory, script, startMeasured, startSluice } from './support/processes.js';
import { report } from './support/report.js';
import { createVersions } from './support/supergraph-versions.js';

const REQUESTS = Number(process.env['BENCH_REQUESTS'] ?? 200_000);
const SWAPS = Number(process.env['BENCH_SWAPS'] ?? 200);
const CALLERS = 20;
/** Of a hundred requests: documents never seen before, and the query over all services; the others are small and known. */
const NEW_PERCENT = 3;
const DEEP_PERCENT = 1;

export async function benchSoak(): Promise<void> {
  console.log(`${describeMachine(['@apollo/server', 'graphql', 'undici'])}\n`);
  try {
    const file = `${await makeFolder()}/supergraph.graphql`;
    await startMeasured(script('bench/federation/services.ts', file), { ready: /ready/ });
    const ours = await startSluice({ SUPERGRAPH: file, SLUICE_AUTH: 'none', SLUICE_EXECUTION: 'direct' });
    const versions = await createVersions(file, ours.adminUrl);
    const perStep = Math.ceil(REQUESTS / SWAPS);
    const resident: number[] = [];
    let sent = 0;
    const startedAt = performance.now();
    for (let step = 1; step <= SWAPS; step++) {
      await Promise.all([
        versions.next(),
        load({ url: `${ours.url}/graphql`, callers: CALLERS, operations: perStep, body: () => toBody(sent++) }),
      ]);
      resident.push((await readMemory(ours.pid)).now);
      if (step % Math.ceil(SWAPS / 20) === 0)
        console.log(
          `  ${sent} requests, ${step} swaps, ${((performance.now() - startedAt) / 1000).toFixed(0)} s: ${resident.at(-1)?.toFixed(0)} MiB`,
        );
    }
    const quarter = (n: number): number => mean(resident.slice((SWAPS * (n - 1)) / 4, (SWAPS * n) / 4));
    console.log(`  quarters: ${[1, 2, 3, 4].map((n) => `${quarter(n).toFixed(0)} MiB`).join(', ')}`);
    report('resident memory of the last quarter, as a part of the second', quarter(4) / quarter(2), 'at most', 1.05);
  } finally {
    await closeAll();
  }
}

function toBody(n: number): string {
  const hundredth = n % 100;
  if (hundredth < NEW_PERCENT) return JSON.stringify({ query: `query New${n} { topProducts(first: 3) { name_${n}: name upc inStock } }` });
  if (hundredth < NEW_PERCENT + DEEP_PERCENT) return JSON.stringify({ query: SHOP_QUERY });
  return JSON.stringify({ query: `query Known${n % 7} { topProducts(first: ${1 + (n % 7)}) { upc name price } }` });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
