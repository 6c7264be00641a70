// The console in Chromium against the product as it is built: installing a plugin, live, through a crash, and when its package was
// tampered with. With SCREENSHOTS=<folder> its pages are also drawn there, in both sizes and colour schemes.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { flipBit, publish, signTagPlugin } from '#tests/support/demo-plugins';
import { type Caller, signIn } from '#tests/support/graphql-client';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from '#tests/support/sluice-process';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const screenshots = process.env['SCREENSHOTS'];
const LAUNCH =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';
const LOOKS = (['light', 'dark'] as const).flatMap((scheme) => [
  { name: `wide-${scheme}`, colorScheme: scheme, viewport: { width: 1280, height: 800 } },
  { name: `narrow-${scheme}`, colorScheme: scheme, viewport: { width: 390, height: 844 } },
]);

let data: Awaited<ReturnType<typeof makeDataFolder>>;
let env: Record<string, string>;
let url: string;
let sluice: SluiceProcess;
let admin: Caller;
let browser: Browser;
let context: BrowserContext;
let page: Page;

async function start(): Promise<void> {
  sluice = startSluice(['start'], env);
  await sluice.waitFor(/^ready$/m, 90_000);
  admin = await signIn(url, 'admin');
}

async function open(path: string): Promise<void> {
  await page.goto(url + path);
  await page.getByRole('button', { name: /Ada Lindqvist/ }).click();
  await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
}

async function install(slug: string): Promise<string> {
  await open(`/plugins/%40sluice%2F${slug}?install=true`);
  await page.getByRole('dialog').getByRole('button', { name: 'Install' }).click();
  await page.waitForURL('**/operations/*');
  return new URL(page.url()).pathname;
}

const status = (name: string): ReturnType<Page['getByRole']> =>
  page.getByRole('main').getByRole('status').filter({ hasText: name }).first();
const steps = (): ReturnType<Page['locator']> => page.getByRole('list', { name: 'Steps' }).locator('li');
const doneSteps = (): Promise<number> => page.getByRole('list', { name: 'Steps' }).locator('li[data-status=COMPLETED]').count();

/** What the progress line says from now on, each text once. Runs in the page. */
const WATCH_PROGRESS = `
  window.progressSeen = new Set();
  new MutationObserver(() => {
    const text = /[0-9]+ of [0-9]+ steps/.exec(document.querySelector('main')?.innerText ?? '');
    if (text !== null) window.progressSeen.add(text[0]);
  }).observe(document.body, { subtree: true, childList: true, characterData: true });`;

/** Signed in beforehand, so that a state that passes quickly is drawn in all looks at once. */
let sheets: { look: string; sheet: Page }[] = [];

async function openSheets(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  sheets = await Promise.all(
    LOOKS.map(async ({ name, ...options }) => {
      const sheet = await (await browser.newContext({ ...options, reducedMotion: 'reduce' })).newPage();
      await sheet.goto(url);
      await sheet.getByRole('button', { name: /Ada Lindqvist/ }).waitFor();
      await sheet.screenshot({ path: join(folder, `login-${name}.png`), animations: 'disabled' });
      await sheet.getByRole('button', { name: /Ada Lindqvist/ }).click();
      await sheet.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
      return { look: name, sheet };
    }),
  );
}

async function draw(name: string, path: string, settled: string | RegExp): Promise<void> {
  await Promise.all(
    sheets.map(async ({ look, sheet }) => {
      await sheet.goto(url + path);
      await sheet.getByText(settled).first().waitFor({ state: 'attached' });
      await sheet.screenshot({ path: join(screenshots ?? '', `${name}-${look}.png`), animations: 'disabled' });
    }),
  );
}

// Without Chromium only outside CI, which installs it.
describe.skipIf(!existsSync(executablePath) && process.env['CI'] === undefined)('the console', () => {
  beforeAll(async () => {
    data = await makeDataFolder();
    const [port, adminPort, temporal, ui] = (await findFreePorts(4)).map(String) as [string, string, string, string];
    env = { SLUICE_DATA: data.path, PORT: port, ADMIN_PORT: adminPort, TEMPORAL_PORT: temporal, TEMPORAL_UI_PORT: ui };
    url = `http://127.0.0.1:${port}`;
    browser = await chromium.launch({ executablePath, args: LAUNCH.split(' ') });
    await start();
    if (screenshots !== undefined) await openSheets(screenshots);
  });
  afterAll(async () => {
    await browser?.close();
    await sluice?.stop();
    await data.remove();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    page = await context.newPage();
  });
  afterEach(() => context.close());

  it('shows why a package with one flipped bit was refused, and that nothing is left of it', async () => {
    await publish(admin, flipBit(await signTagPlugin(data.path, 'flipped')));
    const path = await install('flipped');
    await status('Failed').waitFor({ timeout: 60_000 });
    expect(await page.getByRole('main').getByRole('alert').innerText()).toMatch(/DIGEST_MISMATCH|SIGNATURE_INVALID/);
    await page.getByText('Everything it had done was undone.').waitFor();
    await page.getByRole('region', { name: 'Rollback' }).waitFor();
    const { data: left } = await admin.query(
      '{ pluginInstallations { nodes { id } } plugin(name: "@sluice/flipped") { installation { phase } } }',
    );
    expect(left).toEqual({ pluginInstallations: { nodes: [] }, plugin: { installation: { phase: 'FAILED' } } });
    await draw('operation-failed', path, 'Rollback');
  });

  it('follows an installation step by step, tells its end on another page, and the new field answers', async () => {
    const path = await install('qr-code');
    await page.evaluate(WATCH_PROGRESS);
    await draw('operation-running', path, /\d of \d+ steps/);
    await page.getByText(/([4-9]|1\d) of \d+ steps/).waitFor();
    const seen = await page.evaluate<string[]>('[...window.progressSeen]');
    expect(seen.length).toBeGreaterThanOrEqual(2);
    await page.getByRole('link', { name: 'Marketplace', exact: true }).first().click();
    await page
      .getByText(/Install .*qr-code.* has completed/)
      .first()
      .waitFor({ timeout: 60_000 });
    await page.getByText('Installed 1.0.0').waitFor();
    await page.goto(url + path);
    await status('Completed').waitFor();
    expect(await doneSteps()).toBe(await steps().count());
    const { data: answer, errors } = await admin.query('{ qrCode(text: "sluice") { size } files(first: 1) { nodes { shareQr { svg } } } }');
    expect(errors).toBeUndefined();
    expect(answer?.['files'].nodes[0].shareQr.svg).toContain('<svg');
    await draw('operation-done', path, 'Completed');
    await draw('marketplace', '/marketplace', 'Installed');
    await draw('operations', '/operations', 'qr-code');
    await draw('explorer', '/explorer', 'query');
  });

  it('keeps a file that is sent, gives back the same bytes, and lets it go', async () => {
    const bytes = randomBytes(3_000_000);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const stored = async (): Promise<unknown> =>
      (await admin.query('{ files(filter: { nameContains: "harbour" }) { nodes { name size sha256 mediaType } } }')).data?.['files'].nodes;
    await open('/files?q=harbour');
    await page.getByText('No file matches').waitFor();
    const chosen = page.waitForEvent('filechooser');
    await page.getByRole('button', { name: 'Upload files' }).click();
    await (await chosen).setFiles({ name: 'harbour.jpeg', mimeType: 'image/jpeg', buffer: bytes });
    await page.getByText('1 of 1 stored').waitFor();
    expect(await stored()).toEqual([{ name: 'harbour.jpeg', size: 3_000_000, sha256, mediaType: 'image/jpeg' }]);
    const row = page.getByRole('list', { name: 'Files', exact: true }).locator('li');
    // The member's name is read after the row.
    await expect.poll(() => row.innerText()).toMatch(/harbour.jpeg[^]*image\/jpeg · Ada Lindqvist[^]*2.9 MiB/);
    await draw('files', '/files', 'harbour.jpeg');

    const started = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download harbour.jpeg' }).click();
    expect(bytes.equals(await readFile(await (await started).path()))).toBe(true);
    await page.getByRole('button', { name: 'Delete harbour.jpeg' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No file matches').waitFor();
    expect(await stored()).toEqual([]);
  });

  it('goes on by itself after the server was killed in the middle, without a step lost or repeated', async () => {
    await publish(admin, await signTagPlugin(data.path, 'tag'));
    await install('tag');
    await expect.poll(doneSteps, { timeout: 30_000 }).toBeGreaterThanOrEqual(2);
    await sluice.kill();
    await page.getByText('The connection is away.').waitFor();
    await start();
    await status('Completed').waitFor({ timeout: 90_000 });
    expect(await page.getByText('The connection is away.').count()).toBe(0);
    const labels = await steps().allInnerTexts();
    expect(new Set(labels.map((label) => label.split('\n')[0])).size).toBe(labels.length);
    expect(await doneSteps()).toBe(labels.length);
    expect((await admin.query('{ tagCode(text: "sluice") { size } }')).data?.['tagCode'].size).toBeGreaterThan(20);
  });
});
