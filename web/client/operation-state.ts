import { EMPTY_OPERATION_VIEW, TERMINAL_STATUSES, type OperationEvent, type OperationView } from './contract.js';
import type { OperationDetail } from './documents.js';
import type { OperationError } from './errors.js';

/** One operation as the client knows it now. Immutable: a change is a new object, parts that did not change stay the same. */
export interface OperationState {
  readonly id: string;
  /**
   * `loading`: nothing known yet · `live`: follows events · `stale`: shows what was known, the connection is away ·
   * `done`: the operation has ended · `error`: see `error`; known state stays readable.
   */
  readonly phase: 'idle' | 'loading' | 'live' | 'stale' | 'done' | 'error';
  /** What does not change by events: kind, who started it, links; `result` once it is done. */
  readonly detail: OperationDetail | undefined;
  /** Status, steps, compensations and progress, folded from events. */
  readonly view: OperationView;
  /** Where a subscription continues. */
  readonly cursor: string | undefined;
  /** The newest events, oldest first, when somebody asked for them. */
  readonly events: readonly OperationEvent[];
  /** Events that were dropped from the front of `events`. */
  readonly dropped: number;
  readonly error: OperationError | undefined;
  /** Epoch ms of the last news from the gateway. */
  readonly updatedAt: number | undefined;
}

export function idleState(id: string): OperationState {
  return {
    id,
    phase: 'idle',
    detail: undefined,
    view: EMPTY_OPERATION_VIEW,
    cursor: undefined,
    events: [],
    dropped: 0,
    error: undefined,
    updatedAt: undefined,
  };
}

export function isSettled(state: OperationState): boolean {
  return TERMINAL_STATUSES.includes(state.view.status);
}

/** The view that a read of the operation gives, as if its events had been folded. */
export function toView(detail: OperationDetail): OperationView {
  return {
    status: detail.status,
    title: detail.title,
    steps: detail.steps,
    compensations: detail.compensation?.steps ?? [],
    progress: { completed: detail.progress.completed, total: detail.progress.total },
    cancelRequested: detail.cancelRequested === true,
    failure: detail.errors[0] ?? null,
    input: detail.input,
    lastSeq: detail.lastSeq ?? 0,
    updatedAt: detail.updatedAt,
  };
}
