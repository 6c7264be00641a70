// Supervision of what a process cannot do without: its threads and the Temporal server that it started.
// K1. One that ends by itself is started again, each time after a longer wait; one that we ended ourselves is started again at once.
// K2. Whoever asks meanwhile waits for the next one.
// K3. After too many deaths in a short time nothing is started any more: `giveUp` is told why, and whoever asks gets that error.
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '#schema/contracts/errors';
import type { Logger } from './logger.js';

/** Why it ended: on our own word (closed, over its time), or by itself. */
export type End = 'ended by us' | 'died';

export interface Mortal {
  /** Settles when it has ended; never rejects. */
  readonly ended: Promise<End>;
  close(): Promise<void>;
}

export interface KeepRunningOptions<T extends Mortal> {
  /** In the log and in the reason. */
  name: string;
  start: () => Promise<T>;
  log?: Logger | undefined;
  /** Told once. @default whoever asks is told */
  giveUp?: ((reason: CodedError) => void) | undefined;
  limits?: Partial<typeof LIMITS>;
}

export interface KeptRunning<T extends Mortal> {
  /** The one that runs, or the next one; the first call starts it. @throws what the first start threw; PART_LOST after K3 */
  current(): Promise<T>;
  close(): Promise<void>;
}

const LIMITS = { firstWaitMs: 100, maxWaitMs: 5_000, deaths: 8, withinMs: 120_000 };

export function keepRunning<T extends Mortal>({ name, start, log, giveUp, limits }: KeepRunningOptions<T>): KeptRunning<T> {
  const { firstWaitMs, maxWaitMs, deaths: maxDeaths, withinMs } = { ...LIMITS, ...limits };
  const stopped = new AbortController();
  let deaths: number[] = [];
  let running: Promise<T> | undefined;

  function launch(waitMs: number, hasRun: boolean): Promise<T> {
    const launched = (waitMs === 0 ? Promise.resolve() : sleep(waitMs, undefined, { signal: stopped.signal })).then(start);
    void launched.then(
      (child) => void child.ended.then((end) => replace(end)),
      (error: unknown) => {
        if (stopped.signal.aborted) return;
        log?.error({ err: error, part: name }, 'a part of this process did not start');
        // The first failure is the asker's to hear of; the next one who asks tries again.
        if (hasRun) replace('died');
        else running = undefined;
      },
    );
    return (running = launched);
  }

  function replace(end: End): void {
    if (stopped.signal.aborted) return;
    if (end === 'ended by us') return void launch(0, true);
    const now = Date.now();
    deaths = [...deaths.filter((at) => now - at < withinMs), now];
    if (deaths.length > maxDeaths) {
      const reason = new CodedError('PART_LOST', `${name} ended ${deaths.length} times in ${withinMs / 1000} s and is not started again`);
      log?.error({ part: name, deaths: deaths.length }, 'a part of this process keeps ending');
      running = Promise.reject(reason);
      running.catch(() => undefined);
      giveUp?.(reason);
      return;
    }
    const waitMs = Math.min(firstWaitMs * 2 ** (deaths.length - 1), maxWaitMs);
    log?.warn({ part: name, deaths: deaths.length, waitMs }, 'a part of this process ended by itself and is started again');
    void launch(waitMs, true);
  }

  return {
    current: () => running ?? launch(0, false),
    async close() {
      stopped.abort();
      const child = await running?.catch(() => undefined);
      await child?.close();
    },
  };
}
