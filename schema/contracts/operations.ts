// Operations as every door shows them. Source of truth is the workflow's history: the workflow reports through
// `upsertMemo({ [OPERATION_EVENT_MEMO]: ReportedEvent | ReportedEvent[] })`, or with its result; the reader adds the cursor.
import type { Json, JsonObject } from './json.js';

export const OPERATION_EVENT_MEMO = 'event';
/** Memo set at start: {@link OperationFacts}. */
export const OPERATION_FACTS_MEMO = 'operation';

export type OperationKindName =
  | 'API_REQUEST'
  | 'ORCHESTRATION'
  | 'ASYNC_REQUEST'
  | 'PLUGIN_INSTALLATION'
  | 'PLUGIN_UPDATE'
  | 'PLUGIN_REMOVAL'
  | 'RECOVERY'
  | 'WEBHOOK'
  | 'SUPERGRAPH';

export type OperationStatus = 'WORKING' | 'INPUT_REQUIRED' | 'COMPLETED' | 'FAILED' | 'CANCELLED';
export const TERMINAL_STATUSES: readonly OperationStatus[] = ['COMPLETED', 'FAILED', 'CANCELLED'];

/** Of one that has ended so, something may have been handed to a recovery. */
export function mayBeRecovered(status: OperationStatus): boolean {
  return status === 'FAILED' || status === 'CANCELLED';
}

/** Written once at start by whoever starts the run; encrypted like every memo. */
export interface OperationFacts {
  kind: OperationKindName;
  /** Short text for lists, e.g. `Install @sluice/qr-code 1.0.0`. No user data. */
  title: string;
  tenant: string;
  startedBy: string;
  /** Only plugin operations. */
  plugin?: string;
  /** Only recoveries: the id of the operation that failed. */
  recovers?: string;
  /** Only requests of which somebody has to decide when they end by force: mutations, and what nobody waits for. */
  isRecoverable?: true;
  /** Only plugin operations that were asked for under a key: it, and the field of the call. Found again by it also where nobody wrote it down. */
  requestKey?: string;
  /** Only with an idempotency key: SHA-256 of what was asked, so that the key cannot be used for something else. */
  requestFingerprint?: string;
  /** Only in a run that goes on with another one's work: the first of them, which the operation's id names. `createdAt`: RFC 3339. */
  continues?: { runId: string; createdAt: string };
  /** The steps known beforehand, so that progress has a total. */
  steps?: readonly { id: string; label: string }[];
}

/** What may be decided about an operation that waits for somebody. */
export const RESOLUTION_CHOICES = ['RETRY', 'EDIT_VARIABLES', 'SKIP', 'COMPENSATE', 'GIVE_UP'] as const;
export type ResolutionChoice = (typeof RESOLUTION_CHOICES)[number];

/** What became of an operation that failed, once its recovery has ended. */
export const RECOVERY_OUTCOMES = ['RECOVERED', 'SKIPPED', 'COMPENSATED', 'GIVEN_UP'] as const;
export type RecoveryOutcome = (typeof RECOVERY_OUTCOMES)[number];

export interface OperationFailure {
  /** Of the registry, or a service's own as callers see it. Nothing is decided by it. */
  code: string;
  message: string;
  retryable: boolean;
}

/** What a compensation could not undo, for whoever has to do it by hand. */
export interface Leftover {
  /** Its operators have to. */
  service: string;
  /** The mutation field that took effect, or may have. */
  effect: string;
  /** The mutation field that would undo it; null when there is none. */
  undo: string | null;
  /** For `undo`; null when they cannot be known. */
  arguments: JsonObject | null;
}

interface EventBase {
  /** From 1, without gaps, in the run's order. Given by the workflow, so that replay repeats it. */
  seq: number;
  /** Workflow time, RFC 3339. */
  at: string;
}
interface StepBase extends EventBase {
  /** Unique in the operation; a compensation has its own id and names the step it undoes. */
  step: string;
  label: string;
}

export type ReportedEvent =
  | (EventBase & { __typename: 'OperationStarted'; title: string; steps: readonly { id: string; label: string }[] })
  | (StepBase & { __typename: 'StepStarted' })
  | (StepBase & { __typename: 'StepProgressed' } & StepProgress)
  | (StepBase & { __typename: 'StepCompleted'; detail: string | null })
  | (StepBase & { __typename: 'StepFailed'; failure: OperationFailure })
  | (StepBase & { __typename: 'StepRetrying'; attempt: number; maximumAttempts: number | null; lastFailure: OperationFailure | null })
  | (EventBase & { __typename: 'CancelRequested'; reason: string | null; by: string | null })
  | (StepBase & { __typename: 'CompensationStarted'; undoes: string })
  | (StepBase & { __typename: 'CompensationCompleted'; undoes: string })
  | (StepBase & { __typename: 'CompensationFailed'; undoes: string; failure: OperationFailure; left?: Leftover })
  | (EventBase & { __typename: 'InputRequired'; prompt: string; choices?: readonly ResolutionChoice[] })
  /** Somebody decided (`by`), or the workflow's own policy did (null). */
  | (EventBase & { __typename: 'InputReceived'; choice: ResolutionChoice; by: string | null })
  /** The operation failed, and another one has taken over what became of it. */
  | (EventBase & { __typename: 'RecoveryStarted'; recovery: string })
  | (EventBase & { __typename: 'OperationCompleted' })
  | (EventBase & { __typename: 'OperationFailed'; failure: OperationFailure })
  | (EventBase & { __typename: 'OperationCancelled'; reason: string | null });

/** What workflow code says; its reporter numbers and dates it. */
export type EventBody = ReportedEvent extends infer Event ? (Event extends unknown ? Omit<Event, 'seq' | 'at'> : never) : never;

/** What an activity gives to `heartbeat`, for whoever watches its step: `completed` of `total` (null: unknown), and in words. */
export interface StepProgress {
  completed: number;
  total: number | null;
  detail: string | null;
}

/**
 * An event as subscribers get it. `cursor` is opaque; passing it as `after` yields everything later, each once.
 * Transient events (StepProgressed and StepRetrying of a running activity) repeat cursor and `seq` of the last durable one and
 * are not replayed: each tells the step's present state.
 */
export type OperationEvent = ReportedEvent & { cursor: string };
export type OperationEventName = OperationEvent['__typename'];

export function isTerminalEvent(event: { __typename: OperationEventName }): boolean {
  return event.__typename === 'OperationCompleted' || event.__typename === 'OperationFailed' || event.__typename === 'OperationCancelled';
}

/** What the door (`workers/client`) tells of one run. */
export interface OperationSnapshot {
  id: string;
  workflowId: string;
  runId: string;
  workflowType: string;
  facts: OperationFacts;
  status: OperationStatus;
  createdAt: string;
  closedAt: string | null;
  /** Until then Temporal keeps the run; null while it runs, or when the namespace does not tell its retention. */
  expiresAt: string | null;
  result: Json;
  /** Why it failed; or OPERATION_UNREADABLE, whatever its status, when it is encrypted with a key that is not here. */
  failure: OperationFailure | null;
  /** Only of a recovery that has ended by a decision. */
  outcome?: RecoveryOutcome;
}

/** A run as its starter knows it, to be listed before anybody is told of it. */
export interface NotedRun {
  id: string;
  workflowId: string;
  runId: string;
  workflowType: string;
  facts: OperationFacts;
  /** When it was started, by the starter's clock; RFC 3339. */
  at: string;
}

// One reduction from events to what a person sees, shared by the operations service and by clients.

export interface OperationView {
  status: OperationStatus;
  title: string;
  steps: readonly StepView[];
  compensations: readonly StepView[];
  progress: { completed: number; total: number };
  cancelRequested: boolean;
  failure: OperationFailure | null;
  /** What it waits for, while INPUT_REQUIRED. */
  input: { prompt: string; choices: readonly ResolutionChoice[] } | null;
  lastSeq: number;
  updatedAt: string | null;
}

export interface StepView {
  id: string;
  label: string;
  status: 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'SKIPPED';
  startedAt: string | null;
  finishedAt: string | null;
  attempt: number;
  detail: string | null;
  failure: OperationFailure | null;
  /** For compensations: the step it undoes. */
  undoes: string | null;
  /** For compensations that failed. */
  left?: Leftover;
}

export const EMPTY_OPERATION_VIEW: OperationView = {
  status: 'WORKING',
  title: '',
  steps: [],
  compensations: [],
  progress: { completed: 0, total: 0 },
  cancelRequested: false,
  failure: null,
  input: null,
  lastSeq: 0,
  updatedAt: null,
};

/** Folds one event into the view. Events at or before `lastSeq` change nothing, so that repeats are harmless. */
export function applyOperationEvent(view: OperationView, event: ReportedEvent): OperationView {
  if (event.seq <= view.lastSeq) return view;
  // Whatever happens next, nothing is waited for any more.
  const next: OperationView = { ...view, input: null, lastSeq: event.seq, updatedAt: event.at };
  switch (event.__typename) {
    case 'OperationStarted':
      return withProgress({ ...next, title: event.title, steps: event.steps.map((step) => emptyStep(step.id, step.label, null)) });
    case 'StepStarted':
      return withProgress({ ...next, steps: patch(next.steps, event, { status: 'RUNNING', startedAt: event.at }) });
    case 'StepProgressed':
      return { ...next, steps: patch(next.steps, event, { detail: event.detail }) };
    case 'StepCompleted':
      return withProgress({
        ...next,
        steps: patch(next.steps, event, { status: 'COMPLETED', finishedAt: event.at, detail: event.detail }),
      });
    case 'StepFailed':
      return { ...next, steps: patch(next.steps, event, { status: 'FAILED', finishedAt: event.at, failure: event.failure }) };
    case 'StepRetrying': {
      const change = { status: 'RUNNING', attempt: event.attempt, failure: event.lastFailure } as const;
      const isUndo = next.compensations.some(({ id }) => id === event.step);
      return isUndo
        ? { ...next, compensations: patch(next.compensations, event, change) }
        : { ...next, steps: patch(next.steps, event, change) };
    }
    case 'CompensationStarted':
      return { ...next, compensations: patch(next.compensations, event, { status: 'RUNNING', startedAt: event.at, failure: null }) };
    case 'CompensationCompleted':
      return { ...next, compensations: patch(next.compensations, event, { status: 'COMPLETED', finishedAt: event.at, failure: null }) };
    case 'CompensationFailed':
      return {
        ...next,
        compensations: patch(next.compensations, event, {
          status: 'FAILED',
          finishedAt: event.at,
          failure: event.failure,
          ...(event.left === undefined ? {} : { left: event.left }),
        }),
      };
    case 'CancelRequested':
      return { ...next, cancelRequested: true };
    case 'InputRequired':
      return { ...next, status: 'INPUT_REQUIRED', input: { prompt: event.prompt, choices: event.choices ?? [] } };
    case 'InputReceived':
      return { ...next, status: 'WORKING' };
    case 'RecoveryStarted':
      return next;
    case 'OperationCompleted':
      return { ...next, status: 'COMPLETED', steps: skipPending(next.steps) };
    case 'OperationFailed':
      return { ...next, status: 'FAILED', failure: event.failure, steps: skipPending(next.steps) };
    case 'OperationCancelled':
      return { ...next, status: 'CANCELLED', steps: skipPending(next.steps) };
  }
}

function emptyStep(id: string, label: string, undoes: string | null): StepView {
  return { id, label, status: 'PENDING', startedAt: null, finishedAt: null, attempt: 1, detail: null, failure: null, undoes };
}

function patch(
  steps: readonly StepView[],
  event: { step: string; label: string; undoes?: string },
  change: Partial<StepView>,
): readonly StepView[] {
  const known = steps.some((step) => step.id === event.step);
  const all = known ? steps : [...steps, emptyStep(event.step, event.label, event.undoes ?? null)];
  return all.map((step) => (step.id === event.step ? { ...step, ...change } : step));
}

function skipPending(steps: readonly StepView[]): readonly StepView[] {
  return steps.map((step) => (step.status === 'PENDING' ? { ...step, status: 'SKIPPED' } : step));
}

function withProgress(view: OperationView): OperationView {
  return { ...view, progress: { completed: view.steps.filter((step) => step.status === 'COMPLETED').length, total: view.steps.length } };
}
