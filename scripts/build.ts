// Builds dist/: compiled rooms, assets, the workflow bundle, the console, and the `sluice` command.
// `npm ci` runs it through `prepare`, so that `npm start` never compiles anything.
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { compileRooms } from './compile-rooms.js';
import { readOwnDocuments } from './own-documents.js';

const root = new URL('../', import.meta.url);
const dist = new URL('dist/', root);
const run = promisify(execFile);

const ROOMS = ['schema', 'platform', 'gateway', 'subgraphs', 'workers', 'cli'];
/** What the compiled code reads at run time. */
const ASSET = /\.(graphql|sql|json|txt|md|cjs)$/;

async function copyAssets(): Promise<void> {
  for (const room of ROOMS) {
    await cp(new URL(room, root), new URL(room, dist), {
      recursive: true,
      filter: (source) =>
        !/node_modules|\/tests?(\/|$)|\/histories(\/|$)/.test(source) && (ASSET.test(source) || !/\.[a-z]+$/.test(source)),
    });
  }
}

/** The alias table of package.json, pointing at compiled files. */
async function writePackageJson(): Promise<void> {
  const { name, version, imports } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as {
    name: string;
    version: string;
    imports: Record<string, string>;
  };
  const compiled = Object.fromEntries(Object.entries(imports).map(([alias, target]) => [alias, target.replace(/\.ts$/, '.js')]));
  await writeFile(new URL('package.json', dist), JSON.stringify({ name, version, type: 'module', imports: compiled }, null, 2));
}

async function bundleWorkflows(): Promise<void> {
  await tool('tsx/dist/cli.mjs', ['scripts/bundle-workflows.ts']);
}

async function buildConsole(): Promise<void> {
  await tool('vite/bin/vite.js', ['build', '--config', 'web/console/vite.config.ts', '--logLevel', 'warn']);
}

/** What console and `@sluice/client` send, for deployments that take trusted documents only. */
async function writeTrustedDocuments(): Promise<void> {
  await writeFile(new URL('console/trusted-documents.json', dist), JSON.stringify(await readOwnDocuments(), null, 2));
}

/** The example plugins, unsigned: each embedded deployment signs them with a key of its own. */
async function packExamples(): Promise<void> {
  await mkdir(new URL('examples/', dist), { recursive: true });
  for (const plugin of ['qr-code', 'text-statistics'])
    await tool('../dist/cli/main.js', [
      'plugin',
      'pack',
      `examples/plugins/${plugin}`,
      '--out',
      `dist/examples/sluice-${plugin}-1.0.0.tgz`,
    ]);
}

async function linkCommand(): Promise<void> {
  const command = new URL('node_modules/.bin/sluice', root);
  await chmod(new URL('cli/main.js', dist), 0o755);
  await rm(command, { force: true });
  await mkdir(new URL('./', command), { recursive: true });
  await symlink('../../dist/cli/main.js', command);
}

async function tool(script: string, args: readonly string[]): Promise<void> {
  try {
    await run(process.execPath, [new URL(`node_modules/${script}`, root).pathname, ...args], { cwd: root, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${script} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

const startedAt = performance.now();
await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
const steps = [
  async () => {
    await compileRooms({ root, dist, rooms: ROOMS });
    await copyAssets();
    await writePackageJson();
    await linkCommand();
    await packExamples();
  },
  bundleWorkflows,
  async () => {
    await tool('typescript/bin/tsc', ['-p', 'web/client/tsconfig.build.json']);
    await buildConsole();
    await writeTrustedDocuments();
  },
];
if (availableParallelism() > 1) await Promise.all(steps.map((step) => step()));
else for (const step of steps) await step();
console.log(`built dist/ in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
