// Between what Temporal keeps of a run and an operation as callers see it.
import { type WorkflowExecutionInfo, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, defineSearchAttributeKey, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { isErrorCode } from '#schema/contracts/errors';
import { toOperationId } from '#schema/contracts/ids';
import {
  OPERATION_FACTS_MEMO,
  type OperationFacts,
  type OperationFailure,
  type OperationKindName,
  type OperationSnapshot,
  type OperationStatus,
} from '#schema/contracts/operations';
import { RunFailedError } from './durable-client.js';
import { toFailure } from './history-events.js';

type RunInfo = Pick<WorkflowExecutionInfo, 'workflowId' | 'runId' | 'type' | 'memo' | 'startTime' | 'status' | 'typedSearchAttributes'> & {
  closeTime?: Date | undefined;
};

export function toSnapshot(info: RunInfo, retentionMs: number | null): OperationSnapshot {
  const stated = info.memo?.[OPERATION_FACTS_MEMO] as OperationFacts | null | undefined;
  const facts = stated ?? undefined;
  const run = { workflowId: info.workflowId, runId: info.runId };
  const { runId: firstRunId = run.runId, createdAt = info.startTime.toISOString() } = facts?.continues ?? {};
  return {
    id: toOperationId({ ...run, runId: firstRunId }),
    ...run,
    workflowType: info.type,
    facts: facts ?? toKnownFacts(info),
    status: toStatus(info),
    createdAt,
    closedAt: info.closeTime?.toISOString() ?? null,
    expiresAt: info.closeTime === undefined || retentionMs === null ? null : new Date(info.closeTime.getTime() + retentionMs).toISOString(),
    result: null,
    // Its memo is there and cannot be opened.
    failure: stated === null ? toFailure('OPERATION_UNREADABLE') : null,
  };
}

/** What Temporal knows of a run that does not say it itself. */
function toKnownFacts({ type, typedSearchAttributes }: RunInfo): OperationFacts {
  const read = (name: string): string | undefined => typedSearchAttributes.get(defineSearchAttributeKey(name, 'KEYWORD'));
  const plugin = read('Plugin');
  return {
    kind: (read('Kind') as OperationKindName | undefined) ?? 'SUPERGRAPH',
    title: type,
    tenant: read('Tenant') ?? '',
    startedBy: '',
    ...(plugin === undefined ? {} : { plugin }),
  };
}

function toStatus(info: RunInfo): OperationStatus {
  const shown = info.typedSearchAttributes.get(defineSearchAttributeKey('Status', 'KEYWORD'));
  switch (info.status.name) {
    case 'RUNNING':
    case 'CONTINUED_AS_NEW':
      return shown === 'INPUT_REQUIRED' ? 'INPUT_REQUIRED' : 'WORKING';
    case 'COMPLETED':
      // A saga that was undone ends with its answer.
      return shown === 'FAILED' ? 'FAILED' : 'COMPLETED';
    case 'CANCELLED':
      return 'CANCELLED';
    default:
      // Temporal takes a run that stopped at our signal for failed.
      return shown === 'CANCELLED' ? 'CANCELLED' : 'FAILED';
  }
}

export function toEndOf({ cause }: WorkflowFailedError): { status: OperationStatus; failure: OperationFailure } {
  if (cause instanceof CancelledFailure) return { status: 'CANCELLED', failure: toFailure('OPERATION_CANCELLED') };
  if (cause instanceof TerminatedFailure) return { status: 'FAILED', failure: toFailure('OPERATION_TERMINATED') };
  if (cause instanceof TimeoutFailure) return { status: 'FAILED', failure: toFailure('DEADLINE_EXCEEDED') };
  return {
    status: 'FAILED',
    failure: cause instanceof ApplicationFailure && isErrorCode(cause.type) ? toFailure(cause.type, cause.message) : toFailure(undefined),
  };
}

export function toRunFailure(error: unknown): never {
  if (!(error instanceof WorkflowFailedError)) throw error;
  const { status, failure } = toEndOf(error);
  throw new RunFailedError(failure, status, { cause: error });
}

export const REQUEST_KINDS: ReadonlySet<string> = new Set([
  'API_REQUEST',
  'ORCHESTRATION',
  'ASYNC_REQUEST',
  'RECOVERY',
] satisfies OperationKindName[]);

/** These write a Status at their end, if at all: until then Temporal's UI, which shows it in the place of what Temporal knows, would show a wrong one. */
const WAITED_FOR: ReadonlySet<string> = new Set(['API_REQUEST', 'ORCHESTRATION'] satisfies OperationKindName[]);

/** What every run of an operation says of itself in Temporal. */
export function describeFacts(facts: OperationFacts) {
  return {
    memo: { [OPERATION_FACTS_MEMO]: facts },
    staticSummary: facts.title,
    typedSearchAttributes: [
      { key: defineSearchAttributeKey('Kind', 'KEYWORD'), value: facts.kind },
      { key: defineSearchAttributeKey('Tenant', 'KEYWORD'), value: facts.tenant },
      ...(WAITED_FOR.has(facts.kind) ? [] : [{ key: defineSearchAttributeKey('Status', 'KEYWORD'), value: 'WORKING' }]),
      ...(facts.plugin === undefined ? [] : [{ key: defineSearchAttributeKey('Plugin', 'KEYWORD'), value: facts.plugin }]),
    ],
  };
}
