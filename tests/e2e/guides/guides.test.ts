// README and guides, followed literally: every block of shell runs, in order, in a folder that looks like the repository's root.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '#tests/support/eventually';
import { type Caller, signIn } from '#tests/support/graphql-client';
import { type Block, readBlocks } from '#tests/support/markdown';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from '#tests/support/sluice-process';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DOCUMENTS = ['README.md', ...readdirSync(join(ROOT, 'docs/guides')).map((file) => `docs/guides/${file}`)];
const SERVICES = ['catalog', 'orders'];
const DOCUMENTED_URL = 'http://127.0.0.1:4000';

const run = promisify(execFile);
let data: Awaited<ReturnType<typeof makeDataFolder>>;
let folder: Awaited<ReturnType<typeof makeDataFolder>>;
let services: ChildProcess[] = [];
let sluice: SluiceProcess;
let url: string;
let env: Record<string, string>;

beforeAll(async () => {
  [data, folder] = [await makeDataFolder(), await makeDataFolder()];
  for (const name of ['node_modules', 'examples']) await symlink(join(ROOT, name), join(folder.path, name));
  await writeFile(join(folder.path, 'report.pdf'), '%PDF-1.4 a report');
  const [port, admin, temporal, ui, ...ports] = (await findFreePorts(4 + SERVICES.length)).map(String) as [string, string, string, string];
  url = `http://127.0.0.1:${port}`;
  services = SERVICES.map((name, index) =>
    spawn(process.execPath, [join(ROOT, `examples/services/${name}/service.js`)], {
      env: { PATH: process.env['PATH'], PORT: (ports as string[])[index] },
      stdio: 'ignore',
    }),
  );
  const list = SERVICES.map(
    (name, index) =>
      `  ${name}: { routing_url: 'http://127.0.0.1:${(ports as string[])[index]}/graphql', schema: { file: '${ROOT}examples/services/${name}/schema.graphql' } }`,
  );
  await writeFile(join(folder.path, 'supergraph.yaml'), `federation_version: =2.9.0\nsubgraphs:\n${list.join('\n')}\n`);
  env = {
    SLUICE_DATA: data.path,
    PORT: port,
    ADMIN_PORT: admin,
    TEMPORAL_PORT: temporal,
    TEMPORAL_UI_PORT: ui,
    SLUICE_SUBGRAPHS: join(folder.path, 'supergraph.yaml'),
  };
  sluice = startSluice(['start'], env);
  await sluice.waitFor(/^ready$/m, 90_000);
});
afterAll(async () => {
  await sluice.stop();
  for (const service of services) service.kill();
  await folder.remove();
  await data.remove();
});

/** One shell for a document, as its reader has one; the output of each block apart. */
async function follow(blocks: readonly Block[]): Promise<string[]> {
  const mark = '—— next block ——';
  // What npx does in a repository; here it would look for a package of that name.
  const npx = 'npx() { command "$@"; }';
  const script = ['set -eo pipefail', npx, ...blocks.map(({ text }) => `${text}\necho; echo '${mark}'`)].join('\n');
  const { stdout } = await run('bash', ['-c', script.replaceAll(DOCUMENTED_URL, url)], {
    cwd: folder.path,
    env: { PATH: `${ROOT}node_modules/.bin:${process.env['PATH']}`, HOME: process.env['HOME'], SLUICE_DATA: data.path },
    timeout: 120_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout.split(mark);
}

describe('whoever follows', () => {
  let admin: Caller;

  it("the README's first steps sees what it says", async () => {
    admin = await signIn(url, 'admin');
    const started = await admin.query('mutation { installPlugin(input: { name: "@sluice/qr-code" }) { operation { id } } }');
    await eventually(
      async () =>
        (await admin.query('query ($id: ID!) { operation(id: $id) { status errors { code } } }', started.data?.['installPlugin'].operation))
          .data?.['operation'] as { status: string },
      ({ status }) => status === 'COMPLETED',
      90_000,
    );
    const [, query] = /Afterwards `([^`]+)` answers/.exec(await readFile(join(ROOT, 'README.md'), 'utf8')) ?? [];
    const { data: answer, errors } = await admin.query(query ?? '');
    expect(errors).toBeUndefined();
    for (const { shareQr } of answer?.['files'].nodes as { shareQr: { svg: string } }[]) expect(shareQr.svg).toContain('<svg');
    expect(answer?.['files'].nodes.length).toBeGreaterThan(8);
  });

  it.each(DOCUMENTS)('%s gets through, and sees what it says', async (path) => {
    const blocks = readBlocks(path).filter(({ language, notRun }) => language === 'sh' && notRun === null);
    const outputs = await follow(blocks);
    blocks.forEach(({ at, prints }, index) => {
      for (const text of prints) expect(outputs[index]?.toLowerCase(), at).toContain(text.toLowerCase());
    });
  });
});
