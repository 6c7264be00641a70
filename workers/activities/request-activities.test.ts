import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import type { ServiceCall } from '#schema/contracts/activities';
import type { JsonObject } from '#schema/contracts/json';
import { createRequestActivities } from './request-activities.js';

const call = { node: 1, chunk: 0, service: 'files', operationKind: 'mutation', idempotent: true } as ServiceCall;

/** What `insist_on_service_activity` fails with when the service answers with this error. */
async function insist(extensions: JsonObject & { code: string }): Promise<unknown> {
  const activities = createRequestActivities({
    fetcher: { fetch: () => Promise.resolve({ node: 1, chunk: 0, data: null, errors: [{ message: 'no', extensions }] }) },
    judge: { judge: () => Promise.reject(new Error('nobody is judged here')) },
    maxResponseChars: 1_000,
  });
  return new MockActivityEnvironment()
    .run((one: ServiceCall) => activities.insist_on_service_activity(one), call)
    .catch((error: unknown) => error);
}

describe('what has to succeed', () => {
  it.each([
    [5_000, 5_000],
    [0, 200],
    [3_600_000, 60_000],
  ])('is tried again when the service asks for it, within a minute: %i → %i ms', async (retryAfterMs, nextRetryDelay) => {
    const failure = await insist({ code: 'SUBGRAPH_UNAVAILABLE', retryable: true, retryAfterMs });
    expect(failure).toMatchObject({ type: 'SUBGRAPH_UNAVAILABLE', nonRetryable: false, nextRetryDelay });
  });

  it.each([undefined, 'soon', -1])('is tried again by its policy when the service asks for nothing: %s', async (retryAfterMs) => {
    const failure = await insist({
      code: 'SUBGRAPH_UNAVAILABLE',
      retryable: true,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
    expect(failure).toMatchObject({ type: 'SUBGRAPH_UNAVAILABLE', nonRetryable: false });
    expect((failure as { nextRetryDelay?: unknown }).nextRetryDelay).toBeUndefined();
  });
});
