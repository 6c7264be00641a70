// @vitest-environment node
// The built console in Chromium against the mock gateway: what a person does, axe over every page and state, no report of
// the Content-Security-Policy, no request off origin. With SCREENSHOTS=<folder> each state is also drawn there.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, type Page, chromium } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type MockGateway, startMockGateway } from './mock-server.js';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const screenshots = process.env.SCREENSHOTS;
const LAUNCH = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

let folder: string;
let browser: Browser;
let axe: string;
let gateway: MockGateway;
let context: BrowserContext;
let page: Page;
/** Console errors, policy reports and requests to other hosts: none is allowed. */
let complaints: string[];

interface Look {
  scheme?: 'light' | 'dark';
  width?: number;
  height?: number;
}

async function open({ scheme = 'light', width = 1280, height = 800 }: Look = {}): Promise<void> {
  context = await browser.newContext({ colorScheme: scheme, viewport: { width, height }, reducedMotion: 'reduce' });
  // axe is not part of the page: it comes in beside the policy.
  await context.addInitScript(axe);
  await context.addInitScript(
    "document.addEventListener('securitypolicyviolation', (e) => console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI + ' ' + (e.sourceFile ?? '')))",
  );
  page = await context.newPage();
  complaints = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text().slice(0, 300)));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    if (!request.url().startsWith(gateway.url) && !/^(data|blob):/.test(request.url())) complaints.push(`off origin: ${request.url()}`);
  });
}

async function haveRows(rows: ReturnType<Page['locator']>, count: number): Promise<void> {
  await vi.waitUntil(async () => (await rows.count()) === count, { timeout: 10_000 });
}

async function signIn(to = '/', user = /Ada Lindqvist/): Promise<void> {
  await page.goto(gateway.url + to);
  await page.getByRole('button', { name: user }).click();
  await page
    .getByRole('navigation', { name: 'Main' })
    .or(page.getByRole('button', { name: 'Open navigation' }))
    .first()
    .waitFor();
}

async function checkAccessibility(): Promise<void> {
  const violations = await page.evaluate(async (tags) => {
    const { axe } = window as unknown as {
      axe: { run(o: object): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> };
    };
    const found = await axe.run({ runOnly: { type: 'tag', values: tags } });
    return found.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`),
    );
  }, AXE_TAGS);
  expect(violations).toEqual([]);
}

async function draw(name: string): Promise<void> {
  if (screenshots === undefined) return;
  await mkdir(screenshots, { recursive: true });
  await page.screenshot({
    path: join(screenshots, `${name}.png`),
    animations: 'disabled',
    fullPage: /^(operation|plugin|overview)/.test(name),
  });
}

const status = (name: string): ReturnType<Page['getByRole']> =>
  page.getByRole('main').getByRole('status').filter({ hasText: name }).first();

describe.skipIf(!existsSync(executablePath))('the console', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-console-'));
    // A test run would get React's development build.
    vi.stubEnv('NODE_ENV', 'production');
    const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url));
    await build({ configFile, mode: 'production', logLevel: 'error', build: { outDir: folder, emptyOutDir: true } });
    vi.unstubAllEnvs();
    axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    browser = await chromium.launch({ executablePath, args: LAUNCH });
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    gateway = await startMockGateway(folder);
  });
  afterEach(async () => {
    await context?.close();
    await gateway.close();
  });

  describe('an installation', () => {
    it('starts after consent, is followed live to its end, and is announced on another page', async () => {
      await open();
      gateway.paceMs = 300;
      await signIn('/marketplace');
      await page.getByRole('link', { name: 'Install QR codes' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('Reads name and id of the file that the code points to.').waitFor();
      await checkAccessibility();
      const install = dialog.getByRole('button', { name: 'Install' });
      expect(await install.isDisabled()).toBe(true);
      await dialog.getByLabel('Grant these permissions').check();
      await install.dblclick();
      await page.waitForURL('**/operations/op_*');
      await status('Working').waitFor();
      await page.getByRole('main').getByText('attempt 2').waitFor();
      expect(gateway.keys).toHaveLength(1);

      await page.getByRole('link', { name: 'Marketplace', exact: true }).first().click();
      await page.getByRole('link', { name: /Installing/ }).waitFor();
      await page.getByText('Install @sluice/qr-code 1.1.0 has completed').first().waitFor({ timeout: 20_000 });
      await page.getByText('Installed 1.1.0').waitFor();
      await checkAccessibility();
      expect(complaints).toEqual([]);
    });

    it('that fails shows the reason and its rollback, also after a reload', async () => {
      await open();
      gateway.paceMs = 60;
      await signIn('/plugins/%40fabrikam%2Fthumbnails?install=true');
      await page.getByLabel('Grant these permissions').check();
      await page.getByRole('dialog').getByRole('button', { name: 'Install' }).click();
      await status('Failed').waitFor({ timeout: 20_000 });
      await page.getByText('Everything it had done was undone.').waitFor();
      await page.reload();
      await page.getByText('Undoes “Publish the new supergraph”').waitFor();
      await page.getByText('4 of 4 undone').waitFor();
      expect(complaints).toEqual([]);
    });

    it('that is cancelled says so only when its events do', async () => {
      await open();
      gateway.paceMs = 1_200;
      await signIn('/plugins/%40sluice%2Faudit-export?install=true');
      await page.getByRole('dialog').getByRole('button', { name: 'Install' }).click();
      await status('Working').waitFor();
      await page.getByRole('button', { name: 'Cancel…' }).click();
      await checkAccessibility();
      await page.getByRole('button', { name: 'Request cancellation' }).click();
      await status('Cancel requested').waitFor();
      await status('Cancelled').waitFor({ timeout: 20_000 });
      expect(complaints).toEqual([]);
    });
  });

  describe('the list of operations', () => {
    it('keeps its rows in place, counts new ones, and keeps its filters in the URL', async () => {
      await open();
      await signIn('/operations');
      const rows = page.getByRole('main').locator('li');
      const before = await rows.allInnerTexts();
      gateway.paceMs = 5_000;
      await page.evaluate(async () => {
        const query = 'mutation { installPlugin(input: { name: "@sluice/qr-code" }) { operation { id } } }';
        await fetch('/graphql', { method: 'POST', headers: { authorization: 'Bearer token-of-admin' }, body: JSON.stringify({ query }) });
      });
      await page.getByRole('button', { name: '1 new operation' }).waitFor();
      expect((await rows.allInnerTexts()).length).toBe(before.length);
      await page.getByRole('button', { name: '1 new operation' }).click();
      expect((await rows.first().innerText()).includes('@sluice/qr-code')).toBe(true);

      await page
        .getByRole('navigation', { name: 'Status' })
        .getByRole('link', { name: /Failed/ })
        .click();
      await page.waitForURL('**/operations?status=FAILED');
      await haveRows(rows, 3);
      await page.getByLabel('Kind of operation').selectOption('WEBHOOK');
      await page.waitForURL('**/operations?status=FAILED&kind=WEBHOOK');
      await page.getByText('No operation matches').waitFor();
      await checkAccessibility();
      expect(complaints).toEqual([]);
    });

    it.each([
      ['SUBGRAPH_TIMEOUT', 'This could not be loaded'],
      ['FORBIDDEN', 'You may not see this'],
    ])('says what is wrong: %s', async (code, sentence) => {
      await open();
      await signIn();
      gateway.failing = { field: 'operations', code };
      await page.goto(`${gateway.url}/operations`);
      await page.getByText(sentence).waitFor();
      await page.getByText(code).waitFor();
      await checkAccessibility();
      if (code === 'FORBIDDEN') return;
      gateway.failing = null;
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText('query StorageReport').waitFor();
    });
  });

  describe('what needs attention', () => {
    const rows = (): ReturnType<Page['locator']> => page.getByRole('list', { name: 'What needs attention' }).locator('li');
    const badge = (count: string): ReturnType<Page['getByRole']> =>
      page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: `Needs attention ${count}`, exact: true });

    it('is counted in the navigation, says what failed and what is left, and leaves the list when it is settled', async () => {
      await open();
      await signIn('/');
      await badge('2').click();
      await page.waitForURL('**/attention');
      await haveRows(rows(), 2);
      for (const part of ['mutation StoreFile', 'SUBGRAPH_ERROR', 'createFile at files', 'Alice Moreau', 'Acme'])
        await rows().first().filter({ hasText: part }).waitFor();

      await rows().first().click();
      await page.getByRole('heading', { name: 'mutation StoreFile' }).waitFor();
      await page.getByText('Not everything could be undone').waitFor();
      await page.getByRole('group', { name: 'Decide' }).getByRole('button', { name: 'Undo what is left…' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByText('deleteFile(id: "fil_019ab3c2")').waitFor();
      await checkAccessibility();
      gateway.paceMs = 300;
      await dialog.getByRole('button', { name: 'Undo' }).dblclick();
      await page.getByText('What was left is being undone.').waitFor();
      await page.getByText('It is settled: what was left has been undone.').waitFor();
      const trail = page.getByRole('list', { name: 'What was decided' });
      expect(await trail.innerText()).toMatch(/Ada Lindqvist had the rest undone[^]*Undone: files: deleteFile[^]*It is settled/);
      expect(gateway.keys).toHaveLength(1);
      await badge('1').waitFor();
      await checkAccessibility();
      expect(complaints).toEqual([]);
    });

    it('goes out of a list that is on screen, without being asked', async () => {
      await open();
      await signIn('/attention');
      await haveRows(rows(), 2);
      gateway.paceMs = 20;
      await page.evaluate(async () => {
        const query = '{ operations(first: 1, filter: { needsAttention: true }) { nodes { id } } }';
        const send = async (body: object): Promise<{ data: { operations: { nodes: { id: string }[] } } }> => {
          const headers = { authorization: 'Bearer token-of-operator' };
          return (await (await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify(body) })).json()) as never;
        };
        const { id } = (await send({ query })).data.operations.nodes[0]!;
        await send({ query: `mutation { resolveOperation(id: "${id}", choice: GIVE_UP) { userErrors { code } } }` });
      });
      await status('1 in this list').waitFor({ state: 'attached' });
      expect(await rows().count()).toBe(1);
      await badge('1').waitFor();
    });

    it('is sent with other variables, which are checked before', async () => {
      await open();
      gateway.paceMs = 20;
      await signIn('/attention');
      await rows().last().click();
      await page.getByRole('button', { name: 'Edit variables…' }).click();
      const dialog = page.getByRole('dialog');
      const editor = dialog.getByLabel('Variables');
      for (const [text, problem] of [
        ['{ "name": }', 'This is not JSON'],
        ['[1]', 'Expected an object of variables'],
        ['{}', 'Name at least one variable.'],
        ['{ "a b": 1 }', '“a b” cannot be the name of a variable'],
      ] as const) {
        await editor.fill(text);
        await dialog.getByRole('button', { name: 'Send with these' }).click();
        await dialog.getByRole('alert').filter({ hasText: problem }).waitFor();
      }
      await checkAccessibility();
      await editor.fill('{ "name": "report-2.txt", "pages": [1, 2] }');
      await dialog.getByRole('button', { name: 'Send with these' }).click();
      await page.getByText('It was done after all: with other variables it succeeded.').waitFor();
      await page.getByText('The answer as it is now').click();
      await page.getByRole('region', { name: 'answer' }).getByText('"createFile"').waitFor();
      await checkAccessibility();
      expect(gateway.variables).toEqual({ name: 'report-2.txt', pages: [1, 2] });
      expect(complaints).toEqual([]);
    });

    it('shows a refusal, and that nothing came of it', async () => {
      await open();
      await signIn('/attention');
      await rows().last().click();
      await page.getByRole('button', { name: 'Skip with null…' }).click();
      gateway.failing = { field: 'decide', code: 'SUBGRAPH_UNREACHABLE' };
      await page.getByRole('dialog').getByRole('button', { name: 'Skip with null' }).click();
      await page.getByRole('dialog').getByRole('alert').filter({ hasText: 'SUBGRAPH_UNREACHABLE' }).waitFor();
      await checkAccessibility();
      await page.getByRole('button', { name: 'Not now' }).click();
      await page.getByText('It waits for a decision').waitFor();
    });

    it.each([
      [/Alice Moreau/, 'The rest is for the admins of the tenant and for operators', false],
      [/Vera Novak/, 'it lacks the scope operations:write', true],
    ])('lets %s decide what they may, and says why not the rest', async (user, reason, retryIsDisabled) => {
      await open();
      await signIn('/attention', user);
      await rows().last().click();
      await page.getByText(reason).waitFor();
      expect(await page.getByRole('button', { name: 'Try again' }).isDisabled()).toBe(retryIsDisabled);
      expect(await page.getByRole('button', { name: 'Give up…' }).isDisabled()).toBe(true);
      await checkAccessibility();
    });

    it('says so when there is nothing', async () => {
      await open();
      for (const operation of gateway.operations.values()) if (operation.recovers !== null) gateway.operations.delete(operation.id);
      await signIn('/attention');
      await page.getByText('Nothing needs attention').waitFor();
      await page.getByRole('link', { name: 'Needs attention', exact: true }).waitFor();
      await checkAccessibility();
    });
  });

  describe('files', () => {
    const rows = (): ReturnType<Page['locator']> => page.getByRole('list', { name: 'Files', exact: true }).locator('li');
    const uploads = (): ReturnType<Page['locator']> => page.getByRole('list', { name: 'Uploads' }).locator('li');
    const choose = async (...names: string[]): Promise<void> => {
      const chosen = page.waitForEvent('filechooser');
      await page.getByRole('button', { name: 'Upload files' }).click();
      // More than a socket takes at once, so that there is progress to see.
      const buffer = Buffer.alloc(8_000_000, 'x');
      await (await chosen).setFiles(names.map((name) => ({ name, mimeType: 'text/plain', buffer })));
    };

    it('are sent with their progress, one after the other, and stand in the list when they are stored', async () => {
      await open();
      await signIn('/files');
      await page.getByText('31 files').waitFor();
      let go = (): void => undefined;
      gateway.files.hold = new Promise((resolve) => (go = resolve));
      await choose('first.txt', 'second.txt');
      await uploads()
        .first()
        .getByText(/^Sending .* of 7.6 MiB/)
        .waitFor();
      await uploads().nth(1).getByText('Waits for the one before').waitFor();
      await checkAccessibility();
      await draw('files-uploading');
      await page.getByRole('link', { name: 'Overview' }).click();
      await page.getByRole('heading', { name: /Hello/ }).waitFor();
      go();
      await page.getByRole('link', { name: 'Files', exact: true }).click();
      await page.getByText('2 of 2 stored').waitFor();
      await page.getByText('33 files').waitFor();
      expect(await rows().first().innerText()).toContain('second.txt');
      expect([...gateway.files.files.values()].at(-1)?.bytes.length).toBe(8_000_000);
      expect(complaints).toEqual([]);
    });

    it('that are cancelled on their way leave nothing, and can be sent again', async () => {
      await open();
      await signIn('/files');
      let go = (): void => undefined;
      gateway.files.hold = new Promise((resolve) => (go = resolve));
      await choose('first.txt');
      await page.getByRole('button', { name: 'Cancel the upload of first.txt' }).click();
      await page.getByText('Cancelled: nothing of it was kept').waitFor();
      expect(gateway.files.files.size).toBe(31);
      go();
      await page.getByRole('button', { name: 'Try again: first.txt' }).click();
      await page.getByText('1 of 1 stored').waitFor();
      await page.getByText('32 files').waitFor();
      await page.getByRole('button', { name: 'Dismiss first.txt' }).click();
      expect(await uploads().count()).toBe(0);
    });

    it('that are refused say why', async () => {
      await open();
      await signIn('/files');
      gateway.files.refuse = 'QUOTA_EXCEEDED';
      await choose('first.txt');
      await uploads().getByRole('alert').filter({ hasText: 'There is no room left for the tenant. QUOTA_EXCEEDED' }).waitFor();
      await checkAccessibility();
      expect(gateway.files.files.size).toBe(31);
    });

    it('are fetched by a link that is asked for, and deleted when that was meant', async () => {
      await open();
      await signIn('/files?q=annual');
      await page.getByText('1 file', { exact: true }).waitFor();
      const started = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Download annual-report.pdf' }).click();
      expect((await started).suggestedFilename()).toBe('annual-report.pdf');
      await page.getByRole('button', { name: 'Delete annual-report.pdf' }).click();
      await checkAccessibility();
      await draw('files-delete');
      await page.getByRole('button', { name: 'Keep it' }).click();
      expect(gateway.files.files.size).toBe(31);
      await page.getByRole('button', { name: 'Delete annual-report.pdf' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await page.getByText('No file matches').waitFor();
      expect(gateway.files.files.size).toBe(30);
      expect(complaints).toEqual([]);
    });

    it('that somebody else has deleted say so, and the list goes on', async () => {
      await open();
      await signIn('/files?q=annual');
      await page.getByRole('button', { name: 'Delete annual-report.pdf' }).click();
      gateway.files.files.delete('fil_000');
      await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
      await page.getByRole('dialog').getByRole('alert').filter({ hasText: 'NOT_FOUND' }).waitFor();
      await page.getByRole('button', { name: 'Keep it' }).click();
      await page.getByRole('button', { name: 'Download annual-report.pdf' }).click();
      await page.getByText('annual-report.pdf is not there any more.').waitFor();
    });

    it('come in pages, and a search begins at the first', async () => {
      await open();
      await signIn('/files');
      await haveRows(rows(), 25);
      await page.getByRole('button', { name: 'Older' }).click();
      await haveRows(rows(), 6);
      expect(await page.getByRole('button', { name: 'Older' }).isDisabled()).toBe(true);
      await page.getByRole('searchbox').fill('scan-');
      await page.getByText('26 files').waitFor();
      expect(page.url()).toContain('q=scan-');
      expect(await page.getByRole('searchbox').evaluate((field) => field === document.activeElement)).toBe(true);
      await haveRows(rows(), 25);
    });

    it('are for looking only without the scope to change them', async () => {
      await open();
      await signIn('/files', /Vera Novak/);
      await page.getByText('it lacks the scope files:write').waitFor();
      expect(await page.getByRole('button', { name: 'Upload files' }).isDisabled()).toBe(true);
      expect(await page.getByRole('button', { name: 'Delete annual-report.pdf' }).isDisabled()).toBe(true);
      await checkAccessibility();
    });
  });

  describe('signing in', () => {
    it('leads back to where one wanted to go, and signing out forgets everything of the tab', async () => {
      await open();
      await signIn('/marketplace?q=photo');
      await page.getByRole('link', { name: 'Photo facts', exact: true }).waitFor();
      await page.getByRole('button', { name: /account of/ }).click();
      await draw('account-menu');
      await page.getByRole('button', { name: 'Sign out' }).waitFor();
      await checkAccessibility();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL('**/login');
      expect(await page.evaluate(() => Object.keys(sessionStorage).filter((name) => name.startsWith('sluice')))).toEqual([]);
      expect(complaints).toEqual([]);
    });

    it("out leaves no query of the explorer behind, today's or an older version's", async () => {
      await open();
      await signIn('/');
      await page.evaluate(() => localStorage.setItem('graphiql:query', '{ member(id: "usr_carl") { email } }'));
      await page.goto(`${gateway.url}/explorer`);
      const editor = page.locator('.graphiql-query-editor');
      await editor.getByText('query Files').waitFor();
      await editor.click();
      await page.keyboard.insertText('# about usr_carl\n');
      const keeps = (words: string) =>
        page.waitForFunction((text) => Object.values({ ...sessionStorage, ...localStorage }).some((value) => value.includes(text)), words);
      await keeps('# about usr_carl');
      await page.getByRole('button', { name: /account of/ }).click();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.waitForURL('**/login');
      expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).not.toMatch(
        /graphiql|usr_carl|query Files/,
      );
    });

    it('is asked for again when the credential is refused', async () => {
      await open();
      await signIn('/marketplace');
      await page.getByRole('link', { name: 'QR codes', exact: true }).waitFor();
      await page.evaluate(() => {
        const session = JSON.parse(sessionStorage.getItem('sluice:session')!) as { token: string };
        sessionStorage.setItem('sluice:session', JSON.stringify({ ...session, token: 'revoked' }));
      });
      await page.reload();
      await page.getByText('Your session has ended.').waitFor();
      expect(page.url()).toContain('to=%2Fmarketplace');
    });
  });

  it.each([
    ['/', 'query StorageReport'],
    ['/operations', 'query StorageReport'],
    ['/marketplace', 'Photo facts'],
  ])('loads at most 200 kB of script and 40 kB of style for %s', async (path, ready) => {
    await open();
    await signIn('/plugins/%40sluice%2Fqr-code');
    const loaded = new Set<string>();
    page.on('request', (request) => loaded.add(new URL(request.url()).pathname));
    await page.goto(gateway.url + path, { waitUntil: 'load' });
    await page.getByText(ready).first().waitFor();
    await page.getByRole('button', { name: /account of/ }).waitFor();
    const sizeOf = async (ending: string): Promise<number> => {
      const files = await Promise.all([...loaded].filter((file) => file.endsWith(ending)).map((file) => readFile(join(folder, file))));
      return files.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0);
    };
    expect(await sizeOf('.css')).toBeLessThanOrEqual(40_000);
    expect(await sizeOf('.js')).toBeLessThanOrEqual(200_000);
  });

  it('/ moves the focus to the search field', async () => {
    await open();
    await signIn('/marketplace');
    await page.getByRole('searchbox').waitFor();
    await page.keyboard.press('/');
    expect(await page.getByRole('searchbox').evaluate((field) => field === document.activeElement)).toBe(true);
    await page.keyboard.type('zzz');
    await page.getByText('No plugin matches').waitFor();
    expect(page.url()).toContain('q=zzz');
    await checkAccessibility();
  });

  describe.each([
    { scheme: 'light', width: 1280, height: 800 },
    { scheme: 'dark', width: 1280, height: 800 },
    { scheme: 'light', width: 390, height: 844 },
    { scheme: 'dark', width: 390, height: 844 },
  ] as const)('in $scheme at $width × $height', (look) => {
    const name = (what: string): string => `${what}-${look.width}-${look.scheme}`;
    const visit = async (what: string, path: string, ready: string): Promise<void> => {
      if (path !== '') await page.goto(gateway.url + path);
      await page.getByText(ready).first().waitFor();
      await page.evaluate(() => document.fonts.ready);
      await checkAccessibility();
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${what} does not scroll sideways`).toBe(true);
      await draw(name(what));
    };

    it('has no accessibility violation on any page, no policy report, and no sideways scrolling', async () => {
      await open(look);
      await page.goto(`${gateway.url}/`);
      await page.getByRole('button', { name: /Ada Lindqvist/ }).waitFor();
      await checkAccessibility();
      await draw(name('login'));
      await page.getByRole('button', { name: /Ada Lindqvist/ }).click();
      await visit('overview', '', 'query StorageReport');
      await visit('marketplace', '/marketplace', 'Photo facts');
      await visit('plugin', '/plugins/%40sluice%2Fqr-code', 'What you can ask');
      await visit('plugin-versions', '/plugins/%40sluice%2Fword-count?tab=versions', 'Versions 3');
      await visit('plugin-permissions', '/plugins/%40northwind%2Ftranslate?tab=permissions', 'secret:NORTHWIND_KEY');
      await visit('plugin-schema', '/plugins/%40sluice%2Fqr-code?tab=schema', 'type QrCode');
      await visit('install-dialog', '/plugins/%40northwind%2Ftranslate?install=true', 'Grant these permissions');
      await visit('list', '/operations', 'query YearlyArchive');
      await visit('not-found', '/nowhere', 'There is no such page');

      gateway.paceMs = 40;
      await page.goto(`${gateway.url}/plugins/%40fabrikam%2Fthumbnails?install=true`);
      await page.getByLabel('Grant these permissions').check();
      await page.getByRole('dialog').getByRole('button', { name: 'Install' }).click();
      await visit('operation-failed', '', '4 of 4 undone');
      await page.getByRole('tab', { name: 'Events' }).click();
      await visit('operation-events', '', 'OperationFailed');
      await page.getByRole('tab', { name: 'JSON' }).click();
      await visit('operation-json', '', '"status": "FAILED"');

      gateway.paceMs = 700;
      await page.goto(`${gateway.url}/plugins/%40sluice%2Fqr-code?install=true`);
      await page.getByLabel('Grant these permissions').check();
      await page.getByRole('dialog').getByRole('button', { name: 'Install' }).click();
      await page.getByText('Reads name and id').waitFor({ state: 'detached' });
      await page.getByText('attempt 2').waitFor();
      await page.getByText('signed by sluice-2026').waitFor();
      await visit('operation-running', '', 'Scan the code');
      const running = page.url();
      await visit('list-running', '/operations', 'Install @sluice/qr-code');
      await visit('marketplace-installing', '/marketplace', 'Installing');
      await page.goto(running);
      await status('Completed').waitFor({ timeout: 20_000 });
      await visit('operation-done', '', 'Completed');
      expect(complaints).toEqual([]);
    });

    it('has none on the pages of files, of what needs attention, and of a recovery', async () => {
      await open(look);
      await signIn('/files');
      await visit('files', '/files', 'annual-report.pdf');
      await visit('attention', '/attention', 'mutation ArchiveReports');
      expect(await page.getByRole('link', { name: '2 need attention' }).isVisible()).toBe(look.width < 768);
      await page.getByRole('list', { name: 'What needs attention' }).locator('li').first().click();
      await visit('operation-recovery', '', 'It waits for a decision');
      await page.getByRole('button', { name: 'Give up…' }).click();
      await visit('decision-dialog', '', 'Give up on this operation?');
      await page.goto(`${gateway.url}/attention`);
      await page.getByRole('list', { name: 'What needs attention' }).locator('li').last().click();
      await page.getByRole('button', { name: 'Edit variables…' }).click();
      await visit('decision-variables', '', 'Send it with other variables?');
      expect(complaints).toEqual([]);
    });

    it('has an explorer that works offline with the token of the tab', async () => {
      await open(look);
      await signIn('/');
      await page.goto(`${gateway.url}/explorer`);
      await page.getByRole('button', { name: /Execute query/ }).waitFor({ timeout: 30_000 });
      await page.getByText('tenant').first().waitFor();
      await draw(name('explorer'));
      expect(complaints).toEqual([]);
    });
  });
});
