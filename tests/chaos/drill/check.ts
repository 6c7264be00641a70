// What must hold after the drill; each violation is one sentence.
import type { Followed, Outcome } from './clients.js';

/** Entries that took effect, by table. */
export type Ledgers = Record<'reserved' | 'created', readonly string[]>;

/** Events count from 1 without a gap or a repeat, and end. */
export function checkStreams(streams: ReadonlyMap<string, Followed>): string[] {
  return [...streams].flatMap(([id, { seqs, end }]) => {
    if (end === null) return [`events of ${id}: no end`];
    return seqs.every((seq, index) => seq === index + 1) ? [] : [`events of ${id}: ${seqs.join()}`];
  });
}

/** A success has each of its effects once; nothing has an effect that nobody asked for. */
export function checkLedgers(ledgers: Ledgers, operations: number, outcomes: readonly Outcome[]): string[] {
  const sent = new Set(Array.from({ length: operations }, (_, number) => `entry-${number}`));
  return Object.entries(ledgers).flatMap(([ledger, entries]) => {
    const known = new Set(entries);
    return [
      ...(known.size === entries.length ? [] : [`${ledger}: ${entries.length - known.size} effects twice`]),
      ...entries.filter((entry) => !sent.has(entry)).map((entry) => `${ledger}: ${entry} was never asked for`),
      ...outcomes.filter(({ succeeded, entry }) => succeeded && !known.has(entry)).map(({ entry }) => `${ledger}: ${entry} is missing`),
    ];
  });
}
