import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { createPayloadCodec } from '#platform/payload-codec';
import type { OperationEvent } from '#schema/contracts/operations';
import { loadTestKeys } from '#tests/support/test-keys';
import { createPluginWorld, type PluginWorld, QR, type Traces } from './plugin-world.js';

const NOTHING: Traces = { references: 0, reports: 0, admitted: 0, published: false, installed: 0 };

let world: PluginWorld;
beforeAll(async () => void (world = await createPluginWorld()));
afterAll(() => world.close());
beforeEach(() => world.reset());

async function events(id: string): Promise<OperationEvent[]> {
  return world.durable.readEvents(id);
}
/** The QR plugin with some files replaced. */
function changed(files: Record<string, string | ((before: string) => string)>): Map<string, Buffer> {
  const all = new Map(world.qrFiles);
  for (const [path, change] of Object.entries(files))
    all.set(path, Buffer.from(typeof change === 'string' ? change : change(all.get(path)?.toString('utf8') ?? '')));
  return all;
}

describe('plugin_installation_workflow', () => {
  it('brings a signed plugin into the supergraph and says each step', async () => {
    await world.publish(world.qrFiles);
    const started = await world.install();
    const installed = await started.result();
    expect(installed).toMatchObject({ plugin: QR, version: '1.0.0', generation: (await world.registry.newest())?.number });
    expect(await world.readTraces()).toEqual({ references: 1, reports: 4, admitted: 1, published: true, installed: 1 });
    const all = await events(started.operationId);
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
    expect(all.filter(({ __typename }) => __typename === 'StepCompleted')).toHaveLength(14);
    expect(all.at(-1)?.__typename).toBe('OperationCompleted');
    expect(all.map(({ __typename }) => __typename)).not.toContain('CompensationStarted');
  });

  it.each<[string, Partial<Traces>, string[]]>([
    ['verify_signature_activity', { references: 1 }, ['fetch']],
    ['validate_schema_activity', { references: 1 }, ['fetch']],
    ['load_sandbox_activity', { references: 1, reports: 4 }, ['scan-archive', 'fetch']],
    ['await_generation_served_activity', { references: 1, reports: 4, admitted: 1, published: true }, ['publish', 'load', 'fetch']],
    ['probe_plugin_activity', { references: 1, reports: 4, admitted: 1, published: true }, ['publish', 'load', 'fetch']],
  ])('leaves nothing behind when %s fails', async (activity, present, undone) => {
    await world.publish(world.qrFiles);
    world.failAt = { activity, code: 'PLUGIN_ERROR' };
    const before = (await world.registry.newest())?.number ?? 0;
    const started = await world.install();
    await expect(started.result()).rejects.toMatchObject({ code: 'PLUGIN_ERROR', status: 'FAILED' });
    expect(world.tracesAtFailure).toMatchObject(present);
    expect(await world.readTraces()).toEqual(NOTHING);
    const all = await events(started.operationId);
    const compensated = all.flatMap((event) => (event.__typename === 'CompensationCompleted' ? [event.undoes] : []));
    for (const step of undone) expect(compensated).toContain(step);
    expect(all.map(({ __typename }) => __typename)).not.toContain('CompensationFailed');
    // Undoing a publication publishes a new generation; it never goes back to an old one.
    if (undone.includes('publish')) expect((await world.registry.newest())?.number).toBe(before + 2);
  });

  it("calls its activities in Temporal's UI what it calls its steps and undos for callers", async () => {
    await world.publish(world.qrFiles);
    world.failAt = { activity: 'probe_plugin_activity', code: 'PLUGIN_ERROR' };
    const started = await world.install();
    await expect(started.result()).rejects.toMatchObject({ code: 'PLUGIN_ERROR' });
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const { events: history } = await new Client({ connection }).workflow
      .getHandle(started.run.workflowId, started.run.runId)
      .fetchHistory();
    await connection.close();
    const scheduled = (history ?? []).filter((event) => event.activityTaskScheduledEventAttributes != null);
    const codec = createPayloadCodec(await loadTestKeys(), { namespace: 'default' });
    const sealed = scheduled.map(({ userMetadata }) => userMetadata?.summary ?? {});
    const summaries = (await codec.decode(sealed, undefined as never)).map((one) => defaultPayloadConverter.fromPayload(one));
    const told = (await events(started.operationId)).flatMap((event) =>
      event.__typename === 'StepStarted' || event.__typename === 'CompensationStarted' ? [event.label] : [],
    );
    expect(told).toEqual(expect.arrayContaining(['Probe the plugin', 'Publish a supergraph without it']));
    expect(summaries.sort()).toEqual(told.sort());
  });

  it('takes an installation back whose last step was lost after its effect', async () => {
    await world.publish(world.qrFiles);
    const started = await world.install();
    await started.result();
    const { database, store } = world;
    expect((await world.readTraces()).installed).toBe(1);
    await store.deleteInstallation(QR, 'op_of_another_operation');
    expect((await world.readTraces()).installed).toBe(1);
    await store.deleteInstallation(QR, started.operationId);
    expect((await database.pool.query('select 1 from plugins.installations')).rowCount).toBe(0);
  });

  it('stops and takes everything back when it is cancelled', async () => {
    await world.publish(world.qrFiles);
    let cancelled = false;
    const started = await world.install();
    world.before = async (activity) => {
      if (activity !== 'await_generation_served_activity' || cancelled) return;
      cancelled = true;
      await world.durable.cancel(started.operationId, { reason: 'wrong plugin', by: 'usr_admin' });
      await new Promise((resolve) => setTimeout(resolve, 500));
    };
    await expect(started.result()).rejects.toMatchObject({ code: 'OPERATION_CANCELLED', status: 'CANCELLED' });
    expect(await world.readTraces()).toEqual(NOTHING);
    const all = await events(started.operationId);
    expect(all.filter(({ __typename }) => __typename === 'CancelRequested')).toMatchObject([{ reason: 'wrong plugin', by: 'usr_admin' }]);
    expect(all.at(-1)).toMatchObject({ __typename: 'OperationCancelled', reason: 'wrong plugin' });
  });

  it('tells a second start of the first one', async () => {
    await world.publish(world.qrFiles);
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    world.before = (activity) => (activity === 'verify_signature_activity' ? gate : Promise.resolve());
    const first = await world.install();
    await expect(world.install()).rejects.toMatchObject({ code: 'OPERATION_IN_PROGRESS', details: { operationId: first.operationId } });
    release();
    await first.result();
    await expect((await world.install()).result()).rejects.toMatchObject({ code: 'ALREADY_INSTALLED' });
    expect((await world.readTraces()).installed).toBe(1);
  });
});

describe('a package that must not get in', () => {
  it.each<[string, string, () => Promise<void>]>([
    ['not in the catalog', 'PLUGIN_NOT_FOUND', () => Promise.resolve()],
    ['unsigned', 'SIGNATURE_MISSING', () => world.publish(world.qrFiles, { sign: false })],
    [
      'with one byte flipped in the store',
      'DIGEST_MISMATCH',
      async () => {
        await world.publish(world.qrFiles);
        await world.database.pool.query('update blobs.blobs set bytes = set_byte(bytes, 100, get_byte(bytes, 100) # 1)');
      },
    ],
    [
      'with a file changed after signing',
      'DIGEST_MISMATCH',
      async () => {
        const { signPackage } = await import('#platform/plugin-package/signature');
        await world.publish(new Map([...(await signPackage(world.qrFiles, world.signer)), ['README.md', Buffer.from('changed')]]), {
          sign: false,
        });
      },
    ],
    [
      'signed by a stranger',
      'PUBLISHER_UNTRUSTED',
      async () => {
        const { createPublisherKey, signPackage } = await import('#platform/plugin-package/signature');
        await world.publish(await signPackage(world.qrFiles, (await createPublisherKey('sluice')).secret), { sign: false });
      },
    ],
    [
      'with an unknown field in its manifest',
      'MANIFEST_INVALID',
      () => world.publish(changed({ 'plugin.json': (text) => text.replace('"license"', '"surprise": 1, "license"') })),
    ],
    [
      'whose schema takes the place of another',
      'SCHEMA_CONFLICT',
      () =>
        world.publish(
          changed({ 'schema.graphql': (text) => text.replace('"A QR code that opens', 'name: String!\n  "A QR code that opens') }),
        ),
    ],
    [
      'whose schema leaves its prefix',
      'SCHEMA_POLICY_VIOLATION',
      () => world.publish(changed({ 'schema.graphql': (text) => `${text}\nextend type Query { steal: String }` })),
    ],
    [
      'that uses eval',
      'SCAN_BLOCKED',
      () => world.publish(changed({ 'dist/plugin.mjs': (text) => `${text}\nexport const f = (x) => eval(x);` })),
    ],
    ['that hides characters', 'SCAN_BLOCKED', () => world.publish(changed({ 'dist/plugin.mjs': (text) => `${text}\n// a\u200bb` }))],
    ['that lacks a resolver', 'LOAD_FAILED', () => world.publish(changed({ 'dist/plugin.mjs': 'export default { resolvers: {} };' }))],
    [
      'that throws at load',
      'LOAD_FAILED',
      () => world.publish(changed({ 'dist/plugin.mjs': 'throw new Error("no"); export default {};' })),
    ],
  ])('%s ends with its code and leaves nothing', async (_, code, publish) => {
    await publish();
    const started = await world.install();
    await expect(started.result()).rejects.toMatchObject({ code, status: 'FAILED' });
    expect(await world.readTraces()).toEqual(NOTHING);
    expect((await events(started.operationId)).at(-1)).toMatchObject({ __typename: 'OperationFailed', failure: { code } });
  });

  it('is not assumed safe when a check crashes', async () => {
    await world.publish(world.qrFiles);
    world.failAt = { activity: 'scan_package_activity', code: 'SCAN_INCOMPLETE' };
    await expect((await world.install()).result()).rejects.toMatchObject({ code: 'SCAN_INCOMPLETE' });
    expect(await world.readTraces()).toEqual(NOTHING);
  }, 60_000);
});
