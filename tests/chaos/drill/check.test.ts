import { describe, expect, it } from 'vitest';
import { checkInstallations, checkLedger, checkRuns, checkStreams, checkWebhooks } from './check.js';
import type { Outcome } from './clients.js';
import type { PluginRemains } from './ledger.js';
import { type DrillReport, toGoals } from './report.js';
import { type Effect, entryOf, WORK, type WorkName, workOf } from './work.js';

const numberOf = (work: WorkName): number => Array.from({ length: 100 }, (_, number) => number).find((n) => workOf(n) === work) as number;
function anOutcome(work: WorkName, fields: Partial<Outcome> = {}): Outcome {
  const entry = entryOf(numberOf(work));
  return { entry, work, operationId: `op_${entry}`, attempts: 1, retries: 0, succeeded: true, unsure: false, codes: [], ...fields };
}
const rows = (work: WorkName, effects: readonly Effect[]) => effects.map((effect) => ({ entry: entryOf(numberOf(work)), effect }));
const texts = (violations: { of: string; text: string }[]): string[] => violations.map(({ of, text }) => `${of}: ${text}`);

describe('the checker of the drill: effects', () => {
  const work = 'two effects';
  const entry = entryOf(numberOf(work));
  const judge = (effects: readonly Effect[], outcome: Partial<Outcome> = {}, of: WorkName = work) =>
    texts(checkLedger(rows(of, effects), 100, [anOutcome(of, outcome)]));

  it.each(Object.keys(WORK) as WorkName[])('is content with %s when each of its effects is there once', (name) => {
    expect(judge(WORK[name].effects, {}, name)).toEqual([]);
  });

  it.each<[string, Effect[], string]>([
    ['twice', ['reserve', 'create folder', 'reserve'], `doubled: ${entry}: 'reserve' happened 2 times`],
    ['missing', ['reserve'], `lost: ${entry}: 'create folder' is missing`],
    ['never asked for', ['reserve', 'create folder', 'create file'], `doubled: ${entry}: 'create file' was never asked for`],
    ['taken back though no saga', ['reserve', 'create folder', 'release'], `doubled: ${entry}: 'release' was never asked for`],
  ])('finds an effect that is %s', (_, effects, found) => {
    expect(judge(effects)).toContain(found);
  });

  it('finds an effect of an entry that no client sent', () => {
    expect(texts(checkLedger([{ entry: 'entry-7000', effect: 'reserve' }], 100, []))).toEqual([
      "doubled: entry-7000: 'reserve' was never asked for",
    ]);
  });

  it('does not ask for effects of what did not succeed, once each as they are', () => {
    expect(judge(['reserve'], { succeeded: false })).toEqual([]);
    expect(judge(['reserve', 'reserve'], { succeeded: false })).toHaveLength(1);
  });

  it('finds a saga that kept what it should have taken back, or took it back twice', () => {
    const undone = 'saga that is undone';
    const name = entryOf(numberOf(undone));
    expect(judge(['create folder', 'reserve', 'release'], { succeeded: false }, undone)).toEqual([
      `half done: ${name}: its saga failed and left 'create folder'`,
    ]);
    expect(judge(['create folder', 'reserve', 'release', 'release', 'delete folder'], {}, undone)).toEqual([
      `doubled: ${name}: 'release' happened 2 times`,
    ]);
    expect(judge(['create folder', 'delete folder'], { succeeded: false }, undone)).toEqual([]);
  });

  it.each<[WorkName, Effect[]]>([
    ['two effects', []],
    ['saga that is kept', ['reserve', 'release']],
    ['job, left', ['build']],
    ['report, left', []],
  ])('finds work that was told to be cancelled, which nobody does: %s', (name, effects) => {
    expect(judge(effects, { succeeded: false, codes: ['OPERATION_CANCELLED'] }, name)).toEqual([
      `lost: ${entryOf(numberOf(name))}: was told that it is cancelled, which nobody asked for`,
    ]);
  });

  it('takes an unknown outcome where work must not be repeated, and finds an effect that was denied, or that is there twice', () => {
    const once = 'job that must not be repeated, left';
    const name = entryOf(numberOf(once));
    const unsure = { succeeded: false, unsure: true, codes: ['OUTCOME_UNKNOWN'] };
    expect([judge([], unsure, once), judge(['announce'], unsure, once)]).toEqual([[], []]);
    expect(judge(['announce', 'announce'], unsure, once)).toEqual([`doubled: ${name}: 'announce' happened 2 times`]);
    expect(judge([], { succeeded: false, codes: ['SUBGRAPH_BUSY'] }, once)).toEqual([]);
    expect(judge(['announce'], { succeeded: false, codes: ['SUBGRAPH_BUSY'] }, once)).toEqual([
      `half done: ${name}: was told SUBGRAPH_BUSY, and 'announce' stands`,
    ]);
  });

  it('finds a saga that succeeded and was taken back', () => {
    const kept = 'saga that is kept';
    expect(judge(['reserve', 'create folder', 'release'], {}, kept)).toEqual([
      `half done: ${entryOf(numberOf(kept))}: succeeded, and 'release' happened`,
    ]);
  });
});

describe('the checker of the drill: runs, streams, webhooks', () => {
  const stream = (seqs: number[], end: string | null = 'OperationCompleted') => new Map([['op', { seqs, end, reconnects: 0 }]]);
  const steps = (...undoes: string[]) => undoes.map((step) => ({ undoes: step, status: 'COMPLETED' }));

  it('is content with events that count through to their end', () => {
    expect(checkStreams(stream([1, 2, 3]))).toEqual([]);
  });
  it.each([[[1, 3]], [[1, 1, 2]], [[2, 1]], [[2]]])('finds events with gaps or repeats: %j', (seqs) => {
    expect(checkStreams(stream(seqs))).toHaveLength(1);
  });
  it('finds a stream without an end', () => {
    expect(texts(checkStreams(stream([1, 2], null)))).toEqual(['events: events of op: no end after 1,2']);
  });

  it.each([
    [{ status: 'WORKING', compensation: null }, 'lost: e has not ended: WORKING'],
    [{ status: 'CANCELLED', compensation: null }, 'lost: e is cancelled, which nobody asked for'],
    [{ status: 'FAILED', compensation: { status: 'PARTIALLY_COMPENSATED', steps: [] } }, 'half done: e: its saga is PARTIALLY_COMPENSATED'],
    [{ status: 'FAILED', compensation: { status: 'COMPENSATED', steps: steps('a', 'b', 'a') } }, 'doubled: e: undone twice: a,b,a'],
  ])('finds a run that is not over, or not whole: %j', (end, found) => {
    expect(texts(checkRuns([{ entry: 'e', ...end }]))).toEqual([found]);
  });
  it('is content with a saga that was taken back whole', () => {
    expect(checkRuns([{ entry: 'e', status: 'FAILED', compensation: { status: 'COMPENSATED', steps: steps('a', 'b') } }])).toEqual([]);
  });

  it('finds a webhook that was not told, or told as two', () => {
    const outcome = anOutcome('two effects, started');
    const told = (...ids: string[]) => new Map([[outcome.operationId ?? '', { ids: new Set(ids), statuses: new Set(['COMPLETED']) }]]);
    expect(checkWebhooks(told('msg_1'), [outcome])).toEqual([]);
    expect(checkWebhooks(told('msg_1', 'msg_2'), [outcome])).toHaveLength(1);
    expect(texts(checkWebhooks(new Map(), [outcome]))).toEqual([`lost: ${outcome.entry}: its webhook was not told`]);
    expect(checkWebhooks(new Map(), [anOutcome('two effects')])).toEqual([]);
  });
});

describe('the checker of the drill: installations', () => {
  const nothing: PluginRemains = { admitted: [], referenced: [], scanned: [], published: [] };
  const plugin = '@sluice/tag-1';
  const active = { plugin, operations: [{ id: 'op_1', status: 'COMPLETED', codes: [] }], succeeded: true, answered: 21 };
  const refused = { plugin, operations: [{ id: 'op_1', status: 'FAILED', codes: ['PROBE_FAILED'] }], succeeded: false, answered: null };
  const published = { ...nothing, published: ['plugin-sluice-tag-1'] };
  const installed = { entry: plugin, effect: 'install' } as const;

  it('is content with a plugin that is there and answers, and with a failure that left nothing', () => {
    expect(checkInstallations([active], [installed], published)).toEqual([]);
    expect(checkInstallations([refused], [], nothing)).toEqual([]);
  });
  it.each([
    ['was not recorded', active, [], published],
    ['was recorded twice', active, [installed, installed], published],
    ['does not answer', { ...active, answered: null }, [installed], published],
    ['is not in the supergraph', active, [installed], nothing],
    ['failed and is in the supergraph', refused, [], published],
    ['failed and may still be loaded', refused, [], { ...nothing, admitted: ['op_1'] }],
    ['failed and keeps its package', refused, [], { ...nothing, referenced: ['op_1'] }],
  ])('finds a plugin that %s', (_, outcome, ledger, remains) => {
    expect(checkInstallations([outcome], ledger, remains)).toHaveLength(1);
  });
});

describe('the goals of the drill', () => {
  const report = {
    requests: 1_000,
    succeeded: 995,
    violations: [],
    unsure: 0,
    faults: [
      { name: 'gateway 1', fault: 'killed', endedMs: null, readyMs: 2_000 },
      { name: 'gateway 2', fault: 'stopped', endedMs: 24_000, readyMs: 9_000 },
      { name: 'gateway 1', fault: 'frozen', endedMs: null, readyMs: null },
    ],
    forcedEnds: {},
  } as unknown as DrillReport;

  it('are reached by the last success that is needed and by kinds that are back in time', () => {
    expect(toGoals(report).every(({ isReached }) => isReached)).toBe(true);
    expect(toGoals(report).slice(-2)).toMatchObject([
      { what: 'stops that end well, and when: 1', figure: 'max 24.0 s, 0 by force' },
      { what: 'gateway ready again, 2 times', figure: 'p50 2.0 s, max 9.0 s' },
    ]);
  });
  it('do not count what may have an unknown outcome, and has', () => {
    const [, , , , share] = toGoals({ ...report, requests: 1_010, unsure: 10 });
    expect(share).toMatchObject({ figure: '99.50 % (995 of 1000)', isReached: true });
  });
  it.each<[string, Partial<DrillReport>]>([
    ['acknowledged requests that succeed', { succeeded: 994 }],
    ['acknowledged requests that succeed', { requests: 0, succeeded: 0 }],
    ['gateway ready again, 1 times', { faults: [{ name: 'gateway 1', fault: 'killed', endedMs: null, readyMs: 10_001 }] }],
    ['stops that end well, and when: 1', { faults: [{ name: 'worker 1', fault: 'rolled', endedMs: 25_001, readyMs: 1 }] }],
    ['stops that end well, and when: 1', { forcedEnds: { 'worker 1': 1 } }],
    ['acknowledged and lost', { violations: [{ of: 'lost', text: '' }] }],
    ['effects twice, or never asked for', { violations: [{ of: 'doubled', text: '' }] }],
    ['sagas and installations half done', { violations: [{ of: 'half done', text: '' }] }],
    ['streams with events missed or repeated', { violations: [{ of: 'events', text: '' }] }],
  ])('are missed: %s (%j)', (what, fields) => {
    expect(
      toGoals({ ...report, ...fields })
        .filter(({ isReached }) => !isReached)
        .map((goal) => goal.what),
    ).toEqual([what]);
  });
});
