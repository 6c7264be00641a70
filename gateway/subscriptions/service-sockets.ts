// One graphql-ws socket to each service for all subscribers of this gateway, opened with the first and closed after the last. Those
// whose own headers go on to it, by the handshake, share one with those of the same headers.
import { type Client, createClient } from 'graphql-ws';
import { WebSocket, type ClientOptions as WebSocketOptions } from 'ws';
import type { AuthContext } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { JsonObject } from '#schema/contracts/json';
import { signServiceCall } from '#platform/identity/service-signature';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { readAnswer, toServiceErrors } from '../fetching/parse-answer.js';
import { toServiceFacts } from '../fetching/service-error.js';
import { MAX_EVENT_BYTES, StreamError, type StreamCall, type StreamSink, toStreamFault } from './service-stream.js';

const IDLE_CLOSE_MS = 5_000;
const ACK_TIMEOUT_MS = 5_000;
const PING_MS = 10_000;

export interface ServiceSockets {
  /**
   * @param onRefused - called in place of a failure when the service does not take WebSockets at this address; true: somebody else
   *   serves the sink from now on
   * @returns how to leave
   */
  subscribe(call: StreamCall, sink: StreamSink, onRefused: () => boolean): () => void;
  close(): Promise<void>;
}

interface Socket {
  client: Client;
  streams: number;
  /** Of the message that is being handed on. */
  messageBytes: number;
  /** The last attempt met an HTTP answer or another protocol. */
  wasRefused: boolean;
}

/** Who opens the shared socket: the gateway itself. Each subscription on it is signed for its own caller. */
const GATEWAY: AuthContext = {
  principal: 'usr_gateway' as PrincipalId,
  tenant: 'ten_sluice' as TenantId,
  scopes: [],
  fingerprint: '0'.repeat(64),
};

export function createServiceSockets({ keys, log }: { keys: Pick<KeyRing, 'service'>; log: Logger }): ServiceSockets {
  const sockets = new Map<string, Socket>();

  function openSocket({ service, target: { url, signed }, headers }: StreamCall): Socket {
    const key = JSON.stringify([url.href, headers]);
    const known = sockets.get(key);
    if (known !== undefined) return known;
    const path = url.pathname + url.search;
    const client = createClient({
      url: url.href.replace(/^http/, 'ws'),
      webSocketImpl: watchedWebSocket(
        headers,
        (bytes) => (opened.messageBytes = bytes),
        (wasRefused) => (opened.wasRefused = wasRefused),
      ),
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
      on: { closed: () => forgetIdle(key) },
    });
    const opened: Socket = { client, streams: 0, messageBytes: 0, wasRefused: false };
    sockets.set(key, opened);
    return opened;
  }

  /** Addresses of removed plugins, and headers of callers who left, must not pile up. */
  function forgetIdle(key: string): void {
    if (sockets.get(key)?.streams === 0) sockets.delete(key);
  }

  return {
    subscribe(call, sink, onRefused) {
      const { service, target, operation, operationName, variables, auth } = call;
      const { signed, url } = target;
      const socket = openSocket(call);
      // The signature covers exactly what the service sees: no operation name, always variables.
      const body = JSON.stringify({ query: operation, variables });
      const path = url.pathname + url.search;
      const extensions = signed
        ? { auth: signServiceCall(keys, { audience: service, method: 'SUBSCRIBE', path, body, auth, operationId: null }) }
        : undefined;
      const facts = toServiceFacts(service, target, log);
      let isOver = false;
      const finish = (tell: () => void): void => {
        if (isOver) return;
        isOver = true;
        socket.streams -= 1;
        tell();
      };
      socket.streams += 1;
      const unsubscribe = socket.client.subscribe<JsonObject>(
        { query: operation, variables, ...(signed ? {} : { operationName }), ...(extensions === undefined ? {} : { extensions }) },
        {
          next: (result) => {
            if (isOver) return;
            const event = readAnswer(result, facts);
            if (event !== undefined) return sink.push(event, socket.messageBytes);
            finish(() => sink.fail(toStreamFault(service, 'SUBGRAPH_BAD_ANSWER')));
            queueMicrotask(() => unsubscribe());
          },
          error: (error) =>
            finish(() => {
              const errors = Array.isArray(error) ? toServiceErrors(error, facts) : undefined;
              if (errors === undefined) {
                if (socket.wasRefused && onRefused()) return;
                log.warn({ service, closeCode: (error as { code?: unknown }).code }, 'service stream lost');
              }
              sink.fail(errors === undefined ? toStreamFault(service, 'SUBGRAPH_UNREACHABLE') : new StreamError(errors));
            }),
          complete: () => finish(() => sink.end()),
        },
      );
      return () => finish(unsubscribe);
    },
    async close() {
      for (const { client } of sockets.values()) await client.dispose();
      sockets.clear();
    },
  };
}

/** With limits, and with what graphql-ws does not tell: the size of a message, and whether a failed start was a refusal. */
function watchedWebSocket(
  headers: Readonly<Record<string, string>>,
  onMessageBytes: (bytes: number) => void,
  onStart: (wasRefused: boolean) => void,
): unknown {
  return class extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      const options: WebSocketOptions = {
        maxPayload: MAX_EVENT_BYTES,
        perMessageDeflate: false,
        handshakeTimeout: ACK_TIMEOUT_MS,
        followRedirects: false,
        headers,
      };
      super(address, protocols, options);
      onStart(false);
      this.on('message', (data: Buffer) => onMessageBytes(data.length));
      this.on('error', ({ message }) => onStart(/^(Unexpected server response|Server sent)/.test(message)));
    }
  };
}
