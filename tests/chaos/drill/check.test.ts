import { describe, expect, it } from 'vitest';
import { checkLedgers, checkStreams } from './check.js';
import type { Outcome } from './clients.js';

const done = (entry: string): Outcome => ({ entry, operationId: `op_${entry}`, attempts: 1, retries: 0, succeeded: true, codes: [] });
const stream = (seqs: number[], end: string | null = 'OperationCompleted') => new Map([['op', { seqs, end, reconnects: 0 }]]);

describe('the checker of the drill', () => {
  it('is content when every success has both effects once and every stream counts through to its end', () => {
    expect(checkLedgers({ reserved: ['entry-0'], created: ['entry-0'] }, 2, [done('entry-0')])).toEqual([]);
    expect(checkStreams(stream([1, 2, 3]))).toEqual([]);
  });

  it.each([
    [{ reserved: ['entry-0', 'entry-0'], created: ['entry-0'] }, 'reserved: 1 effects twice'],
    [{ reserved: ['entry-0'], created: [] }, 'created: entry-0 is missing'],
    [{ reserved: ['entry-0'], created: ['entry-0', 'entry-7'] }, 'created: entry-7 was never asked for'],
  ])('finds effects that are wrong: %j', (ledgers, violation) => {
    expect(checkLedgers(ledgers, 2, [done('entry-0')])).toEqual([violation]);
  });

  it.each([[[1, 3]], [[1, 1, 2]], [[2, 1]], [[2]]])('finds events with gaps or repeats: %j', (seqs) => {
    expect(checkStreams(stream(seqs))).toHaveLength(1);
  });

  it('finds a stream without an end', () => {
    expect(checkStreams(stream([1, 2], null))).toEqual(['events of op: no end']);
  });
});
