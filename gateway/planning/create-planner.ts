// The Planner port's adapter: Apollo's planner in a thread of its own, since planning is synchronous and can take seconds.
// Owns: the thread, the plan cache, the time limit.  Does not own: validity of documents.
// P1. Equal requests that wait for the same plan share one planning run.
// P2. A planning run over its limit ends the thread. A thread that has ended, however, is replaced by one with every generation loaded again.
// P3. A request that waited behind such a run for less than the limit is planned once more.
// P4. Warming up plans one operation at a time, so that requests wait for one plan at most, and never longer than its limit.
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { ExecutablePlan } from '#schema/contracts/plan';
import { keepRunning } from '#platform/keep-running';
import type { Logger } from '#platform/logger';
import { createThreadClient, startThread, type ThreadClient } from '#platform/threads';
import type { EngineRequest, LoadedGeneration, PlannerMethods } from './planner-thread.js';

const LOAD_TIMEOUT_MS = 30_000;
const WARM_OPERATIONS = 100;
const WARM_MS = 2_000;

export interface PlanRequest extends EngineRequest {
  /** Hex SHA-256 of the normalised document. */
  documentHash: string;
}

export interface Planner {
  /** Makes a generation known; repeating it changes nothing. */
  load(generation: { number: number; supergraphSdl: string }): Promise<LoadedGeneration>;
  /** @throws PLAN_FAILED, PLAN_TIMEOUT, PLAN_TOO_LARGE, GENERATION_UNKNOWN */
  plan(request: PlanRequest): Promise<ExecutablePlan>;
  /**
   * Plans the most used operations of one generation for another, those that are valid there, at most 100 and for at most two seconds.
   * Never fails.
   */
  warm(generations: { from: number; to: number }): Promise<{ planned: number; skipped: number }>;
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
  /** @default 2000 */
  warmMs?: number;
  /** Told of every run of the planner, not of cache hits. */
  onPlanned?: (seconds: number, outcome: 'planned' | 'failed') => void;
  /** Told when the thread keeps ending by itself and is not started again. */
  giveUp?: (reason: unknown) => void;
}

interface CachedPlan {
  request: PlanRequest;
  planning: Promise<ExecutablePlan>;
  uses: number;
}

export function createPlanner({ log, timeoutMs = 5_000, cacheSize = 2_000, warmMs = WARM_MS, onPlanned, giveUp }: PlannerOptions): Planner {
  const generations = new Map<number, LoadedGeneration & { supergraphSdl: string }>();
  const cache = new Map<string, CachedPlan>();
  const thread = keepRunning({ name: 'the planner', start: startLoaded, log, giveUp });
  let closed = false;

  function openThread(): Promise<ThreadClient<PlannerMethods>> {
    if (closed) return Promise.reject(new CodedError('INTERNAL_SERVER_ERROR', 'the planner is closed'));
    return thread.current();
  }

  async function startLoaded(): Promise<ThreadClient<PlannerMethods>> {
    const client = createThreadClient<PlannerMethods>(startThread(new URL('./planner-thread.js', import.meta.url)));
    try {
      for (const [number, { supergraphSdl }] of generations) await client.call('load', { number, supergraphSdl }, LOAD_TIMEOUT_MS);
    } catch (error) {
      await client.close();
      throw error;
    }
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
      if (errorCodeOf(error) !== 'PART_LOST') throw error;
      if (performance.now() - startedAt >= timeoutMs)
        throw new CodedError('PLAN_TIMEOUT', `planning took longer than ${timeoutMs} ms`, { cause: error });
      if (whenInterrupted === 'give up') throw error;
      return planInThread(request, 'give up');
    }
  }

  function plan(request: PlanRequest, uses = 1): Promise<ExecutablePlan> {
    const { generation, documentHash, operationName, inParts = false, activeLabels = [] } = request;
    const key = `${generation}:${documentHash}:${operationName ?? ''}:${inParts}:${JSON.stringify(activeLabels)}`;
    const known = cache.get(key);
    // Taken out and put back, so that the order of the map is the order of use.
    if (known !== undefined) cache.delete(key);
    const entry = known ?? { request, planning: planNow(request), uses: 0 };
    entry.uses += uses;
    cache.set(key, entry);
    if (known === undefined) entry.planning.catch(() => cache.get(key) === entry && cache.delete(key));
    for (const oldest of cache.keys()) {
      if (cache.size <= cacheSize) break;
      cache.delete(oldest);
    }
    return entry.planning;
  }

  return {
    async load({ number, supergraphSdl }) {
      const known = generations.get(number);
      if (known !== undefined) return known;
      const client = await openThread();
      const loaded = { supergraphSdl, ...(await client.call('load', { number, supergraphSdl }, LOAD_TIMEOUT_MS)) };
      generations.set(number, loaded);
      return loaded;
    },
    plan: (request) => plan(request),
    async warm({ from, to }) {
      const known = [...cache.values()].filter(({ request }) => request.generation === from);
      // The sort is stable: among equals the latest used come first.
      const used = known.reverse().sort((a, b) => b.uses - a.uses);
      let planned = 0;
      let skipped = 0;
      let isOver = false;
      const planAll = async (): Promise<void> => {
        for (const { request, uses } of used.slice(0, WARM_OPERATIONS)) {
          if (isOver || closed) return;
          // What was popular before must not rank below the first operation that comes afterwards.
          await plan({ ...request, generation: to, onlyIfValid: true }, Math.ceil(uses / 2)).then(
            () => planned++,
            () => skipped++,
          );
        }
      };
      const timer = new AbortController();
      await Promise.race([planAll(), sleep(warmMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
      timer.abort();
      isOver = true;
      return { planned, skipped };
    },
    async unload(number) {
      generations.delete(number);
      for (const key of cache.keys()) if (key.startsWith(`${number}:`)) cache.delete(key);
      // A thread that ends meanwhile is followed by one that never loads it.
      await openThread()
        .then((client) => client.call('unload', number, LOAD_TIMEOUT_MS))
        .catch((error: unknown) => {
          if (errorCodeOf(error) !== 'PART_LOST') throw error;
        });
    },
    async close() {
      closed = true;
      await thread.close();
    },
  };
}
