// From a source that pushes to a consumer that pulls, with a bound between them.
// B1. Events leave in the order they came. What was buffered before an end or a failure still leaves first.
// B2. A consumer that leaves frees the source at once, also while it waits: a generator would wait for the next event.
// B3. At a bound, of events or of bytes, the source is freed and the consumer gets SUBSCRIPTION_OVERFLOW after what is buffered.
import { CodedError } from '#schema/contracts/errors';

export const MAX_BUFFERED_EVENTS = 256;
export const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

/** For one consumer. */
export type EventIterator<T> = AsyncIterableIterator<T> & { return(): Promise<IteratorResult<T>> };

export interface EventBuffer<T> {
  /** @param bytes - what the event weighs while it waits */
  push: (event: T, bytes?: number) => void;
  end: () => void;
  fail: (error: Error) => void;
  readonly events: EventIterator<T>;
}

/** @param release - called once, when the source is not needed any more, whatever the reason */
export function createEventBuffer<T>(release: () => void, max = MAX_BUFFERED_EVENTS): EventBuffer<T> {
  const buffered: { event: T; bytes: number }[] = [];
  let bufferedBytes = 0;
  let over: { error: Error | null } | undefined;
  let waiting: Waiting<T> | undefined;

  function finish(error: Error | null): void {
    if (over !== undefined) return;
    over = { error };
    if (waiting !== undefined) settle(waiting);
    release();
  }

  function settle({ resolve, reject }: Waiting<T>): void {
    waiting = undefined;
    const error = over?.error ?? null;
    over = { error: null };
    if (error === null) resolve({ done: true, value: undefined });
    else reject(error);
  }

  return {
    push(event, bytes = 0) {
      if (over !== undefined) return;
      if (waiting !== undefined) {
        waiting.resolve({ done: false, value: event });
        waiting = undefined;
      } else if (buffered.length >= max)
        finish(new CodedError('SUBSCRIPTION_OVERFLOW', `the subscriber is more than ${max} events behind`));
      else if (bufferedBytes + bytes > MAX_BUFFERED_BYTES)
        finish(new CodedError('SUBSCRIPTION_OVERFLOW', `the subscriber is more than ${MAX_BUFFERED_BYTES} bytes behind`));
      else {
        buffered.push({ event, bytes });
        bufferedBytes += bytes;
      }
    },
    end: () => finish(null),
    fail: (error) => finish(error),
    events: {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () =>
        new Promise((resolve, reject) => {
          const first = buffered.shift();
          if (first !== undefined) {
            bufferedBytes -= first.bytes;
            resolve({ done: false, value: first.event });
          } else if (over !== undefined) settle({ resolve, reject });
          else waiting = { resolve, reject };
        }),
      return: () => {
        buffered.length = 0;
        finish(null);
        return Promise.resolve({ done: true, value: undefined });
      },
    },
  };
}

interface Waiting<T> {
  resolve: (result: IteratorResult<T>) => void;
  reject: (error: Error) => void;
}
