// Equal fetches that are on their way at the same time are one.
// H1. Each waiter has its own time limit and may leave alone; the call is given up when the last one has left.
// H2. Whoever merges an answer changes it, so each waiter gets its own; all copies are made before anyone gets one.
// H3. A fetch that begins after a mutation has ended or an event has come here never joins one that began before: it would read the past.
import type { ErrorCode } from '#schema/contracts/errors';
import type { JsonObject } from '#schema/contracts/json';
import type { ServiceError } from '#schema/contracts/plan';
import { cloneJson } from '../execution/json-data.js';
import type { Failure } from './exchange.js';

/** Copies of a large answer are made at once: the next waiter starts a call of its own. */
const MAX_WAITERS = 64;

export type Outcome = Failure | { data: JsonObject | null; errors: readonly ServiceError[] };

export interface RunningFetch {
  /** Never rejects. */
  outcome: Promise<Outcome>;
  /** As of an exchange. */
  giveUp: (code: ErrorCode) => Failure;
}

export interface FetchSharing {
  /**
   * Waits at most `timeoutMs` and until `signal`: SUBGRAPH_TIMEOUT, OPERATION_CANCELLED.
   *
   * @param key - holds everything that the service is told; null: never shared
   * @param start - called when no equal fetch is running
   */
  join(key: string | null, start: () => RunningFetch, wait: { timeoutMs: number; signal: AbortSignal | undefined }): Promise<Outcome>;
  /** What runs now is not joined any more. */
  closeAll(): void;
}

interface Shared {
  running: RunningFetch;
  waiters: Set<(outcome: Outcome) => void>;
}

/** @param onShared - called for each fetch that joined another */
export function createFetchSharing(onShared?: () => void): FetchSharing {
  const joinable = new Map<string, Shared>();

  function begin(key: string | null, start: () => RunningFetch): Shared {
    const shared: Shared = { running: start(), waiters: new Set() };
    if (key !== null) joinable.set(key, shared);
    void shared.running.outcome.then((outcome) => {
      close(key, shared);
      const waiters = [...shared.waiters];
      const outcomes = waiters.map((_, index) => (index === 0 ? outcome : copyOf(outcome)));
      waiters.forEach((settle, index) => settle(outcomes[index] as Outcome));
    });
    return shared;
  }

  function close(key: string | null, shared: Shared): void {
    if (key !== null && joinable.get(key) === shared) joinable.delete(key);
  }

  return {
    join(key, start, { timeoutMs, signal }) {
      if (signal?.aborted === true) return Promise.resolve({ failed: 'OPERATION_CANCELLED', wasSent: false });
      const known = key === null ? undefined : joinable.get(key);
      const isJoined = known !== undefined && known.waiters.size < MAX_WAITERS;
      if (isJoined) onShared?.();
      const shared = isJoined ? known : begin(key, start);

      return new Promise((resolve) => {
        function settle(outcome: Outcome): void {
          clearTimeout(timer);
          signal?.removeEventListener('abort', onAbort);
          shared.waiters.delete(settle);
          resolve(outcome);
        }
        function leave(code: ErrorCode): void {
          if (shared.waiters.size > 1) return settle({ failed: code, wasSent: true });
          close(key, shared);
          settle(shared.running.giveUp(code));
        }
        const onAbort = (): void => leave('OPERATION_CANCELLED');
        const timer = setTimeout(() => leave('SUBGRAPH_TIMEOUT'), timeoutMs);
        signal?.addEventListener('abort', onAbort, { once: true });
        shared.waiters.add(settle);
      });
    },
    closeAll: () => joinable.clear(),
  };
}

function copyOf(outcome: Outcome): Outcome {
  return 'failed' in outcome || outcome.data === null ? outcome : { ...outcome, data: cloneJson(outcome.data) };
}
