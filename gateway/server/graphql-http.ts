// POST and GET /graphql: a thin Node handler in front of Apollo Server, and of the event streams.
// Order: origin → identity → body → Apollo. An anonymous caller costs no parsing, a foreign page not even a look at its token.
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApolloServer } from '@apollo/server';
import { HeaderMap } from '@apollo/server';
import { z } from 'zod';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { GraphQLErrorJson } from '#schema/contracts/plan';
import type { VerifiedToken } from '#platform/identity/token-verifier';
import type { Logger } from '#platform/logger';
import type { Metrics } from '#platform/metrics';
import { type ForwardRules, pickHeaders } from '../fetching/forward-headers.js';
import type { Onward } from '../fetching/onward.js';
import { readTrace } from '../fetching/trace-context.js';
import type { HttpCall, HttpContext } from './apollo-server.js';
import type { Credentials } from './credentials.js';
import { toErrorJson, toPublicError } from './error-masking.js';
import type { GraphQLSse } from './graphql-sse.js';
import { assertKey } from './idempotency-key.js';
import type { IncrementalAnswers } from './incremental-answers.js';
import { bearerOf, readBody, sendAccepted, sendError } from './http-replies.js';
import type { LivePayload } from './live-operations.js';
import { assertShallow } from './nesting.js';
import type { OriginPolicy } from './origins.js';
import { asksForPreflight, isMultipart, type MultipartReader, type MultipartRequest, PREFLIGHT_HEADERS } from './multipart-request.js';
import { parsePrefer, toPreferenceApplied } from './prefer-header.js';
import type { DocumentRequest, TrustedDocuments } from './trusted-documents.js';

/** A plugin package of 2 MiB fits in base64. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;
const MAX_GET_CHARS = 8 * 1024;
/** Headers that a page may send. */
const PAGE_HEADERS = [
  'authorization',
  'content-type',
  'accept',
  'idempotency-key',
  'prefer',
  'traceparent',
  'tracestate',
  ...PREFLIGHT_HEADERS,
];
const PREFLIGHT_SECONDS = '600';

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface GraphQLHttpParts {
  server: ApolloServer<HttpContext>;
  sse: Pick<GraphQLSse, 'stream'>;
  incremental: IncrementalAnswers;
  trusted: TrustedDocuments;
  /** Headers that go on to services. */
  forward: ForwardRules;
  multipart: MultipartReader;
  credentials: Pick<Credentials, 'identify'>;
  origins: OriginPolicy;
  metrics: Metrics;
  log: Logger;
}

export function createGraphQLHttpHandler({
  server,
  sse,
  incremental,
  trusted,
  forward,
  multipart,
  credentials,
  origins,
  metrics,
  log,
}: GraphQLHttpParts): HttpHandler {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const token = bearerOf(request);
    const caller = await credentials.identify(token);
    const { auth } = caller;
    const left = new AbortController();
    // Each fetch of the operation listens.
    setMaxListeners(0, left.signal);
    response.once('close', () => {
      if (!response.writableFinished) left.abort();
    });
    const files = request.method === 'POST' && isMultipart(request) ? await readFiles(request, auth, left.signal) : null;
    let mayNeedFiles = false;
    try {
      const sent = files?.body ?? (request.method === 'POST' ? await readGraphQLBody(request) : null);
      assertShallow(sent, 'the body');
      mayNeedFiles = await run(request, response, { caller, token, sent, left });
    } finally {
      // Those that have become files stay.
      if (!mayNeedFiles) await files?.drop();
    }
  }

  /** @returns whether something that was started goes on when this has been answered */
  async function run(
    request: IncomingMessage,
    response: ServerResponse,
    { caller, token, sent, left }: { caller: VerifiedToken; token: string | null; sent: unknown; left: AbortController },
  ): Promise<boolean> {
    const { auth } = caller;
    const idempotencyKey = request.headers['idempotency-key'] ?? null;
    if (idempotencyKey !== null) assertKey(String(idempotencyKey));
    const onward: Onward = { trace: readTrace(request.headers), headers: pickHeaders(forward, request.headers) };
    const sentSearch = request.method === 'GET' ? readSearch(request) : '';

    if (wantsEvents(request)) {
      const isGet = request.method === 'GET';
      const payload = { ...toLivePayload(isGet ? fromSearch(sentSearch) : sent), isReadOnly: isGet };
      metrics.requests.inc({ transport: 'sse', outcome: 'answered' });
      await sse.stream(response, caller, token, payload, onward);
      return true;
    }
    const prefer = parsePrefer(headerOf(request, 'prefer'));
    const body = resolveBody(sent, auth);
    const search = resolveSearch(sentSearch, auth);
    if (wantsParts(request, body)) {
      metrics.requests.inc({ transport: 'http', outcome: 'answered' });
      await incremental.answer(response, auth, toLivePayload(body), { onward, prefer, signal: left.signal });
      return true;
    }

    const call: HttpCall = {
      auth,
      idempotencyKey: headerOf(request, 'idempotency-key'),
      onward,
      prefer,
      signal: left.signal,
      answer: undefined,
    };
    const result = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: request.method ?? '', headers: toHeaderMap(request), search, body },
      context: () => Promise.resolve({ call }),
    });
    const operation = call.answer?.operation;
    const applied = operation == null ? null : toPreferenceApplied(prefer, operation.path);
    if (call.answer?.isRunning === true && operation?.id != null) {
      metrics.requests.inc({ transport: 'http', outcome: 'answered' });
      sendAccepted(response, { id: operation.id, status: operation.status ?? 'WORKING' }, applied);
      return true;
    }
    if (operation?.id != null) result.headers.set('operation-id', operation.id);
    if (applied !== null) result.headers.set('preference-applied', applied);
    if (result.body.kind !== 'complete') throw new Error('an answer in parts was not asked for');
    metrics.requests.inc({ transport: 'http', outcome: toOutcome(result.status ?? 200) });
    response.writeHead(result.status ?? 200, {
      ...Object.fromEntries(result.headers),
      'cache-control': 'no-store',
      'content-length': Buffer.byteLength(result.body.string),
    });
    response.end(result.body.string);
    return operation != null && operation.path !== 'direct';
  }

  /** A page of another site can send a form with the caller's rights where those come by themselves; not a header that is asked for first. */
  async function readFiles(request: IncomingMessage, auth: AuthContext, signal: AbortSignal): Promise<MultipartRequest> {
    if (!asksForPreflight(request))
      throw new UnsupportedTypeError('multipart/form-data needs the header graphql-require-preflight, with any value');
    return multipart.read(request, auth, signal);
  }

  /** Apollo Server gets whole documents only: what it refuses, a body that is no object for one, holds none. */
  function resolveBody(body: unknown, auth: AuthContext): unknown {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
    const query = trusted.resolve(auth, body);
    return query === undefined || !namesDocument(body) ? body : { ...withoutId(body), query };
  }

  function resolveSearch(search: string, auth: AuthContext): string {
    if (search === '') return search;
    const given = fromSearch(search);
    const query = trusted.resolve(auth, given);
    if (query === undefined || !namesDocument(given)) return search;
    const resolved = new URLSearchParams(search);
    resolved.delete('documentId');
    resolved.delete('extensions');
    resolved.set('query', query);
    const { extensions } = withoutId(given);
    if (extensions !== undefined) resolved.set('extensions', JSON.stringify(extensions));
    return `?${resolved.toString()}`;
  }

  return async (request, response) => {
    if (!origins.allows(request))
      return refuse(request, response, toErrorJson('FORBIDDEN', 'pages of this origin may not call this server'));
    allowOrigin(request, response);
    if (request.method === 'OPTIONS') return answerPreflight(response, 'GET, POST', forward);
    try {
      await answer(request, response);
    } catch (error) {
      refuse(request, response, toPublicError(error, log), error instanceof UnsupportedTypeError ? 415 : undefined);
    }
  };

  function refuse(request: IncomingMessage, response: ServerResponse, error: GraphQLErrorJson, status?: number): void {
    metrics.requests.inc({ transport: 'http', outcome: 'refused' });
    if (response.headersSent || response.destroyed) return;
    // What is still coming of the body is not read: the connection ends with the answer.
    sendError(response, error, request.complete ? {} : { connection: 'close' }, status);
  }
}

/** @throws BAD_REQUEST, REQUEST_TOO_LARGE */
async function readGraphQLBody(request: IncomingMessage): Promise<unknown> {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  // Any other type is one that a page may send anywhere without a preflight.
  if (type !== 'application/json') throw new UnsupportedTypeError('expected the content type application/json');
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') throw new UnsupportedTypeError('expected the charset utf-8');
  if (request.headers['content-encoding'] !== undefined) throw new UnsupportedTypeError('expected a body without content encoding');
  const bytes = await readBody(request, MAX_BODY_BYTES);
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    // The parser's message quotes the body.
    throw new CodedError('BAD_REQUEST', 'the body is not JSON');
  }
}

class UnsupportedTypeError extends CodedError {
  constructor(message: string) {
    super('BAD_REQUEST', message);
  }
}

function readSearch(request: IncomingMessage): string {
  const url = request.url ?? '';
  const search = url.includes('?') ? url.slice(url.indexOf('?')) : '';
  if (search.length > MAX_GET_CHARS)
    throw new CodedError('REQUEST_TOO_LARGE', `expected a query string of at most ${MAX_GET_CHARS} characters; use POST`);
  return search;
}

/** A client that also takes JSON gets that: clients name event streams with every query, for those who like them. */
function wantsEvents({ method, headers: { accept = '' } }: IncomingMessage): boolean {
  return (method === 'POST' || method === 'GET') && /\btext\/event-stream\b/i.test(accept) && !/\bjson\b/i.test(accept);
}

/** Clients that can read parts name them with every query: only a document that asks for parts is worth them. */
function wantsParts({ headers: { accept = '' } }: IncomingMessage, body: unknown): boolean {
  if (!/\bmultipart\/mixed\b/i.test(accept)) return false;
  const query = (body as { query?: unknown } | null)?.query;
  return typeof query === 'string' && query.includes('@defer');
}

/** @throws BAD_REQUEST */
function fromSearch(search: string): DocumentRequest & Record<string, unknown> {
  const given = new URLSearchParams(search);
  const parameters: DocumentRequest & Record<string, unknown> = {
    query: given.get('query') ?? undefined,
    documentId: given.get('documentId'),
    operationName: given.get('operationName'),
  };
  for (const name of ['variables', 'extensions']) {
    const text = given.get(name);
    if (text === null) continue;
    try {
      parameters[name] = JSON.parse(text);
    } catch {
      throw new CodedError('BAD_REQUEST', `expected ${name} to be JSON`);
    }
    assertShallow(parameters[name], name);
  }
  return parameters;
}

function namesDocument({ documentId, extensions }: DocumentRequest): boolean {
  return typeof documentId === 'string' || (typeof extensions === 'object' && extensions !== null && 'persistedQuery' in extensions);
}

/** Apollo Server refuses a request that still has one. */
function withoutId<R extends DocumentRequest>({ documentId: _, extensions, ...request }: R): Omit<R, 'documentId'> {
  if (typeof extensions !== 'object' || extensions === null) return request as Omit<R, 'documentId'>;
  return { ...request, extensions: { ...extensions, persistedQuery: undefined } } as unknown as Omit<R, 'documentId'>;
}

const Payload = z.object({
  query: z.string().min(1).optional(),
  documentId: z.string().nullish(),
  operationName: z.string().nullish(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  extensions: z.record(z.string(), z.unknown()).nullish(),
});

function toLivePayload(body: unknown): LivePayload {
  const parsed = Payload.safeParse(body);
  if (parsed.success) return parsed.data;
  const at = parsed.error.issues[0]?.path.join('.');
  throw new CodedError('BAD_REQUEST', `expected a GraphQL request; '${at ?? 'query'}' is missing or of another type`);
}

/** What Apollo reads. Who accepts JSON or anything gets what Apollo answers when nothing is said, which costs it no negotiation. */
function toHeaderMap(request: IncomingMessage): HeaderMap {
  const map = new HeaderMap();
  const { accept, 'content-type': type } = request.headers;
  if (accept !== undefined && accept !== '*/*' && accept !== 'application/json') map.set('accept', accept);
  // What was in multipart/form-data is a GraphQL request like any other by now.
  if (type !== undefined) map.set('content-type', isMultipart(request) ? 'application/json' : type);
  return map;
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

export function allowOrigin(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('vary', 'Origin');
  if (request.headers.origin === undefined) return;
  response.setHeader('access-control-allow-origin', request.headers.origin);
  response.setHeader('access-control-expose-headers', 'Operation-Id, Retry-After, Location, Preference-Applied');
}

export function answerPreflight(response: ServerResponse, methods: string, forward: ForwardRules = new Map()): void {
  response
    .writeHead(204, {
      'access-control-allow-methods': methods,
      'access-control-allow-headers': [...PAGE_HEADERS, ...[...forward.values()].flat().filter((name) => name !== 'cookie')].join(', '),
      'access-control-max-age': PREFLIGHT_SECONDS,
    })
    .end();
}

function toOutcome(status: number): string {
  return status < 400 ? 'answered' : status < 500 ? 'refused' : 'failed';
}
