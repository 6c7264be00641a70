// From a run's history to operation events: what the workflow reported by memo, and the end that Temporal knows even when
// the workflow could not report it.
import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { temporal } from '@temporalio/proto';
import { CodedError, ERROR_CODES, isErrorCode } from '#schema/contracts/errors';
import {
  isTerminalEvent,
  OPERATION_EVENT_MEMO,
  type OperationEvent,
  type OperationFailure,
  type ReportedEvent,
} from '#schema/contracts/operations';
import type { RunReport } from '#schema/contracts/workflows';

export type HistoryEvent = temporal.api.history.v1.IHistoryEvent;
const { EventType } = proto.temporal.api.enums.v1;

/** Where a reader stands. `seq` lets it number an end that the workflow did not report. */
export interface Position {
  /** Of the operation's first run, which its cursors name. */
  firstRunId: string;
  runId: string;
  eventId: number;
  seq: number;
}

export function toCursor({ firstRunId, eventId, seq }: Position): string {
  return Buffer.from(`${firstRunId}:${eventId}:${seq}`).toString('base64url');
}

/** @throws CURSOR_INVALID */
export function parseCursor(cursor: string): Pick<Position, 'firstRunId' | 'eventId' | 'seq'> {
  const match = /^([0-9a-f-]{36}):(\d{1,9}):(\d{1,9})$/.exec(Buffer.from(cursor.slice(0, 200), 'base64url').toString('latin1'));
  if (match === null) throw new CodedError('CURSOR_INVALID', 'expected a cursor that operationEvents gave out');
  return { firstRunId: match[1] as string, eventId: Number(match[2]), seq: Number(match[3]) };
}

export interface HistoryPage {
  events: readonly OperationEvent[];
  position: Position;
  /** Set when the run went on under another run id. */
  continuedAs: string | undefined;
}

/**
 * Translates the events of one history page, those at or before `from` left out.
 *
 * @param onEvent - called for each of them in order, with what the workflow reported last by it
 */
export async function toOperationEvents(
  history: readonly HistoryEvent[],
  from: Position,
  codecs: readonly PayloadCodec[],
  onEvent?: (event: HistoryEvent, reported: ReportedEvent | undefined) => void,
): Promise<HistoryPage> {
  const events: OperationEvent[] = [];
  let position = from;
  let continuedAs: string | undefined;
  for (const event of history) {
    const eventId = Number(event.eventId);
    if (eventId <= position.eventId) continue;
    const reported = await translate(event, position.seq, codecs);
    onEvent?.(event, reported.at(-1));
    position = { ...position, eventId, seq: reported.at(-1)?.seq ?? position.seq };
    for (const one of reported) events.push({ ...one, cursor: toCursor({ ...position, seq: one.seq }) });
    continuedAs = event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? continuedAs;
    if (reported.some(isTerminalEvent)) break;
  }
  return { events, position, continuedAs };
}

/** Several that were held and left in one, be it with the result, or one, or none. */
async function translate(event: HistoryEvent, lastSeq: number, codecs: readonly PayloadCodec[]): Promise<readonly ReportedEvent[]> {
  const field = event.workflowPropertiesModifiedEventAttributes?.upsertedMemo?.fields?.[OPERATION_EVENT_MEMO];
  if (field != null) {
    const reported = (await decodePayload(field, codecs)) as ReportedEvent | readonly ReportedEvent[];
    return Array.isArray(reported) ? (reported as readonly ReportedEvent[]) : [reported as ReportedEvent];
  }
  const end = toEnd(event, lastSeq);
  if (end === undefined) return [];
  const [result] = event.workflowExecutionCompletedEventAttributes?.result?.payloads ?? [];
  // What has left the history tells no events.
  const isHere = result != null && (result.externalPayloads ?? []).length === 0;
  const told = isHere ? ((await decodePayload(result, codecs)) as RunReport | null) : null;
  const events = told?.events ?? [];
  return events.length === 0 ? [end] : events;
}

function toEnd(event: HistoryEvent, lastSeq: number): ReportedEvent | undefined {
  const base = { seq: lastSeq + 1, at: toTime(event) };
  switch (event.eventType) {
    case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
      return { __typename: 'OperationCompleted', ...base };
    case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
      return { __typename: 'OperationCancelled', reason: null, ...base };
    case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
      return { __typename: 'OperationFailed', failure: toFailure('OPERATION_TERMINATED'), ...base };
    case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      return { __typename: 'OperationFailed', failure: toFailure('DEADLINE_EXCEEDED'), ...base };
    case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
      return {
        __typename: 'OperationFailed',
        failure: toFailure(event.workflowExecutionFailedEventAttributes?.failure?.applicationFailureInfo?.type),
        ...base,
      };
    default:
      return undefined;
  }
}

export function toFailure(type: string | null | undefined, message?: string): OperationFailure {
  const code = isErrorCode(type) ? type : 'INTERNAL_SERVER_ERROR';
  return { code, message: message ?? ERROR_CODES[code].meaning, retryable: ERROR_CODES[code].retryable };
}

/** @throws OPERATION_UNREADABLE */
export async function decodePayload(payload: Payload, codecs: readonly PayloadCodec[]): Promise<unknown> {
  try {
    let payloads: Payload[] = [payload];
    for (const codec of [...codecs].reverse()) payloads = await codec.decode(payloads);
    return defaultPayloadConverter.fromPayload(payloads[0] as Payload);
  } catch (cause) {
    throw new CodedError('OPERATION_UNREADABLE', ERROR_CODES.OPERATION_UNREADABLE.meaning, { cause });
  }
}

function toTime(event: HistoryEvent): string {
  const { seconds, nanos } = event.eventTime ?? {};
  return new Date(Number(seconds ?? 0) * 1000 + Math.floor((nanos ?? 0) / 1_000_000)).toISOString();
}
