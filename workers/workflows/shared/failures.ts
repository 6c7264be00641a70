import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import { CodedError, ERROR_CODES, type ErrorCode, isErrorCode } from '#schema/contracts/errors';
import type { OperationFailure } from '#schema/contracts/operations';
import type { ServiceError } from '#schema/contracts/plan';

/** What callers are told of a failure: its code and our own text, never a foreign message. */
export function toFailure(error: unknown): OperationFailure {
  if (isCancellation(error)) return describe('OPERATION_CANCELLED', 'the operation was cancelled');
  const cause = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) return describe(cause.type, cause.message);
  if (cause instanceof CodedError) return describe(cause.code, cause.message);
  if (cause instanceof TimeoutFailure) return describe('DEADLINE_EXCEEDED', 'a step did not finish within its time-out');
  return describe('INTERNAL_SERVER_ERROR', 'something failed inside a step');
}

/** How often the activity that ended so had been started, as `insist_on_service_activity` tells it. @returns 1 when it does not say */
export function attemptsOf(error: unknown): number {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const [told] = (cause instanceof ApplicationFailure ? cause.details : null) ?? [];
  const { attempts } = (told ?? {}) as { attempts?: unknown };
  return typeof attempts === 'number' ? attempts : 1;
}

/** A service has said no. Whatever else ended an activity's attempts may pass. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.nonRetryable === true;
}

/** As {@link toFailure}, in the service's own words where it has refused; nothing may be decided by its code. */
export function toToldFailure(error: unknown): OperationFailure {
  const cause = error instanceof ActivityFailure ? error.cause : undefined;
  const [told] = (cause instanceof ApplicationFailure ? cause.details : null) ?? [];
  return (told as { shown?: OperationFailure } | undefined)?.shown ?? toFailure(error);
}

/** What an answer tells of a service's error, in the words of the operation: it has gone through the service's setting where it was read. */
export function toShownFailure({ message, extensions }: ServiceError, prefix = ''): OperationFailure {
  return { code: extensions.code, message: `${prefix}${message}`, retryable: extensions['retryable'] === true };
}

/** Ends a workflow with a code of the registry. */
export function toWorkflowFailure({ code, message }: OperationFailure): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, nonRetryable: true });
}

export function describe(code: ErrorCode, message: string): OperationFailure {
  return { code, message, retryable: ERROR_CODES[code].retryable };
}
