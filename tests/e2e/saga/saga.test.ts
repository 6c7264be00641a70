// Storing a file over two services as a saga, on the product as it is built: what was there in the middle is gone when the last step is
// refused. With SCREENSHOTS=<folder> the console's page of the operation is drawn there.
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type ApprovalsService, startApprovals } from '#tests/support/approvals-service';
import { eventually } from '#tests/support/eventually';
import { type Caller, type GraphQLAnswer, signIn } from '#tests/support/graphql-client';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from '#tests/support/sluice-process';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const screenshots = process.env['SCREENSHOTS'];
const STORE = `mutation StoreFile($reservation: ID!, $name: String!) @saga {
  reserveStorage(reservation: $reservation, bytes: 5) { id bytes }
  createFile(input: { name: $name, mediaType: "text/plain", content: "aGVsbG8=" }) { id name tenant { slug } }
  approve(name: $name)
}`;

let data: Awaited<ReturnType<typeof makeDataFolder>>;
let sluice: SluiceProcess;
let url: string;
let alice: Caller;
let approvals: ApprovalsService;

beforeAll(async () => {
  data = await makeDataFolder();
  approvals = await startApprovals(data.path);
  const ports = await findFreePorts(4);
  const [PORT, ADMIN_PORT, TEMPORAL_PORT, TEMPORAL_UI_PORT] = ports.map(String) as [string, string, string, string];
  url = `http://127.0.0.1:${PORT}`;
  sluice = startSluice(['start'], {
    PORT,
    ADMIN_PORT,
    TEMPORAL_PORT,
    TEMPORAL_UI_PORT,
    SLUICE_SUBGRAPHS: approvals.file,
    SLUICE_DATA: join(data.path, 'data'),
  });
  await sluice.waitFor(/^ready$/m, 90_000);
  alice = await signIn(url, 'alice');
}, 120_000);
afterAll(async () => {
  await sluice.stop();
  approvals.close();
  await data.remove();
});
const seen = new Set<string>();
beforeEach(() => void approvals.waiting.splice(0));

/** What stands of one upload: bytes reserved of the tenant's quota, and files of that name. */
async function effects(name: string): Promise<{ reserved: number; files: { id: string }[] }> {
  const { data: found } = await alice.query(
    'query ($name: String) { viewer { tenant { quotas { storageReserved } } } files(filter: { nameContains: $name }) { nodes { id } } }',
    { name },
  );
  return {
    reserved: found?.['viewer'].tenant.quotas.storageReserved as number,
    files: found?.['files'].nodes as { id: string }[],
  };
}

/** Starts an upload and waits until its last step waits for the approval. */
async function startUpload(
  name: string,
): Promise<{ answer: Promise<GraphQLAnswer>; id: string; decide: (verdict: 'approved' | 'refused') => void }> {
  const answer = alice.query(STORE, { reservation: `upload-${name}`, name });
  await eventually(
    () => Promise.resolve(approvals.waiting.length),
    (count) => count === 1,
  );
  // Lists are seconds behind: the one before may still stand in them as running.
  const [running] = await eventually(
    async () => {
      const { data: found } = await alice.query('{ operations(first: 5, filter: { status: WORKING }) { nodes { id } } }');
      return (found?.['operations'].nodes as { id: string }[]).filter(({ id }) => !seen.has(id));
    },
    ({ length }) => length === 1,
  );
  const id = running?.id ?? '';
  seen.add(id);
  return { answer, id, decide: (verdict) => approvals.waiting.forEach((settle) => settle(verdict)) };
}

const OPERATION = `query ($id: ID!) { operation(id: $id) {
  status errors { code } steps { label status }
  compensation { status steps { label status undoes } left { service effect undo arguments failure { code } } }
} }`;
const operation = async (id: string): Promise<any> => (await alice.query(OPERATION, { id })).data?.['operation']; // eslint-disable-line @typescript-eslint/no-explicit-any -- read by the expectations alone
const codes = (answer: GraphQLAnswer): unknown[][] => (answer.errors ?? []).map(({ path, extensions }) => [path, extensions.code]);

describe('storing a file over tenants and files', () => {
  it('leaves both effects when all of it is approved', async () => {
    const { answer, id, decide } = await startUpload('kept.txt');
    decide('approved');
    expect((await answer).data).toMatchObject({
      reserveStorage: { bytes: 5 },
      createFile: { name: 'kept.txt', tenant: { slug: 'acme' } },
      approve: 'approved',
    });
    expect((await answer).extensions?.operation).toMatchObject({ path: 'durable', reason: 'saga', id });
    expect(await effects('kept.txt')).toMatchObject({ reserved: 5, files: [{}] });
    expect(await operation(id)).toMatchObject({ status: 'COMPLETED', compensation: null });
  });

  it('leaves nothing when its last step is refused, though both effects were there', async () => {
    const { reserved } = await effects('refused.txt');
    const { answer, id, decide } = await startUpload('refused.txt');
    expect(await effects('refused.txt')).toMatchObject({ reserved: reserved + 5, files: [{}] });
    decide('refused');
    expect((await answer).data).toBeNull();
    expect(codes(await answer)).toEqual([
      [['approve'], 'SUBGRAPH_ERROR'],
      [['reserveStorage'], 'STEP_UNDONE'],
      [['createFile'], 'STEP_UNDONE'],
    ]);
    expect(await effects('refused.txt')).toEqual({ reserved, files: [] });
    expect(await operation(id)).toMatchObject({
      status: 'FAILED',
      errors: [{ code: 'SUBGRAPH_ERROR' }],
      compensation: {
        status: 'COMPENSATED',
        steps: [
          { label: 'files: deleteFile', status: 'COMPLETED' },
          { label: 'tenants: releaseStorage', status: 'COMPLETED' },
        ],
        left: [],
      },
    });
    await draw('saga-compensated', id, 'Everything it had done was undone.');
  });

  it('says what is left when somebody else took the file away meanwhile', async () => {
    const { answer, id, decide } = await startUpload('taken.txt');
    const { files } = await effects('taken.txt');
    await alice.query('mutation ($id: ID!) { deleteFile(id: $id) }', { id: files[0]?.id });
    decide('refused');
    expect(codes(await answer)).toContainEqual([['createFile'], 'COMPENSATION_FAILED']);
    expect((await operation(id)).compensation).toMatchObject({
      status: 'PARTIALLY_COMPENSATED',
      left: [{ service: 'files', effect: 'createFile', undo: 'deleteFile', arguments: files[0], failure: { code: 'NOT_FOUND' } }],
    });
    await draw('saga-partially-compensated', id, 'Not everything could be undone');
  });

  it('undoes what is done when it is cancelled, and waits for what was sent', async () => {
    const { reserved } = await effects('cancelled.txt');
    const { answer, id, decide } = await startUpload('cancelled.txt');
    await alice.query('mutation ($id: ID!) { cancelOperation(id: $id, reason: "not needed") { userErrors { code } } }', { id });
    decide('approved');
    expect(codes(await answer)).toEqual([[undefined, 'OPERATION_CANCELLED']]);
    expect(await effects('cancelled.txt')).toEqual({ reserved, files: [] });
    await eventually(
      async () =>
        (await alice.query('{ operations(first: 5, filter: { status: CANCELLED }) { nodes { id } } }')).data?.['operations'].nodes,
      (listed: { id: string }[] | undefined) => listed?.length === 1 && listed[0]?.id === id,
    );
    expect(await operation(id)).toMatchObject({
      status: 'CANCELLED',
      // Nothing can take an approval back.
      compensation: { status: 'PARTIALLY_COMPENSATED', left: [{ service: 'approvals', effect: 'approve', undo: null }] },
    });
  });
});

/** The console's page of an operation, in both sizes; only when asked for. */
async function draw(name: string, id: string, settled: string): Promise<void> {
  if (screenshots === undefined || !existsSync(executablePath)) return;
  await mkdir(screenshots, { recursive: true });
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  for (const [size, width] of Object.entries({ wide: 1280, narrow: 390 })) {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    await page.goto(url);
    await page.getByRole('button', { name: /Alice Moreau/ }).click();
    await page.getByRole('main').getByRole('heading', { level: 1 }).waitFor();
    await page.goto(`${url}/operations/${id}`);
    await page.getByText(settled).waitFor();
    await page.screenshot({ path: join(screenshots, `${name}-${size}.png`), fullPage: true });
  }
  await browser.close();
}
