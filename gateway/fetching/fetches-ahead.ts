// The first fetches of a query's run, sent while Temporal writes the run down, so that its services and the server are waited for together.
// B1. An answer that came ahead is that of the run's first attempt, once; whatever else the run asks is sent.
// B2. No run depends on it. One that another process takes sends its fetches itself: of queries only, which may be sent twice.
// B3. A fetch ahead names no operation to its service: the operation has no id yet.
import type { ServiceCall } from '#schema/contracts/activities';
import { parseOperationId } from '#schema/contracts/ids';
import type { ServiceAnswer } from '#schema/contracts/plan';
import type { ServiceFetcher } from './service-fetcher.js';

/** A run that starts here takes what came ahead within milliseconds. */
const KEPT_MS = 5_000;

export interface FetchesAhead {
  /** @returns forgets what the run has not taken, which time does as well */
  send(workflowId: string, calls: readonly ServiceCall[], ...how: How): () => void;
  /** For the workers of this process. */
  readonly fetcher: Pick<ServiceFetcher, 'fetch'>;
}

type How = Parameters<ServiceFetcher['fetch']> extends [ServiceCall, ...infer Rest] ? Rest : never;

export function createFetchesAhead(fetcher: Pick<ServiceFetcher, 'fetch'>): FetchesAhead {
  const runs = new Map<string, Map<string, Promise<ServiceAnswer>>>();
  const toKey = ({ node, chunk }: ServiceCall): string => `${node}.${chunk}`;

  function take(call: ServiceCall): Promise<ServiceAnswer> | undefined {
    const run = call.operationId === null ? undefined : parseOperationId(call.operationId);
    const answers = run && runs.get(run.workflowId);
    const answer = answers?.get(toKey(call));
    answers?.delete(toKey(call));
    return answer;
  }

  return {
    send(workflowId, calls, ...how) {
      runs.set(workflowId, new Map(calls.map((call) => [toKey(call), fetcher.fetch(call, ...how)])));
      const forget = (): void => {
        clearTimeout(timer);
        runs.delete(workflowId);
      };
      const timer = setTimeout(forget, KEPT_MS).unref();
      return forget;
    },

    fetcher: {
      fetch(call, signal, headers) {
        const sent = take(call);
        if (sent === undefined || signal?.aborted === true) return fetcher.fetch(call, signal, headers);
        return new Promise((resolve) => {
          void sent.then(resolve);
          // Says that it was cancelled, and sends nothing.
          signal?.addEventListener('abort', () => resolve(fetcher.fetch(call, signal, headers)), { once: true });
        });
      },
    },
  };
}
