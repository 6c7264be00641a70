// Operations over connections that stay open (graphql-ws, server-sent events): read once, then one stream of results, whatever their kind.
// L1. An operation sees the generation that stood when it was read.
// L2. Leaving the stream ends what runs for it: a subscription at its service, a query in flight; never a mutation.
// L3. What leaves here is clean for its caller.
import { setMaxListeners } from 'node:events';
import { type DocumentNode, getOperationAST, type GraphQLError, OperationTypeNode } from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { GraphQLErrorJson, GraphQLResponse } from '#schema/contracts/plan';
import type { Logger } from '#platform/logger';
import type { Onward } from '../fetching/onward.js';
import { createEventBuffer, type EventIterator } from '../subscriptions/event-buffer.js';
import type { SubscriptionRunner } from '../subscriptions/run-subscription.js';
import { toStreamErrors } from '../subscriptions/service-stream.js';
import type { Generations } from '../supergraph/generations.js';
import { noSuchOperation, toExtensions } from './apollo-server.js';
import type { DocumentChecker } from './check-document.js';
import { asksForSchema } from './document-rules.js';
import { hideSchema, PublicError, toGraphQLErrors, toPublicError } from './error-masking.js';
import type { OperationExecutor } from './execute-operation.js';
import { assertKey } from './idempotency-key.js';
import { assertShallow } from './nesting.js';
import type { OperationRequest } from './operation-request.js';
import { wantsPlan } from './plan-report.js';
import type { TrustedDocuments } from './trusted-documents.js';

/** A GraphQL request as a message carries it; other fields are ignored. */
export interface LivePayload {
  /** Absent or empty where a trusted document is named in its place. */
  query?: string | undefined;
  documentId?: unknown;
  operationName?: string | null | undefined;
  variables?: Record<string, unknown> | null | undefined;
  extensions?: Record<string, unknown> | null | undefined;
  /** Came by GET. @default false */
  isReadOnly?: boolean;
}

export interface LiveOperation {
  document: DocumentNode;
  /** Starts it. The stream throws {@link PublicError} when it ends before its time. */
  open(): EventIterator<object>;
}

export interface LiveOperations {
  /** Never rejects. Errors are clean for their caller. */
  read(auth: AuthContext, payload: LivePayload, onward: Onward): Promise<LiveOperation | { errors: readonly GraphQLError[] }>;
}

export interface LiveOperationsParts {
  generations: Pick<Generations, 'current'>;
  documents: DocumentChecker;
  trusted: TrustedDocuments;
  operations: OperationExecutor;
  subscriptions: Pick<SubscriptionRunner, 'run'>;
  log: Logger;
}

export function createLiveOperations({
  generations,
  documents,
  trusted,
  operations,
  subscriptions,
  log,
}: LiveOperationsParts): LiveOperations {
  async function read(
    auth: AuthContext,
    payload: LivePayload,
    onward: Onward,
  ): Promise<LiveOperation | { errors: readonly GraphQLError[] }> {
    assertShallow(payload.variables, 'variables');
    assertShallow(payload.extensions, 'extensions');
    const text = trusted.resolve(auth, payload);
    if (text === undefined) throw new CodedError('BAD_REQUEST', 'expected a query, or the id of a trusted document');
    const { schema, generation } = generations.current();
    const checked = documents.check(schema, text);
    if ('errors' in checked) return checked;
    const { document } = checked;
    if (asksForSchema(document) && !mayReadSchema(auth)) throw new CodedError('FORBIDDEN', "introspection needs the scope 'schema:read'");
    const operation = getOperationAST(document, payload.operationName);
    if (operation == null) return { errors: toGraphQLErrors([noSuchOperation(payload.operationName)]) };
    // Any page can have a browser send a GET.
    if (payload.isReadOnly === true && operation.operation === OperationTypeNode.MUTATION)
      throw new CodedError('BAD_REQUEST', 'mutations are not run by GET; use POST');
    const key = payload.extensions?.['idempotencyKey'] ?? null;
    if (key !== null && typeof key !== 'string') throw new CodedError('BAD_REQUEST', 'extensions.idempotencyKey: expected a string');
    if (key !== null) assertKey(key);
    const request = {
      schema,
      generation: generation.number,
      document,
      operation,
      variables: payload.variables ?? {},
      auth,
      idempotencyKey: key,
      onward,
      showsPlan: wantsPlan(payload.extensions, auth),
    };
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION) return { document, open: () => runOnce(request) };
    const prepared = await operations.prepare(request);
    if ('errors' in prepared) return { errors: toGraphQLErrors(prepared.errors) };
    // Holds no schema: a subscription lives long, its generation's schema need not.
    const { plan, variables } = prepared;
    const subscription = { document, plan, variables, auth, onward, generation: generation.number };
    return { document, open: () => subscribe(() => subscriptions.run(subscription), auth) };
  }

  /** One result, and no more once it is left. */
  function runOnce(request: Omit<OperationRequest, 'signal'>): EventIterator<object> {
    const left = new AbortController();
    // Each fetch of the operation listens.
    setMaxListeners(0, left.signal);
    const { push, end, fail, events } = createEventBuffer<object>(() => left.abort());
    operations.execute({ ...request, signal: left.signal }).then((answer) => {
      push({ ...forCaller(answer.response, request.auth), ...toExtensions(answer) });
      end();
    }, fail);
    return events;
  }

  function subscribe(open: () => ReturnType<SubscriptionRunner['run']>, auth: AuthContext): EventIterator<object> {
    const opening = open();
    opening.catch(() => undefined);
    const stream: EventIterator<object> = {
      [Symbol.asyncIterator]: () => stream,
      async next() {
        try {
          const result = await (await opening).next();
          return result.done === true ? result : { done: false, value: forCaller(result.value, auth) };
        } catch (error) {
          throw toPublicEnd(error);
        }
      },
      async return() {
        await opening.then((opened) => opened.return()).catch(() => undefined);
        return { done: true, value: undefined };
      },
    };
    return stream;
  }

  function toPublicEnd(error: unknown): PublicError {
    const [first, ...others] = toStreamErrors(error) ?? [toPublicError(error, log)];
    return new PublicError(first?.message ?? 'the subscription ended', {
      extensions: { ...first?.extensions, ...(others.length === 0 ? {} : { others: others.length }) },
    });
  }

  return {
    async read(auth, payload, onward) {
      try {
        const found = await read(auth, payload, onward);
        return 'errors' in found && !mayReadSchema(auth) ? { errors: toGraphQLErrors(found.errors.map(toHidden)) } : found;
      } catch (error) {
        return { errors: toGraphQLErrors([toPublicError(error, log)]) };
      }
    },
  };
}

function toHidden(error: GraphQLError): GraphQLErrorJson {
  return hideSchema(error.toJSON()) as GraphQLErrorJson;
}

function mayReadSchema(auth: AuthContext): boolean {
  return auth.scopes.includes('schema:read');
}

function forCaller<R extends Partial<GraphQLResponse>>(result: R, auth: AuthContext): R {
  if (result.errors === undefined || mayReadSchema(auth)) return result;
  return { ...result, errors: result.errors.map((error) => hideSchema(error) as GraphQLErrorJson) };
}
