// Which step each open activity of a run works for, and what Temporal knows of it that no history tells before it has closed:
// attempts, the last failure, what its heartbeat said.
// P1. An activity belongs to the step whose start was the last thing reported before it was scheduled (operation-reporter.ts, R3).
import type { Payload, PayloadCodec } from '@temporalio/common';
import type { temporal } from '@temporalio/proto';
import type { OperationEvent, ReportedEvent, StepProgress } from '#schema/contracts/operations';
import { decodePayload, type HistoryEvent, toFailure } from './history-events.js';

type PendingActivity = temporal.api.workflow.v1.IPendingActivityInfo;

interface Step {
  step: string;
  label: string;
}

export interface PendingSteps {
  /** To be told of every event of the history, in order, with what the workflow reported by it. */
  readonly see: (event: HistoryEvent, reported: ReportedEvent | undefined) => void;
  /** Steps that have an open activity. */
  readonly size: number;
  /** @returns at most one event for each open activity, those that have nothing to tell left out */
  describe(activities: readonly PendingActivity[], codecs: readonly PayloadCodec[]): Promise<TransientEvent[]>;
}

/** It has no place of its own in the run's order: whoever passes it on gives it `seq` and `cursor` of the last durable event. */
export type TransientEvent = WithoutPlace<Extract<OperationEvent, { __typename: 'StepRetrying' | 'StepProgressed' }>>;
type WithoutPlace<Event> = Event extends unknown ? Omit<Event, 'seq' | 'cursor'> : never;

export function createPendingSteps(): PendingSteps {
  /** By the id of the event that scheduled the activity. */
  const open = new Map<number, Step & { activityId: string }>();
  let current: Step | undefined;

  return {
    see(event, reported) {
      // How often a step was sent is told before its end, and may be before its next activity.
      if (reported !== undefined && reported.__typename !== 'StepRetrying')
        current = isStart(reported) ? { step: reported.step, label: reported.label } : undefined;
      const activityId = event.activityTaskScheduledEventAttributes?.activityId;
      if (activityId != null && current !== undefined) open.set(Number(event.eventId), { ...current, activityId });
      const ended =
        event.activityTaskCompletedEventAttributes ??
        event.activityTaskFailedEventAttributes ??
        event.activityTaskTimedOutEventAttributes ??
        event.activityTaskCanceledEventAttributes;
      if (ended != null) open.delete(Number(ended.scheduledEventId));
    },
    get size() {
      return open.size;
    },
    async describe(activities, codecs) {
      const steps = new Map([...open.values()].map(({ activityId, ...step }) => [activityId, step]));
      const events = await Promise.all(
        activities.map(async (activity) => {
          const step = steps.get(activity.activityId ?? '');
          return step === undefined ? [] : ((await toTransientEvent(activity, step, codecs)) ?? []);
        }),
      );
      return events.flat();
    },
  };
}

function isStart(event: ReportedEvent): event is Extract<ReportedEvent, { __typename: 'StepStarted' | 'CompensationStarted' }> {
  return event.__typename === 'StepStarted' || event.__typename === 'CompensationStarted';
}

async function toTransientEvent(
  { attempt, maximumAttempts, lastFailure, heartbeatDetails }: PendingActivity,
  step: Step,
  codecs: readonly PayloadCodec[],
): Promise<TransientEvent | undefined> {
  const base = { ...step, at: new Date().toISOString() };
  const progress = await readProgress(heartbeatDetails?.payloads?.[0], codecs);
  if (progress !== undefined) return { __typename: 'StepProgressed', ...base, ...progress };
  if (attempt == null || attempt < 2) return undefined;
  // The failure's message is encrypted, its type is a code.
  const failure = lastFailure == null ? null : toFailure(lastFailure.applicationFailureInfo?.type);
  return { __typename: 'StepRetrying', ...base, attempt, maximumAttempts: maximumAttempts || null, lastFailure: failure };
}

/** @returns undefined for heartbeats that say no more than that the activity lives */
async function readProgress(payload: Payload | null | undefined, codecs: readonly PayloadCodec[]): Promise<StepProgress | undefined> {
  if (payload == null) return undefined;
  const details = await decodePayload(payload, codecs);
  return isProgress(details) ? details : undefined;
}

function isProgress(details: unknown): details is StepProgress {
  if (typeof details !== 'object' || details === null) return false;
  const { completed, total, detail } = details as Partial<Record<keyof StepProgress, unknown>>;
  return (
    Number.isSafeInteger(completed) && (total === null || Number.isSafeInteger(total)) && (detail === null || typeof detail === 'string')
  );
}
