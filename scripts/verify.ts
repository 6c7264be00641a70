// `npm run verify`: exactly what CI runs, cheapest first, stopping at the first failure.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';

const CHECKS: readonly { name: string; command: readonly string[] }[] = [
  { name: 'supergraph and API schema are what the subgraphs compose to', command: ['npm', 'run', '-s', 'compose', '--', '--check'] },
  { name: 'generated documents are up to date', command: ['npx', '--no-install', 'tsx', 'scripts/generate-docs.ts', '--check'] },
  { name: 'import rules', command: ['npm', 'run', '-s', 'deps'] },
  { name: 'types', command: ['npm', 'run', '-s', 'typecheck'] },
  { name: 'lint and format', command: ['npm', 'run', '-s', 'lint'] },
  { name: 'tests', command: ['npm', 'test'] },
];

async function assertLockfileHasNoAddresses(): Promise<void> {
  const lockfile = JSON.parse(await readFile(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
    packages: Record<string, { resolved?: string; link?: boolean }>;
  };
  const named = Object.entries(lockfile.packages).filter(([, entry]) => entry.resolved !== undefined && entry.link !== true);
  if (named.length > 0) throw new Error(`package-lock.json names download addresses, first: ${named[0]?.[0]}`);
}

async function run([program, ...args]: readonly string[]): Promise<number> {
  const child = spawn(program as string, args, { cwd: new URL('../', import.meta.url), stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

await assertLockfileHasNoAddresses();
for (const { name, command } of CHECKS) {
  console.log(`\n— ${name}`);
  if ((await run(command)) !== 0) {
    console.log(`verify stopped at: ${name}`);
    process.exitCode = 1;
    break;
  }
}
