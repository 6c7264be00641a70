// What this package asks. Only fields of the operations service: an answer from one service is a direct call, while a
// second service would make every poll of a list a durable run of its own (and put it into that list).
import type { OperationEvent, OperationFailure, OperationKindName, OperationStatus, ResolutionChoice, StepView } from './contract.js';

const STEP = 'id label status startedAt finishedAt attempt detail failure { code message retryable } undoes';
const SUMMARY =
  'id kind title status done progress { completed total unit } startedBy { id } tenant { id } createdAt updatedAt cancellable cancelRequested';
const FAILURE = 'failure { code message retryable }';
const STEP_EVENT = 'step label';

export const OPERATION_QUERY = `query SluiceOperation($id: ID!) {
  operation(id: $id) {
    ${SUMMARY} expiresAt temporalUrl cursor lastSeq result
    errors { code message retryable }
    steps { ${STEP} }
    compensation { status steps { ${STEP} } }
    input { prompt choices }
    recovery { id }
  }
}`;

export const OPERATION_EVENTS = `subscription SluiceOperationEvents($id: ID!, $after: String) {
  operationEvents(id: $id, after: $after) {
    __typename
    ... on OperationEventFields { cursor seq at }
    ... on OperationStarted { title steps { id label } }
    ... on StepStarted { ${STEP_EVENT} }
    ... on StepProgressed { ${STEP_EVENT} completed total detail }
    ... on StepCompleted { ${STEP_EVENT} detail }
    ... on StepFailed { ${STEP_EVENT} ${FAILURE} }
    ... on StepRetrying { ${STEP_EVENT} attempt maximumAttempts lastFailure { code message retryable } }
    ... on CancelRequested { reason by }
    ... on CompensationStarted { ${STEP_EVENT} undoes }
    ... on CompensationCompleted { ${STEP_EVENT} undoes }
    ... on CompensationFailed { ${STEP_EVENT} undoes ${FAILURE} }
    ... on InputRequired { prompt choices }
    ... on InputReceived { choice by }
    ... on RecoveryStarted { recovery }
    ... on OperationFailed { ${FAILURE} }
    ... on OperationCancelled { reason }
  }
}`;

export const CANCEL_OPERATION = `mutation SluiceCancelOperation($id: ID!, $reason: String) {
  cancelOperation(id: $id, reason: $reason) { operation { id } userErrors { code message retryable } }
}`;

export const OPERATION_LIST = `query SluiceOperations($first: Int!, $after: String, $filter: OperationFilter, $recent: Int!) {
  operations(first: $first, after: $after, filter: $filter) { nodes { ${SUMMARY} } pageInfo { hasNextPage endCursor } }
  recent: operations(first: $recent) { nodes { id status } }
}`;

/** Says when the list is worth reading again; what has changed is in the list. */
export const OPERATIONS_CHANGED = `subscription SluiceOperationsChanged {
  operationsChanged { id }
}`;

/** One row of a list. */
export interface OperationSummary {
  readonly id: string;
  readonly kind: OperationKindName;
  readonly title: string;
  readonly status: OperationStatus;
  readonly done: boolean;
  readonly progress: { readonly completed: number; readonly total: number; readonly unit: string };
  readonly startedBy: { readonly id: string } | null;
  readonly tenant: { readonly id: string };
  /** RFC 3339, as every time here. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly cancellable: boolean;
  readonly cancelRequested: boolean | null;
}

/** `operation(id:)` as read. */
export interface OperationDetail extends OperationSummary {
  readonly expiresAt: string | null;
  readonly temporalUrl: string | null;
  readonly cursor: string | null;
  readonly lastSeq: number | null;
  readonly result: unknown;
  readonly errors: readonly OperationFailure[];
  readonly steps: readonly StepView[];
  readonly compensation: {
    readonly status: 'RUNNING' | 'COMPENSATED' | 'PARTIALLY_COMPENSATED';
    readonly steps: readonly StepView[];
  } | null;
  /** What it waits for, while it is INPUT_REQUIRED. */
  readonly input: { readonly prompt: string; readonly choices: readonly ResolutionChoice[] } | null;
  /** The operation that took over when this one failed. */
  readonly recovery: { readonly id: string } | null;
}

export interface OperationQueryData {
  readonly operation: OperationDetail | null;
}
export interface OperationEventsData {
  readonly operationEvents: OperationEvent;
}
export interface CancelData {
  readonly cancelOperation: { readonly operation: { readonly id: string } | null; readonly userErrors: readonly UserError[] };
}
export interface OperationListData {
  readonly operations: {
    readonly nodes: readonly OperationSummary[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
  readonly recent: { readonly nodes: readonly { readonly id: string; readonly status: OperationStatus }[] };
}

/** Why a mutation did nothing, in the caller's words. */
export interface UserError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly path?: readonly string[] | null;
}
