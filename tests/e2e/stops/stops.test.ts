// The built product with everything in one process is asked to stop in the middle of work, and started again on the same data: who waits is
// answered first, and what nobody waits for goes on at the next start.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '#tests/support/eventually';
import { type Caller, signIn } from '#tests/support/graphql-client';
import { type JobsService, startJobs } from '#tests/support/jobs-service';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from '#tests/support/sluice-process';

const WORK = {
  query: 'query Report($name: ID!) { report(name: $name) }',
  mutation: 'mutation Build($name: ID!) { build(name: $name) }',
  'must not be repeated': 'mutation Announce($name: ID!) { announce(name: $name) }',
  saga: `mutation Both($name: ID!, $second: ID!) @saga { build(name: $name) second: build(name: $second) }`,
} as const;
type Name = keyof typeof WORK;

let data: Awaited<ReturnType<typeof makeDataFolder>>;
let jobs: JobsService;
let sluice: SluiceProcess;
let alice: Caller;
/** What the service waits for before it answers: what somebody waits for has a gate of its own. */
const gates = { waited: createGate(), rest: createGate() };

function createGate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
async function start(): Promise<void> {
  const [PORT, ADMIN_PORT, TEMPORAL_PORT, TEMPORAL_UI_PORT] = (await findFreePorts(4)).map(String) as [string, string, string, string];
  sluice = startSluice(['start'], {
    PORT,
    ADMIN_PORT,
    TEMPORAL_PORT,
    TEMPORAL_UI_PORT,
    SLUICE_SUBGRAPHS: jobs.file,
    SLUICE_DATA: join(data.path, 'data'),
    SLUICE_DRAIN_ACTIVITIES_MS: '500',
    LOG_LEVEL: 'warn',
  });
  await sluice.waitFor(/^ready$/m, 120_000);
  alice = await signIn(`http://127.0.0.1:${PORT}`, 'alice');
}
/** @returns the operation's id */
async function leave(name: Name, key: string): Promise<string> {
  const variables = { name, second: `${name}, second step` };
  const headers = { prefer: 'respond-async', ...(name === 'query' ? {} : { 'idempotency-key': key }) };
  const response = await alice.post({ query: WORK[name], variables }, headers);
  expect(response.status).toBe(202);
  return response.headers.get('operation-id') as string;
}
const ENDED = 'query Ended($id: ID!) { operation(id: $id) { status done result compensation { status } recovery { status } } }';
async function readEnd(id: string): Promise<Record<string, unknown>> {
  const read = async (): Promise<Record<string, unknown> | null> => (await alice.query(ENDED, { id })).data?.['operation'] ?? null;
  return (await eventually(read, (operation) => operation?.['done'] === true)) as Record<string, unknown>;
}

beforeAll(async () => {
  data = await makeDataFolder();
  jobs = await startJobs(data.path, (_, name) => (name === 'waited for' ? gates.waited : gates.rest).opened);
  await start();
}, 150_000);
afterAll(async () => {
  gates.rest.open();
  await sluice.stop();
  jobs.close();
  await data.remove();
});

it('answers who waits, ends within its limit, and goes on with all other work at the next start', async () => {
  const ids = new Map<Name, string>();
  for (const name of Object.keys(WORK) as Name[]) ids.set(name, await leave(name, `key of ${name}`));
  await eventually(
    () => Promise.resolve(jobs.waiting.length),
    (count) => count === 4,
  );
  const waited = alice.query('mutation ($name: ID!) { build(name: $name) }', { name: 'waited for' });
  await eventually(
    () => Promise.resolve(jobs.waiting.length),
    (count) => count === 5,
  );

  const first = sluice;
  const stopped = first.stop();
  // No new connections: it waits for the answer that somebody waits for.
  await eventually(
    () =>
      fetch(alice.url).then(
        () => true,
        () => false,
      ),
    (isUp) => !isUp,
  );
  gates.waited.open();
  expect(await waited).toMatchObject({ data: { build: 'waited for' } });
  expect(await stopped).toBe(0);
  expect(first.output).not.toContain('did not stop in time');

  await start();
  gates.rest.open();
  const end = (name: Name): Promise<Record<string, unknown>> => readEnd(ids.get(name) as string);
  const whole = { status: 'COMPLETED', compensation: null, recovery: null };
  expect(await end('query')).toMatchObject({ ...whole, result: { data: { report: 'query' } } });
  expect(await end('mutation')).toMatchObject({ ...whole, result: { data: { build: 'mutation' } } });
  expect(await end('saga')).toMatchObject({ ...whole, result: { data: { build: 'saga', second: 'saga, second step' } } });
  expect(await end('must not be repeated')).toMatchObject({
    status: 'FAILED',
    result: { errors: [{ extensions: { code: 'OUTCOME_UNKNOWN' } }] },
  });
  await eventually(
    () => alice.query(ENDED, { id: ids.get('must not be repeated') }),
    ({ data: answered }) => answered?.['operation'].recovery?.status === 'INPUT_REQUIRED',
  );
  const again = await alice.query(WORK.mutation, { name: 'mutation' }, { 'idempotency-key': 'key of mutation' });
  expect(again).toMatchObject({ data: { build: 'mutation' } });
  expect(jobs.effects.map(({ entry, effect }) => `${effect} ${entry}`).sort()).toEqual([
    'announce must not be repeated',
    'build mutation',
    'build saga',
    'build saga, second step',
    'build waited for',
  ]);
}, 180_000);
