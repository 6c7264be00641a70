// Subscriptions at services: graphql-ws where the service takes the upgrade, else server-sent events; equal ones share a stream.
// A stream that breaks ends with an error: resuming is the subscriber's, who has the cursor.
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { headersFor } from '../fetching/forward-headers.js';
import type { ServiceResolver } from '../fetching/service-fetcher.js';
import { openEventStream } from './service-event-stream.js';
import { createServiceSockets } from './service-sockets.js';
import type { ServiceStream, StreamCall, StreamRequest, StreamSink } from './service-stream.js';
import { createStreamSharing } from './share-streams.js';

/** How long a service that refused the upgrade is asked by server-sent events at once. */
const NO_SOCKETS_MS = 60_000;

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
  onEvent,
}: {
  resolve: ServiceResolver;
  keys: Pick<KeyRing, 'service'>;
  log: Logger;
  /** Called for each subscriber that needed no stream of its own. */
  onShared?: () => void;
  /** Called before an event of a service reaches its subscribers. */
  onEvent?: () => void;
}): ServiceStreams {
  const sockets = createServiceSockets({ keys, log });
  const sharing = createStreamSharing(onShared);
  /** Addresses that refused the upgrade, and when they may be asked for it again. */
  const withoutSockets = new Map<string, number>();

  function open(call: StreamCall, sink: StreamSink): () => void {
    const { href } = call.target.url;
    // Our own services speak graphql-ws, and only there is a subscription signed.
    const mayFallBack = !call.target.signed;
    if (mayFallBack && Date.now() < (withoutSockets.get(href) ?? 0)) return openEventStream(call, sink, log);
    let leave = sockets.subscribe(call, sink, () => {
      if (!mayFallBack) return false;
      withoutSockets.delete(href);
      withoutSockets.set(href, Date.now() + NO_SOCKETS_MS);
      for (const [known, untilMs] of withoutSockets) if (untilMs < Date.now()) withoutSockets.delete(known);
      leave = openEventStream(call, sink, log);
      return true;
    });
    return () => leave();
  }

  return {
    async open({ generation, headers, ...request }) {
      const target = await resolve(generation, request.service);
      const call: StreamCall = { ...request, target, headers: target.signed ? {} : headersFor(request.service, headers) };
      return sharing.join(toKey(call), (sink) =>
        open(call, {
          ...sink,
          push(event, bytes) {
            onEvent?.();
            sink.push(event, bytes);
          },
        }),
      );
    },
    close: () => sockets.close(),
  };
}

/** Everything that the service can see of a subscription. */
function toKey({ target, headers, operation, variables, auth: { principal, tenant, scopes } }: StreamCall): string {
  return JSON.stringify([target.url.href, operation, variables, principal, tenant, [...scopes].sort(), headers]);
}
