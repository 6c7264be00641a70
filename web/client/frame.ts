/** Longest wait of a flush: hidden tabs get no animation frames. */
const MAX_WAIT_MS = 100;

export interface Batch {
  /** Runs the flush in the next frame; more requests before it change nothing. */
  request(): void;
  /** Runs a requested flush now. */
  flush(): void;
  cancel(): void;
}

/** Many changes, one flush: `requestAnimationFrame` raced with {@link MAX_WAIT_MS}. */
export function createBatch(run: () => void): Batch {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let frame: number | undefined;

  function cancel(): void {
    clearTimeout(timer);
    if (frame !== undefined) cancelAnimationFrame(frame);
    timer = frame = undefined;
  }
  function flush(): void {
    if (timer === undefined) return;
    cancel();
    run();
  }
  return {
    request() {
      if (timer !== undefined) return;
      timer = setTimeout(flush, MAX_WAIT_MS);
      if (typeof requestAnimationFrame === 'function') frame = requestAnimationFrame(flush);
    },
    flush,
    cancel,
  };
}
