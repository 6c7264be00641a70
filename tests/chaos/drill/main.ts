// `npm run chaos -- --operations 2000 --kills 40`: prints the report; exit code 1 when something was lost, doubled or left out.
import { parseArgs } from 'node:util';
import { runDrill } from './drill.js';

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '300' },
    kills: { type: 'string', default: '15' },
    'every-ms': { type: 'string', default: '5000' },
    clients: { type: 'string', default: '8' },
  },
});
const report = await runDrill({
  operations: Number(values.operations),
  kills: Number(values.kills),
  everyMs: Number(values['every-ms']),
  clients: Number(values.clients),
  settleMs: 60_000,
  say: (line) => void process.stderr.write(`${line}\n`),
});
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
process.exitCode = report.violations.length === 0 && report.succeeded >= report.operations * 0.995 ? 0 : 1;
