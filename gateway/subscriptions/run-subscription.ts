// A federated subscription: the primary service's stream, and for each of its events the plan's rest over the other services.
// It stays on the generation that admitted it; each event is shaped as a query's answer would be.
import { setMaxListeners } from 'node:events';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { JsonObject } from '#schema/contracts/json';
import { ALIAS_PREFIX, type ExecutablePlan, type GraphQLErrorJson, type GraphQLResponse } from '#schema/contracts/plan';
import { startExecution } from '../execution/start-execution.js';
import type { ServiceFetcher } from '../fetching/service-fetcher.js';
import type { ServiceEvent, ServiceStreams } from './service-streams.js';

export interface SubscriptionRequest {
  generation: number;
  plan: ExecutablePlan;
  /** Coerced. */
  variables: JsonObject;
  auth: AuthContext;
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
}

export function createSubscriptionRunner(parts: {
  streams: Pick<ServiceStreams, 'open'>;
  fetcher: Pick<ServiceFetcher, 'fetch'>;
  fetchTimeoutMs: number;
  /** +1 when a stream opens, -1 when it ends. */
  onOpen?: (change: 1 | -1) => void;
}): SubscriptionRunner {
  const { streams, fetcher, fetchTimeoutMs, onOpen } = parts;

  async function complete(
    event: ServiceEvent,
    { plan, variables, generation, auth }: SubscriptionRequest,
    signal: AbortSignal,
  ): Promise<GraphQLResponse> {
    const rootErrors = event.errors.map(withoutAliasPrefix);
    if (event.data === null) return { data: null, errors: rootErrors };
    const { answer } = startExecution({
      plan,
      variables,
      root: event.data,
      rootErrors,
      port: {
        fetch: (fetch) =>
          fetcher.fetch({ ...fetch, generation, auth, operationId: null, idempotencyKey: null, timeoutMs: fetchTimeoutMs }, signal),
      },
    });
    return (await answer).response;
  }

  return {
    async run(request) {
      const { plan, variables, auth, generation } = request;
      const { primary } = plan;
      if (primary === null) throw new CodedError('PLAN_FAILED', 'no service can answer this subscription');
      const own = Object.fromEntries(
        primary.variables.flatMap((name) => (Object.hasOwn(variables, name) ? [[name, variables[name] ?? null]] : [])),
      );
      const { service, operation, operationName } = primary;
      const source = await streams.open({ generation, service, operation, operationName, variables: own, auth });
      const left = new AbortController();
      // Each fetch of an event listens.
      setMaxListeners(0, left.signal);
      onOpen?.(1);
      const end = (): void => {
        if (left.signal.aborted) return;
        left.abort();
        onOpen?.(-1);
      };

      const stream: SubscriptionStream = {
        [Symbol.asyncIterator]: () => stream,
        async next() {
          try {
            const event = await source.next();
            if (event.done !== true) return { done: false, value: await complete(event.value, request, left.signal) };
            end();
            return { done: true, value: undefined };
          } catch (error) {
            end();
            throw error;
          }
        },
        async return() {
          end();
          await source.return();
          return { done: true, value: undefined };
        },
      };
      return stream;
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
