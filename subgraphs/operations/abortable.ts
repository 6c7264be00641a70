/**
 * An iterable whose consumer can leave at any time: `return()` aborts the signal first, since an async generator that waits
 * for its source would only notice at the next value.
 */
export function abortable<T>(open: (signal: AbortSignal) => AsyncIterable<T>): AsyncIterableIterator<T> {
  const leaving = new AbortController();
  const source = open(leaving.signal)[Symbol.asyncIterator]();
  const self: AsyncIterableIterator<T> = {
    next: () => source.next(),
    return: async () => {
      leaving.abort();
      await source.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => self,
  };
  return self;
}
