// `npm test`: every vitest project with coverage, the coverage gates, and the closing line `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { assertCoverage } from './coverage-gates.js';

const root = new URL('../', import.meta.url);
const report = new URL('.cache/vitest-report.json', root);
await mkdir(new URL('.cache/', root), { recursive: true });

const vitest = spawn(
  process.execPath,
  [
    new URL('node_modules/vitest/vitest.mjs', root).pathname,
    'run',
    '--coverage',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report.pathname}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
const exitCode = await new Promise<number>((resolve) => vitest.on('exit', (code) => resolve(code ?? 1)));

const { numPassedTests, numFailedTests, numFailedTestSuites } = JSON.parse(await readFile(report, 'utf8')) as {
  numPassedTests: number;
  numFailedTests: number;
  numFailedTestSuites: number;
};
// A narrowed run says nothing about the whole, so the gates hold for full runs only.
const gaps = process.argv.length > 2 ? [] : await assertCoverage(new URL('coverage/coverage-summary.json', root));
for (const gap of gaps) console.log(`coverage: ${gap}`);
// A suite that fails to load has no failed test of its own; it must not look like success.
const failed = numFailedTests + (numFailedTests === 0 && exitCode !== 0 ? Math.max(1, numFailedTestSuites) : 0) + gaps.length;
console.log(`${numPassedTests} passed, ${failed} failed`);
process.exitCode = failed > 0 || exitCode !== 0 ? 1 : 0;
