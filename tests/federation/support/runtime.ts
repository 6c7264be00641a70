// Where the operations of a world run: in this process, or as workflows (the vitest project `federation-durable`). The same test
// files run both ways.
import type { ServiceCall } from '#schema/contracts/activities';
import type { ServiceAnswer } from '#schema/contracts/plan';
import type { FetchesAhead } from '#gateway/fetching/fetches-ahead';
import type { DurablePort } from '#gateway/server/durable-port';

export interface Runtime {
  execution: 'direct' | 'durable';
  durable: DurablePort | null;
  ahead?: FetchesAhead;
  /** Fetches that were issued at once arrive one by one where they run as activities: how long to wait for the others. */
  siblingsMs: number;
}

export type AnswerCall = (call: ServiceCall) => Promise<ServiceAnswer>;

let runtime: Runtime = { execution: 'direct', durable: null, siblingsMs: 0 };
const callers = new Map<string, AnswerCall>();

export function useRuntime(other: Runtime): void {
  runtime = other;
}

export function currentRuntime(): Runtime {
  return runtime;
}

/** Generated operations are fewer where each is a workflow. */
export function runs(direct: number): number {
  return runtime.execution === 'direct' ? direct : Math.max(1, Math.ceil(direct / 5));
}

/** Answers a caller's fetches from now on, whatever process part issues them. Returns how to end that. */
export function answerCallsOf(principal: string, answer: AnswerCall): () => void {
  callers.set(principal, answer);
  return () => void callers.delete(principal);
}

/** The fetcher of both runtimes. */
export function answerCall(call: ServiceCall): Promise<ServiceAnswer> {
  const answer = callers.get(call.auth.principal);
  if (answer === undefined) throw new Error(`nobody answers the calls of ${call.auth.principal}`);
  return answer(call);
}
