// From a source that pushes to a consumer that pulls, with a bound between them.
// B1. Events leave in the order they came. What was buffered before an end or a failure still leaves first.
// B2. A consumer that leaves frees the source at once, also while it waits: a generator would wait for the next event.
// B3. At the bound the source is freed and the consumer gets SUBSCRIPTION_OVERFLOW after what is buffered.
import { CodedError } from '#schema/contracts/errors';

export const MAX_BUFFERED_EVENTS = 256;

export interface EventBuffer<T> {
  push: (event: T) => void;
  end: () => void;
  fail: (error: Error) => void;
  /** For one consumer. */
  readonly events: AsyncIterableIterator<T> & { return(): Promise<IteratorResult<T>> };
}

/** @param release - called once, when the source is not needed any more, whatever the reason */
export function createEventBuffer<T>(release: () => void, max = MAX_BUFFERED_EVENTS): EventBuffer<T> {
  const buffered: T[] = [];
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
    push(event) {
      if (over !== undefined) return;
      if (waiting !== undefined) {
        waiting.resolve({ done: false, value: event });
        waiting = undefined;
      } else if (buffered.length < max) buffered.push(event);
      else finish(new CodedError('SUBSCRIPTION_OVERFLOW', `the subscriber is more than ${max} events behind`));
    },
    end: () => finish(null),
    fail: (error) => finish(error),
    events: {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () =>
        new Promise((resolve, reject) => {
          if (buffered.length > 0) resolve({ done: false, value: buffered.shift() as T });
          else if (over !== undefined) settle({ resolve, reject });
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
