// Subscriptions at services: graphql-ws where the service takes the upgrade, else server-sent events; equal ones share a stream.
// A stream that breaks ends with an error: resuming is the subscriber's, who has the cursor.
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { JsonObject } from '#schema/contracts/json';
import type { GraphQLErrorJson } from '#schema/contracts/plan';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { toServiceErrors } from '../fetching/parse-answer.js';
import { type ServiceResolver, type ServiceTarget, toServiceFault } from '../fetching/service-fetcher.js';
import type { EventBuffer } from './event-buffer.js';
import { createServiceSockets } from './service-sockets.js';
import { openEventStream } from './service-event-stream.js';
import { createStreamSharing } from './share-streams.js';

/** How long a service that refused the upgrade is asked by server-sent events at once. */
const NO_SOCKETS_MS = 60_000;

export interface StreamRequest {
  generation: number;
  service: string;
  operation: string;
  operationName: string | null;
  variables: JsonObject;
  auth: AuthContext;
}

export interface ServiceEvent {
  data: JsonObject | null;
  errors: readonly GraphQLErrorJson[];
}

/** Where a stream's events go. After `end` or `fail` nothing more comes. */
export type StreamSink = Pick<EventBuffer<ServiceEvent>, 'push' | 'end' | 'fail'>;

/** What a subscriber gets; `fail` ends it from this side, after what is buffered. */
export type ServiceStream = Pick<EventBuffer<ServiceEvent>, 'events' | 'fail'>;

/** One subscription as a transport needs it. */
export interface StreamCall extends Omit<StreamRequest, 'generation'> {
  target: ServiceTarget;
}

/** The service refused the subscription or ended it with errors; clean for callers. */
export class StreamError extends Error {
  constructor(readonly errors: readonly GraphQLErrorJson[]) {
    super('the service ended the subscription');
  }
}

export interface ServiceStreams {
  /**
   * Ends with the service's stream. Throws {@link StreamError} when the service ends it with errors or is lost
   * (SUBGRAPH_UNREACHABLE), CodedError SUBSCRIPTION_OVERFLOW. Leaving the iterator unsubscribes.
   *
   * @throws as {@link ServiceResolver}
   */
  open(request: StreamRequest): Promise<ServiceStream>;
  close(): Promise<void>;
}

export function createServiceStreams({
  resolve,
  keys,
  log,
  onShared,
}: {
  resolve: ServiceResolver;
  keys: Pick<KeyRing, 'service'>;
  log: Logger;
  /** Called for each subscriber that needed no stream of its own. */
  onShared?: () => void;
}): ServiceStreams {
  const sockets = createServiceSockets({ keys, log });
  const sharing = createStreamSharing(onShared);
  /** Addresses that refused the upgrade, and when they may be asked for it again. */
  const withoutSockets = new Map<string, number>();

  function open(call: StreamCall, sink: StreamSink): () => void {
    const { href } = call.target.url;
    // Our own services speak graphql-ws, and only there is a subscription signed.
    const mayFallBack = !call.target.signed;
    if (mayFallBack && Date.now() < (withoutSockets.get(href) ?? 0)) return openEventStream(call, sink);
    let leave = sockets.subscribe(call, sink, () => {
      if (!mayFallBack) return false;
      withoutSockets.delete(href);
      withoutSockets.set(href, Date.now() + NO_SOCKETS_MS);
      for (const [known, untilMs] of withoutSockets) if (untilMs < Date.now()) withoutSockets.delete(known);
      leave = openEventStream(call, sink);
      return true;
    });
    return () => leave();
  }

  return {
    async open({ generation, ...request }) {
      const call: StreamCall = { ...request, target: await resolve(generation, request.service) };
      return sharing.join(toKey(call), (sink) => open(call, sink));
    },
    close: () => sockets.close(),
  };
}

/** Everything that the service can see of a subscription. */
function toKey({ target, operation, variables, auth: { principal, tenant, scopes } }: StreamCall): string {
  return JSON.stringify([target.url.href, operation, variables, principal, tenant, [...scopes].sort()]);
}

/** A message of a service, checked. Undefined when it is no GraphQL result. */
export function toServiceEvent(result: unknown, service: { name: string; signed: boolean }): ServiceEvent | undefined {
  if (!isRecord(result)) return undefined;
  const { data = null, errors } = result;
  const found = errors === undefined ? [] : toServiceErrors(errors, service);
  if (found === undefined || (data !== null && !isRecord(data))) return undefined;
  return { data: data as JsonObject | null, errors: found };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function toStreamFault(service: string, code: 'SUBGRAPH_UNREACHABLE' | 'SUBGRAPH_BAD_ANSWER'): StreamError {
  return new StreamError([toServiceFault(service, code)]);
}

/** For callers: what to end their subscription with. */
export function toStreamErrors(error: unknown): readonly GraphQLErrorJson[] | undefined {
  if (error instanceof StreamError) return error.errors;
  return error instanceof CodedError
    ? [{ message: error.message, extensions: { code: error.code, retryable: error.retryable } }]
    : undefined;
}
