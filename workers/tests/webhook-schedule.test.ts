import { expect, it } from 'vitest';
import { nextWaitMs } from '../workflows/shared/webhook-schedule.js';

const HOUR_MS = 3_600_000;
const failed = (retryAfterMs = 0) => ({ kind: 'failed', reason: 'status 500', retryAfterMs }) as const;

it('goes on for three days, ever more seldom, and then ends', () => {
  const waits: number[] = [];
  for (let wait = nextWaitMs(1, failed()); wait !== null; wait = nextWaitMs(waits.length + 1, failed())) waits.push(wait);
  expect(waits).toHaveLength(9);
  expect(waits).toEqual([...waits].sort((a, b) => a - b));
  const total = waits.reduce((sum, wait) => sum + wait, 0);
  expect([total > 72 * HOUR_MS, total < 96 * HOUR_MS]).toEqual([true, true]);
});

it('waits longer where the receiver says so, never shorter', () => {
  expect(nextWaitMs(1, failed(9 * HOUR_MS))).toBe(9 * HOUR_MS);
  expect(nextWaitMs(5, failed(1_000))).toBe(5 * HOUR_MS);
});

it('ends at once where it will never succeed, or has', () => {
  expect(nextWaitMs(1, { kind: 'refused', reason: 'status 410' })).toBeNull();
  expect(nextWaitMs(1, { kind: 'delivered' })).toBeNull();
});
