// Equal subscriptions share one stream of their service.
// S1. A stream is shared by those who come before its first event. A later one might miss what a stream of its own would begin
//     with (the present value, a replay from a cursor), so it gets its own, and that one is shared until its first event.
// S2. The stream is given up when the last subscriber has left. One that is too slow leaves alone.
import { cloneJson } from '../execution/json-data.js';
import { createEventBuffer, type EventBuffer } from './event-buffer.js';
import type { ServiceEvent, ServiceStream, StreamSink } from './service-stream.js';

export interface StreamSharing {
  /** @param open - opens the service's stream; @returns how to give it up */
  join(key: string, open: (sink: StreamSink) => () => void): ServiceStream;
}

interface Shared {
  subscribers: Set<EventBuffer<ServiceEvent>>;
  leave(): void;
}

/** @param onShared - called for each subscriber that found a stream */
export function createStreamSharing(onShared?: () => void): StreamSharing {
  const joinable = new Map<string, Shared>();

  function start(key: string, open: (sink: StreamSink) => () => void): Shared {
    const subscribers: Shared['subscribers'] = new Set();
    let giveUp: (() => void) | undefined;
    let isOver = false;

    function settle(tell: (subscriber: EventBuffer<ServiceEvent>) => void): void {
      isOver = true;
      if (joinable.get(key) === shared) joinable.delete(key);
      for (const subscriber of [...subscribers]) tell(subscriber);
    }
    const shared: Shared = {
      subscribers,
      leave() {
        if (subscribers.size > 0 || isOver) return;
        settle(() => undefined);
        giveUp?.();
      },
    };
    joinable.set(key, shared);
    // After this call stack: the first subscriber is in by then, also when the stream ends at once.
    queueMicrotask(() => {
      if (isOver) return;
      giveUp = open({
        push(event, bytes) {
          if (joinable.get(key) === shared) joinable.delete(key);
          const [first, ...others] = [...subscribers];
          // What runs on an event changes it, so each gets its own.
          const copies = others.map(() => ({ ...event, data: event.data === null ? null : cloneJson(event.data) }));
          first?.push(event, bytes);
          others.forEach((subscriber, index) => subscriber.push(copies[index] as ServiceEvent, bytes));
        },
        end: () => settle((subscriber) => subscriber.end()),
        fail: (error) => settle((subscriber) => subscriber.fail(error)),
      });
    });
    return shared;
  }

  return {
    join(key, open) {
      const known = joinable.get(key);
      if (known !== undefined) onShared?.();
      const shared = known ?? start(key, open);
      const subscriber = createEventBuffer<ServiceEvent>(() => {
        shared.subscribers.delete(subscriber);
        shared.leave();
      });
      shared.subscribers.add(subscriber);
      return subscriber;
    },
  };
}
