import { randomBytes } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { NotedRun, OperationEvent } from '#schema/contracts/operations';
import { parseOperationId } from '#schema/contracts/ids';
import { createDataConverter } from '#platform/payload-codec';
import { loadTestKeys } from '#tests/support/test-keys';
import { createDurableWorld, type DurableWorld } from './durable-world.js';
import { scan } from './scan.js';

const QUERY = '{ people { name reviews { stars book { title } } } }';
let world: DurableWorld;
/** With other keys, on the same server. */
let strangers: DurableWorld;
beforeAll(async () => {
  world = await createDurableWorld();
  const keys = { payload: [{ id: 'another', key: randomBytes(32) }] };
  strangers = await createDurableWorld(undefined, { dataConverter: createDataConverter(keys, { namespace: 'default' }) });
});
afterAll(() => Promise.all([world.close(), strangers.close()]));
beforeEach(() => void (world.intercept = () => undefined));

async function collect(events: AsyncIterable<OperationEvent>): Promise<OperationEvent[]> {
  const all: OperationEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}
const watch = (id: string, after: string | null = null) => world.durable.watch(id, { after, signal: AbortSignal.timeout(30_000) });

describe('following an operation', () => {
  it('gives everything once, then ends: while it runs, after it has closed, and from any cursor', async () => {
    const started = await world.startRequest(QUERY);
    const live = collect(watch(started.operationId));
    await started.result();
    const all = await live;
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
    expect(all.at(-1)?.__typename).toBe('OperationCompleted');
    expect(await collect(watch(started.operationId))).toEqual(all);
    for (const [index, { cursor }] of all.entries())
      expect(await collect(watch(started.operationId, cursor))).toEqual(all.slice(index + 1));
  });

  it('needs one reader for twenty viewers, and none when they have left', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    world.intercept = (call) =>
      call.service === 'reviews' ? gate.then(() => ({ node: call.node, chunk: call.chunk, data: null, errors: [] })) : undefined;
    const started = await world.startRequest(QUERY, { synchronous: false });
    const viewers = Array.from({ length: 20 }, () => collect(watch(started.operationId)));
    await expect.poll(() => world.durable.readers.size).toBe(1);
    await expect.poll(() => world.open).toEqual({ reader: 1, 'long poll': 1 });
    release();
    const [first, ...others] = await Promise.all(viewers);
    for (const other of others) expect(other).toEqual(first);
    await expect.poll(() => world.durable.readers.size).toBe(0);
    expect(world.open).toEqual({ reader: 0, 'long poll': 0 });
  });

  it('releases the reader when a viewer leaves early', async () => {
    world.intercept = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const started = await world.startRequest(QUERY, { synchronous: false });
    const leaving = new AbortController();
    const viewer = collect(world.durable.watch(started.operationId, { after: null, signal: leaving.signal }));
    await expect.poll(() => world.durable.readers.size).toBe(1);
    leaving.abort();
    expect((await viewer).every(({ __typename }) => __typename !== 'OperationCompleted')).toBe(true);
    await expect.poll(() => world.durable.readers.size).toBe(0);
    await world.durable.cancel(started.operationId, { reason: null, by: null });
  });

  it('tells the end of a run that could not report it', async () => {
    world.intercept = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const started = await world.startRequest(QUERY, { synchronous: false });
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    await new Client({ connection }).workflow.getHandle(started.run.workflowId).terminate('from outside');
    await connection.close();
    expect((await collect(watch(started.operationId))).at(-1)).toMatchObject({
      __typename: 'OperationFailed',
      failure: { code: 'OPERATION_TERMINATED' },
    });
    expect(await world.durable.describe(started.operationId)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'OPERATION_TERMINATED' },
    });
  });

  it.each(['x', 'bm90LWEtY3Vyc29y'])('refuses the cursor %j', async (cursor) => {
    const started = await world.startRequest(QUERY);
    await expect(collect(watch(started.operationId, cursor))).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  });

  it('refuses a cursor of another operation, whose place would leave out its first events', async () => {
    const [one, other] = [await world.startRequest(QUERY), await world.startRequest(QUERY)];
    await Promise.all([one.result(), other.result()]);
    const cursor = (await world.durable.readEvents(one.operationId)).at(-1)?.cursor ?? null;
    await expect(collect(watch(other.operationId, cursor))).rejects.toMatchObject({ code: 'CURSOR_INVALID' });
  });
});

describe('an operation', () => {
  it('is described with its facts and result, by its id alone', async () => {
    const started = await world.startRequest(QUERY);
    await started.result();
    const operation = await world.durable.describe(started.operationId);
    // The test server keeps runs for a day.
    expect(Date.parse(operation?.expiresAt ?? '') - Date.parse(operation?.closedAt ?? '')).toBe(24 * 3600 * 1000);
    expect(operation).toMatchObject({
      id: started.operationId,
      status: 'COMPLETED',
      facts: { kind: 'ORCHESTRATION', tenant: 'ten_acme', startedBy: 'usr_alice' },
      result: { data: { people: expect.any(Array) } },
      failure: null,
    });
    expect(await world.durable.describe('op_nonsense')).toBeUndefined();
    expect(parseOperationId(`${started.operationId}A`)).toBeUndefined();
  });

  it("is in Temporal's list of what began or ended since then", async () => {
    const before = new Date().toISOString();
    const started = await world.startRequest(QUERY);
    await started.result();
    const found = async (since: string) => (await scan(world.durable, since)).find(({ id }) => id === started.operationId);
    await expect.poll(() => found(before), { timeout: 10_000 }).toMatchObject({ status: 'COMPLETED', facts: { kind: 'ORCHESTRATION' } });
    expect(await found(new Date(Date.now() + 60_000).toISOString())).toBeUndefined();
    await expect(scan(world.durable, 'yesterday')).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    await expect(world.durable.listForcedEnds({ tenant: "x' OR 'a' = 'a", first: 1 })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });

  it('is in the index before its starter is told of it', async () => {
    const noted: NotedRun[] = [];
    const indexed = await createDurableWorld(undefined, { index: { note: async (run) => void noted.push(run) } });
    const started = await indexed.startRequest(QUERY);
    await indexed.close();
    expect(noted).toMatchObject([
      {
        id: started.operationId,
        ...started.run,
        workflowType: 'multi_service_orchestration_workflow',
        facts: { kind: 'ORCHESTRATION', tenant: 'ten_acme', startedBy: 'usr_alice' },
      },
    ]);
  });

  it('that is encrypted with another key is told as unreadable, and hides no other', async () => {
    const [mine, foreign] = [await world.startRequest(QUERY), await strangers.startRequest(QUERY)];
    await Promise.all([mine.result(), foreign.result()]);
    const unreadable = {
      id: foreign.operationId,
      status: 'COMPLETED',
      failure: { code: 'OPERATION_UNREADABLE' },
      facts: { kind: 'ORCHESTRATION', tenant: 'ten_acme' },
    };
    expect(await world.durable.describe(foreign.operationId)).toMatchObject(unreadable);
    expect(await world.durable.findNewest(foreign.run.workflowId)).toMatchObject(unreadable);
    const listed = async (id: string) => (await scan(world.durable)).find((row) => row.id === id);
    await expect.poll(() => listed(foreign.operationId), { timeout: 10_000 }).toMatchObject(unreadable);
    await expect.poll(() => listed(mine.operationId), { timeout: 10_000 }).toMatchObject({ failure: null });
    await expect(world.durable.readEvents(foreign.operationId)).rejects.toMatchObject({ code: 'OPERATION_UNREADABLE' });
    await expect(collect(watch(foreign.operationId))).rejects.toMatchObject({ code: 'OPERATION_UNREADABLE' });
  });

  it('for which somebody waits has no status of its own beside the one that Temporal gives it', async () => {
    const isListed = async (id: string, status: 'WORKING' | 'COMPLETED'): Promise<boolean> =>
      (await scan(world.durable)).some((row) => row.id === id && row.status === status);
    let answer = (): void => undefined;
    const asked = new Promise<void>((resolve) => (answer = resolve));
    world.intercept = () => asked.then(() => undefined as never);
    const started = await world.startRequest(QUERY);
    await expect.poll(() => isListed(started.operationId, 'WORKING'), { timeout: 10_000 }).toBe(true);
    answer();
    await started.result();
    await expect.poll(() => isListed(started.operationId, 'COMPLETED'), { timeout: 10_000 }).toBe(true);
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const dataConverter = createDataConverter(await loadTestKeys(), { namespace: 'default' });
    const { searchAttributes } = await new Client({ connection, dataConverter }).workflow.getHandle(started.run.workflowId).describe();
    await connection.close();
    // Its list shows this attribute in the place of what Temporal knows, and nobody changes it when the run ends.
    expect(searchAttributes).toMatchObject({ Kind: ['ORCHESTRATION'], Tenant: ['ten_acme'] });
    expect(searchAttributes).not.toHaveProperty('Status');
  });

  it.each([true, false])('that was cancelled is so everywhere, Temporal included (a caller waits: %s)', async (synchronous) => {
    let calls = 0;
    world.intercept = (_, signal) => {
      calls += 1;
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    };
    const started = await world.startRequest(QUERY, { synchronous });
    await expect.poll(() => calls).toBeGreaterThan(0);
    await world.durable.cancel(started.operationId, { reason: 'changed my mind', by: 'usr_alice' });
    await expect(started.result()).rejects.toMatchObject({ status: 'CANCELLED', code: 'OPERATION_CANCELLED' });
    expect(await world.statusInTemporal(started.run.workflowId)).toBe('CANCELLED');
    expect(await world.durable.describe(started.operationId)).toMatchObject({ status: 'CANCELLED' });
    const listed = async () => (await scan(world.durable)).find(({ id }) => id === started.operationId)?.status;
    await expect.poll(listed, { timeout: 10_000 }).toBe('CANCELLED');
    expect((await world.durable.readEvents(started.operationId)).filter(({ __typename }) => __typename.startsWith('Cancel'))).toMatchObject(
      [{ reason: 'changed my mind', by: 'usr_alice' }],
    );
  });

  it('that runs is what a second start of the same id is told of', async () => {
    world.intercept = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const started = await world.startRequest(QUERY, { synchronous: false });
    const again = world.durable.start('multi_service_orchestration_workflow', [{} as never, {} as never], {
      workflowId: started.run.workflowId,
      taskQueue: world.taskQueue,
      facts: { kind: 'ORCHESTRATION', title: 't', tenant: 'ten_acme', startedBy: 'usr_bob' },
    });
    await expect(again).rejects.toMatchObject({ code: 'OPERATION_IN_PROGRESS', details: { operationId: started.operationId } });
    await world.durable.cancel(started.operationId, { reason: null, by: null });
  });

  it("says in Temporal's UI what it is, and what each of its steps does", async () => {
    const details = '- reason: several-services';
    const started = await world.startRequest(
      'mutation { rate(book: "b1", stars: 4) { stars author { name } } }',
      { synchronous: false },
      { details },
    );
    await started.result();
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const dataConverter = createDataConverter(await loadTestKeys(), { namespace: 'default' });
    const handle = new Client({ connection, dataConverter }).workflow.getHandle(started.run.workflowId);
    const description = await handle.describe();
    expect([await description.staticSummary(), await description.staticDetails()]).toEqual(['test request', details]);
    const { events } = await handle.fetchHistory();
    await connection.close();
    const steps = (events ?? []).filter((event) => event.activityTaskScheduledEventAttributes ?? event.timerStartedEventAttributes);
    expect(steps.length).toBeGreaterThan(2);
    for (const { userMetadata } of steps) expect(userMetadata?.summary?.data?.length).toBeGreaterThan(0);
  });

  it('leaves nothing readable in its history', async () => {
    const started = await world.startRequest('query($k: String!) { any(kind: $k) { __typename ... on Book { title author { name } } } }', {
      variables: { k: 'book' },
    });
    await started.result();
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const history = JSON.stringify(await new Client({ connection }).workflow.getHandle(started.run.workflowId).fetchHistory());
    await connection.close();
    const decoded = history.replace(/"[A-Za-z0-9+/=]{12,}"/g, (text) => Buffer.from(text.slice(1, -1), 'base64').toString('latin1'));
    for (const secret of ['Rocannon', 'Ursula', 'usr_alice', 'files:read', '_entities']) expect(decoded).not.toContain(secret);
  });
});
