// /operations/{id} as JSON: what `operation(id:)` answers for this caller, so that the same rules hold; GET, and DELETE to cancel.
// A gateway over a foreign supergraph has no such field: there the run itself is described, for its owner.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getOperationAST, type GraphQLSchema, parse, validate } from 'graphql';
import { CodedError, ERROR_CODES, type ErrorCode, isErrorCode } from '#schema/contracts/errors';
import type { GraphQLErrorJson } from '#schema/contracts/plan';
import type { AuthContext } from '#schema/contracts/identity';
import type { Json, JsonObject } from '#schema/contracts/json';
import { mayBeRecovered, type OperationSnapshot, TERMINAL_STATUSES } from '#schema/contracts/operations';
import type { Logger } from '#platform/logger';
import type { Generations } from '../supergraph/generations.js';
import type { Credentials } from './credentials.js';
import type { DurablePort } from './durable-port.js';
import { toErrorJson, toPublicError } from './error-masking.js';
import type { OperationExecutor } from './execute-operation.js';
import type { HttpHandler } from './graphql-http.js';
import { bearerOf, notFound, RETRY_AFTER, sendError, sendJson } from './http-replies.js';
import type { OriginPolicy } from './origins.js';

const FIELDS = `id kind title status done progress { completed total unit }
  steps { id label status startedAt finishedAt attempt detail failure { code message retryable } undoes }
  compensation { status steps { id label status undoes } }
  result errors { code message retryable } recovery { id status } recovers { id } outcome createdAt updatedAt expiresAt cancellable cursor`;
const READ = parse(`query OperationResource($id: ID!) { operation(id: $id) { ${FIELDS} } }`);
const CANCEL = parse(
  `mutation CancelOperationResource($id: ID!) { cancelOperation(id: $id) { operation { ${FIELDS} } userErrors { code message retryable } } }`,
);
export interface OperationResourceParts {
  generations: Pick<Generations, 'current'>;
  operations: Pick<OperationExecutor, 'execute'>;
  durable: DurablePort | null;
  credentials: Pick<Credentials, 'identify'>;
  origins: OriginPolicy;
  log: Logger;
}

export function createOperationResource(parts: OperationResourceParts): HttpHandler {
  const { generations, operations, durable, credentials, origins, log } = parts;

  return async (request, response) => {
    response.setHeader('vary', 'Accept, Origin');
    response.setHeader('cache-control', 'no-store');
    if (!origins.allows(request)) return refuse(response, toErrorJson('FORBIDDEN', 'pages of this origin may not call this server'));
    if (request.headers.origin !== undefined) response.setHeader('access-control-allow-origin', request.headers.origin);
    if (request.method === 'OPTIONS') {
      const allowed = {
        'access-control-allow-methods': 'GET, DELETE',
        'access-control-allow-headers': 'authorization, accept',
        'access-control-max-age': '600',
      };
      return void response.writeHead(204, allowed).end();
    }
    try {
      await answer(request, response);
    } catch (error) {
      refuse(response, error instanceof FieldError ? error.shown : toPublicError(error, log));
    }
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { auth } = await credentials.identify(bearerOf(request));
    const id = decodeId((request.url ?? '').split('?', 1)[0]?.slice('/operations/'.length) ?? '');
    switch (request.method) {
      case 'GET':
      case 'HEAD': {
        const found = hasField('Query', 'operation') ? await readField(READ, id, auth) : await describe(id, auth);
        if (found === null) return notFound(response);
        return sendJson(response, 200, found, found['done'] === true ? {} : { 'retry-after': RETRY_AFTER });
      }
      case 'DELETE': {
        const cancelled = hasField('Mutation', 'cancelOperation') ? await readField(CANCEL, id, auth) : await cancel(id, auth);
        const [problem] = (cancelled?.['userErrors'] as { code: string; message: string }[] | undefined) ?? [];
        if (cancelled === null || problem?.code === 'NOT_FOUND') return notFound(response);
        if (problem !== undefined) throw new CodedError(isErrorCode(problem.code) ? problem.code : 'CONFLICT', problem.message);
        // Asked for, not done: the operation says when it has stopped.
        return sendJson(response, 202, cancelled['operation'], {
          location: `/operations/${encodeURIComponent(id)}`,
          'retry-after': RETRY_AFTER,
        });
      }
      default:
        return void response.writeHead(405, { allow: 'GET, HEAD, DELETE' }).end();
    }
  }

  function hasField(type: 'Query' | 'Mutation', field: string): boolean {
    const { schema } = generations.current();
    const root = type === 'Query' ? schema.getQueryType() : schema.getMutationType();
    return root?.getFields()[field] !== undefined && isAskable(schema, type === 'Query' ? READ : CANCEL);
  }

  async function readField(document: typeof READ, id: string, auth: AuthContext): Promise<JsonObject | null> {
    const { schema, generation } = generations.current();
    const operation = getOperationAST(document);
    if (operation == null) throw new Error('the document has one operation');
    const { response } = await operations.execute({
      schema,
      generation: generation.number,
      document,
      operation,
      variables: { id },
      auth,
      idempotencyKey: null,
      signal: new AbortController().signal,
    });
    const [found] = Object.values(response.data ?? {});
    const [error] = response.errors ?? [];
    if (error?.extensions.code === 'NOT_FOUND') return null;
    if (found == null && error !== undefined) throw new FieldError(error);
    return (found ?? null) as JsonObject | null;
  }

  async function describe(id: string, auth: AuthContext): Promise<JsonObject | null> {
    const snapshot = await durable?.describe(id);
    if (durable === null || snapshot === undefined || !isOwner(snapshot, auth)) return null;
    return toResource(snapshot, mayBeRecovered(snapshot.status) ? await durable.findRecovery(id) : undefined);
  }

  async function cancel(id: string, auth: AuthContext): Promise<JsonObject | null> {
    const snapshot = await durable?.describe(id);
    if (durable === null || snapshot === undefined || !isOwner(snapshot, auth)) return null;
    await durable.cancel(id, { reason: null, by: auth.principal });
    return { operation: toResource(snapshot), userErrors: [] };
  }
}

/** The field's own error, as its caller may see it. */
class FieldError extends Error {
  constructor(readonly shown: GraphQLErrorJson) {
    super(shown.message);
  }
}

/** Codes that elsewhere stand inside an answer only: this resource has no other place for them than its status. */
const STATUS_HERE: Partial<Record<ErrorCode, number>> = {
  BAD_USER_INPUT: 400,
  CURSOR_INVALID: 400,
  QUOTA_EXCEEDED: 403,
  PERMISSION_DENIED: 403,
  CREDENTIAL_EXPIRED: 401,
  SUBGRAPH_ERROR: 502,
  SUBGRAPH_BAD_ANSWER: 502,
  SUBGRAPH_ANSWER_TOO_LARGE: 502,
  INVALID_RESPONSE: 502,
  OUTCOME_UNKNOWN: 502,
};

/** What may succeed later is 503; what else has no status of its own failed here. */
export function statusOnResource(code: unknown): number {
  if (!isErrorCode(code)) return 502;
  const { http, retryable }: { http: number; retryable: boolean } = ERROR_CODES[code];
  return STATUS_HERE[code] ?? (http !== 200 ? http : retryable ? 503 : 500);
}

function refuse(response: ServerResponse, error: GraphQLErrorJson): void {
  const status = statusOnResource(error.extensions.code);
  const { retryAfterMs } = error.extensions;
  const seconds = typeof retryAfterMs === 'number' ? String(Math.max(1, Math.ceil(retryAfterMs / 1000))) : RETRY_AFTER;
  sendError(response, error, status === 503 ? { 'retry-after': seconds } : {}, status);
}

/** @throws BAD_REQUEST */
function decodeId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CodedError('BAD_REQUEST', 'the address holds a broken escape');
  }
}

const askable = new WeakMap<GraphQLSchema, Map<typeof READ, boolean>>();

/** A foreign supergraph may have an `operation` field of another meaning. */
function isAskable(schema: GraphQLSchema, document: typeof READ): boolean {
  const known = askable.get(schema) ?? new Map<typeof READ, boolean>();
  askable.set(schema, known);
  const answer = known.get(document) ?? validate(schema, document).length === 0;
  known.set(document, answer);
  return answer;
}

function isOwner({ facts }: OperationSnapshot, { principal, tenant, scopes }: AuthContext): boolean {
  if (scopes.includes('deployment:read')) return true;
  return facts.tenant === tenant && (facts.startedBy === principal || scopes.includes('tenants:write'));
}

function toResource(
  { id, facts, status, createdAt, closedAt, result, failure, outcome }: OperationSnapshot,
  recovery?: OperationSnapshot,
): { [key: string]: Json } {
  return {
    id,
    kind: facts.kind,
    title: facts.title,
    status,
    done: TERMINAL_STATUSES.includes(status),
    result,
    errors: failure === null ? [] : [{ ...failure }],
    recovery: recovery === undefined ? null : { id: recovery.id, status: recovery.status },
    recovers: facts.recovers === undefined ? null : { id: facts.recovers },
    outcome: outcome ?? null,
    createdAt,
    updatedAt: closedAt ?? createdAt,
  };
}
