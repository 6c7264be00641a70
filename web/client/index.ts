/**
 * `@sluice/client`: operations of a Sluice gateway, live. No framework, nothing at import time.
 *
 * @packageDocumentation
 */
export { type AttentionList, type AttentionListState, attentionList, EMPTY_ATTENTION } from './attention-list.js';
export {
  type OperationEvent,
  type OperationFailure,
  type OperationKindName,
  type OperationStatus,
  type OperationView,
  type ResolutionChoice,
  type StepView,
  TERMINAL_STATUSES,
} from './contract.js';
export type { AttentionRow, CompensationStatus, OperationDetail, OperationLeftover, OperationSummary, UserError } from './documents.js';
export { OperationClientError, type OperationError } from './errors.js';
export { type FollowedOperation, GRACE_MS, MAX_EVENTS } from './follow-operation.js';
export { COUNTED, EMPTY_LIST, type OperationFilter, type OperationList, type OperationListState, operationList } from './operation-list.js';
export {
  type CancelAcknowledgement,
  type OperationClient,
  type OperationClientOptions,
  type StartedOperation,
  type StartOptions,
  type StartPayload,
  createOperationClient,
} from './operation-client.js';
export { idleState, isSettled, type OperationState } from './operation-state.js';
export { type Resolution, type ResolutionAcknowledgement, resolveOperation, retryOperation } from './resolve-operation.js';
export type { IdempotencyKeys } from './idempotency.js';
export type { Readable } from './readable.js';
export { type Connection, IDLE_CONNECTION, type OperationSocket, type SocketOptions, createOperationSocket } from './socket.js';
export {
  type Answer,
  type AnswerSink,
  type OperationDocument,
  type OperationTransport,
  type TransportOptions,
  type TransportRequest,
  createTransport,
} from './transport.js';
