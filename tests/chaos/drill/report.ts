// The drill's figures against their goals.
import type { Violation } from './check.js';
import { FAULTS, kindOf, type Suffered } from './faults.js';

export const SUCCESS_SHARE = 0.995;
export const READY_MS = 10_000;
/** From SIGTERM. */
export const ENDED_MS = 25_000;

export interface DrillReport {
  operations: number;
  acknowledged: number;
  /** Requests that were sent and those that succeeded, installations included. */
  requests: number;
  succeeded: number;
  succeededAtOnce: number;
  /** One line each. */
  failures: string[];
  /** Of `requests`: what must not be repeated, and was told that its outcome is unknown. */
  unsure: number;
  faults: Suffered[];
  /** Processes that ended without being asked to, by name. */
  ownEnds: Record<string, number>;
  /** Processes that were asked to stop, and ended otherwise than by themselves. */
  forcedEnds: Record<string, number>;
  /** What the drill is about: empty when nothing was lost, doubled, left out or left half done. */
  violations: Violation[];
  installations: { asked: number; active: number; failedFirst: number };
  compensated: number;
  webhooks: number;
  /** Failed runs that were taken over, by what became of that. */
  recoveries: Record<string, number>;
  events: { followed: number; reconnects: number; total: number };
  tookMs: number;
}

export interface Goal {
  what: string;
  figure: string;
  goal: string;
  isReached: boolean;
}

export function toGoals({ violations, requests, unsure, succeeded, faults, forcedEnds }: DrillReport): Goal[] {
  const none = (what: string, of: Violation['of']): Goal => {
    const found = violations.filter((violation) => violation.of === of).length;
    return { what, figure: String(found), goal: '0', isReached: found === 0 };
  };
  const sure = requests - unsure;
  const share = sure === 0 ? 0 : succeeded / sure;
  const endedMs = faults.flatMap((one) => one.endedMs ?? []);
  const longestMs = Math.max(0, ...endedMs);
  const forced = Object.values(forcedEnds).reduce((sum, times) => sum + times, 0);
  return [
    none('acknowledged and lost', 'lost'),
    none('effects twice, or never asked for', 'doubled'),
    none('sagas and installations half done', 'half done'),
    none('streams with events missed or repeated', 'events'),
    {
      what: 'acknowledged requests that succeed',
      figure: `${(share * 100).toFixed(2)} % (${succeeded} of ${sure})`,
      goal: `≥ ${SUCCESS_SHARE * 100} %`,
      isReached: share >= SUCCESS_SHARE,
    },
    {
      what: `stops that end well, and when: ${endedMs.length}`,
      figure: `max ${(longestMs / 1_000).toFixed(1)} s, ${forced} by force`,
      goal: `≤ ${ENDED_MS / 1_000} s, 0`,
      isReached: longestMs <= ENDED_MS && forced === 0,
    },
    ...toRecoveries(faults).map(({ kind, times, p50, max }) => ({
      what: `${kind} ready again, ${times} times`,
      figure: `p50 ${(p50 / 1_000).toFixed(1)} s, max ${(max / 1_000).toFixed(1)} s`,
      goal: `≤ ${READY_MS / 1_000} s`,
      isReached: max <= READY_MS,
    })),
  ];
}

function toRecoveries(faults: DrillReport['faults']): { kind: string; times: number; p50: number; max: number }[] {
  const byKind = new Map<string, number[]>();
  for (const { name, readyMs } of faults) if (readyMs !== null) byKind.set(kindOf(name), [...(byKind.get(kindOf(name)) ?? []), readyMs]);
  return [...byKind].map(([kind, times]) => {
    const sorted = times.sort((a, b) => a - b);
    return { kind, times: sorted.length, p50: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
  });
}

export function printReport(report: DrillReport): string {
  const { operations, faults, installations, events, compensated, webhooks, recoveries, ownEnds, unsure } = report;
  return [
    `${operations} operations, ${Math.round(report.tookMs / 1_000)} s; processes that were ${FAULTS.map((fault) => `${fault}: ${faults.filter((one) => one.fault === fault).length}`).join(', ')}`,
    `  at once, without being sent again: ${report.succeededAtOnce}`,
    `  sagas taken back: ${compensated}; webhooks heard: ${webhooks}; recoveries: ${JSON.stringify(recoveries)}`,
    `  must not be repeated, and of unknown outcome: ${unsure}`,
    `  plugins installed meanwhile: ${installations.active} of ${installations.asked}, ${installations.failedFirst} of them after an installation that failed and left nothing`,
    `  event streams: ${events.followed}, taken up again ${events.reconnects} times, ${events.total} events`,
    ...(Object.keys(ownEnds).length === 0 ? [] : [`  ended without being asked to: ${JSON.stringify(ownEnds)}`]),
    ...report.failures.map((line) => `  did not succeed: ${line}`),
    ...report.violations.map(({ of, text }) => `  VIOLATION (${of}): ${text}`),
    ...toGoals(report).map(
      ({ what, figure, goal, isReached }) => `${isReached ? 'reached' : 'MISSED '}  ${what}: ${figure} (goal ${goal})`,
    ),
  ].join('\n');
}
