// Subscriptions at services, over graphql-ws: one socket per service for all subscribers of this gateway, opened with the first and
// closed after the last. A socket that breaks ends its streams with an error: resuming is the subscriber's, who has the cursor.
import { type Client, createClient, type FormattedExecutionResult } from 'graphql-ws';
import { WebSocket, type ClientOptions as WebSocketOptions } from 'ws';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { JsonObject } from '#schema/contracts/json';
import type { GraphQLErrorJson } from '#schema/contracts/plan';
import { signServiceCall } from '#platform/identity/service-signature';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { toServiceErrors } from '../fetching/parse-answer.js';
import { type ServiceResolver, type ServiceTarget, toServiceFault } from '../fetching/service-fetcher.js';
import { createEventBuffer } from './event-buffer.js';

const IDLE_CLOSE_MS = 5_000;
const ACK_TIMEOUT_MS = 5_000;
const PING_MS = 10_000;
const MAX_EVENT_BYTES = 1024 * 1024;

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
  open(request: StreamRequest): Promise<AsyncIterableIterator<ServiceEvent> & { return(): Promise<IteratorResult<ServiceEvent>> }>;
  close(): Promise<void>;
}

/** Who opens the shared socket: the gateway itself. Each subscription on it is signed for its own caller. */
const GATEWAY: AuthContext = {
  principal: 'usr_gateway' as PrincipalId,
  tenant: 'ten_sluice' as TenantId,
  scopes: [],
  fingerprint: '0'.repeat(64),
};

export function createServiceStreams({
  resolve,
  keys,
  log,
}: {
  resolve: ServiceResolver;
  keys: Pick<KeyRing, 'service'>;
  log: Logger;
}): ServiceStreams {
  const sockets = new Map<string, { client: Client; streams: number }>();

  function openSocket(service: string, { url, signed }: ServiceTarget): { client: Client; streams: number } {
    const known = sockets.get(url.href);
    if (known !== undefined) return known;
    const path = url.pathname + url.search;
    const client = createClient({
      url: url.href.replace(/^http/, 'ws'),
      webSocketImpl: LimitedWebSocket,
      lazy: true,
      lazyCloseTimeout: IDLE_CLOSE_MS,
      connectionAckWaitTimeout: ACK_TIMEOUT_MS,
      keepAlive: PING_MS,
      retryAttempts: 0,
      shouldRetry: () => false,
      ...(signed
        ? {
            connectionParams: () => ({
              auth: signServiceCall(keys, { audience: service, method: 'CONNECT', path, body: '', auth: GATEWAY, operationId: null }),
            }),
          }
        : {}),
      on: { closed: () => forgetIdle(url.href) },
    });
    const opened = { client, streams: 0 };
    sockets.set(url.href, opened);
    return opened;
  }

  /** Addresses of removed plugins must not pile up. */
  function forgetIdle(href: string): void {
    if (sockets.get(href)?.streams === 0) sockets.delete(href);
  }

  return {
    async open({ generation, service, operation, operationName, variables, auth }) {
      const target = await resolve(generation, service);
      const path = target.url.pathname + target.url.search;
      const socket = openSocket(service, target);
      // The signature covers exactly what the service sees: no operation name, always variables.
      const body = JSON.stringify({ query: operation, variables });
      const extensions = target.signed
        ? { auth: signServiceCall(keys, { audience: service, method: 'SUBSCRIBE', path, body, auth, operationId: null }) }
        : undefined;
      socket.streams += 1;
      const buffer = createEventBuffer<ServiceEvent>(() => {
        socket.streams -= 1;
        // After this call stack: `unsubscribe` is not assigned yet when the source ends at once.
        queueMicrotask(() => unsubscribe());
      });
      const facts = { name: service, signed: target.signed };
      const unsubscribe = socket.client.subscribe<JsonObject>(
        { query: operation, variables, ...(target.signed ? {} : { operationName }), ...(extensions === undefined ? {} : { extensions }) },
        {
          next: (result) => {
            const event = toEvent(result, facts);
            if (event === undefined) buffer.fail(new StreamError([toServiceFault(service, 'SUBGRAPH_BAD_ANSWER')]));
            else buffer.push(event);
          },
          error: (error) => {
            const errors = Array.isArray(error) ? toServiceErrors(error, facts) : undefined;
            if (errors === undefined) log.warn({ service, closeCode: (error as { code?: unknown }).code }, 'service stream lost');
            buffer.fail(new StreamError(errors ?? [toServiceFault(service, 'SUBGRAPH_UNREACHABLE')]));
          },
          complete: () => buffer.end(),
        },
      );
      return buffer.events;
    },
    async close() {
      for (const { client } of sockets.values()) await client.dispose();
      sockets.clear();
    },
  };
}

class LimitedWebSocket extends WebSocket {
  constructor(address: string | URL, protocols?: string | string[]) {
    const options: WebSocketOptions = {
      maxPayload: MAX_EVENT_BYTES,
      perMessageDeflate: false,
      handshakeTimeout: ACK_TIMEOUT_MS,
      followRedirects: false,
    };
    super(address, protocols, options);
  }
}

function toEvent(
  { data, errors }: FormattedExecutionResult<JsonObject, unknown>,
  service: { name: string; signed: boolean },
): ServiceEvent | undefined {
  const found = errors === undefined ? [] : toServiceErrors(errors, service);
  if (found === undefined || (data !== undefined && (typeof data !== 'object' || Array.isArray(data)))) return undefined;
  return { data: data ?? null, errors: found };
}

/** For callers: what to end their subscription with. */
export function toStreamErrors(error: unknown): readonly GraphQLErrorJson[] | undefined {
  if (error instanceof StreamError) return error.errors;
  return error instanceof CodedError
    ? [{ message: error.message, extensions: { code: error.code, retryable: error.retryable } }]
    : undefined;
}
