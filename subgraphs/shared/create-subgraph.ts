// A federated service over HTTP and graphql-ws: signed calls only, `_service` and `_entities` included, errors by code.
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createHash, randomUUID } from 'node:crypto';
import { buildSubgraphSchema } from '@apollo/subgraph';
import {
  type DocumentNode,
  execute,
  type FieldNode,
  type FormattedExecutionResult,
  getOperationAST,
  GraphQLError,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  Kind,
  parse,
  print,
  subscribe,
  validate,
} from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { CodedError, ERROR_CODES, errorCodeOf } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import {
  createServiceCallVerifier,
  SERVICE_SIGNATURE_HEADER,
  type ServiceCallVerifier,
  type ServiceClaims,
} from '#platform/identity/service-signature';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { toLogText } from '#platform/redact-secrets';
import { closeServer, createHttpServer, listen } from '#platform/http-server';
import { checkTexts } from './check-texts.js';
import { guardFields } from './guard-fields.js';

/** 500 representations, or a plugin package in base64, fit. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;
const MAX_WS_MESSAGE_BYTES = 256 * 1024;
const MAX_DOCUMENTS = 1_000;
export const GRAPHQL_PATH = '/graphql';

/** Who calls, and for what. */
export interface ServiceCallFacts {
  auth: AuthContext;
  operationId: string | null;
  /** Only mutations; the same on every retry. */
  idempotencyKey: string | null;
  /** Hex SHA-256 of what the call asks to be done: its root fields with arguments and variables; empty without a key. */
  requestHash: string;
  /** Of the mutation field that is resolved; empty elsewhere. */
  responseKey: string;
  /** Aborted when the caller leaves before its answer; undefined for a subscription. */
  signal?: AbortSignal;
}

export interface SubgraphOptions<Context extends Pick<ServiceCallFacts, 'auth'>> {
  /** Also the audience that calls must be signed for. */
  name: string;
  /** @default '/graphql' */
  path?: string;
  typeDefs: DocumentNode;
  resolvers: unknown;
  /** Called once for each request: the place for its DataLoaders. */
  createContext: (call: ServiceCallFacts) => Context;
  keys: Pick<KeyRing, 'service'>;
  log: Logger;
}

export interface Subgraph {
  name: string;
  handler: RequestListener;
  /** Of requests whose bodies may take longer than others. @default none */
  mayTakeLong?: (request: IncomingMessage) => boolean;
  /** Serves subscriptions on upgrades of `server`; @returns how to end them */
  attachSubscriptions(server: Server): () => Promise<void>;
}

export function createSubgraph<Context extends Pick<ServiceCallFacts, 'auth'>>({
  name,
  path: servedPath = GRAPHQL_PATH,
  typeDefs,
  resolvers,
  createContext,
  keys,
  log,
}: SubgraphOptions<Context>): Subgraph {
  const schema = buildSubgraphSchema([{ typeDefs, resolvers: withResponseKeys(resolvers) as never }]);
  checkTexts(schema);
  guardFields(schema);
  const verifier = createServiceCallVerifier({ keys, audience: name });
  const documents = createDocumentCache(schema);
  const format = createErrorFormat(log);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0];
    if (request.method === 'GET' && path === '/health/live') return send(response, 200, { status: 'ok' });
    if (request.method !== 'POST' || path !== servedPath)
      return sendServiceError(response, new CodedError('NOT_FOUND', `expected POST ${servedPath}`));
    const body = await readBody(request);
    const { headers } = request;
    const claims = verifier.verify(headerOf(request, SERVICE_SIGNATURE_HEADER), { method: 'POST', path: servedPath, body, headers });
    const { query, variables, operationName } = parseRequest(body);
    const { document, errors } = documents.read(query);
    if (document === undefined) return send(response, 200, { errors: errors.map(format) });
    const idempotencyKey = headerOf(request, 'idempotency-key') ?? null;
    const requestHash = idempotencyKey === null ? '' : hashRequest(document, operationName, variables);
    const caller = new AbortController();
    response.once('close', () => caller.abort());
    const result = await execute({
      schema,
      document,
      variableValues: variables,
      operationName,
      contextValue: createContext({ ...claims, idempotencyKey, requestHash, responseKey: '', signal: caller.signal }),
    });
    const found = result.errors?.map(format);
    const status = found?.some(({ extensions }) => extensions['code'] === 'IDEMPOTENCY_KEY_REUSED') === true ? 409 : 200;
    send(response, status, found === undefined ? result : { ...result, errors: found });
  }

  return {
    name,
    handler: (request, response) => {
      answer(request, response).catch((error: unknown) => {
        if (errorCodeOf(error) === undefined) log.error({ err: error, text: toLogText(error) }, 'service call failed');
        if (!response.headersSent) sendServiceError(response, error);
      });
    },
    attachSubscriptions: (server) => attachSubscriptions({ server, schema, verifier, documents, format, createContext }),
  };
}

function attachSubscriptions<Context extends object>(options: {
  server: Server;
  schema: GraphQLSchema;
  verifier: ServiceCallVerifier;
  documents: ReturnType<typeof createDocumentCache>;
  format: (error: GraphQLError) => GraphQLError;
  createContext: (call: ServiceCallFacts) => Context;
}): () => Promise<void> {
  const { server, schema, verifier, documents, format, createContext } = options;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_WS_MESSAGE_BYTES, perMessageDeflate: false });
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== GRAPHQL_PATH) return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit('connection', ws, request));
  });
  const serving = useServer(
    {
      execute: (args) => execute(args),
      subscribe: (args) => subscribe(args),
      onConnect: ({ connectionParams }) => isSigned(verifier, connectionParams?.['auth'], 'CONNECT', '') !== undefined,
      onSubscribe: (_, __, payload) => {
        const claims = isSigned(
          verifier,
          payload.extensions?.['auth'],
          'SUBSCRIBE',
          JSON.stringify({ query: payload.query, variables: payload.variables ?? {} }),
        );
        if (claims === undefined) return [new GraphQLError('a signed call is required', { extensions: { code: 'SERVICE_CALL_REFUSED' } })];
        const { document, errors } = documents.read(payload.query);
        if (document === undefined) return errors;
        return {
          schema,
          document,
          variableValues: payload.variables ?? {},
          contextValue: createContext({ ...claims, idempotencyKey: null, requestHash: '', responseKey: '' }),
        };
      },
      onNext: (_, __, ___, ____, result) =>
        result.errors === undefined ? undefined : ({ ...result, errors: result.errors.map(format) } as FormattedExecutionResult),
      onError: (_, __, ___, errors) => errors.map((error) => format(error).toJSON()),
    },
    sockets,
  );
  return async () => {
    await serving.dispose();
    sockets.close();
  };
}

function isSigned(verifier: ServiceCallVerifier, header: unknown, method: string, body: string): ServiceClaims | undefined {
  try {
    return verifier.verify(typeof header === 'string' ? header : undefined, { method, path: GRAPHQL_PATH, body });
  } catch (error) {
    if (errorCodeOf(error) === 'SERVICE_CALL_REFUSED') return undefined;
    throw error;
  }
}

export interface RunningSubgraph {
  /** Without a trailing slash; the service answers at `/graphql`. */
  url: string;
  /** Later calls wait for the same end. */
  close(): Promise<void>;
}

/** @throws PORT_TAKEN */
export async function serveSubgraph(subgraph: Subgraph, at: { host: string; port: number }): Promise<RunningSubgraph> {
  const server = createHttpServer(subgraph.handler, { mayTakeLong: subgraph.mayTakeLong });
  const endSubscriptions = subgraph.attachSubscriptions(server);
  const url = await listen(server, { ...at, name: `subgraph ${subgraph.name}` });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await endSubscriptions();
    await closeServer(server, 5_000);
  };
  return { url, close: () => (closing ??= close()) };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new CodedError('REQUEST_TOO_LARGE', `expected a body of at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseRequest(body: Buffer): { query: string; variables: Record<string, unknown>; operationName: string | null } {
  try {
    const { query, variables, operationName } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
    if (typeof query === 'string')
      return { query, variables: (variables ?? {}) as Record<string, unknown>, operationName: (operationName ?? null) as string | null };
  } catch {
    // Falls through: what came is not JSON.
  }
  throw new CodedError('BAD_REQUEST', 'expected JSON with a query');
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

/**
 * Answers a call that did not get as far as GraphQL.
 *
 * @param otherwise - status for codes that elsewhere stand inside a GraphQL answer. @default 200
 */
export function sendServiceError(response: ServerResponse, error: unknown, otherwise = 200): void {
  const code = errorCodeOf(error) ?? 'INTERNAL_SERVER_ERROR';
  const message = error instanceof CodedError ? error.message : 'Internal error';
  const { http } = ERROR_CODES[code];
  send(response, http === 200 ? otherwise : http, { errors: [{ message, extensions: { code } }] });
}

/** What is selected below the root fields changes no effect: it may differ between repeats. */
function hashRequest(document: DocumentNode, operationName: string | null, variables: Record<string, unknown>): string {
  const selections = getOperationAST(document, operationName)?.selectionSet.selections ?? [];
  const effects = selections.map((selection) =>
    print(selection.kind === Kind.FIELD ? { kind: Kind.FIELD, ...pick(selection) } : selection),
  );
  return createHash('sha256')
    .update(JSON.stringify([effects, variables]))
    .digest('hex');
}

function pick({ alias, name, arguments: given = [], directives = [] }: FieldNode): Omit<FieldNode, 'kind'> {
  return { ...(alias === undefined ? {} : { alias }), name, arguments: given, directives };
}

type MutationResolver = (parent: unknown, args: unknown, context: object, info: GraphQLResolveInfo) => unknown;

/** Tells each mutation resolver which field of the call it answers: one call may select a field twice. */
function withResponseKeys(resolvers: unknown): unknown {
  const { Mutation, ...others } = resolvers as { Mutation?: Record<string, MutationResolver> };
  if (Mutation === undefined) return resolvers;
  const told = Object.entries(Mutation).map(([name, resolve]): [string, MutationResolver] => [
    name,
    (parent, args, context, info) => resolve(parent, args, { ...context, responseKey: String(info.path.key) }, info),
  ]);
  return { ...others, Mutation: Object.fromEntries(told) };
}

/** Parsed and validated documents; the gateway sends few different ones. */
function createDocumentCache(schema: GraphQLSchema) {
  const known = new Map<string, { document: DocumentNode | undefined; errors: readonly GraphQLError[] }>();
  return {
    read(text: string): { document: DocumentNode | undefined; errors: readonly GraphQLError[] } {
      const found = known.get(text);
      if (found !== undefined) return found;
      const entry = check(schema, text);
      if (known.size >= MAX_DOCUMENTS) known.delete(known.keys().next().value as string);
      known.set(text, entry);
      return entry;
    },
  };
}

function check(schema: GraphQLSchema, text: string): { document: DocumentNode | undefined; errors: readonly GraphQLError[] } {
  try {
    const document = parse(text, { maxTokens: 20_000 });
    const errors = validate(schema, document);
    return errors.length === 0 ? { document, errors } : { document: undefined, errors };
  } catch (error) {
    if (error instanceof GraphQLError) return { document: undefined, errors: [error] };
    throw error;
  }
}

/** Errors with a code are for callers; everything else is logged here and becomes "Internal error" with a reference. */
function createErrorFormat(log: Logger): (error: GraphQLError) => GraphQLError {
  return (error) => {
    // graphql-js wraps what a scalar threw once for each level of an input object.
    let originalError: Error | null | undefined = error.originalError;
    while (originalError instanceof GraphQLError) originalError = originalError.originalError;
    const code = errorCodeOf(originalError) ?? errorCodeOf(error.extensions);
    const options = { nodes: null, path: error.path ?? null };
    if (code !== undefined)
      return new GraphQLError(error.message, {
        ...options,
        extensions: { code, ...(originalError instanceof CodedError ? originalError.details : {}) },
      });
    // graphql-js itself refused a document, a variable or an argument.
    if (originalError === undefined || originalError === null)
      return new GraphQLError(error.message, { ...options, extensions: { code: 'BAD_USER_INPUT' } });
    if (isDatabaseAway(originalError))
      return new GraphQLError(ERROR_CODES.DATABASE_UNAVAILABLE.meaning, { ...options, extensions: { code: 'DATABASE_UNAVAILABLE' } });
    const reference = randomUUID();
    log.error({ err: originalError, reference, text: toLogText(originalError), path: error.path?.join('.') }, 'resolver failed');
    return new GraphQLError('Internal error', { ...options, extensions: { code: 'INTERNAL_SERVER_ERROR', reference } });
  };
}

/** Connection exceptions, a server that shuts down or starts, and sockets that broke: PostgreSQL's classes 08 and 57P, Node's codes (ENOENT: the embedded one's). */
const DATABASE_AWAY = /^(08...|57P0[123]|ECONN(REFUSED|RESET)|EPIPE|ENOENT)$/;
const BROKEN_CONNECTION = /^(Connection terminated|timeout exceeded when trying to connect)/;

function isDatabaseAway(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code } = at as { code?: unknown };
    if ((typeof code === 'string' && DATABASE_AWAY.test(code)) || BROKEN_CONNECTION.test(at.message)) return true;
  }
  return false;
}
