// Operations of the mock gateway: events appended by a script, followed from any cursor.
import { once, EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import {
  EMPTY_OPERATION_VIEW,
  type OperationEvent,
  type OperationKindName,
  type OperationView,
  type ReportedEvent,
  type ResolutionChoice,
  TERMINAL_STATUSES,
  applyOperationEvent,
  isTerminalEvent,
} from '#schema/contracts/operations';
import { INSTALL_STEPS } from './mock-data.js';

export type Scripted = ReportedEvent extends infer Event ? (Event extends ReportedEvent ? Omit<Event, 'seq' | 'at'> : never) : never;

export class MockOperation {
  readonly events: OperationEvent[] = [];
  view: OperationView = EMPTY_OPERATION_VIEW;
  /** The run that took over when this one failed. */
  recovery: MockOperation | null = null;
  /** Of a recovery. */
  recovers: MockOperation | null = null;
  readonly #changed = new EventEmitter().setMaxListeners(0);

  constructor(
    readonly id: string,
    readonly kind: OperationKindName,
    readonly title: string,
    readonly startedBy: string,
    readonly createdAt: Date,
    readonly result: unknown = null,
  ) {
    this.view = { ...this.view, title, updatedAt: createdAt.toISOString() };
  }

  get done(): boolean {
    return TERMINAL_STATUSES.includes(this.view.status);
  }

  emit(scripted: Scripted, at: Date = new Date()): void {
    const { status } = this.view;
    const seq = this.events.length + 1;
    const event = { ...scripted, seq, at: at.toISOString(), cursor: `${this.id}.${seq}` };
    this.events.push(event);
    this.view = applyOperationEvent(this.view, event);
    this.#changed.emit('event');
    if (status !== this.view.status) this.#changed.emit('status');
  }

  onStatus(listener: () => void): void {
    this.#changed.on('status', listener);
  }

  async *follow(after: string | null | undefined): AsyncGenerator<{ operationEvents: OperationEvent }> {
    let next = after == null ? 0 : this.events.findIndex(({ cursor }) => cursor === after) + 1;
    for (;;) {
      for (let event = this.events[next]; event !== undefined; event = this.events[next]) {
        next += 1;
        yield { operationEvents: event };
        if (isTerminalEvent(event)) return;
      }
      if (this.done) return;
      await once(this.#changed, 'event');
    }
  }

  toGraphQL(): Record<string, unknown> {
    const { view, done } = this;
    const left = view.compensations.flatMap(({ undoes, left: leftover, failure }) =>
      leftover === undefined ? [] : [{ step: undoes, ...leftover, failure }],
    );
    const undone = view.compensations.every(({ status }) => status === 'COMPLETED');
    return {
      id: this.id,
      kind: this.kind,
      title: this.title,
      status: view.status,
      done,
      progress: { ...view.progress, unit: 'steps' },
      steps: view.steps,
      compensation:
        view.compensations.length === 0
          ? null
          : { status: left.length > 0 ? 'PARTIALLY_COMPENSATED' : undone ? 'COMPENSATED' : 'RUNNING', steps: view.compensations, left },
      input: view.input,
      recovery: () => this.recovery?.toGraphQL() ?? null,
      recovers: () => this.recovers?.toGraphQL() ?? null,
      result: done ? this.result : null,
      errors: view.failure === null ? [] : [view.failure],
      startedBy: { id: this.startedBy },
      tenant: { id: this.startedBy === 'usr_alice' ? 'ten_acme' : 'ten_sluice' },
      createdAt: this.createdAt.toISOString(),
      updatedAt: view.updatedAt ?? this.createdAt.toISOString(),
      expiresAt: null,
      cancellable: this.kind.startsWith('PLUGIN') && !done,
      cancelRequested: view.cancelRequested,
      temporalUrl: `http://127.0.0.1:8233/namespaces/default/workflows/${encodeURIComponent(this.id)}/timeline`,
      cursor: this.events.at(-1)?.cursor ?? null,
      lastSeq: view.lastSeq,
    };
  }
}

const UNDO: Readonly<Record<string, string>> = {
  publish: 'Publish without the plugin',
  load: 'Unload the sandbox',
  scan: 'Delete the scan reports',
  fetch: 'Release the package',
};
const DETAILS: Readonly<Record<string, string>> = {
  resolve: 'version 1.1.0',
  fetch: '41.2 KiB, sha256 9f2c…',
  verify: 'signed by sluice-2026',
  scan: '4 checks, nothing found',
  publish: 'generation 14',
};

export interface InstallScript {
  /** Length of a step, ms. */
  paceMs: number;
  /** The step that fails. */
  failsAt?: string;
}

/** Plays an installation; a cancel request or a failing step leads to compensations in reverse order. */
export async function playInstall(operation: MockOperation, { paceMs, failsAt }: InstallScript): Promise<void> {
  operation.emit({ __typename: 'OperationStarted', title: operation.title, steps: INSTALL_STEPS });
  const done: string[] = [];
  for (const { id: step, label } of INSTALL_STEPS) {
    operation.emit({ __typename: 'StepStarted', step, label });
    await pause(paceMs * (step === 'scan' ? 2 : 1));
    if (step === 'fetch') {
      const lastFailure = { code: 'SUBGRAPH_TIMEOUT' as const, message: 'The blob store gave no answer in 3 s.', retryable: true };
      operation.emit({ __typename: 'StepRetrying', step, label, attempt: 2, maximumAttempts: 5, lastFailure });
      await pause(paceMs);
    }
    if (step === failsAt) {
      const failure = { code: 'PROBE_FAILED' as const, message: 'The plugin gave no answer to its probe in 5 s.', retryable: true };
      operation.emit({ __typename: 'StepFailed', step, label, failure });
      await undo(operation, done, paceMs);
      return operation.emit({ __typename: 'OperationFailed', failure });
    }
    if (operation.view.cancelRequested) {
      await undo(operation, done, paceMs);
      return operation.emit({ __typename: 'OperationCancelled', reason: null });
    }
    operation.emit({ __typename: 'StepCompleted', step, label, detail: DETAILS[step] ?? null });
    done.push(step);
  }
  operation.emit({ __typename: 'OperationCompleted' });
}

async function undo(operation: MockOperation, done: readonly string[], paceMs: number): Promise<void> {
  for (const undoes of [...done].reverse()) {
    const label = UNDO[undoes];
    if (label === undefined) continue;
    operation.emit({ __typename: 'CompensationStarted', step: `undo-${undoes}`, label, undoes });
    await pause(paceMs);
    operation.emit({ __typename: 'CompensationCompleted', step: `undo-${undoes}`, label, undoes });
  }
}

/** A saga of which one effect could not be undone, or a mutation of unknown outcome, and the recovery that waits for a decision. */
export function failedRequest(o: { id: string; name: string; minutesAgo: number; left: boolean }): readonly [MockOperation, MockOperation] {
  const startMs = Date.now() - o.minutesAgo * 60_000;
  const at = (ms: number): Date => new Date(startMs + ms);
  const failure = o.left
    ? ({ code: 'SUBGRAPH_ERROR', message: 'approvals refused: the limit is used up.', retryable: false } as const)
    : ({ code: 'OUTCOME_UNKNOWN', message: 'files gave no answer: nobody knows whether it took effect.', retryable: false } as const);
  const failed = new MockOperation(o.id, 'ORCHESTRATION', `mutation ${o.name}`, 'usr_alice', at(0));
  const recovery = new MockOperation(`${o.id}r`, 'RECOVERY', `Recovery of ${o.name}`, 'usr_alice', at(400), {
    data: { createFile: { id: 'fil_019ab3c2' } },
  });
  failed.recovery = recovery;
  recovery.recovers = failed;
  const steps = [
    { id: 'fetch-0', label: 'tenants: reserveStorage' },
    { id: 'fetch-1', label: 'files: createFile' },
    { id: 'fetch-2', label: 'approvals: approve' },
  ];
  failed.emit({ __typename: 'OperationStarted', title: failed.title, steps }, at(0));
  for (const [index, { id: step, label }] of steps.entries()) {
    failed.emit({ __typename: 'StepStarted', step, label }, at(index * 90));
    if (index < 2) failed.emit({ __typename: 'StepCompleted', step, label, detail: null }, at(index * 90 + 70));
    else failed.emit({ __typename: 'StepFailed', step, label, failure }, at(250));
  }
  if (o.left) {
    const undoFile = { step: 'undo-fetch-1', label: 'files: deleteFile', undoes: 'fetch-1' };
    const undoStorage = { step: 'undo-fetch-0', label: 'tenants: releaseStorage', undoes: 'fetch-0' };
    const refused = { code: 'SUBGRAPH_UNREACHABLE', message: 'files could not be reached.', retryable: true } as const;
    const left = { service: 'files', effect: 'createFile', undo: 'deleteFile', arguments: { id: 'fil_019ab3c2' } };
    failed.emit({ __typename: 'CompensationStarted', ...undoFile }, at(260));
    failed.emit({ __typename: 'CompensationFailed', ...undoFile, failure: refused, left }, at(330));
    failed.emit({ __typename: 'CompensationStarted', ...undoStorage }, at(331));
    failed.emit({ __typename: 'CompensationCompleted', ...undoStorage }, at(350));
  }
  failed.emit({ __typename: 'RecoveryStarted', recovery: recovery.id }, at(390));
  failed.emit({ __typename: 'OperationFailed', failure }, at(400));
  recovery.emit({ __typename: 'OperationStarted', title: recovery.title, steps: [] }, at(400));
  recovery.emit(
    {
      __typename: 'InputRequired',
      prompt: `${o.name}: ${failure.code}. ${failure.message}`,
      choices: o.left ? ['COMPENSATE', 'GIVE_UP'] : ['RETRY', 'EDIT_VARIABLES', 'SKIP', 'GIVE_UP'],
    },
    at(420),
  );
  return [failed, recovery];
}

/** Acts on a decision as the real recovery does. */
export async function playDecision(recovery: MockOperation, choice: ResolutionChoice, by: string, paceMs: number): Promise<void> {
  recovery.emit({ __typename: 'InputReceived', choice, by });
  await pause(paceMs);
  if (choice === 'COMPENSATE') {
    const undo = { step: 'undo-fetch-1', label: 'files: deleteFile', undoes: 'fetch-1' };
    recovery.emit({ __typename: 'CompensationStarted', ...undo });
    await pause(paceMs);
    recovery.emit({ __typename: 'CompensationCompleted', ...undo });
  }
  recovery.emit({ __typename: 'OperationCompleted' });
}

/** An operation that ended a while ago. */
export function pastOperation(o: {
  id: string;
  kind: OperationKindName;
  title: string;
  by: string;
  minutesAgo: number;
  tookMs: number;
  outcome: 'completed' | 'failed' | 'cancelled';
}): MockOperation {
  const startMs = Date.now() - o.minutesAgo * 60_000;
  const operation = new MockOperation(o.id, o.kind, o.title, o.by, new Date(startMs), { data: { files: { nodes: [] } } });
  const steps = o.kind.startsWith('PLUGIN')
    ? INSTALL_STEPS
    : [
        { id: 'files', label: 'Fetch from files' },
        { id: 'tenants', label: 'Fetch from tenants' },
      ];
  const at = (part: number): Date => new Date(startMs + o.tookMs * part);
  operation.emit({ __typename: 'OperationStarted', title: o.title, steps }, at(0));
  const failing = o.outcome === 'completed' ? steps.length : Math.ceil(steps.length / 2);
  for (const [index, { id: step, label }] of steps.entries()) {
    if (index >= failing) break;
    operation.emit({ __typename: 'StepStarted', step, label }, at(index / steps.length));
    const ended = at((index + 0.9) / steps.length);
    if (index === failing - 1 && o.outcome === 'failed')
      operation.emit(
        {
          __typename: 'StepFailed',
          step,
          label,
          failure: { code: 'SUBGRAPH_UNREACHABLE', message: 'A service could not be reached.', retryable: true },
        },
        ended,
      );
    else operation.emit({ __typename: 'StepCompleted', step, label, detail: null }, ended);
  }
  if (o.outcome === 'completed') operation.emit({ __typename: 'OperationCompleted' }, at(1));
  if (o.outcome === 'cancelled') operation.emit({ __typename: 'OperationCancelled', reason: 'Not needed any more' }, at(1));
  if (o.outcome === 'failed')
    operation.emit(
      {
        __typename: 'OperationFailed',
        failure: { code: 'SUBGRAPH_UNREACHABLE', message: 'A service could not be reached.', retryable: true },
      },
      at(1),
    );
  return operation;
}
