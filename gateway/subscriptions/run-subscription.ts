// A federated subscription: the primary service's stream, and for each of its events the plan's rest over the other services.
// Each event is shaped as a query's answer would be.
// R1. A subscription stays on the generation that admitted it. When the supergraph changes, those that the new one could not admit
//     end with SUBSCRIPTION_OUTDATED after the events that have come; the others notice nothing.
import { setMaxListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DocumentNode } from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { JsonObject } from '#schema/contracts/json';
import { ALIAS_PREFIX, type ExecutablePlan, type GraphQLErrorJson, type GraphQLResponse } from '#schema/contracts/plan';
import { startExecution } from '../execution/start-execution.js';
import type { Onward } from '../fetching/onward.js';
import { beginTrace } from '../fetching/trace-context.js';
import type { ServiceFetcher } from '../fetching/service-fetcher.js';
import type { ServiceEvent, ServiceStream } from './service-stream.js';
import type { ServiceStreams } from './service-streams.js';

const REVIEWED_PER_TURN = 10;

export interface SubscriptionRequest {
  generation: number;
  /** For {@link SubscriptionRunner.review}. */
  document: DocumentNode;
  plan: ExecutablePlan;
  /** Coerced. */
  variables: JsonObject;
  auth: AuthContext;
  onward: Onward;
}

/** Not a generator: there `return` would wait for the event that `next` awaits. */
export interface SubscriptionStream {
  [Symbol.asyncIterator](): SubscriptionStream;
  next(): Promise<IteratorResult<GraphQLResponse, undefined>>;
  return(): Promise<IteratorResult<GraphQLResponse, undefined>>;
}

export interface SubscriptionRunner {
  /** @throws PLAN_FAILED and what {@link ServiceStreams.open} throws; the stream throws what the service's stream throws */
  run(request: SubscriptionRequest): Promise<SubscriptionStream>;
  /** Ends the running ones whose document `isValid` refuses (R1). Asks once for each document, a few in each turn of the event loop. */
  review(isValid: (document: DocumentNode) => boolean): Promise<void>;
}

export function createSubscriptionRunner(parts: {
  streams: Pick<ServiceStreams, 'open'>;
  fetcher: Pick<ServiceFetcher, 'fetch'>;
  fetchTimeoutMs: number;
  /** +1 when a stream opens, -1 when it ends. */
  onOpen?: (change: 1 | -1) => void;
}): SubscriptionRunner {
  const { streams, fetcher, fetchTimeoutMs, onOpen } = parts;

  const running = new Map<DocumentNode, Set<ServiceStream>>();

  function keep(document: DocumentNode, stream: ServiceStream): () => void {
    const streams = running.get(document) ?? new Set();
    running.set(document, streams.add(stream));
    onOpen?.(1);
    return () => {
      streams.delete(stream);
      if (streams.size === 0 && running.get(document) === streams) running.delete(document);
      onOpen?.(-1);
    };
  }

  async function complete(
    event: ServiceEvent,
    { plan, variables, generation, auth, onward }: SubscriptionRequest,
    signal: AbortSignal,
  ): Promise<GraphQLResponse> {
    const rootErrors = event.errors.map(withoutAliasPrefix);
    if (event.data === null) return { data: null, errors: rootErrors };
    const trace = onward.trace ?? beginTrace();
    const { answer } = startExecution({
      plan,
      variables,
      root: event.data,
      rootErrors,
      port: {
        fetch: (fetch) =>
          fetcher.fetch(
            {
              ...fetch,
              generation,
              auth,
              operationId: null,
              idempotencyKey: null,
              timeoutMs: fetch.policy?.timeoutMs ?? fetchTimeoutMs,
              trace,
            },
            signal,
            onward.headers,
          ),
      },
    });
    return (await answer).response;
  }

  return {
    async run(request) {
      const { plan, variables, auth, generation, document, onward } = request;
      const { primary } = plan;
      if (primary === null) throw new CodedError('PLAN_FAILED', 'no service can answer this subscription');
      const own = Object.fromEntries(
        primary.variables.flatMap((name) => (Object.hasOwn(variables, name) ? [[name, variables[name] ?? null]] : [])),
      );
      const { service, operation, operationName } = primary;
      const source = await streams.open({ generation, service, operation, operationName, variables: own, auth, headers: onward.headers });
      const left = new AbortController();
      // Each fetch of an event listens.
      setMaxListeners(0, left.signal);
      const forget = keep(document, source);
      const end = (): void => {
        if (left.signal.aborted) return;
        left.abort();
        forget();
      };

      const stream: SubscriptionStream = {
        [Symbol.asyncIterator]: () => stream,
        async next() {
          try {
            const event = await source.events.next();
            const answer = event.done === true ? undefined : await complete(event.value, request, left.signal);
            // Whoever left meanwhile gets nothing more.
            if (answer !== undefined && !left.signal.aborted) return { done: false, value: answer };
            end();
            return { done: true, value: undefined };
          } catch (error) {
            end();
            throw error;
          }
        },
        async return() {
          end();
          await source.events.return();
          return { done: true, value: undefined };
        },
      };
      return stream;
    },
    async review(isValid) {
      let asked = 0;
      for (const [document, streams] of [...running]) {
        if (!isValid(document)) {
          const error = new CodedError('SUBSCRIPTION_OUTDATED', 'the supergraph changed, and this subscription does not fit it any more');
          for (const stream of [...streams]) stream.fail(error);
        }
        if (++asked % REVIEWED_PER_TURN === 0) await nextTurn();
      }
    },
  };
}

function withoutAliasPrefix(error: GraphQLErrorJson): GraphQLErrorJson {
  if (error.path === undefined) return error;
  return {
    ...error,
    path: error.path.map((key) => (typeof key === 'string' && key.startsWith(ALIAS_PREFIX) ? key.slice(ALIAS_PREFIX.length) : key)),
  };
}
