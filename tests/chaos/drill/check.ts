// What must hold after the drill. Pure: what clients were told against what is in ledger, runs and streams.
import { toPluginServiceName } from '#schema/contracts/plugins';
import type { Outcome } from './clients.js';
import type { Followed } from './follow.js';
import type { InstallationOutcome } from './installations.js';
import type { LedgerRow, PluginRemains } from './ledger.js';
import { type Effect, entryOf, UNDOES, WORK, type Work, workOf } from './work.js';

/** `lost`: acknowledged and not finished, or finished without its effect. `half done`: neither done nor taken back. */
export interface Violation {
  of: 'lost' | 'doubled' | 'events' | 'half done';
  /** One sentence. */
  text: string;
}

const violation = (of: Violation['of'], text: string): Violation => ({ of, text });

/** Events count from 1 without a gap or a repeat, and end. */
export function checkStreams(streams: ReadonlyMap<string, Followed>): Violation[] {
  return [...streams].flatMap(([id, { seqs, end }]) => {
    if (end === null) return [violation('events', `events of ${id}: no end after ${seqs.join()}`)];
    return seqs.every((seq, index) => seq === index + 1) ? [] : [violation('events', `events of ${id}: ${seqs.join()}`)];
  });
}

/**
 * Nothing has an effect twice, or one that nobody asked for. A success has all of its effects; a saga has them all or none that stands.
 *
 * @param started - how many pieces of work were begun
 */
export function checkLedger(ledger: readonly LedgerRow[], started: number, outcomes: readonly Outcome[]): Violation[] {
  const found = countByEntry(ledger.filter(({ effect }) => effect !== 'install' && effect !== 'uninstall'));
  const violations: Violation[] = [];
  const asked = new Map(Array.from({ length: started }, (_, number) => [entryOf(number), WORK[workOf(number)] as Work]));
  for (const [entry, effects] of found) {
    const work = asked.get(entry);
    // What comes with the demo data was there before.
    if (work === undefined && !entry.startsWith('entry-')) continue;
    for (const [effect, times] of effects) {
      if (work === undefined || !mayHappen(work, effect))
        violations.push(violation('doubled', `${entry}: '${effect}' was never asked for`));
      if (times > 1) violations.push(violation('doubled', `${entry}: '${effect}' happened ${times} times`));
    }
  }
  for (const { entry, succeeded, unsure, codes } of outcomes) {
    const work = asked.get(entry);
    const effects = found.get(entry) ?? new Map<Effect, number>();
    if (work === undefined) continue;
    if (succeeded) {
      for (const effect of work.effects) if (!effects.has(effect)) violations.push(violation('lost', `${entry}: '${effect}' is missing`));
      for (const effect of effects.keys())
        if (!work.effects.includes(effect)) violations.push(violation('half done', `${entry}: succeeded, and '${effect}' happened`));
    } else if (codes.includes('OPERATION_CANCELLED')) {
      violations.push(violation('lost', `${entry}: was told that it is cancelled, which nobody asked for`));
    } else if (work.mayBeUnsure === true) {
      for (const effect of effects.keys())
        if (!unsure) violations.push(violation('half done', `${entry}: was told ${codes.join()}, and '${effect}' stands`));
    } else if (isSaga(work)) {
      const standing = [...effects.keys()].filter((effect) => isUndoable(effect) && !effects.has(UNDOES[effect] as Effect));
      if (standing.length > 0) violations.push(violation('half done', `${entry}: its saga failed and left '${standing.join("', '")}'`));
    }
  }
  return violations;
}

/** What `operation(id:)` says in the end. */
export interface RunEnd {
  entry: string;
  status: string;
  compensation: { status: string; steps: { undoes: string; status: string }[] } | null;
}

/** Whatever was acknowledged has ended; what a saga takes back it takes back once, and whole. */
export function checkRuns(ends: readonly RunEnd[]): Violation[] {
  return ends.flatMap(({ entry, status, compensation }) => {
    if (!/^(COMPLETED|FAILED|CANCELLED)$/.test(status)) return [violation('lost', `${entry} has not ended: ${status}`)];
    if (status === 'CANCELLED') return [violation('lost', `${entry} is cancelled, which nobody asked for`)];
    if (compensation === null) return [];
    const undone = compensation.steps.map(({ undoes }) => undoes);
    return [
      ...(compensation.status === 'COMPENSATED' ? [] : [violation('half done', `${entry}: its saga is ${compensation.status}`)]),
      ...(new Set(undone).size === undone.length ? [] : [violation('doubled', `${entry}: undone twice: ${undone.join()}`)]),
    ];
  });
}

/** Each end was told under one id, with one status. */
export function checkWebhooks(
  told: ReadonlyMap<string, { ids: ReadonlySet<string>; statuses: ReadonlySet<string> }>,
  outcomes: readonly Outcome[],
): Violation[] {
  return outcomes.flatMap(({ work, entry, operationId }) => {
    if ((WORK[work] as Work).way !== 'start' || operationId === null) return [];
    const heard = told.get(operationId);
    if (heard === undefined) return [violation('lost', `${entry}: its webhook was not told`)];
    const isOnce = heard.ids.size === 1 && heard.statuses.size === 1;
    return isOnce ? [] : [violation('doubled', `${entry}: its webhook heard ${[...heard.ids, ...heard.statuses].join()}`)];
  });
}

/** A plugin is installed once and answers, or its installation left nothing. */
export function checkInstallations(
  outcomes: readonly InstallationOutcome[],
  ledger: readonly LedgerRow[],
  remains: PluginRemains,
): Violation[] {
  const found = countByEntry(ledger);
  return outcomes.flatMap(({ plugin, operations, succeeded, answered }) => {
    const installs = found.get(plugin)?.get('install') ?? 0;
    const stands = installs - (found.get(plugin)?.get('uninstall') ?? 0);
    const service = toPluginServiceName(plugin);
    const failed = operations.filter(({ status }) => status !== 'COMPLETED');
    return [
      ...(stands === (succeeded ? 1 : 0) ? [] : [violation(stands > 1 ? 'doubled' : 'lost', `${plugin}: installed ${stands} times`)]),
      ...(!succeeded || answered !== null ? [] : [violation('lost', `${plugin}: installed, and its field does not answer`)]),
      ...(succeeded === remains.published.includes(service)
        ? []
        : [violation('half done', `${plugin}: ${succeeded ? 'not in' : 'left in'} the supergraph`)]),
      ...failed.flatMap(({ id }) =>
        (['admitted', 'referenced', 'scanned'] as const)
          .filter((what) => remains[what].includes(id))
          .map((what) => violation('half done', `${plugin}: its failed installation ${id} left it ${what}`)),
      ),
    ];
  });
}

function isSaga({ document }: Work): boolean {
  return document.includes('@saga');
}
function isUndoable(effect: Effect): boolean {
  return UNDOES[effect] !== undefined;
}
function mayHappen(work: Work, effect: Effect): boolean {
  return work.effects.includes(effect) || (isSaga(work) && work.effects.some((done) => UNDOES[done] === effect));
}

function countByEntry(ledger: readonly LedgerRow[]): Map<string, Map<Effect, number>> {
  const found = new Map<string, Map<Effect, number>>();
  for (const { entry, effect } of ledger) {
    const effects = found.get(entry) ?? new Map<Effect, number>();
    effects.set(effect, (effects.get(effect) ?? 0) + 1);
    found.set(entry, effects);
  }
  return found;
}
