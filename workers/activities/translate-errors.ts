import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { CodedError, errorCodeOf, ERROR_CODES } from '#schema/contracts/errors';
import type { Logger } from '#platform/logger';
import { redactSecrets, toLogText } from '#platform/redact-secrets';

/**
 * Activities at Temporal's border: a coded error becomes an ApplicationFailure whose type is the code, retried only when the code is
 * retryable; anything else is logged here and goes on without its text, which may quote payloads.
 */
export function translateErrors<A extends object>(activities: A, log: Logger): A {
  return Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [
      name,
      async (...args: unknown[]): Promise<unknown> => {
        try {
          return await (activity as (...args: unknown[]) => Promise<unknown>)(...args);
        } catch (error) {
          // Failures of our own making and cancellations know what they are.
          if (error instanceof ApplicationFailure || (error as Error).name === 'CancelledFailure' || (error as Error).name === 'AbortError')
            throw error;
          const code = errorCodeOf(error);
          const reference = randomUUID();
          if (code === undefined) log.error({ err: error, activityType: name, reference, text: toLogText(error) }, 'activity failed');
          const message =
            error instanceof CodedError
              ? redactSecrets(error.message)
              : `Internal error${code === undefined ? `, reference ${reference}` : ''}`;
          throw ApplicationFailure.create({
            type: code ?? 'INTERNAL_SERVER_ERROR',
            message,
            nonRetryable: code !== undefined && !ERROR_CODES[code].retryable,
          });
        }
      },
    ]),
  ) as A;
}
