import type { RetryPolicy } from '@temporalio/workflow';
import type { ServiceFetch } from '#schema/contracts/plan';

/** Only what may be sent twice is tried again. @param standard - attempts where the services declare none */
export function toRetry({ idempotent, policy }: Pick<ServiceFetch, 'idempotent' | 'policy'>, standard: number): RetryPolicy {
  if (!idempotent) return { maximumAttempts: 1 };
  const { retry } = policy ?? {};
  if (retry === undefined) return { maximumAttempts: standard };
  const { attempts, intervalMs, backoff, maxIntervalMs } = retry;
  return { maximumAttempts: attempts, initialInterval: intervalMs, backoffCoefficient: backoff, maximumInterval: maxIntervalMs };
}
