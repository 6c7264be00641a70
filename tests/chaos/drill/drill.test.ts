import { describe, expect, it } from 'vitest';
import { findPostgres } from '#tests/support/postgres';
import { runDrill } from './drill.js';

describe.runIf(findPostgres() !== undefined)('the chaos drill', () => {
  it('loses nothing, doubles nothing and leaves nothing out over 300 operations and 15 kills', async () => {
    const report = await runDrill({ operations: 300, kills: 15, everyMs: 2_000, clients: 8, settleMs: 30_000 });
    expect(report.violations).toEqual([]);
    expect(report.kills).toHaveLength(15);
    expect(report.acknowledged).toBe(300);
    // Two of 300 are more than the half per cent that may fail.
    expect(report.failures.length, report.failures.join('\n')).toBeLessThan(2);
  }, 420_000);
});
