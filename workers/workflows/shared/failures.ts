import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import { CodedError, ERROR_CODES, type ErrorCode, isErrorCode } from '#schema/contracts/errors';
import type { OperationFailure } from '#schema/contracts/operations';

/** What callers are told of a failure: its code and our own text, never a foreign message. */
export function toFailure(error: unknown): OperationFailure {
  if (isCancellation(error)) return describe('OPERATION_CANCELLED', 'the operation was cancelled');
  const cause = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) return describe(cause.type, cause.message);
  if (cause instanceof CodedError) return describe(cause.code, cause.message);
  if (cause instanceof TimeoutFailure) return describe('DEADLINE_EXCEEDED', 'a step did not finish within its time-out');
  return describe('INTERNAL_SERVER_ERROR', 'something failed inside a step');
}

/** Ends a workflow with a code of the registry. */
export function toWorkflowFailure({ code, message }: OperationFailure): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, nonRetryable: true });
}

function describe(code: ErrorCode, message: string): OperationFailure {
  return { code, message, retryable: ERROR_CODES[code].retryable };
}
