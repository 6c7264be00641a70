// graphql-ws on /graphql: the same door as HTTP with the same rules.
// Owns: sockets, identity for their whole life, limits a socket.  Does not own: the protocol (graphql-ws), operations (live-operations.ts).
// W1. A socket whose token expires, or whose caller loses its standing, is closed with 4403: clients then come with a fresh token.
// W2. At shutdown sockets are closed with 1012, on which clients come back by themselves.
// W3. A client that reads too slowly slows its own streams, whose buffers are bounded; past its backlog it is closed with 4413.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type GraphQLError, type GraphQLFormattedError, GraphQLSchema } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { type ErrorCode, errorCodeOf } from '#schema/contracts/errors';
import type { ServiceHeaders } from '#schema/contracts/headers';
import type { VerifiedToken } from '#platform/identity/token-verifier';
import type { Logger } from '#platform/logger';
import type { Metrics } from '#platform/metrics';
import { type ForwardRules, pickHeaders } from '../fetching/forward-headers.js';
import type { ClientConnections } from './client-connections.js';
import type { Credentials } from './credentials.js';
import { toErrorJson, toGraphQLErrors } from './error-masking.js';
import type { HostPolicy } from './hosts.js';
import { keepJudging } from './keep-judging.js';
import type { LiveOperation, LiveOperations } from './live-operations.js';
import type { OriginPolicy } from './origins.js';

const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_OPERATIONS = 50;
const MAX_SOCKETS = 10_000;
const PING_MS = 12_000;
const CLOSE_WAIT_MS = 2_000;
/** RFC 6455: the service restarts; clients come back. */
const SERVICE_RESTART = 1012;
/** RFC 6455 registry: overloaded; clients come back after a while. */
const TRY_AGAIN_LATER = 1013;
/** Ours: the client reads too slowly; clients come back, with their cursors. */
const TOO_SLOW = 4413;
/** Waiting to be written to one socket; an answer of the largest kind is a third of it. */
const MAX_BACKLOG_BYTES = 16 * 1024 * 1024;
const NO_SCHEMA = new GraphQLSchema({});

export interface GraphQLWs {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every socket with 1012 and waits for at most 2 s. */
  close(): Promise<void>;
}

export interface GraphQLWsParts {
  live: LiveOperations;
  connections: ClientConnections;
  credentials: Pick<Credentials, 'identify' | 'watchRevocations'>;
  /** Headers that go on to services. */
  forward: ForwardRules;
  hosts: HostPolicy;
  origins: OriginPolicy;
  metrics: Metrics;
  log: Logger;
}

/** What is known of one socket; graphql-ws hands it to every hook. */
interface Visit extends Record<PropertyKey, unknown> {
  socket: WebSocket;
  caller: VerifiedToken | undefined;
  /** Of the handshake, that go on to services. */
  headers: ServiceHeaders | undefined;
  /** Aborts when the socket is gone. */
  gone: AbortController;
}

export function createGraphQLWs({ live, connections, credentials, forward, hosts, origins, metrics, log }: GraphQLWsParts): GraphQLWs {
  const server = makeServer<Record<string, unknown>, Visit>({
    async onConnect({ connectionParams, extra }) {
      const token = connectionParams?.['token'];
      const isIn = (await admit(extra, typeof token === 'string' ? token : null)) && hasRoom(extra);
      if (!isIn) metrics.requests.inc({ transport: 'ws', outcome: 'refused' });
      return isIn;
    },
    async onSubscribe({ extra, subscriptions: running }, _id, payload) {
      if (extra.caller === undefined) return refuse('UNAUTHENTICATED', 'the socket has no caller');
      if (Object.keys(running).length > MAX_OPERATIONS)
        return refuse('QUOTA_EXCEEDED', `a socket may have ${MAX_OPERATIONS} operations at once`);
      const operation = await live.read(extra.caller.auth, payload, { headers: extra.headers });
      if ('errors' in operation) return operation.errors;
      const { document } = operation;
      // The library only asks the document which operation it is; a schema would be held as long as the subscription.
      return { schema: NO_SCHEMA, document, operationName: payload.operationName ?? null, contextValue: operation };
    },
    execute: (args) => open(args.contextValue as LiveOperation),
    subscribe: (args) => open(args.contextValue as LiveOperation),
    // Results are clean JSON already; the library would look for GraphQLError objects in them.
    onNext: (_context, _id, _payload, _args, result) => result as never,
    onError: (_context, _id, _payload, errors) => {
      metrics.requests.inc({ transport: 'ws', outcome: 'refused' });
      return errors.map((error) => toFormatted(error));
    },
  });

  /** A query too is a stream, of one result: `complete` of the client then ends it while it runs. */
  function open(operation: LiveOperation): never {
    metrics.requests.inc({ transport: 'ws', outcome: 'answered' });
    return operation.open() as never;
  }

  async function admit(visit: Visit, token: string | null): Promise<boolean> {
    let caller: VerifiedToken;
    try {
      caller = await credentials.identify(token);
    } catch (error) {
      if (errorCodeOf(error) === 'UNAUTHENTICATED') return false;
      throw error;
    }
    visit.caller = caller;
    const stop = keepJudging({
      credentials,
      token,
      caller,
      onJudged: (judged) => (visit.caller = judged),
      onLost: () => visit.socket.close(CloseCode.Forbidden, 'Forbidden'),
      log,
    });
    onGone(visit, stop);
    return true;
  }

  function hasRoom(visit: Visit): boolean {
    const { caller, socket } = visit;
    const leave = caller === undefined ? undefined : connections.enter(caller.auth);
    if (leave === undefined) {
      socket.close(TRY_AGAIN_LATER, 'Too many connections');
      return false;
    }
    onGone(visit, leave);
    return true;
  }

  /** Resolves when the bytes are handed over, so that a slow client slows its streams; one that is too slow is let go. */
  function send(socket: WebSocket, data: string): Promise<void> {
    return new Promise((resolve) => {
      if (socket.readyState !== socket.OPEN) return resolve();
      if (socket.bufferedAmount > MAX_BACKLOG_BYTES) {
        letGo(socket);
        return resolve();
      }
      socket.send(data, () => resolve());
    });
  }

  function letGo(socket: WebSocket): void {
    log.info({ bytes: socket.bufferedAmount }, 'socket let go: its client does not read');
    socket.close(TOO_SLOW, 'Too slow');
    // Behind the backlog the closing frame may never leave.
    setTimeout(() => socket.terminate(), CLOSE_WAIT_MS).unref();
  }

  function welcome(socket: WebSocket, handshake: IncomingMessage): void {
    const visit: Visit = { socket, caller: undefined, headers: pickHeaders(forward, handshake.headers), gone: new AbortController() };
    metrics.webSockets.inc();
    let isAlive = true;
    const ping = setInterval(() => {
      // A pong behind a backlog is late because the client does not read.
      if (!isAlive) return socket.bufferedAmount > 0 ? letGo(socket) : socket.terminate();
      isAlive = false;
      socket.ping();
    }, PING_MS);
    socket.on('pong', () => (isAlive = true));
    // A broken frame or one over the limit: ws closes by itself, with 1002 or 1009.
    socket.on('error', (error) => log.debug({ err: error }, 'socket broke'));

    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (data) => send(socket, data),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (take) =>
          socket.on('message', (data: RawData) => {
            take(String(data as Buffer)).catch((error: unknown) => {
              // A message that only servers send is the client's mistake; the library throws on it.
              if (/^Unexpected message of type \w+ received$/.test((error as Error).message))
                return socket.close(CloseCode.BadRequest, 'Unexpected message');
              log.error({ err: error }, 'socket message failed');
              socket.close(CloseCode.InternalServerError, 'Internal server error');
            });
          }),
      },
      visit,
    );
    socket.once('close', (code, reason) => {
      clearInterval(ping);
      visit.gone.abort();
      metrics.webSockets.dec();
      closed(code, String(reason)).catch((error: unknown) => log.error({ err: error }, 'socket could not be cleaned up'));
    });
  }

  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });
  let isClosing = false;

  return {
    handleUpgrade(request, socket, head) {
      socket.on('error', () => socket.destroy());
      if (request.url?.split('?', 1)[0] !== '/graphql') return turnAway(socket, '404 Not Found');
      if (!hosts.allows(request)) return turnAway(socket, '421 Misdirected Request');
      if (!origins.allows(request)) return turnAway(socket, '403 Forbidden');
      if (isClosing || sockets.clients.size >= MAX_SOCKETS) return turnAway(socket, '503 Service Unavailable');
      sockets.handleUpgrade(request, socket, head, welcome);
    },
    async close() {
      isClosing = true;
      const open = [...sockets.clients];
      const closed = open.map((socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())));
      for (const socket of open) socket.close(SERVICE_RESTART, 'Service restart');
      const cut = setTimeout(() => open.forEach((socket) => socket.terminate()), CLOSE_WAIT_MS);
      await Promise.all(closed);
      clearTimeout(cut);
      sockets.close();
    },
  };
}

function onGone({ gone }: Visit, run: () => void): void {
  if (gone.signal.aborted) run();
  else gone.signal.addEventListener('abort', run, { once: true });
}

function refuse(code: ErrorCode, message: string): readonly GraphQLError[] {
  return toGraphQLErrors([toErrorJson(code, message)]);
}

function turnAway(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function toFormatted(error: Pick<GraphQLError, 'toJSON'>): GraphQLFormattedError {
  const { message, locations, path, extensions } = error.toJSON();
  return {
    message,
    ...(locations === undefined ? {} : { locations }),
    ...(path === undefined ? {} : { path }),
    extensions: extensions ?? toErrorJson('INTERNAL_SERVER_ERROR', '').extensions,
  };
}
