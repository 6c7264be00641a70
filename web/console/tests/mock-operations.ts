// Operations of the mock gateway: events appended by a script, followed from any cursor.
import { once, EventEmitter } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import {
  EMPTY_OPERATION_VIEW,
  type OperationEvent,
  type OperationKindName,
  type OperationView,
  type ReportedEvent,
  TERMINAL_STATUSES,
  applyOperationEvent,
  isTerminalEvent,
} from '#schema/contracts/operations';
import { INSTALL_STEPS } from './mock-data.js';

export type Scripted = ReportedEvent extends infer Event ? (Event extends ReportedEvent ? Omit<Event, 'seq' | 'at'> : never) : never;

export class MockOperation {
  readonly events: OperationEvent[] = [];
  view: OperationView = EMPTY_OPERATION_VIEW;
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
    const seq = this.events.length + 1;
    const event = { ...scripted, seq, at: at.toISOString(), cursor: `${this.id}.${seq}` };
    this.events.push(event);
    this.view = applyOperationEvent(this.view, event);
    this.#changed.emit('event');
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
    const undone = view.compensations.every(({ status }) => status === 'COMPLETED');
    return {
      id: this.id,
      kind: this.kind,
      title: this.title,
      status: view.status,
      done,
      progress: { ...view.progress, unit: 'steps' },
      steps: view.steps,
      compensation: view.compensations.length === 0 ? null : { status: undone ? 'COMPENSATED' : 'RUNNING', steps: view.compensations },
      result: done ? this.result : null,
      errors: view.failure === null ? [] : [view.failure],
      startedBy: { id: this.startedBy },
      tenant: { id: 'ten_sluice' },
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
