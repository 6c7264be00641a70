// What a watcher learns of an activity before its history does: attempts and progress, beside the durable events.
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { CodedError } from '#schema/contracts/errors';
import { isTerminalEvent, type OperationEvent } from '#schema/contracts/operations';
import { createOperationReaders } from '../client/operation-readers.js';
import { createDataConverter } from '#platform/payload-codec';
import { loadTestKeys } from '#tests/support/test-keys';
import { createPluginWorld, type PluginWorld } from './plugin-world.js';

let world: PluginWorld;
beforeAll(async () => void (world = await createPluginWorld()));
afterAll(() => world.close());
beforeEach(async () => {
  await world.reset();
  await world.publish(world.qrFiles);
});

const isTransient = ({ __typename }: OperationEvent): boolean => __typename === 'StepRetrying' || __typename === 'StepProgressed';

/** Follows an installation to its end; `onEvent` may let it go on. */
async function follow(id: string, onEvent: (event: OperationEvent) => void = () => undefined): Promise<OperationEvent[]> {
  const all: OperationEvent[] = [];
  for await (const event of world.durable.watch(id, { after: null, signal: AbortSignal.timeout(50_000) })) {
    all.push(event);
    onEvent(event);
  }
  return all;
}

describe('an open activity', () => {
  it('tells its attempts, with the code of the last failure', async () => {
    let isSeen = false;
    let attempts = 0;
    world.before = (activity) => {
      if (activity !== 'verify_signature_activity') return Promise.resolve();
      attempts += 1;
      // The fifth is the last one.
      if (isSeen || attempts === 5) return Promise.resolve();
      return Promise.reject(new CodedError('SUBGRAPH_UNREACHABLE', 'away on purpose'));
    };
    const started = await world.install();
    const all = await follow(started.operationId, (event) => (isSeen ||= event.__typename === 'StepRetrying'));
    const retrying = all.find(({ __typename }) => __typename === 'StepRetrying');
    expect(retrying).toMatchObject({ step: 'verify', maximumAttempts: 5, lastFailure: { code: 'SUBGRAPH_UNREACHABLE' } });
    expect((retrying as { attempt: number }).attempt).toBeGreaterThanOrEqual(2);
    expect(all.at(-1)?.__typename).toBe('OperationCompleted');
  });

  it('tells what its heartbeat says, in place of the last durable event and without one of its own', async () => {
    const beat = (): Promise<void> => world.registry.recordServing({ instance: 'slow', role: 'gateway', number: 0 });
    await beat();
    const beating = setInterval(() => void beat(), 300);
    const started = await world.install();
    // The other process takes over when it likes: it may be the first or the second news.
    const all = await follow(started.operationId, (event) => {
      if (event.__typename !== 'StepProgressed' || event.completed !== 1) return;
      clearInterval(beating);
      void world.registry.forgetServing('slow');
    });
    const at = all.findIndex((event) => event.__typename === 'StepProgressed' && event.completed === 1);
    expect(all[at]).toMatchObject({ step: 'served', completed: 1, total: 2, detail: '1 of 2 processes serve it' });
    const { seq, cursor } = all.slice(0, at).findLast((event) => !isTransient(event)) as OperationEvent;
    expect(all[at]).toMatchObject({ seq, cursor });

    const durable = all.filter((event) => !isTransient(event));
    expect(durable.map(({ seq }) => seq)).toEqual(durable.map((_, index) => index + 1));
    expect(await follow(started.operationId)).toEqual(durable);
  });
});

it('readers beyond the long polls they may hold tell the same, a little later', async () => {
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  const { payloadCodecs: codecs = [] } = createDataConverter(await loadTestKeys(), { namespace: 'default' });
  const readers = createOperationReaders({ connection, namespace: 'default', codecs, maxLongPolls: 0 });
  const started = await world.install();
  const events: OperationEvent[] = [];
  for await (const event of readers.watch(started.run, { after: null, signal: AbortSignal.timeout(30_000) })) events.push(event);
  expect(events.at(-1)).toSatisfy(isTerminalEvent);
  expect(events.filter((event) => !isTransient(event))).toEqual(await world.durable.readEvents(started.operationId));
  await connection.close();
});
