// `npm run bench -- <name>`: one benchmark; without a name the CPU of the direct path.
import { benchDurable } from './durable/run.js';
import { benchFederation } from './federation/run.js';
import { benchRatios } from './ratios.js';
import { benchSoak } from './soak.js';
import { benchSockets } from './sockets/run.js';
import { benchStarts } from './starts.js';
import { benchSwaps } from './swaps/run.js';

const BENCHMARKS: Record<string, () => Promise<void>> = {
  ratios: benchRatios,
  durable: benchDurable,
  sockets: benchSockets,
  federation: benchFederation,
  soak: benchSoak,
  swaps: benchSwaps,
  starts: benchStarts,
};

const run = BENCHMARKS[process.argv[2] ?? 'ratios'];
if (run === undefined) {
  console.error(`bench: expected one of ${Object.keys(BENCHMARKS).join(', ')}`);
  process.exit(1);
}
await run();
process.exit(0);
