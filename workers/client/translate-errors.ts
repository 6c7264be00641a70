// What the door says of an error of Temporal: each status of gRPC as the code that tells callers what to do. The server's own text stays
// in the cause, for the log.
import { isGrpcServiceError } from '@temporalio/client';
import { CodedError } from '#schema/contracts/errors';

/** The client has tried again by itself before it tells of a limit. */
const BUSY_RETRY_MS = 2_000;

/** Of gRPC. */
const STATUS = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNAUTHENTICATED: 16,
} as const;

/** @returns undefined for what is no error of gRPC */
export function toCodedError(error: unknown): CodedError | undefined {
  const code = grpcCodeOf(error) ?? grpcCodeOf((error as { cause?: unknown } | null)?.cause);
  switch (code) {
    case undefined:
      return undefined;
    case STATUS.INVALID_ARGUMENT:
      return new CodedError('BAD_USER_INPUT', 'Temporal does not take what was asked of it', { cause: error });
    case STATUS.NOT_FOUND:
      return new CodedError('NOT_FOUND', 'Temporal keeps nothing of that name', { cause: error });
    case STATUS.PERMISSION_DENIED:
    case STATUS.UNAUTHENTICATED:
      return new CodedError('TEMPORAL_REFUSED', 'Temporal does not let this deployment do that', { cause: error });
    case STATUS.RESOURCE_EXHAUSTED:
      return new CodedError('TEMPORAL_BUSY', 'Temporal takes no more of these calls now', {
        cause: error,
        details: { retryAfterMs: BUSY_RETRY_MS },
      });
    case STATUS.FAILED_PRECONDITION:
      return new CodedError('CONFLICT', 'the operation cannot take that any more', { cause: error });
    default:
      return new CodedError('TEMPORAL_UNAVAILABLE', 'the Temporal server does not answer', { cause: error });
  }
}

function grpcCodeOf(error: unknown): number | undefined {
  return isGrpcServiceError(error) ? error.code : undefined;
}
