// An operator in Chromium against the product as it is built: what failed is under "Needs attention", is tried again or given up, and leaves
// the list while somebody looks at it. With SCREENSHOTS=<folder> the pages are drawn there, in both sizes and colour schemes.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApprovalsService, startApprovals } from '#tests/support/approvals-service';
import { eventually } from '#tests/support/eventually';
import { type Caller, type GraphQLAnswer, signIn } from '#tests/support/graphql-client';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from '#tests/support/sluice-process';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const screenshots = process.env['SCREENSHOTS'];
const LOOKS = (['light', 'dark'] as const).flatMap((scheme) => [
  { name: `wide-${scheme}`, colorScheme: scheme, viewport: { width: 1280, height: 800 } },
  { name: `narrow-${scheme}`, colorScheme: scheme, viewport: { width: 390, height: 844 } },
]);
const APPROVE = 'mutation ApproveReport($name: String!) { approve(name: $name) }';
const STORE = `mutation StoreFile($name: String!) @saga {
  createFile(input: { name: $name, mediaType: "text/plain", content: "aGVsbG8=" }) { id }
  approve(name: $name)
}`;

let data: Awaited<ReturnType<typeof makeDataFolder>>;
let approvals: ApprovalsService;
let sluice: SluiceProcess;
let url: string;
let alice: Caller;
let browser: Browser;
/** Where the operator looks at the list, and where they act. */
let list: Page;
let page: Page;

async function openAs(user: RegExp, path: string, look: (typeof LOOKS)[number] | undefined = LOOKS[0]): Promise<Page> {
  const opened = await (await browser.newContext({ ...look, reducedMotion: 'reduce' })).newPage();
  await opened.goto(url + path);
  await opened.getByRole('button', { name: user }).click();
  await opened.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
  return opened;
}

const rows = (): ReturnType<Page['locator']> => list.getByRole('list', { name: 'What needs attention' }).locator('li');
const trail = (): Promise<string> => page.getByRole('list', { name: 'What was decided' }).innerText();
const files = async (name: string): Promise<{ id: string }[]> =>
  (await alice.query('query ($name: String) { files(filter: { nameContains: $name }) { nodes { id } } }', { name })).data?.['files'].nodes;

async function decide(button: string, confirm: string): Promise<void> {
  await page.getByRole('group', { name: 'Decide' }).getByRole('button', { name: button }).click();
  await page.getByRole('dialog').getByRole('button', { name: confirm, exact: true }).click();
}

/** The next call of `approve`, as soon as it has come. */
async function judge(verdict: 'approved' | 'refused' | 'lost'): Promise<void> {
  await eventually(
    () => Promise.resolve(approvals.waiting.length),
    (count) => count === 1,
  );
  approvals.waiting.splice(0).forEach((settle) => settle(verdict));
}

const codes = ({ errors }: GraphQLAnswer): unknown[] => (errors ?? []).map(({ extensions }) => extensions.code);

// Without Chromium only outside CI, which installs it.
describe.skipIf(!existsSync(executablePath) && process.env['CI'] === undefined)('what needs attention', () => {
  beforeAll(async () => {
    data = await makeDataFolder();
    approvals = await startApprovals(data.path);
    const [PORT, ADMIN_PORT, TEMPORAL_PORT, TEMPORAL_UI_PORT] = (await findFreePorts(4)).map(String) as [string, string, string, string];
    url = `http://127.0.0.1:${PORT}`;
    const SLUICE_DATA = join(data.path, 'data');
    sluice = startSluice(['start'], { PORT, ADMIN_PORT, TEMPORAL_PORT, TEMPORAL_UI_PORT, SLUICE_SUBGRAPHS: approvals.file, SLUICE_DATA });
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'] });
    await sluice.waitFor(/^ready$/m, 120_000);
    alice = await signIn(url, 'alice');
    list = await openAs(/Omar Haddad/, '/attention');
    page = await openAs(/Omar Haddad/, '/attention');
    await list.getByText('Nothing needs attention').waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    await sluice?.stop();
    approvals?.close();
    await data.remove();
  });
  beforeEach(() => void approvals.waiting.splice(0));

  it('a mutation of unknown outcome is tried again on the operator’s word, and leaves the list when it has worked', async () => {
    const ask = (): Promise<GraphQLAnswer> => alice.query(APPROVE, { name: 'annual.pdf' }, { 'idempotency-key': 'approve-annual' });
    const answer = ask();
    await judge('lost');
    expect(codes(await answer)).toEqual(['OUTCOME_UNKNOWN']);
    const failed = (await answer).extensions?.operation?.id;
    const waiting = await ask();
    expect([codes(waiting), waiting.extensions?.operation]).toMatchObject([
      ['OUTCOME_UNKNOWN'],
      { recovers: failed, status: 'INPUT_REQUIRED' },
    ]);

    await list.getByText('ApproveReport').waitFor();
    await rows().getByText('for Alice Moreau of Acme').waitFor();
    expect(await rows().innerText()).toMatch(/Needs input[^]*OUTCOME_UNKNOWN/);
    await list.getByRole('link', { name: 'Needs attention 1', exact: true }).waitFor();
    await page.getByRole('link', { name: /ApproveReport/ }).click();
    await page.getByText('It waits for a decision').waitFor();
    await draw('recovery', new URL(page.url()).pathname, 'It waits for a decision');
    await decide('Try again…', 'Try again');
    await judge('approved');
    await page.getByText('It was done after all: a later attempt succeeded.').waitFor();
    await page.getByText('The answer as it is now').click();
    await page.getByRole('region', { name: 'answer' }).getByText('"approve": "approved"').waitFor();
    expect(await trail()).toMatch(/It waits for a decision[^]*Omar Haddad tried again[^]*It is settled/);
    await list.getByText('Nothing needs attention').waitFor();
    expect(await list.getByRole('link', { name: 'Needs attention', exact: true }).count()).toBe(1);

    // Every door says the same: it failed, and was done after all.
    const { data: done, errors, extensions } = await ask();
    expect([done, errors, extensions?.operation]).toMatchObject([{ approve: 'approved' }, undefined, { recovers: failed }]);
    const recovery = extensions?.operation?.id;
    const shown = { status: 'FAILED', recovery: { id: recovery, status: 'COMPLETED' } };
    const { data: read } = await alice.query('query ($id: ID!) { operation(id: $id) { status recovery { id status } } }', { id: failed });
    expect(read?.['operation']).toEqual(shown);
    const resource = (id?: string) => fetch(`${url}/operations/${id}`, { headers: { authorization: `Bearer ${alice.token}` } });
    expect(await (await resource(failed)).json()).toMatchObject(shown);
    expect(await (await resource(recovery)).json()).toMatchObject({
      outcome: 'RECOVERED',
      recovers: { id: failed },
      result: { data: done },
    });
  });

  it('a saga that could not undo everything says what is left for whom, and is given up when nobody can', async () => {
    const answer = alice.query(STORE, { name: 'taken.txt' });
    const [file] = await eventually(
      () => files('taken.txt'),
      ({ length }) => length === 1,
    );
    await alice.query('mutation ($id: ID!) { deleteFile(id: $id) }', { id: file?.id });
    await judge('refused');
    expect(codes(await answer)).toContain('COMPENSATION_FAILED');

    await list.getByText('Left undone: createFile at files').waitFor();
    await draw('attention', '/attention', 'Left undone');
    await page.getByRole('link', { name: 'Needs attention 1', exact: true }).click();
    await page.getByRole('link', { name: /StoreFile/ }).click();
    await page.getByText('Not everything could be undone').waitFor();
    await page.getByRole('list', { name: 'Left undone' }).getByText(`deleteFile(id: "${file?.id}")`).waitFor();
    await draw('saga-left', new URL(page.url()).pathname, 'It waits for a decision');

    await decide('Undo what is left…', 'Undo');
    await page.getByText('Not undone: files: deleteFile (NOT_FOUND)').waitFor();
    expect(await rows().count()).toBe(1);
    await decide('Give up…', 'Give up');
    await page.getByText('It is settled: it was given up').waitFor();
    expect(await trail()).toMatch(/Omar Haddad had the rest undone[^]*Not undone[^]*Omar Haddad gave up[^]*It is settled/);
    await list.getByText('Nothing needs attention').waitFor();
  });
});

/** Only when asked for. */
async function draw(name: string, path: string, settled: string): Promise<void> {
  if (screenshots === undefined) return;
  await mkdir(screenshots, { recursive: true });
  for (const look of LOOKS) {
    const sheet = await openAs(/Omar Haddad/, path, look);
    await sheet.getByText(settled).first().waitFor();
    await sheet.screenshot({
      path: join(screenshots, `${name}-${look.name}.png`),
      fullPage: path !== '/attention',
      animations: 'disabled',
    });
    await sheet.context().close();
  }
}
