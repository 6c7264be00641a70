// `npm run chaos -- --operations 2000 --faults 60`: prints figures and goals; exit code 1 when a goal is missed.
import { parseArgs } from 'node:util';
import { runDrill } from './drill.js';
import { printReport, toGoals } from './report.js';

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '300' },
    faults: { type: 'string', default: '15' },
    'every-ms': { type: 'string', default: '5000' },
    clients: { type: 'string', default: '8' },
  },
});
const report = await runDrill({
  operations: Number(values.operations),
  faults: Number(values.faults),
  everyMs: Number(values['every-ms']),
  clients: Number(values.clients),
  freezeMs: 10_000,
  drainMs: 10_000,
  jobsMs: { shortest: 5_000, longest: 40_000 },
  settleMs: 60_000,
  say: (line) => void process.stderr.write(`${line}\n`),
});
process.stdout.write(`${printReport(report)}\n`);
process.exitCode = toGoals(report).every(({ isReached }) => isReached) ? 0 : 1;
