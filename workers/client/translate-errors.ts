// What the door says of an error of Temporal: each status of gRPC as the code that tells callers what to do. The server's own text stays
// in the cause, for the log.
import { isGrpcServiceError } from '@temporalio/client';
import { CodedError } from '#schema/contracts/errors';

type ServiceStatus = Error & { code: number; details: string };

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

/** As the server words it. */
const TOO_LARGE = /size exceeds limit/i;
const MAX_REASON_CHARS = 500;

/** @returns undefined for what is no error of gRPC */
export function toCodedError(error: unknown): CodedError | undefined {
  switch (findStatus(error)?.code) {
    case undefined:
      return undefined;
    case STATUS.INVALID_ARGUMENT:
      // What callers send reaches Temporal as a payload, so of all that it judges only their size is theirs.
      return TOO_LARGE.test(readStatus(error).reason)
        ? new CodedError('REQUEST_TOO_LARGE', 'the operation and its variables are too large for a run', { cause: error })
        : new CodedError('TEMPORAL_REFUSED', 'Temporal refused a call of this deployment; its log says why', { cause: error });
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

/** For the log: the server's own words, which callers must not see. */
export function readStatus(error: unknown): { status: number | null; reason: string } {
  const { code = null, details, message = '' } = findStatus(error) ?? {};
  return { status: code, reason: (details || message).slice(0, MAX_REASON_CHARS) };
}

/** The client throws it as it is, or as the cause of an error of its own. */
function findStatus(error: unknown): ServiceStatus | undefined {
  const { cause } = (error ?? {}) as { cause?: unknown };
  return [error, cause].find((candidate): candidate is ServiceStatus => isGrpcServiceError(candidate));
}
