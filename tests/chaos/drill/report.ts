// The drill's figures against their goals.
import type { Violation } from './check.js';

export const SUCCESS_SHARE = 0.995;
export const READY_MS = 10_000;

export interface DrillReport {
  operations: number;
  acknowledged: number;
  /** Requests that were sent and those that succeeded, installations included. */
  requests: number;
  succeeded: number;
  succeededAtOnce: number;
  /** One line each. */
  failures: string[];
  kills: { name: string; readyMs: number }[];
  /** Processes that ended without being killed, by name. */
  ownEnds: Record<string, number>;
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

export function toGoals({ violations, requests, succeeded, kills }: DrillReport): Goal[] {
  const none = (what: string, of: Violation['of']): Goal => {
    const found = violations.filter((violation) => violation.of === of).length;
    return { what, figure: String(found), goal: '0', isReached: found === 0 };
  };
  const share = requests === 0 ? 0 : succeeded / requests;
  return [
    none('acknowledged and lost', 'lost'),
    none('effects twice, or never asked for', 'doubled'),
    none('sagas and installations half done', 'half done'),
    none('streams with events missed or repeated', 'events'),
    {
      what: 'acknowledged requests that succeed',
      figure: `${(share * 100).toFixed(2)} % (${succeeded} of ${requests})`,
      goal: `≥ ${SUCCESS_SHARE * 100} %`,
      isReached: share >= SUCCESS_SHARE,
    },
    ...toRecoveries(kills).map(({ kind, times, p50, max }) => ({
      what: `${kind} ready again, ${times} kills`,
      figure: `p50 ${(p50 / 1_000).toFixed(1)} s, max ${(max / 1_000).toFixed(1)} s`,
      goal: `≤ ${READY_MS / 1_000} s`,
      isReached: max <= READY_MS,
    })),
  ];
}

/** `gateway 1` and `gateway 2` are of one kind, and so are all subgraphs. */
function toRecoveries(kills: DrillReport['kills']): { kind: string; times: number; p50: number; max: number }[] {
  const byKind = new Map<string, number[]>();
  for (const { name, readyMs } of kills) {
    const kind = name.split(' ', 1)[0] as string;
    byKind.set(kind, [...(byKind.get(kind) ?? []), readyMs]);
  }
  return [...byKind].map(([kind, times]) => {
    const sorted = times.sort((a, b) => a - b);
    return { kind, times: sorted.length, p50: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
  });
}

export function printReport(report: DrillReport): string {
  const { operations, installations, events, compensated, webhooks, recoveries, ownEnds } = report;
  return [
    `${operations} operations, ${report.kills.length} kills, ${Math.round(report.tookMs / 1_000)} s`,
    `  at once, without being sent again: ${report.succeededAtOnce}`,
    `  sagas taken back: ${compensated}; webhooks heard: ${webhooks}; recoveries: ${JSON.stringify(recoveries)}`,
    `  plugins installed meanwhile: ${installations.active} of ${installations.asked}, ${installations.failedFirst} of them after an installation that failed and left nothing`,
    `  event streams: ${events.followed}, taken up again ${events.reconnects} times, ${events.total} events`,
    ...(Object.keys(ownEnds).length === 0 ? [] : [`  ended without being killed: ${JSON.stringify(ownEnds)}`]),
    ...report.failures.map((line) => `  did not succeed: ${line}`),
    ...report.violations.map(({ of, text }) => `  VIOLATION (${of}): ${text}`),
    ...toGoals(report).map(
      ({ what, figure, goal, isReached }) => `${isReached ? 'reached' : 'MISSED '}  ${what}: ${figure} (goal ${goal})`,
    ),
  ].join('\n');
}
