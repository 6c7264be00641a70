// What this package asks, with list-documents.ts. Only fields of the operations service: an answer from one service is a direct call,
// while a second service would make every poll of a list a durable run of its own (and put it into that list).
import type { OperationEvent, OperationFailure, OperationKindName, OperationStatus, ResolutionChoice, StepView } from './contract.js';
import { FAILURE, LEFT, STEP, SUMMARY } from './document-parts.js';

const STEP_EVENT = 'step label';

export const OPERATION_QUERY = `query SluiceOperation($id: ID!) {
  operation(id: $id) {
    ${SUMMARY} expiresAt temporalUrl cursor lastSeq result
    errors { code message retryable }
    steps { ${STEP} }
    compensation { status steps { ${STEP} } ${LEFT} }
    input { prompt choices }
    recovery { id }
    recovers { id title }
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

export const RETRY_OPERATION = `mutation SluiceRetryOperation($id: ID!) {
  retryOperation(id: $id) { operation { id } userErrors { code message retryable } }
}`;

export const RESOLVE_OPERATION = `mutation SluiceResolveOperation($id: ID!, $choice: ResolutionChoice!, $variables: JSON) {
  resolveOperation(id: $id, choice: $choice, variables: $variables) { operation { id } userErrors { code message retryable } }
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

export type CompensationStatus = 'RUNNING' | 'COMPENSATED' | 'PARTIALLY_COMPENSATED';

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
    readonly status: CompensationStatus;
    readonly steps: readonly StepView[];
    /** What could not be undone. */
    readonly left: readonly OperationLeftover[];
  } | null;
  /** What it waits for, while it is INPUT_REQUIRED. */
  readonly input: { readonly prompt: string; readonly choices: readonly ResolutionChoice[] } | null;
  /** The operation that took over when this one failed. */
  readonly recovery: { readonly id: string } | null;
  /** Of a recovery: the operation that failed, while it is kept. */
  readonly recovers: { readonly id: string; readonly title: string } | null;
}

/** An effect that is left for the operators of its service. */
export interface OperationLeftover {
  /** The step that took effect, or may have. */
  readonly step: string;
  readonly service: string;
  /** Its mutation field. */
  readonly effect: string;
  /** The mutation field that would undo it; null when there is none. */
  readonly undo: string | null;
  /** For `undo`; null when they cannot be known. */
  readonly arguments: unknown;
  readonly failure: OperationFailure;
}

/** One row of what needs attention: the recovery of an operation that failed. */
export interface AttentionRow {
  /** Of the recovery. */
  readonly id: string;
  readonly title: string;
  /** `INPUT_REQUIRED`: it waits for somebody. `WORKING`: it tries again by itself, or acts on a decision. */
  readonly status: OperationStatus;
  /** Since when. */
  readonly createdAt: string;
  /** Who had started what failed. */
  readonly startedBy: { readonly id: string } | null;
  readonly tenant: { readonly id: string };
  readonly input: { readonly prompt: string; readonly choices: readonly ResolutionChoice[] } | null;
  /** What failed; null when it is not kept any longer. */
  readonly recovers: {
    readonly id: string;
    readonly kind: OperationKindName;
    readonly title: string;
    readonly errors: readonly OperationFailure[];
    readonly compensation: { readonly status: CompensationStatus; readonly left: readonly OperationLeftover[] } | null;
  } | null;
  /** What was tried to undo since. */
  readonly compensation: { readonly steps: readonly Pick<StepView, 'id' | 'status' | 'undoes'>[] } | null;
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
export interface RetryData {
  readonly retryOperation: CancelData['cancelOperation'];
}
export interface ResolveData {
  readonly resolveOperation: CancelData['cancelOperation'];
}
export interface AttentionListData {
  readonly operations: { readonly nodes: readonly AttentionRow[]; readonly pageInfo: OperationListData['operations']['pageInfo'] };
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
