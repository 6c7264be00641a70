export interface BackoffOptions {
  /** First wait, ms. */
  minMs: number;
  /** Cap, ms. */
  maxMs: number;
}

/**
 * Waits before try `attempt` (from 0): doubling, capped, the upper half random, so that a thousand tabs do not return
 * in the same instant. Ends early when the browser says it is worth trying: back online, or the tab shown again.
 */
export function backoff(attempt: number, { minMs, maxMs }: BackoffOptions): Promise<void> {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 20));
  return waitOrWake(ceiling * (0.5 + Math.random() / 2));
}

export function waitOrWake(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const controller = new AbortController();
    const { signal } = controller;
    const done = (): void => {
      clearTimeout(timer);
      controller.abort();
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (typeof window === 'undefined') return;
    window.addEventListener('online', done, { signal });
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && done(), { signal });
  });
}
