import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import type { ServiceCall } from '#schema/contracts/activities';
import { ERROR_CODES, SERVICE_ORIGIN } from '#schema/contracts/errors';
import type { JsonObject } from '#schema/contracts/json';
import { createRequestActivities } from './request-activities.js';

const call = { node: 1, chunk: 0, service: 'files', operationKind: 'mutation', idempotent: true } as ServiceCall;

/** What `insist_on_service_activity` fails with when the service answers with this error, or answers. */
async function insist(extensions: JsonObject & { code: string }, data: JsonObject | null = null): Promise<unknown> {
  const activities = createRequestActivities({
    fetcher: { fetch: () => Promise.resolve({ node: 1, chunk: 0, data, errors: [{ message: 'no', extensions }] }) },
    judge: { judge: () => Promise.reject(new Error('nobody is judged here')) },
    maxResponseChars: 1_000,
  });
  return new MockActivityEnvironment()
    .run((one: ServiceCall) => activities.insist_on_service_activity(one), call)
    .catch((error: unknown) => error);
}

/** What `route_to_service_activity` does, at its n-th attempt, when the service answers with this error. */
async function route(
  attempt: number,
  extensions: JsonObject & { code: string },
  change: Partial<Pick<ServiceCall, 'operationKind' | 'idempotent' | 'policy' | 'isBehindEffect'>>,
): Promise<unknown> {
  const activities = createRequestActivities({
    fetcher: { fetch: () => Promise.resolve({ node: 1, chunk: 0, data: null, errors: [{ message: 'no', extensions }] }) },
    judge: { judge: () => Promise.reject(new Error('nobody is judged here')) },
    maxResponseChars: 1_000,
  });
  const scheduled = { scheduledTimestampMs: Date.now(), scheduleToCloseTimeoutMs: 30_000 };
  return new MockActivityEnvironment({ attempt, retryPolicy: { maximumAttempts: 3 }, ...scheduled })
    .run((one: ServiceCall) => activities.route_to_service_activity(one), { ...call, ...change })
    .catch((error: unknown) => error);
}

describe('a fetch that declares @retry', () => {
  const policy = { retry: { attempts: 3, intervalMs: 1_000, backoff: 3, maxIntervalMs: 2_000 } };
  const away = { code: 'SUBGRAPH_UNREACHABLE' };

  it.each([
    ['a query', 'query'],
    ['an idempotent mutation', 'mutation'],
  ] as const)('is tried again after a fault that may pass, as it says: %s', async (_, operationKind) => {
    expect(await route(1, away, { policy, operationKind })).toMatchObject({ type: 'SUBGRAPH_UNREACHABLE', nextRetryDelay: 1_000 });
    expect(await route(2, away, { policy, operationKind })).toMatchObject({ nextRetryDelay: 2_000 });
    expect(await route(3, away, { policy, operationKind })).toMatchObject({ errors: [{ extensions: away }] });
  });

  it('waits longer when the service asks for it', async () => {
    const later = { code: 'SUBGRAPH_UNAVAILABLE', retryAfterMs: 7_000 };
    expect(await route(1, later, { policy, operationKind: 'query' })).toMatchObject({ nextRetryDelay: 7_000 });
  });

  it.each([
    ['a fault that will not pass', { code: 'BAD_USER_INPUT' }, { operationKind: 'query', policy }],
    ['a mutation that must not be sent twice', away, { operationKind: 'mutation', idempotent: false, policy }],
    [
      'a wait for which the time is not left',
      away,
      { operationKind: 'query', policy: { retry: { ...policy.retry, intervalMs: 40_000, maxIntervalMs: 40_000 } } },
    ],
    ['a query that declares nothing', away, { operationKind: 'query' }],
  ] as const)('takes the answer: %s', async (_, error, change) => {
    expect(await route(1, error, change)).toMatchObject({ errors: [{ extensions: error }] });
  });
});

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

it('takes data for the effect that was wanted, whatever is reported beside it', async () => {
  const flaw = { code: 'SUBGRAPH_BAD_ANSWER' };
  expect(await insist(flaw, { release: true })).toMatchObject({ data: { release: true } });
  expect(await insist(flaw, { release: null })).toMatchObject({ type: 'SUBGRAPH_BAD_ANSWER' });
});

describe.each(Object.keys(ERROR_CODES))("a user's own service that calls its error %s", (code) => {
  const foreign = { code, service: 'shop', origin: SERVICE_ORIGIN };
  const policy = { retry: { attempts: 3, intervalMs: 1_000, backoff: 3, maxIntervalMs: 2_000 } };

  it('is not called again for it, whatever it was asked', async () => {
    for (const change of [{ policy }, { operationKind: 'query', policy }, { operationKind: 'query', isBehindEffect: true }, {}] as const)
      expect(await route(1, foreign, change)).toMatchObject({ errors: [{ extensions: foreign }] });
  });

  it('is insisted on alike', async () => {
    const failure = await insist(foreign);
    expect(failure).toMatchObject({ type: 'SUBGRAPH_ERROR', nonRetryable: false });
    expect((failure as { nextRetryDelay?: unknown }).nextRetryDelay).toBeUndefined();
  });
});
