import type { WebhookOutcome } from '#schema/contracts/activities';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Before each attempt but the first: about three days in all. */
const WAITS_MS = [5_000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

/** @returns how long to wait after attempt number `attempt` (from 1), or null when there is no further one */
export function nextWaitMs(attempt: number, outcome: WebhookOutcome): number | null {
  const waitMs = WAITS_MS[attempt - 1];
  return outcome.kind !== 'failed' || waitMs === undefined ? null : Math.max(waitMs, outcome.retryAfterMs);
}
