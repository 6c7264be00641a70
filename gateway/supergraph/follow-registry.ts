// Keeps a process on the newest generation and tells the registry what it serves, so that a publication can wait for everybody.
// R1. It looks once a second, and at once when the registry knows of a publication.
// R2. A generation that cannot be taken over leaves the one before; it is tried again after a while.
// R3. What is served is recorded when it changes and every two seconds; at the end this process signs off.
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { Generation, ServedGeneration, SupergraphRegistry } from '#schema/contracts/supergraph';
import type { Logger } from '#platform/logger';

const POLL_MS = 1_000;
const HEARTBEAT_MS = 2_000;
const CALL_TIMEOUT_MS = 5_000;
const RETRY_MS = 30_000;

export interface FollowedRegistry {
  /** Signs off. */
  close(): Promise<void>;
}

export function followRegistry(options: {
  registry: Pick<SupergraphRegistry, 'newest' | 'recordServing' | 'forgetServing' | 'watch'>;
  /** Names this process. */
  instance: string;
  role: ServedGeneration['role'];
  /** The generation that is served already. @default 0: none */
  serving?: number;
  /** Called once for each new generation, one after the other; when it throws, the one before stays. */
  takeOver: (generation: Generation, ended: AbortSignal) => Promise<void>;
  /** Called after each look. */
  onLooked?: () => Promise<void>;
  log: Logger;
  /** @default 1000 ms */
  pollMs?: number;
}): FollowedRegistry {
  const { registry, instance, role, takeOver, onLooked, log, pollMs = POLL_MS } = options;
  const ended = new AbortController();
  let serving = options.serving ?? 0;
  let failed: { number: number; retryAtMs: number } | undefined;
  let recorded: { number: number; atMs: number } | undefined;
  let isAway = false;
  let isTold = false;
  let stopWaiting = (): void => undefined;

  function wake(): void {
    isTold = true;
    stopWaiting();
  }

  async function serve(generation: Generation): Promise<void> {
    if (generation.number <= serving || (failed?.number === generation.number && Date.now() < failed.retryAtMs)) return;
    try {
      await takeOver(generation, ended.signal);
      serving = generation.number;
    } catch (error) {
      failed = { number: generation.number, retryAtMs: Date.now() + RETRY_MS };
      log.error({ err: error, generation: generation.number }, 'supergraph generation could not be loaded; the one before stays');
    }
  }

  async function tellServing(): Promise<void> {
    if (serving === 0 || (recorded?.number === serving && Date.now() - recorded.atMs < HEARTBEAT_MS)) return;
    await withinLimit(registry.recordServing({ instance, role, number: serving }));
    recorded = { number: serving, atMs: Date.now() };
  }

  async function look(): Promise<void> {
    try {
      const newest = await withinLimit(registry.newest());
      if (newest !== undefined) await serve(newest);
      if (ended.signal.aborted) return;
      await tellServing();
      await onLooked?.();
      if (isAway) log.info('supergraph registry answers again');
      isAway = false;
    } catch (error) {
      if (!isAway) log.warn({ err: error }, 'supergraph registry does not answer; the served generation stays');
      isAway = true;
    }
  }

  async function follow(): Promise<void> {
    const stopWatching = registry.watch?.(wake);
    while (!ended.signal.aborted) {
      isTold = false;
      await look();
      if (!isTold && !ended.signal.aborted) await wait();
    }
    stopWatching?.();
  }

  function wait(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pollMs);
      stopWaiting = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const following = follow();
  return {
    async close() {
      ended.abort();
      stopWaiting();
      await following;
      await withinLimit(registry.forgetServing(instance)).catch((error: unknown) =>
        log.warn({ code: errorCodeOf(error) }, 'could not sign off from the registry'),
      );
    },
  };
}

/** The registry's own limit is longer than a look may hang. @throws DATABASE_UNAVAILABLE after 5 s */
export async function withinLimit<T>(call: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new CodedError('DATABASE_UNAVAILABLE', `the registry gave no answer in ${CALL_TIMEOUT_MS} ms`)),
      CALL_TIMEOUT_MS,
    );
    timer.unref();
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
  }
}
