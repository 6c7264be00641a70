// A list that changes: asks for it again and again and tells what is new or has another status.
import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationSnapshot, OperationStatus } from '#schema/contracts/operations';

const LOOK_EVERY_MS = 1_000;
const MAX_FAILURES = 30;

/**
 * Yields the rows that were not there, or had another status, when it looked before: with `status`, those that have it now or had it
 * then. The first look yields nothing. Ends when `signal` aborts.
 *
 * @param list - the list's newest rows; equal lists of several watchers are expected to be read once
 * @throws what `list` throws thirty times in a row
 */
export async function* watchList(
  list: () => Promise<readonly OperationSnapshot[]>,
  { status, signal }: { status: OperationStatus | null; signal: AbortSignal },
): AsyncGenerator<readonly OperationSnapshot[], void> {
  const isWanted = (found: OperationStatus | undefined): boolean => status === null || found === status;
  let known: ReadonlyMap<string, OperationStatus> | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const rows = await list();
      failures = 0;
      const before = known;
      known = new Map(rows.map((row) => [row.id, row.status]));
      const changed = before === undefined ? [] : rows.filter((row) => before.get(row.id) !== row.status);
      const wanted = changed.filter((row) => isWanted(row.status) || isWanted(before?.get(row.id)));
      if (wanted.length > 0) yield wanted;
    } catch (error) {
      if (++failures >= MAX_FAILURES) throw error;
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}
