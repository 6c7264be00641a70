import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import type { OperationEvent, OperationFailure, OperationStatus, StepView } from '../contract.js';
import type { OperationDetail } from '../documents.js';
import type { OperationError } from '../errors.js';
import type { CancelAcknowledgement } from '../operation-client.js';
import { type OperationState, idleState, isSettled } from '../operation-state.js';
import { useOperationClient } from './provider.js';

const IDLE = idleState('');

export interface UseOperationOptions {
  /** Keeps the tail of events for `events` of the result. @default false */
  events?: boolean;
  /** Called once, when the operation ends while this component follows it; not for one that had ended before. */
  onSettled?: (state: OperationState) => void;
}

export interface LiveOperation {
  readonly id: string | null;
  readonly phase: OperationState['phase'];
  readonly status: OperationStatus | 'UNKNOWN';
  readonly title: string;
  readonly detail: OperationDetail | undefined;
  readonly steps: readonly StepView[];
  readonly compensations: readonly StepView[];
  /** `value` from 0 to 1; null while the number of steps is unknown. */
  readonly progress: { readonly value: number | null; readonly done: number; readonly total: number };
  readonly cancelRequested: boolean;
  readonly failure: OperationFailure | null;
  /** What it waits for, while it is INPUT_REQUIRED. */
  readonly input: OperationState['view']['input'];
  /** Once the operation has ended. */
  readonly result: unknown;
  readonly events: readonly OperationEvent[];
  readonly error: OperationError | undefined;
  readonly updatedAt: number | undefined;
  readonly can: { readonly cancel: boolean };
  /** Resolves with the acknowledgement; the status changes by events only. */
  readonly cancel: (reason?: string) => Promise<CancelAcknowledgement>;
  readonly retry: () => void;
}

/**
 * The live state of one operation. Any number of components share one subscription.
 *
 * @param id - null pauses; an id from the URL survives a reload
 * @param options.select - the hook returns only this, and renders only when it changed (compared field by field)
 * @example
 * const { status, steps, cancel } = useOperation(id);
 * const percent = useOperation(id, { select: ({ view }) => view.progress.completed });
 */
export function useOperation(id: string | null | undefined, options?: UseOperationOptions): LiveOperation;
export function useOperation<Selected>(
  id: string | null | undefined,
  options: UseOperationOptions & { select: (state: OperationState) => Selected },
): Selected;
export function useOperation<Selected>(
  id: string | null | undefined,
  { events = false, onSettled, select }: UseOperationOptions & { select?: (state: OperationState) => Selected } = {},
): LiveOperation | Selected {
  const client = useOperationClient();
  const store = useMemo(() => (id == null ? undefined : client.operation(id)), [client, id]);

  const subscribe = useCallback((listener: () => void) => store?.subscribe(listener, { events }) ?? (() => undefined), [store, events]);
  const read = useMemo(() => selectStable(() => store?.get() ?? IDLE, select), [store, select]);
  const value = useSyncExternalStore(subscribe, read, () => (select === undefined ? IDLE : select(IDLE)));

  const settled = useRef(onSettled);
  useEffect(() => {
    settled.current = onSettled;
  });
  useEffect(() => {
    if (store === undefined) return;
    let running = isRunning(store.get());
    return store.subscribe(() => {
      const state = store.get();
      if (running && isSettled(state)) settled.current?.(state);
      running = isRunning(state);
    });
  }, [store]);

  return useMemo(() => {
    if (select !== undefined) return value as Selected;
    return toLive(value as OperationState, id ?? null, {
      cancel: (reason) => client.cancel(id ?? '', reason),
      retry: () => store?.retry(),
    });
  }, [value, select, client, store, id]);
}

function isRunning(state: OperationState): boolean {
  return state.detail !== undefined && !isSettled(state);
}

function toLive(state: OperationState, id: string | null, actions: Pick<LiveOperation, 'cancel' | 'retry'>): LiveOperation {
  const { phase, detail, view, events, error, updatedAt } = state;
  const { completed, total } = view.progress;
  const known = detail !== undefined;
  return {
    ...actions,
    id,
    phase,
    detail,
    events,
    error,
    updatedAt,
    status: known ? view.status : 'UNKNOWN',
    title: view.title,
    steps: view.steps,
    compensations: view.compensations,
    progress: { value: total > 0 ? completed / total : null, done: completed, total },
    cancelRequested: view.cancelRequested,
    failure: view.failure,
    input: view.input,
    result: detail?.result ?? undefined,
    can: { cancel: known && detail.cancellable && !view.cancelRequested && !isSettled(state) },
  };
}

/** Reads a selection and keeps its identity while it is equal, field by field: no render without a change. */
function selectStable<Selected>(
  get: () => OperationState,
  select: ((state: OperationState) => Selected) | undefined,
): () => OperationState | Selected {
  if (select === undefined) return get;
  let last: { state: OperationState; selected: Selected } | undefined;
  return () => {
    const state = get();
    if (last?.state === state) return last.selected;
    const selected = select(state);
    last = { state, selected: last !== undefined && isShallowEqual(last.selected, selected) ? last.selected : selected };
    return last.selected;
  };
}

function isShallowEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const left = Object.entries(a);
  return left.length === Object.keys(b).length && left.every(([key, value]) => Object.is(value, (b as Record<string, unknown>)[key]));
}
