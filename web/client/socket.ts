// One WebSocket to the gateway, shared by every subscription of a client, and what is known about it.
// Owns: reconnecting for ever, noticing a dead peer, the connection state.  Does not own: what is subscribed.
// The library's defaults give up at the first refused reconnect, hence each setting below.
import { createClient, type Client } from 'graphql-ws/client';
import { backoff } from './backoff.js';
import { type Readable, createWritable } from './readable.js';

const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
const RETRY = { minMs: 250, maxMs: 4_000 };
/** An unused socket stays open this long, so that a change of page does not reconnect. */
const KEEP_UNUSED_MS = 5_000;

export interface Connection {
  /** `offline`: the browser has no network. `failed`: the gateway refused us for good; only `reconnect()` tries again. */
  readonly state: 'idle' | 'connecting' | 'open' | 'reconnecting' | 'offline' | 'failed';
  /** Epoch ms of the last change of `state`. */
  readonly since: number;
  /** Failed tries in a row. */
  readonly attempt: number;
  /** Of the last ping, ms. */
  readonly latencyMs: number | undefined;
  /** Of the last close that was not ours, e.g. 4403 when the credential has expired. */
  readonly closeCode: number | undefined;
}

export const IDLE_CONNECTION: Connection = { state: 'idle', since: 0, attempt: 0, latencyMs: undefined, closeCode: undefined };

export interface SocketOptions {
  /** `ws:` or `wss:`. */
  url: string;
  /** Read at every connect, so that a renewed token is used. */
  connectionParams?: (() => Record<string, unknown>) | undefined;
  /** For environments without a global `WebSocket` (Node 20). */
  webSocketImpl?: unknown;
}

export interface OperationSocket {
  readonly connection: Readable<Connection>;
  /**
   * The payload is serialised at every (re)send: a getter in `variables` is read again after a reconnect.
   * `sink.error` gets a list of GraphQL errors, or what closed the socket for good.
   */
  readonly subscribe: Client['subscribe'];
  /** Drops the socket; running subscriptions continue on a new one. */
  readonly reconnect: () => void;
  /** Ends subscriptions and socket. */
  readonly close: () => Promise<void>;
}

export function createOperationSocket(options: SocketOptions): OperationSocket {
  const connection = createWritable(IDLE_CONNECTION);
  const listening = new AbortController();
  let pingSentAt = 0;
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  let attempt = 0;

  function change(state: Connection['state'], facts: Partial<Connection> = {}): void {
    const before = connection.get();
    connection.set({ ...before, ...facts, attempt, state, since: before.state === state ? before.since : Date.now() });
  }
  const waiting = (): Connection['state'] => (isOffline() ? 'offline' : 'reconnecting');

  const client = createClient({
    url: options.url,
    lazy: true,
    lazyCloseTimeout: KEEP_UNUSED_MS,
    keepAlive: PING_EVERY_MS,
    connectionAckWaitTimeout: 10_000,
    retryAttempts: Infinity,
    // A refused connect reaches us as an error event without a code, which the default takes as final.
    shouldRetry: () => true,
    retryWait: (retries) => backoff(retries, RETRY),
    ...(options.connectionParams === undefined ? {} : { connectionParams: options.connectionParams }),
    ...(options.webSocketImpl === undefined ? {} : { webSocketImpl: options.webSocketImpl }),
    on: {
      connecting: (isRetry) => change(isRetry ? waiting() : 'connecting'),
      connected: () => {
        attempt = 0;
        change('open', { closeCode: undefined });
      },
      ping: (received) => {
        if (received) return;
        pingSentAt = Date.now();
        pongTimer = setTimeout(() => client.terminate(), PONG_WITHIN_MS);
      },
      pong: (received) => {
        if (!received) return;
        clearTimeout(pongTimer);
        change('open', { latencyMs: Date.now() - pingSentAt });
      },
      closed: (event) => {
        clearTimeout(pongTimer);
        const code = closeCodeOf(event);
        if (code === 1000) return change('idle');
        attempt += 1;
        change(isFatal(code) ? 'failed' : waiting(), { closeCode: code });
      },
    },
  });

  if (typeof window !== 'undefined') {
    const { signal } = listening;
    window.addEventListener('offline', () => connection.get().state === 'reconnecting' && change('offline'), { signal });
    window.addEventListener('online', () => connection.get().state === 'offline' && change('reconnecting'), { signal });
  }

  return {
    connection,
    subscribe: (payload, sink) => client.subscribe(payload, sink),
    reconnect: () => client.terminate(),
    async close() {
      listening.abort();
      clearTimeout(pongTimer);
      await client.dispose();
    },
  };
}

function isOffline(): boolean {
  return typeof navigator !== 'undefined' && navigator.onLine === false;
}

function closeCodeOf(event: unknown): number | undefined {
  const code = (event as { code?: unknown } | null)?.code;
  return typeof code === 'number' ? code : undefined;
}

/** The closes after which graphql-ws never retries, whatever `shouldRetry` says. */
function isFatal(code: number | undefined): boolean {
  if (code === undefined) return false;
  if (code >= 1000 && code <= 1999) return ![1000, 1001, 1005, 1006, 1012, 1013, 1014].includes(code);
  return [4004, 4005, 4400, 4401, 4406, 4409, 4429, 4500].includes(code);
}
