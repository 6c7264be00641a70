import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ServiceCall } from '#schema/contracts/activities';
import { type PrincipalId, type TenantId, toOperationId } from '#schema/contracts/ids';
import type { ServiceAnswer } from '#schema/contracts/plan';
import { createFetchesAhead } from './fetches-ahead.js';

const RUN = 'request/ten_acme/r1';
const callOf = (node: number, workflowId: string | null = RUN): ServiceCall => ({
  node,
  chunk: 0,
  service: 's',
  operationKind: 'query',
  operation: `{f${node}}`,
  operationName: null,
  variables: {},
  idempotent: true,
  generation: 1,
  auth: { principal: 'usr_a' as PrincipalId, tenant: 'ten_acme' as TenantId, scopes: [], fingerprint: '' },
  operationId: workflowId === null ? null : toOperationId({ workflowId, runId: '5b0d2f0e-0000-4000-8000-000000000000' }),
  idempotencyKey: null,
  timeoutMs: 1_000,
});

/** Numbers its answers; those to what is sent ahead can be held back. */
function createWorld({ hold = false } = {}) {
  let sent = 0;
  const told: unknown[] = [];
  const release: (() => void)[] = [];
  const ahead = createFetchesAhead({
    fetch: async ({ node, chunk }, signal, headers) => {
      told.push(headers);
      const answer: ServiceAnswer = { node, chunk, data: { sent: (sent += 1) }, errors: [] };
      if (signal?.aborted === true) return { ...answer, data: null };
      if (hold) await new Promise<void>((resolve) => release.push(resolve));
      return answer;
    },
  });
  const ask = async (call: ServiceCall, signal?: AbortSignal) => (await ahead.fetcher.fetch(call, signal)).data?.['sent'];
  return { ahead, ask, count: () => sent, told, release };
}

afterEach(() => vi.useRealTimers());

describe('what is sent ahead of a run', () => {
  it('is the answer of its first attempt, and of no later one', async () => {
    const { ahead, ask, count } = createWorld();
    ahead.send(RUN, [callOf(1, null), callOf(2, null)]);
    expect(count()).toBe(2);
    expect([await ask(callOf(2)), await ask(callOf(1))]).toEqual([2, 1]);
    expect(count()).toBe(2);
    expect(await ask(callOf(1))).toBe(3);
  });

  it('carries the headers of its caller', () => {
    const { ahead, told } = createWorld();
    ahead.send(RUN, [callOf(1, null)], { s: { authorization: 'Bearer x' } });
    expect(told).toEqual([{ s: { authorization: 'Bearer x' } }]);
  });

  it('is for no other run, and not for direct calls', async () => {
    const { ahead, ask } = createWorld();
    ahead.send(RUN, [callOf(1, null)]);
    expect([await ask(callOf(1, 'request/ten_acme/r2')), await ask(callOf(1, null)), await ask(callOf(3))]).toEqual([2, 3, 4]);
  });

  it('may still be on its way', async () => {
    const { ahead, ask, release } = createWorld({ hold: true });
    ahead.send(RUN, [callOf(1, null)]);
    const asked = ask(callOf(1));
    release[0]?.();
    expect(await asked).toBe(1);
  });

  it('is not waited for by an activity that was cancelled', async () => {
    const { ahead, ask } = createWorld({ hold: true });
    ahead.send(RUN, [callOf(1, null)]);
    const cancelled = new AbortController();
    const asked = ask(callOf(1), cancelled.signal);
    cancelled.abort();
    expect(await asked).toBeUndefined();
    ahead.send(RUN, [callOf(1, null)]);
    expect(await ask(callOf(1), cancelled.signal)).toBeUndefined();
  });

  it('is forgotten when it is told so, and after five seconds', async () => {
    vi.useFakeTimers();
    const { ahead, ask } = createWorld();
    ahead.send(RUN, [callOf(1, null)])();
    expect(await ask(callOf(1))).toBe(2);
    ahead.send(RUN, [callOf(1, null)]);
    vi.advanceTimersByTime(5_000);
    expect(await ask(callOf(1))).toBe(4);
  });
});
