import { describe, expect, it } from 'vitest';
import { collect } from '../server/tests/collect.js';
import { MAX_BUFFERED_EVENTS } from './event-buffer.js';
import type { ServiceEvent, StreamSink } from './service-stream.js';
import { createStreamSharing } from './share-streams.js';

const event = (n: number): ServiceEvent => ({ data: { n }, errors: [] });

function aSource() {
  const sinks: StreamSink[] = [];
  const state = { sinks, given: 0, shared: 0 };
  const sharing = createStreamSharing(() => state.shared++);
  return {
    state,
    join: (key = 'k') =>
      sharing.join(key, (sink) => {
        sinks.push(sink);
        return () => void state.given++;
      }),
  };
}
const opened = (): Promise<void> => new Promise((resolve) => queueMicrotask(resolve));

describe('streams that are equal', () => {
  it('are one until the first event, which each subscriber gets as its own', async () => {
    const { state, join } = aSource();
    const [a, b, other] = [join(), join(), join('other')];
    await opened();
    expect([state.sinks.length, state.shared]).toEqual([2, 1]);
    state.sinks[0]?.push(event(1));
    const [one, two] = [(await a.events.next()).value as ServiceEvent, (await b.events.next()).value as ServiceEvent];
    expect(one).toEqual(two);
    expect(one.data).not.toBe(two.data);
    void other;
  });

  it('give a late subscriber a stream of its own, which the next one shares', async () => {
    const { state, join } = aSource();
    join();
    await opened();
    state.sinks[0]?.push(event(1));
    const [late, later] = [join(), join()];
    await opened();
    expect(state.sinks).toHaveLength(2);
    state.sinks[1]?.push(event(7));
    expect([(await late.events.next()).value, (await later.events.next()).value]).toEqual([event(7), event(7)]);
  });

  it('are given up when the last subscriber has left, and not before', async () => {
    const { state, join } = aSource();
    const [a, b] = [join(), join()];
    await opened();
    await a.events.return();
    expect(state.given).toBe(0);
    await b.events.return();
    expect(state.given).toBe(1);
    join();
    await opened();
    expect(state.sinks).toHaveLength(2);
  });

  it('are not even opened when everybody has left before', async () => {
    const { state, join } = aSource();
    await join().events.return();
    await opened();
    expect(state.sinks).toHaveLength(0);
  });

  it('end for all alike', async () => {
    const { state, join } = aSource();
    const [a, b] = [join(), join()];
    await opened();
    state.sinks[0]?.fail(new Error('lost'));
    await expect(a.events.next()).rejects.toThrow('lost');
    await expect(b.events.next()).rejects.toThrow('lost');
    expect(state.given).toBe(0);
  });

  it('lose only the subscriber that is too slow', async () => {
    const { state, join } = aSource();
    const [slow, quick] = [join(), join()];
    await opened();
    const read = collect(quick.events);
    for (let n = 0; n <= MAX_BUFFERED_EVENTS; n++) {
      state.sinks[0]?.push(event(n));
      await opened();
    }
    state.sinks[0]?.end();
    expect(await read).toHaveLength(MAX_BUFFERED_EVENTS + 1);
    await expect(collect(slow.events)).rejects.toMatchObject({ code: 'SUBSCRIPTION_OVERFLOW' });
  });
});
