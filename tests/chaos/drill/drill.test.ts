import { describe, expect, it } from 'vitest';
import { findPostgres } from '#tests/support/postgres';
import { runDrill } from './drill.js';
import { printReport, SUCCESS_SHARE } from './report.js';

describe.runIf(findPostgres() !== undefined)('the chaos drill', () => {
  it('loses nothing, doubles nothing and leaves nothing out over 300 operations and 15 faults of every kind', async () => {
    const report = await runDrill({
      operations: 300,
      faults: 15,
      everyMs: 1_500,
      // Longer than any heartbeat's time-out.
      freezeMs: 5_000,
      drainMs: 1_000,
      jobsMs: { shortest: 1_000, longest: 8_000 },
      clients: 8,
      settleMs: 30_000,
    });
    const printed = printReport(report);
    expect(report.violations, printed).toEqual([]);
    expect(report.faults.length).toBeGreaterThanOrEqual(15);
    expect(report.forcedEnds, printed).toEqual({});
    expect(report.acknowledged).toBe(300);
    expect(report.succeeded / (report.requests - report.unsure), printed).toBeGreaterThanOrEqual(SUCCESS_SHARE);
    // It says nothing when there was nothing to check.
    expect(report.compensated).toBeGreaterThan(0);
    expect(report.webhooks).toBeGreaterThan(0);
    expect(report.installations.active).toBeGreaterThan(0);
    expect(report.events.reconnects).toBeGreaterThan(0);
  }, 900_000);
});
