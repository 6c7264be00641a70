// Apollo Server for the GraphQL over HTTP part: parsing, validation, plugins, content negotiation. Execution is ours.
import { ApolloServer, type ApolloServerOptions, type ApolloServerPlugin, type GraphQLRequestListener, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { OperationTypeNode } from 'graphql';
import type { AuthContext } from '#schema/contracts/identity';
import type { Logger } from '#platform/logger';
import type { Onward } from '../fetching/onward.js';
import type { Generations } from '../supergraph/generations.js';
import { type GatewayExecutor, SluiceGateway } from '../supergraph/sluice-gateway.js';
import { asksForSchema, createDocumentRules, type DocumentLimits, MAX_VALIDATION_ERRORS } from './document-rules.js';
import { createErrorFormat, hideSchema, PublicError, statusOf, toErrorJson, toGraphQLErrors } from './error-masking.js';
import type { OperationExecutor } from './execute-operation.js';
import type { OperationAnswer } from './operation-request.js';
import { wantsPlan } from './plan-report.js';
import type { Preference } from './prefer-header.js';

const RETRY_AFTER_SECONDS = '5';

/** One HTTP request's facts; `answer` is set when the operation ran. */
export interface HttpCall {
  auth: AuthContext;
  idempotencyKey: string | null;
  onward: Onward;
  prefer: Preference;
  signal: AbortSignal;
  answer: OperationAnswer | undefined;
}

/** Apollo clones the context, so what changes lies one level down. */
export interface HttpContext {
  call: HttpCall;
}

export interface ApolloServerParts {
  generations: Generations;
  operations: OperationExecutor;
  limits: DocumentLimits;
  log: Logger;
}

export function createApolloServer({ generations, operations, limits, log }: ApolloServerParts): ApolloServer<HttpContext> {
  const executor: GatewayExecutor = async (context) => {
    const { call } = context.context as HttpContext;
    const { operation, schema, document, request } = context;
    if (operation === undefined) return { errors: toGraphQLErrors([noSuchOperation(request.operationName)]) };
    if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
      const error = toErrorJson(
        'BAD_REQUEST',
        'subscriptions are served at this address over WebSocket (graphql-transport-ws) or with Accept: text/event-stream',
      );
      return { errors: toGraphQLErrors([error], { status: 400, headers: new HeaderMap() }) };
    }
    const answer = await operations.execute({
      schema,
      generation: generations.numberOf(schema),
      document,
      operation,
      variables: request.variables ?? {},
      auth: call.auth,
      idempotencyKey: call.idempotencyKey,
      onward: call.onward,
      prefer: call.prefer,
      signal: call.signal,
      showsPlan: wantsPlan(request.extensions, call.auth),
    });
    call.answer = answer;
    const { data, errors = [] } = answer.response;
    const head = data === undefined ? toHead(errors) : undefined;
    return {
      // What fails before it runs, but not by the caller's fault, is an answer without data, not a bad request.
      ...(head === undefined || head.status === 200 ? { data: data ?? null } : {}),
      ...(errors.length === 0 ? {} : { errors: toGraphQLErrors(errors, head) }),
      ...toExtensions(answer),
    };
  };

  return new Server({
    gateway: new SluiceGateway({ generations, executor, log }),
    // Introspection is by scope (see `guard`), CSRF by origin (origins.ts), persisted queries would be no safelist.
    introspection: true,
    csrfPrevention: false,
    persistedQueries: false,
    allowBatchedHttpRequests: false,
    nodeEnv: 'production',
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: limits.tokens },
    validationOptions: { maxErrors: MAX_VALIDATION_ERRORS },
    validationRules: createDocumentRules(limits),
    formatError: createErrorFormat(log),
    logger: {
      debug: (message) => log.trace({ apollo: true }, String(message)),
      info: (message) => log.debug({ apollo: true }, String(message)),
      warn: (message) => log.warn({ apollo: true }, String(message)),
      error: (message) => log.error({ apollo: true }, String(message)),
    },
    plugins: [
      guard,
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
}

/** What is disabled is looked for in the list of plugins when the server starts. Left there, it would cost each request ten promises. */
class Server extends ApolloServer<HttpContext> {
  readonly #plugins: ApolloServerPlugin<HttpContext>[];

  constructor(options: ApolloServerOptions<HttpContext> & { plugins: ApolloServerPlugin<HttpContext>[] }) {
    super(options);
    this.#plugins = options.plugins;
  }

  override async start(): Promise<void> {
    await super.start();
    this.#plugins.splice(0, this.#plugins.length, guard);
  }
}

/** Nothing when there is nothing to say. */
export function toExtensions({ operation, plan }: Pick<OperationAnswer, 'operation' | 'plan'>): { extensions?: Record<string, unknown> } {
  if (operation === null) return {};
  const { id, ...how } = operation;
  return {
    extensions: { operation: id === null ? how : { id, ...how }, ...(plan === undefined ? {} : { plan }) },
  };
}

const DOCUMENT_ERRORS: ReadonlySet<unknown> = new Set(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']);

/** Rules that depend on the caller, and the statuses of GraphQL over HTTP. The same for every request, so made once. */
const listener: GraphQLRequestListener<HttpContext> = {
  didResolveOperation: async ({ document, contextValue }) => {
    if (asksForSchema(document) && !contextValue.call.auth.scopes.includes('schema:read')) {
      const { message, extensions } = toErrorJson('FORBIDDEN', "introspection needs the scope 'schema:read'");
      throw new PublicError(message, { extensions: { ...extensions, http: { status: 403, headers: new HeaderMap() } } });
    }
  },
  willSendResponse: async ({ request, response, contextValue }) => {
    if (response.body?.kind !== 'single') return;
    const { singleResult } = response.body;
    const { errors } = singleResult;
    if (errors === undefined) return;
    if (!contextValue.call.auth.scopes.includes('schema:read')) singleResult.errors = errors.map(hideSchema);
    // A well-formed request about a bad document is 200 in the old media type, 400 in the new one.
    const isOld = !/application\/graphql-response\+json/.test(request.http?.headers.get('accept') ?? '');
    const isAboutDocument =
      typeof request.query === 'string' && errors.every(({ extensions }) => DOCUMENT_ERRORS.has(extensions?.['code']));
    if (response.http.status === 400 && isOld && isAboutDocument) response.http.status = 200;
  },
};

const guard: ApolloServerPlugin<HttpContext> = { requestDidStart: async () => listener };

function toHead(errors: NonNullable<OperationAnswer['response']['errors']>): { status: number; headers: HeaderMap } {
  const statuses = errors.map((error) => (error.extensions.code === 'BAD_USER_INPUT' ? 400 : statusOf(error)));
  const status = Math.max(...statuses);
  return { status, headers: new HeaderMap(status === 503 ? [['retry-after', RETRY_AFTER_SECONDS]] : []) };
}

export function noSuchOperation(name: string | null | undefined): ReturnType<typeof toErrorJson> {
  const message =
    name == null ? 'the document holds several operations and none was named' : 'the document holds no operation of that name';
  return toErrorJson('OPERATION_RESOLUTION_FAILURE', message);
}
