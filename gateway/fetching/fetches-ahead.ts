// The first fetches of a query's run, sent while Temporal writes the run down, so that its services and the server are waited for together.
// B1. What came ahead answers the first activity of this process that asks for it, once; whatever else the run asks is sent.
// B2. No run depends on it. One that another process takes sends its fetches itself: of queries only, which may be sent twice.
// B3. A fetch ahead names no operation to its service: the operation has no id yet.
import type { ServiceCall } from '#schema/contracts/activities';
import type { ServiceHeaders } from '#schema/contracts/headers';
import { parseOperationId } from '#schema/contracts/ids';
import type { ServiceAnswer } from '#schema/contracts/plan';
import type { ServiceFetcher } from './service-fetcher.js';

/** A run that starts here takes what came ahead within milliseconds. */
const KEPT_MS = 5_000;

export interface FetchesAhead {
  /**
   * @param headers - as of the fetcher
   * @returns forgets what the run has not taken, which time does as well
   */
  send(workflowId: string, calls: readonly ServiceCall[], headers?: ServiceHeaders): () => void;
  /** For the workers of this process. */
  readonly fetcher: Pick<ServiceFetcher, 'fetch'>;
}

export function createFetchesAhead(fetcher: Pick<ServiceFetcher, 'fetch'>): FetchesAhead {
  const runs = new Map<string, Map<string, Promise<ServiceAnswer>>>();
  const toKey = ({ node, chunk }: ServiceCall): string => `${node}.${chunk}`;

  function take(call: ServiceCall): Promise<ServiceAnswer> | undefined {
    const run = runs.size === 0 || call.operationId === null ? undefined : parseOperationId(call.operationId);
    const answers = run && runs.get(run.workflowId);
    const answer = answers?.get(toKey(call));
    answers?.delete(toKey(call));
    return answer;
  }

  return {
    send(workflowId, calls, headers) {
      // Not ended with its caller: the run that is cancelled then should not hear of a cancelled fetch first.
      runs.set(workflowId, new Map(calls.map((call) => [toKey(call), fetcher.fetch(call, undefined, headers)])));
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
        return new Promise((resolve, reject) => {
          sent.then(resolve, reject);
          // Says that it was cancelled, and sends nothing.
          signal?.addEventListener('abort', () => resolve(fetcher.fetch(call, signal, headers)), { once: true });
        });
      },
    },
  };
}
