// Keeps the index of runs complete: reads from Temporal's own list what has begun or ended since the last look, which is what no starter has
// noted (parts that workflows start, starters that died) and ends that nobody has read.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '#platform/logger';
import type { OperationDoor } from './door.js';
import type { RunIndex } from './run-index.js';

const LOOK_EVERY_MS = 5_000;
/** How far that list may lag behind, and clocks may differ. */
const OVERLAP_MS = 15_000;

/** @returns how to end it */
export function followRuns({ door, index, log }: { door: Pick<OperationDoor, 'scan'>; index: RunIndex; log: Logger }): {
  close(): Promise<void>;
} {
  const ending = new AbortController();
  let hasFailed = false;
  const following = (async () => {
    while (!ending.signal.aborted) {
      try {
        await readOnce({ door, index });
        hasFailed = false;
      } catch (error) {
        if (!hasFailed) log.warn({ err: error }, "Temporal's list of runs could not be read; trying again");
        hasFailed = true;
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: ending.signal, ref: false }).catch(() => undefined);
    }
  })();
  return {
    close: () => {
      ending.abort();
      return following;
    },
  };
}

export async function readOnce({ door, index }: { door: Pick<OperationDoor, 'scan'>; index: RunIndex }): Promise<void> {
  const until = new Date(Date.now() - OVERLAP_MS);
  for await (const page of door.scan({ since: await index.readFollowed() })) await index.record(page);
  await index.writeFollowed(until.toISOString());
  await index.removeExpired(new Date());
}
