// graphql-ws on /graphql: the same door as HTTP with the same rules.
// Owns: sockets, identity for their whole life, limits a socket.  Does not own: the protocol (graphql-ws), execution.
// W1. A socket whose token expires, or whose caller loses its standing, is closed with 4403: clients then come with a fresh token.
// W2. At shutdown sockets are closed with 1012, on which clients come back by themselves.
// W3. An operation sees the generation that stood when its `subscribe` message came.
import { setMaxListeners } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ExecutionArgs, getOperationAST, type GraphQLError, type GraphQLFormattedError, OperationTypeNode } from 'graphql';
import { CloseCode, handleProtocols, makeServer, type SubscribePayload } from 'graphql-ws';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { GraphQLErrorJson, GraphQLResponse } from '#schema/contracts/plan';
import type { VerifiedToken } from '#platform/identity/token-verifier';
import type { Logger } from '#platform/logger';
import type { Metrics } from '#platform/metrics';
import { toStreamErrors } from '../subscriptions/service-streams.js';
import type { SubscriptionRunner, SubscriptionStream } from '../subscriptions/run-subscription.js';
import type { Generations } from '../supergraph/generations.js';
import { noSuchOperation, toExtension } from './apollo-server.js';
import type { Credentials } from './credentials.js';
import type { DocumentChecker } from './check-document.js';
import { asksForSchema } from './document-rules.js';
import { hideSchema, PublicError, toErrorJson, toGraphQLErrors, toPublicError } from './error-masking.js';
import type { OperationExecutor, OperationRequest, PreparedOperation } from './execute-operation.js';
import type { OriginPolicy } from './origins.js';

const MAX_MESSAGE_BYTES = 64 * 1024;
const MAX_OPERATIONS = 50;
const MAX_SOCKETS = 10_000;
const PING_MS = 12_000;
const JUDGE_AGAIN_MS = 60_000;
const CLOSE_WAIT_MS = 2_000;
/** RFC 6455: the service restarts; clients come back. */
const SERVICE_RESTART = 1012;

export interface GraphQLWs {
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Closes every socket with 1012 and waits for at most 2 s. */
  close(): Promise<void>;
}

export interface GraphQLWsParts {
  generations: Pick<Generations, 'current'>;
  documents: DocumentChecker;
  operations: OperationExecutor;
  subscriptions: SubscriptionRunner;
  credentials: Pick<Credentials, 'identify'>;
  origins: OriginPolicy;
  metrics: Metrics;
  log: Logger;
}

/** What is known of one socket; graphql-ws hands it to every hook. */
interface Visit extends Record<PropertyKey, unknown> {
  socket: WebSocket;
  caller: VerifiedToken | undefined;
  /** Aborts when the socket is gone. */
  gone: AbortController;
}

type WsOperation = Omit<OperationRequest, 'signal'> & { prepared: PreparedOperation | null };

export function createGraphQLWs({
  generations,
  documents,
  operations,
  subscriptions,
  credentials,
  origins,
  metrics,
  log,
}: GraphQLWsParts): GraphQLWs {
  const server = makeServer<Record<string, unknown>, Visit>({
    async onConnect({ connectionParams, extra }) {
      const token = connectionParams?.['token'];
      const isIn = await admit(extra, typeof token === 'string' ? token : null);
      if (!isIn) metrics.requests.inc({ transport: 'ws', outcome: 'refused' });
      return isIn;
    },
    async onSubscribe({ extra, subscriptions: running }, _id, payload) {
      try {
        if (extra.caller === undefined) throw new CodedError('UNAUTHENTICATED', 'the socket has no caller');
        if (Object.keys(running).length > MAX_OPERATIONS)
          throw new CodedError('QUOTA_EXCEEDED', `a socket may have ${MAX_OPERATIONS} operations at once`);
        return await prepareOperation(extra.caller.auth, payload);
      } catch (error) {
        return toGraphQLErrors([toPublicError(error, log)]);
      }
    },
    execute: (args) => executeOperation(args.contextValue as WsOperation & { gone: AbortSignal }) as never,
    subscribe: (args) => subscribe(args.contextValue as WsOperation) as never,
    // Results are clean JSON already; the library would look for GraphQLError objects in them.
    onNext: ({ extra }, _id, _payload, _args, result) => forCaller(result as unknown as GraphQLResponse, extra.caller?.auth),
    onError: ({ extra }, _id, _payload, errors) => {
      metrics.requests.inc({ transport: 'ws', outcome: 'refused' });
      return errors.map((error) => toFormatted(error)).map((error) => (mayReadSchema(extra.caller?.auth) ? error : hideSchema(error)));
    },
    context: ({ extra }, _id, _payload, args) => ({ ...(args.contextValue as WsOperation), gone: extra.gone.signal }),
  });

  async function admit(visit: Visit, token: string | null): Promise<boolean> {
    try {
      visit.caller = await credentials.identify(token);
    } catch (error) {
      if (errorCodeOf(error) === 'UNAUTHENTICATED') return false;
      throw error;
    }
    const waitMs = Math.max(0, Math.min(JUDGE_AGAIN_MS, visit.caller.expiresAtMs - Date.now()));
    const again = setTimeout(() => {
      admit(visit, token).then(
        (isIn) => !isIn && visit.socket.close(CloseCode.Forbidden, 'Forbidden'),
        (error: unknown) => log.error({ err: error }, 'a socket could not be judged again'),
      );
    }, waitMs);
    visit.gone.signal.addEventListener('abort', () => clearTimeout(again), { once: true });
    return true;
  }

  async function prepareOperation(auth: AuthContext, payload: SubscribePayload): Promise<ExecutionArgs | readonly GraphQLError[]> {
    const { schema, generation } = generations.current();
    const checked = documents.check(schema, payload.query);
    if ('errors' in checked) return checked.errors;
    const { document } = checked;
    if (asksForSchema(document) && !mayReadSchema(auth)) throw new CodedError('FORBIDDEN', "introspection needs the scope 'schema:read'");
    const operation = getOperationAST(document, payload.operationName);
    if (operation == null) return toGraphQLErrors([noSuchOperation(payload.operationName)]);
    const key = payload.extensions?.['idempotencyKey'];
    const variables = payload.variables ?? {};
    const request = {
      schema,
      generation: generation.number,
      document,
      operation,
      variables,
      auth,
      idempotencyKey: typeof key === 'string' && key !== '' ? key : null,
    };
    const args = { schema, document, operationName: payload.operationName ?? null, variableValues: variables };
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION)
      return { ...args, contextValue: { ...request, prepared: null } satisfies WsOperation };
    const prepared = await operations.prepare(request);
    return 'errors' in prepared
      ? toGraphQLErrors(prepared.errors)
      : { ...args, contextValue: { ...request, prepared } satisfies WsOperation };
  }

  async function executeOperation({ gone, ...request }: WsOperation & { gone: AbortSignal }): Promise<object> {
    const { response, operation } = await operations.execute({ ...request, signal: gone });
    metrics.requests.inc({ transport: 'ws', outcome: 'answered' });
    return { ...response, ...(operation === null ? {} : { extensions: { operation: toExtension(operation) } }) };
  }

  function subscribe({ prepared, generation, auth }: WsOperation): SubscriptionStream {
    if (prepared === null) throw new Error('only subscriptions are subscribed to');
    metrics.requests.inc({ transport: 'ws', outcome: 'answered' });
    return withPublicErrors(() => subscriptions.run({ ...prepared, generation, auth }));
  }

  /** The stream's errors become the subscription's `error` message. */
  function withPublicErrors(open: () => Promise<SubscriptionStream>): SubscriptionStream {
    const opening = open();
    opening.catch(() => undefined);
    const translate = (error: unknown): never => {
      const [first, ...others] = toStreamErrors(error) ?? [toPublicError(error, log)];
      throw new PublicError(first?.message ?? 'the subscription ended', {
        extensions: { ...first?.extensions, ...(others.length === 0 ? {} : { others: others.length }) },
      });
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => opening.then((stream) => stream.next()).catch(translate),
      return: async () => {
        await opening.then((stream) => stream.return()).catch(() => undefined);
        return { done: true, value: undefined };
      },
    };
  }

  function welcome(socket: WebSocket): void {
    const visit: Visit = { socket, caller: undefined, gone: new AbortController() };
    // Each fetch of each operation listens.
    setMaxListeners(0, visit.gone.signal);
    metrics.webSockets.inc();
    let isAlive = true;
    const ping = setInterval(() => {
      if (!isAlive) return socket.terminate();
      isAlive = false;
      socket.ping();
    }, PING_MS);
    socket.on('pong', () => (isAlive = true));
    // A broken frame or one over the limit: ws closes by itself, with 1002 or 1009.
    socket.on('error', (error) => log.debug({ err: error }, 'socket broke'));

    const closed = server.opened(
      {
        protocol: socket.protocol,
        // Resolves when the bytes are handed over, so that a slow client slows its streams and nothing piles up.
        send: (data) => new Promise((resolve) => (socket.readyState === socket.OPEN ? socket.send(data, () => resolve()) : resolve())),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (take) =>
          socket.on('message', (data: RawData) => {
            take(String(data as Buffer)).catch((error: unknown) => {
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
      if (request.url?.split('?', 1)[0] !== '/graphql') return refuse(socket, '404 Not Found');
      if (!origins.allows(request)) return refuse(socket, '403 Forbidden');
      if (isClosing || sockets.clients.size >= MAX_SOCKETS) return refuse(socket, '503 Service Unavailable');
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

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function mayReadSchema(auth: AuthContext | undefined): boolean {
  return auth?.scopes.includes('schema:read') ?? false;
}

function forCaller(result: GraphQLResponse, auth: AuthContext | undefined): GraphQLResponse {
  if (result.errors === undefined || mayReadSchema(auth)) return result;
  return { ...result, errors: result.errors.map((error) => hideSchema(error) as GraphQLErrorJson) };
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
