// The Planner port's adapter: Apollo's planner in a thread of its own, since planning is synchronous and can take seconds.
// Owns: the thread, the plan cache, the time limit.  Does not own: validity of documents.
// P1. Equal requests that wait for the same plan share one planning run.
// P2. A planning run over its limit ends the thread; the next request gets a new one with every generation loaded again.
// P3. A request that waited behind such a run for less than the limit is planned once more.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { ExecutablePlan } from '#schema/contracts/plan';
import type { Logger } from '#platform/logger';
import { createThreadClient, startThread, type ThreadClient } from '#platform/threads';
import type { EngineRequest, PlannerMethods } from './planner-thread.js';

const LOAD_TIMEOUT_MS = 30_000;

export interface PlanRequest extends EngineRequest {
  /** Hex SHA-256 of the normalised document. */
  documentHash: string;
}

export interface Planner {
  /** Makes a generation known; repeating it changes nothing. */
  load(generation: { number: number; supergraphSdl: string }): Promise<void>;
  /** @throws PLAN_FAILED, PLAN_TIMEOUT, PLAN_TOO_LARGE, GENERATION_UNKNOWN */
  plan(request: PlanRequest): Promise<ExecutablePlan>;
  /** Forgets a generation and its plans. */
  unload(number: number): Promise<void>;
  close(): Promise<void>;
}

export interface PlannerOptions {
  log: Logger;
  /** @default 5000 */
  timeoutMs?: number;
  /** Plans kept, least recently used leave first. @default 2000 */
  cacheSize?: number;
  /** Told of every run of the planner, not of cache hits. */
  onPlanned?: (seconds: number, outcome: 'planned' | 'failed') => void;
}

export function createPlanner({ log, timeoutMs = 5_000, cacheSize = 2_000, onPlanned }: PlannerOptions): Planner {
  const generations = new Map<number, string>();
  const cache = new Map<string, Promise<ExecutablePlan>>();
  let thread: Promise<ThreadClient<PlannerMethods>> | undefined;
  let closed = false;

  function openThread(): Promise<ThreadClient<PlannerMethods>> {
    if (closed) return Promise.reject(new CodedError('INTERNAL_SERVER_ERROR', 'the planner is closed'));
    thread ??= startLoaded();
    return thread;
  }

  async function startLoaded(): Promise<ThreadClient<PlannerMethods>> {
    const client = createThreadClient<PlannerMethods>(startThread(new URL('./planner-thread.js', import.meta.url)));
    void client.ended.then(() => {
      thread = undefined;
      if (!closed) log.warn('planner thread ended; the next request starts another');
    });
    for (const [number, supergraphSdl] of generations) await client.call('load', { number, supergraphSdl }, LOAD_TIMEOUT_MS);
    return client;
  }

  async function planNow(request: PlanRequest): Promise<ExecutablePlan> {
    const startedAt = performance.now();
    let outcome: 'planned' | 'failed' = 'failed';
    try {
      const plan = await planInThread(request, 'once more');
      outcome = 'planned';
      return plan;
    } finally {
      onPlanned?.((performance.now() - startedAt) / 1000, outcome);
    }
  }

  async function planInThread(request: PlanRequest, whenInterrupted: 'once more' | 'give up'): Promise<ExecutablePlan> {
    const { documentHash: _, ...wanted } = request;
    const client = await openThread();
    const startedAt = performance.now();
    try {
      return await client.call('plan', wanted, timeoutMs);
    } catch (error) {
      if (errorCodeOf(error) !== 'INTERNAL_SERVER_ERROR') throw error;
      if (performance.now() - startedAt >= timeoutMs)
        throw new CodedError('PLAN_TIMEOUT', `planning took longer than ${timeoutMs} ms`, { cause: error });
      // The thread's end follows within this turn; without it the error is the planner's own.
      const hasEnded = await Promise.race([client.ended.then(() => true), nextTurn(false)]);
      if (!hasEnded || whenInterrupted === 'give up') throw error;
      return planInThread(request, 'give up');
    }
  }

  return {
    async load({ number, supergraphSdl }) {
      if (generations.has(number)) return;
      const client = await openThread();
      await client.call('load', { number, supergraphSdl }, LOAD_TIMEOUT_MS);
      generations.set(number, supergraphSdl);
    },
    async plan(request) {
      const { generation, documentHash, operationName, inParts = false, activeLabels = [] } = request;
      const key = `${generation}:${documentHash}:${operationName ?? ''}:${inParts}:${JSON.stringify(activeLabels)}`;
      const known = cache.get(key);
      // Taken out and put back, so that the order of the map is the order of use.
      if (known !== undefined) cache.delete(key);
      const planning = known ?? planNow(request);
      cache.set(key, planning);
      if (known === undefined) planning.catch(() => cache.get(key) === planning && cache.delete(key));
      for (const oldest of cache.keys()) {
        if (cache.size <= cacheSize) break;
        cache.delete(oldest);
      }
      return planning;
    },
    async unload(number) {
      generations.delete(number);
      for (const key of cache.keys()) if (key.startsWith(`${number}:`)) cache.delete(key);
      await (await thread)?.call('unload', number, LOAD_TIMEOUT_MS);
    },
    async close() {
      closed = true;
      await (await thread)?.close();
    },
  };
}
