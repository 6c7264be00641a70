// The one way in which workflow code reports progress: small typed events in the run's own history, by `upsertMemo`, which
// costs no workflow task. Readers follow the history (workers/client).
// R1. `seq` counts from 1 without gaps; replay repeats the same numbers, since the workflow counts.
// R2. A run that is a part of another tells that one of its steps, which counts them as its own.
// R3. A step's activities are scheduled between its start and the next report: readers tell its attempts and progress by that
//     (workers/client/pending-steps.ts).
// R4. Events that are held leave in one, in order, with the run's end; or with the first that comes a second after its start. What is held
//     when a run completes can be a part of its result, which costs nothing.
import { patched, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import {
  type EventBody,
  isTerminalEvent,
  type Leftover,
  OPERATION_EVENT_MEMO,
  type OperationFailure,
  type OperationStatus,
  type ReportedEvent,
  type ResolutionChoice,
} from '#schema/contracts/operations';
import type { ParentReport } from './report-to-parent.js';

export interface StepName {
  id: string;
  label: string;
}

export interface OperationReporter {
  started(title: string, steps: readonly StepName[]): void;
  stepStarted(step: StepName): void;
  stepCompleted(step: StepName, detail?: string | null): void;
  stepFailed(step: StepName, failure: OperationFailure): void;
  /** Before the end of a step or compensation: how often it was sent. Whoever was not watching learns it from here. */
  stepRetried(step: StepName, attempts: number): void;
  compensationStarted(step: StepName, undoes: string): void;
  compensationCompleted(step: StepName, undoes: string): void;
  compensationFailed(step: StepName, undoes: string, failure: OperationFailure, left?: Leftover): void;
  cancelRequested(reason: string | null, by: string | null): void;
  inputRequired(prompt: string, choices?: readonly ResolutionChoice[]): void;
  inputReceived(choice: ResolutionChoice, by: string | null): void;
  recoveryStarted(recovery: string): void;
  completed(): void;
  /** @param endsWithAnswer - Temporal will say "completed", so that only Status tells */
  failed(failure: OperationFailure, endsWithAnswer?: boolean): void;
  cancelled(reason: string | null): void;
  /** What a child reported becomes an event of this run. */
  relay(event: EventBody): void;
  /** Of the last event, to carry over continue-as-new. */
  seq(): number;
  /**
   * What a completed run tells with its result: empty unless it was to hold its events for that. To be returned at once, as the last thing that
   * the run does.
   *
   * @param maxBytes - what takes more leaves by memo
   */
  takeHeld(maxBytes: number): readonly ReportedEvent[];
}

/** Who follows a run that takes longer sees it move. */
const LONGEST_HOLD_MS = 1_000;
const STATUS = defineSearchAttributeKey('Status', 'KEYWORD');

/**
 * @param options.showsStatus - keep the search attribute Status current; short query runs leave it out, an event each
 * @param options.parent - hears of steps and compensations as well
 * @param options.seq - of the last event before continue-as-new
 * @param options.holds - events wait for the run's end (R4), of a run without a parent: each memo costs an encryption, a history event and a
 *   write to the list of runs; `until completed`: for its result
 */
export function createReporter(options: {
  showsStatus: boolean;
  parent?: ParentReport | undefined;
  seq?: number;
  holds?: 'until the end' | 'until completed' | false;
}): OperationReporter {
  let seq = options.seq ?? 0;
  const { holds = false } = options;
  const startedAtMs = Date.now();
  let held: ReportedEvent[] = [];
  const report = (body: EventBody): void => {
    seq += 1;
    const event: ReportedEvent = { ...body, seq, at: new Date().toISOString() };
    if (holds === false) {
      upsertMemo({ [OPERATION_EVENT_MEMO]: event });
      if ('step' in body) options.parent?.push(body);
      return;
    }
    held.push(event);
    const mayWait = isTerminalEvent(event)
      ? holds === 'until completed' && event.__typename === 'OperationCompleted'
      : Date.now() - startedAtMs < LONGEST_HOLD_MS;
    if (!mayWait) tellHeld();
  };
  const tellHeld = (): void => {
    if (held.length > 0) upsertMemo({ [OPERATION_EVENT_MEMO]: held });
    held = [];
  };
  const show = (status: OperationStatus): void => {
    if (options.showsStatus) upsertSearchAttributes([{ key: STATUS, value: status }]);
  };
  const of = ({ id, label }: StepName): { step: string; label: string } => ({ step: id, label });

  return {
    started: (title, steps) => report({ __typename: 'OperationStarted', title, steps: steps.map(({ id, label }) => ({ id, label })) }),
    stepStarted: (step) => report({ __typename: 'StepStarted', ...of(step) }),
    stepCompleted: (step, detail = null) => report({ __typename: 'StepCompleted', ...of(step), detail }),
    stepRetried: (step, attempts) => {
      // Before: only who was watching learned that a step was sent more than once. After: its operation tells. Since: 0.1.0, November 2026.
      if (attempts > 1 && patched('tells-attempts'))
        report({ __typename: 'StepRetrying', ...of(step), attempt: attempts, maximumAttempts: null, lastFailure: null });
    },
    stepFailed: (step, failure) => report({ __typename: 'StepFailed', ...of(step), failure }),
    compensationStarted: (step, undoes) => report({ __typename: 'CompensationStarted', ...of(step), undoes }),
    compensationCompleted: (step, undoes) => report({ __typename: 'CompensationCompleted', ...of(step), undoes }),
    compensationFailed: (step, undoes, failure, left) =>
      report({ __typename: 'CompensationFailed', ...of(step), undoes, failure, ...(left === undefined ? {} : { left }) }),
    cancelRequested: (reason, by) => report({ __typename: 'CancelRequested', reason, by }),
    inputRequired: (prompt, choices = []) => {
      report({ __typename: 'InputRequired', prompt, choices });
      show('INPUT_REQUIRED');
    },
    inputReceived: (choice, by) => {
      report({ __typename: 'InputReceived', choice, by });
      show('WORKING');
    },
    recoveryStarted: (recovery) => report({ __typename: 'RecoveryStarted', recovery }),
    completed: () => {
      report({ __typename: 'OperationCompleted' });
      show('COMPLETED');
    },
    failed: (failure, endsWithAnswer = false) => {
      report({ __typename: 'OperationFailed', failure });
      if (endsWithAnswer) upsertSearchAttributes([{ key: STATUS, value: 'FAILED' }]);
      else show('FAILED');
    },
    cancelled: (reason) => {
      report({ __typename: 'OperationCancelled', reason });
      show('CANCELLED');
    },
    relay: report,
    seq: () => seq,
    takeHeld(maxBytes) {
      // A character of JSON has at most three bytes.
      if (3 * JSON.stringify(held).length > maxBytes) tellHeld();
      return held.splice(0);
    },
  };
}
