// From a valid operation to its answer: coerce → check access and cost → plan → introspection → route → run here or as a workflow → merge.
// Both transports come through here, and nothing else executes operations.
// X1. Never rejects: what goes wrong becomes an error that callers may read.
// X2. A caller that leaves ends its query, wherever it runs; never a mutation, which may be half done.
// X3. Nothing is half-started: what needs a run and cannot have one is refused before anything is sent.
// X4. An async run is nobody's to end but who cancels it: its caller may leave, and a transport that cannot say "accepted" waits for it.
import { createHash, createHmac } from 'node:crypto';
import { type DocumentNode, getVariableValues, type GraphQLSchema, type OperationDefinitionNode, print } from 'graphql';
import { v7 as uuidv7 } from 'uuid';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import { ANY_SERVICE, type HeaderClaim } from '#schema/contracts/headers';
import type { JsonObject } from '#schema/contracts/json';
import type { ExecutablePlan, GraphQLErrorJson, GraphQLResponse } from '#schema/contracts/plan';
import { type ComplexRequest, DEFAULT_DEADLINES_MS } from '#schema/contracts/workflows';
import { type ExecutionInput, startExecution } from '../execution/start-execution.js';
import type { HeaderClaims } from '../fetching/header-claims.js';
import type { Onward } from '../fetching/onward.js';
import type { ServiceFetcher } from '../fetching/service-fetcher.js';
import { beginTrace } from '../fetching/trace-context.js';
import type { Planner } from '../planning/create-planner.js';
import { type OperationPolicy, routeOperation, type Route, type RouteReason } from '../routing/route-operation.js';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import type { Metrics } from '#platform/metrics';
import type { ActiveLabels } from './active-labels.js';
import type { AccessCheck } from './check-access.js';
import type { CostCheck } from './operation-cost.js';
import type { DurablePort, DurableRun } from './durable-port.js';
import { toErrorJson, toPublicError } from './error-masking.js';
import { freeRepresentations } from './free-representations.js';
import { introspect, mergeIntrospection } from './introspection.js';
import { type PlanReport, toPlanReport } from './plan-report.js';
import { createSagaMarker } from './mark-sagas.js';
import type { DocumentChecker } from './check-document.js';
import type { Preference } from './prefer-header.js';
import { readStartOperation, type StartedOperation } from './start-operation.js';
import type { TrustedDocuments } from './trusted-documents.js';

/** A direct operation's own limit; each fetch has a shorter one. */
const DIRECT_DEADLINE_MS = 30_000;
const MUTATION_FETCH_MS = 10_000;
/** A run keeps its own deadline; past it and this, its answer is not coming. */
const RESULT_GRACE_MS = 10_000;
/** What a run may take past its deadline, to undo what it did. */
const ENDING_MS = 3_600_000;
/** Headers of a mutation's caller are kept past its deadline, to undo what it did. */
const UNDOING_MS = 120_000;
const MAX_KEY_CHARS = 256;
const KEY_REUSED = 'the Idempotency-Key was used for another request before';

export interface OperationRequest {
  /** The schema object that the document was validated on, and its generation. */
  schema: GraphQLSchema;
  generation: number;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  /** As sent, not yet coerced. */
  variables: Readonly<Record<string, unknown>>;
  auth: AuthContext;
  /** Makes a repeated mutation one mutation. */
  idempotencyKey: string | null;
  /** Aborts when the caller has left. */
  signal: AbortSignal;
  /** What goes on to the services beside the operation. */
  onward?: Onward;
  /** What an HTTP caller prefers; absent on transports that cannot say that a run goes on. */
  prefer?: Preference;
  /** Parts of the answer leave before the whole is there. @default false */
  inParts?: boolean;
  /** The answer says how it was planned. @default false */
  showsPlan?: boolean;
}

export interface OperationAnswer {
  /** Without `data` when the request was refused before anything ran. */
  response: { data?: JsonObject | null; errors?: readonly GraphQLErrorJson[] };
  /** How it ran; null when it did not. */
  operation: { id: string | null; path: 'direct' | 'durable' | 'async'; reason: RouteReason } | null;
  /** The run goes on and `response` is empty: ask for the operation by its id. */
  isRunning?: true;
  /** When the request asked for it. */
  plan?: PlanReport;
}

export interface OperationExecutor {
  execute(request: OperationRequest): Promise<OperationAnswer>;
  /** Runs what was prepared in this process. @param onMerged - as of the executor */
  runHere(request: OperationRequest, prepared: PreparedOperation, onMerged?: ExecutionInput['onMerged']): Promise<GraphQLResponse>;
  /** Coerced variables and plan: the first half, for subscriptions. Throws coded errors; errors of coercion come as data. */
  prepare(
    request: Omit<OperationRequest, 'idempotencyKey' | 'signal'>,
  ): Promise<PreparedOperation | { errors: readonly GraphQLErrorJson[] }>;
}

export interface PreparedOperation {
  plan: ExecutablePlan;
  variables: JsonObject;
  documentHash: string;
}

export interface OperationExecutorOptions {
  planner: Pick<Planner, 'plan'>;
  fetcher: Pick<ServiceFetcher, 'fetch'>;
  /** Null: this gateway has no Temporal at all. */
  durable: DurablePort | null;
  access: AccessCheck;
  cost: CostCheck;
  labels: ActiveLabels;
  keys: Pick<KeyRing, 'operation'>;
  /** Keeps the headers that a run's services need. */
  claims: Pick<HeaderClaims, 'put'>;
  execution: 'auto' | 'direct' | 'durable';
  /** Names of mutations that are sagas without `@saga`. */
  sagas: readonly string[];
  /** By operation name. */
  policies: ReadonlyMap<string, OperationPolicy>;
  /** May messages about operations go to this machine and its network? */
  allowsPrivateWebhooks: boolean;
  /** Judges documents that are an argument. */
  documents: Pick<DocumentChecker, 'check'>;
  trusted: TrustedDocuments;
  /** Of one query fetch of a direct operation. */
  fetchTimeoutMs: number;
  metrics: Metrics;
  log: Logger;
}

export function createOperationExecutor(options: OperationExecutorOptions): OperationExecutor {
  const {
    planner,
    fetcher,
    durable,
    access,
    cost,
    labels,
    keys,
    claims,
    execution,
    policies,
    allowsPrivateWebhooks,
    documents,
    trusted,
    fetchTimeoutMs,
    metrics,
    log,
  } = options;
  const markSagas = createSagaMarker(options.sagas);

  async function prepare({
    schema,
    generation,
    document,
    operation,
    variables: given,
    auth,
    inParts = false,
  }: Omit<OperationRequest, 'idempotencyKey' | 'signal'>) {
    const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], given, { maxErrors: 5 });
    if (errors !== undefined) return { errors: errors.map(({ message }) => toErrorJson('BAD_USER_INPUT', message)) };
    const allowed = access.check({ schema, document, operation, auth }, coerced as JsonObject);
    if ('errors' in allowed) return allowed;
    const tooDear = cost.check({ schema, document, operation, variables: coerced as JsonObject });
    if (tooDear !== null) return { errors: [tooDear] };
    const { document: planned, variables } = freeRepresentations(markSagas(allowed.document, operation), coerced as JsonObject);
    const { text, hash } = normalise(planned);
    const operationName = operation.name?.value ?? null;
    const activeLabels = labels.of(schema, { principal: auth.principal, documentHash: hash });
    const plan = await planner.plan({ generation, document: text, operationName, documentHash: hash, inParts, activeLabels });
    for (const { undo } of plan.saga?.steps ?? []) {
      if (undo !== null && !access.allows(`Mutation.${undo.field}`, { schema, auth }))
        throw new CodedError('SAGA_NOT_COMPENSABLE', `the caller may not use '${undo.field}', which would undo a step`);
    }
    return { plan, variables, documentHash: hash };
  }

  async function runDirect(
    request: OperationRequest,
    { plan, variables }: PreparedOperation,
    onMerged?: ExecutionInput['onMerged'],
    operationId: string | null = null,
  ): Promise<GraphQLResponse> {
    const { auth, generation, signal, idempotencyKey } = request;
    const isMutation = plan.kind === 'mutation';
    const key = isMutation && idempotencyKey !== null ? toOperationKey(keys, auth, idempotencyKey) : null;
    const standardMs = Math.max(isMutation ? MUTATION_FETCH_MS : 0, fetchTimeoutMs);
    const deadlineMs = Math.max(DIRECT_DEADLINE_MS, standardMs, plan.longestTimeoutMs ?? 0);
    const leaving = isMutation ? undefined : signal;
    const trace = request.onward?.trace ?? beginTrace();
    const running = startExecution({
      plan,
      variables,
      ...(onMerged === undefined ? {} : { onMerged }),
      port: {
        fetch: (fetch) =>
          fetcher.fetch(
            {
              ...fetch,
              generation,
              auth,
              operationId,
              idempotencyKey: key === null ? null : `${key}.${fetch.node}`,
              timeoutMs: fetch.policy?.timeoutMs ?? standardMs,
              trace,
            },
            leaving,
            request.onward?.headers,
          ),
      },
    });
    const deadline = setTimeout(
      () => running.stop(toErrorJson('DEADLINE_EXCEEDED', `the operation did not finish within ${deadlineMs} ms`)),
      deadlineMs,
    );
    try {
      const { response } = await running.answer;
      if (response.errors?.some(({ extensions }) => extensions.code === 'IDEMPOTENCY_KEY_REUSED') === true)
        throw new CodedError('IDEMPOTENCY_KEY_REUSED', KEY_REUSED);
      return response;
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Undefined when no service of the plan gets any. */
  async function sealHeaders({ onward }: OperationRequest, plan: ExecutablePlan, deadlineMs: number): Promise<HeaderClaim | undefined> {
    const needed = Object.entries(onward?.headers ?? {}).filter(([name]) => name === ANY_SERVICE || plan.services.includes(name));
    if (needed.length === 0) return undefined;
    const keepMs = deadlineMs + (plan.kind === 'mutation' ? UNDOING_MS : 0);
    return { ref: await claims.put(Object.fromEntries(needed), keepMs), services: needed.map(([name]) => name) };
  }

  async function startRun(
    request: OperationRequest,
    prepared: PreparedOperation,
    { path, workflow, reason }: RunRoute,
    client: DurablePort,
    { deadlineMs = deadlineOf(prepared.plan, { path, workflow }), webhook }: AsyncOptions = {},
  ): Promise<DurableRun<RunResult>> {
    const { auth, generation, operation, idempotencyKey } = request;
    const { plan, variables, documentHash } = prepared;
    const operationName = operation.name?.value ?? null;
    const run: ComplexRequest = {
      plan,
      variables,
      generation,
      operationName,
      documentHash,
      deadlineMs,
      synchronous: path === 'durable',
      trace: request.onward?.trace ?? beginTrace(),
      maxAnswerChars: client.maxAnswerChars,
    };
    if (path === 'durable' && plan.kind === 'query') run.reportsAtEnd = true;
    const headerClaim = await sealHeaders(request, plan, deadlineMs);
    if (headerClaim !== undefined) run.headerClaim = headerClaim;
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([documentHash, operationName, variables]))
      .digest('hex');
    const facts = {
      kind: path === 'async' ? ('ASYNC_REQUEST' as const) : KINDS[workflow],
      title: operationName ?? plan.kind,
      tenant: auth.tenant,
      startedBy: auth.principal,
      ...(path === 'async' || plan.kind === 'mutation' ? { isRecoverable: true as const } : {}),
      ...(idempotencyKey === null ? {} : { requestFingerprint: fingerprint }),
    };
    const workflowId = `request/${auth.tenant}/${idempotencyKey === null ? uuidv7() : toOperationKey(keys, auth, idempotencyKey)}`;
    const how = { workflowId, facts, details: describeRun(run, reason), eager: true, once: idempotencyKey !== null };
    try {
      if (path === 'async')
        return await client.start(
          'async_request_workflow',
          [{ workflow, request: run, ...(webhook === undefined ? {} : { webhook }) }, auth],
          {
            ...how,
            executionTimeoutMs: deadlineMs + ENDING_MS,
          },
        );
      if (workflow === 'api_request_workflow') return await client.start(workflow, [{ ...run, auth, credential: null }], how);
      return await client.start(workflow, [run, auth], how);
    } catch (error) {
      const running =
        errorCodeOf(error) === 'OPERATION_IN_PROGRESS'
          ? (error as { details?: { operationId?: unknown } }).details?.operationId
          : undefined;
      if (idempotencyKey === null || typeof running !== 'string') throw error;
      // The key came before: its run answers, if it was for the same request.
      const known = await client.describe(running);
      if (known?.facts.requestFingerprint !== fingerprint) throw new CodedError('IDEMPOTENCY_KEY_REUSED', KEY_REUSED);
      return client.attach(running);
    }
  }

  /** @returns `running` when the caller wanted to wait less than the run takes */
  async function awaitRun(
    run: DurableRun<RunResult>,
    request: OperationRequest,
    { plan }: PreparedOperation,
    route: RunRoute,
    client: DurablePort,
  ): Promise<GraphQLResponse | 'running'> {
    const { signal, auth, prefer } = request;
    const isAsync = route.path === 'async';
    const longestMs = deadlineOf(plan, route) + RESULT_GRACE_MS;
    const waitMs = prefer === undefined ? null : (prefer.waitMs ?? (isAsync ? 0 : null));
    if (waitMs === 0) return 'running';
    let timer: NodeJS.Timeout | undefined;
    const leave = (): void => {
      if (plan.kind !== 'query' || isAsync) return;
      client
        .cancel(run.operationId, { reason: 'the caller left', by: auth.principal })
        .catch((error: unknown) => log.warn({ err: error, operationId: run.operationId }, 'left run could not be cancelled'));
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    try {
      const late = new Promise<GraphQLResponse | 'running'>((resolve) => {
        if (waitMs !== null && waitMs < longestMs) {
          timer = setTimeout(() => resolve('running'), waitMs);
          return;
        }
        const error = toErrorJson('DEADLINE_EXCEEDED', 'the operation has no result yet; ask for it by its id', {
          operationId: run.operationId,
        });
        timer = setTimeout(() => resolve({ data: null, errors: [error] }), longestMs);
      });
      return await Promise.race([run.result().then(({ response }) => response), late]);
    } catch (error) {
      const shown = toPublicError(error, log);
      return { data: null, errors: [{ ...shown, extensions: { ...shown.extensions, operationId: run.operationId } }] };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    }
  }

  async function runRoute(request: OperationRequest, prepared: PreparedOperation, route: Route): Promise<OperationAnswer> {
    if (route.path === 'refused')
      return {
        response: { errors: [toErrorJson('TEMPORAL_UNAVAILABLE', 'this operation needs a durable run, which cannot be started now')] },
        operation: null,
      };
    if (route.path === 'direct' || durable === null) {
      return { response: await runDirect(request, prepared), operation: { id: null, path: 'direct', reason: route.reason } };
    }
    let run: DurableRun<RunResult>;
    try {
      const startedAt = performance.now();
      run = await startRun(request, prepared, route, durable);
      metrics.runStartSeconds.observe((performance.now() - startedAt) / 1000);
    } catch (error) {
      // It was there a moment ago. A start that was lost may have begun: only a query may run twice.
      if (errorCodeOf(error) !== 'TEMPORAL_UNAVAILABLE' || prepared.plan.kind !== 'query') throw error;
      return { response: await runDirect(request, prepared), operation: { id: null, path: 'direct', reason: 'temporal-unavailable' } };
    }
    const operation = { id: run.operationId, path: route.path, reason: route.reason };
    const response = await awaitRun(run, request, prepared, route, durable);
    return response === 'running' ? { response: { data: null }, operation, isRunning: true } : { response, operation };
  }

  /** `startOperation`: the gateway, which plans, starts the run; the operations service, told which one it is, answers what was selected. */
  async function startAnother(request: OperationRequest, prepared: PreparedOperation, asked: StartedOperation): Promise<OperationAnswer> {
    const { schema, generation, auth } = request;
    const { document, operation, variables } = asked;
    const inner = { ...request, document, operation, variables };
    const work = await prepare({ schema, generation, document, operation, variables, auth });
    if ('errors' in work) return { response: work, operation: null };
    const route = routeOperation({
      plan: work.plan,
      execution,
      hasIdempotencyKey: request.idempotencyKey !== null,
      isTemporalAvailable: durable?.isAvailable() ?? false,
      wantsAsync: 'start-operation',
    });
    if (route.path === 'refused' || durable === null)
      throw new CodedError('TEMPORAL_UNAVAILABLE', 'a background run cannot be started now');
    if (route.path !== 'async' || isIntrospected(work))
      throw new CodedError('BAD_USER_INPUT', `document: it cannot run in the background (${route.reason})`);
    const run = await startRun(inner, work, route, durable, asked);
    const response = await runDirect(request, prepared, undefined, run.operationId);
    return { response, operation: { id: run.operationId, path: route.path, reason: route.reason } };
  }

  return {
    prepare,
    runHere: runDirect,
    async execute(request) {
      const startedAt = performance.now();
      let path = 'refused';
      try {
        if (request.idempotencyKey !== null && request.idempotencyKey.length > MAX_KEY_CHARS) {
          return {
            response: { errors: [toErrorJson('BAD_REQUEST', `Idempotency-Key: expected at most ${MAX_KEY_CHARS} characters`)] },
            operation: null,
          };
        }
        const prepared = await prepare(request);
        if ('errors' in prepared) return { response: prepared, operation: null };
        const { plan, variables } = prepared;
        const shown = request.showsPlan === true ? { plan: toPlanReport(plan) } : {};
        const asked =
          plan.kind === 'mutation' ? readStartOperation({ ...request, variables, plan, documents, trusted, allowsPrivateWebhooks }) : null;
        if (asked !== null) {
          if ('errors' in asked) return { response: asked, operation: null };
          const answer = await startAnother(request, prepared, asked);
          path = answer.operation?.path ?? 'refused';
          return { ...answer, ...shown };
        }
        const hasIntrospection = isIntrospected(prepared);
        const name = request.operation.name?.value;
        const route = routeOperation({
          plan,
          execution,
          hasIdempotencyKey: request.idempotencyKey !== null,
          isTemporalAvailable: durable?.isAvailable() ?? false,
          policy: name === undefined ? undefined : policies.get(name),
          // A run has no schema to answer from.
          wantsAsync: request.prefer?.respondAsync === true && !hasIntrospection ? 'prefer-respond-async' : undefined,
        });
        const running = runRoute(request, prepared, route);
        const [answer, introspected] = hasIntrospection
          ? await Promise.all([running, introspect({ ...request, variables })])
          : [await running, null];
        path = answer.operation?.path ?? 'refused';
        const { response } = answer;
        if (introspected === null || response.data === undefined || answer.isRunning === true) return { ...answer, ...shown };
        return { ...answer, ...shown, response: mergeIntrospection(plan.shape, { ...response, data: response.data }, introspected) };
      } catch (error) {
        return { response: { errors: [toPublicError(error, log)] }, operation: null };
      } finally {
        metrics.operationSeconds.observe({ path }, (performance.now() - startedAt) / 1000);
      }
    },
  };
}

type RunRoute = Extract<Route, { path: 'durable' | 'async' }>;
const KINDS = { api_request_workflow: 'API_REQUEST', multi_service_orchestration_workflow: 'ORCHESTRATION' } as const;
type AsyncOptions = Partial<Pick<StartedOperation, 'deadlineMs' | 'webhook'>>;
interface RunResult {
  response: GraphQLResponse;
}

/** A service that declares a longer time-out than a run has gets it. */
function deadlineOf({ longestTimeoutMs = 0 }: ExecutablePlan, { path, workflow }: Pick<RunRoute, 'path' | 'workflow'>): number {
  return Math.max(DEFAULT_DEADLINES_MS[path === 'async' ? 'async_request_workflow' : workflow], longestTimeoutMs);
}

/** What Temporal's UI shows of it: why it is a run, and of what. */
function describeRun({ plan, generation, documentHash }: ComplexRequest, reason: RouteReason): string {
  const { services, fetches } = toPlanReport(plan);
  const rows = { reason, services: services.join(', '), fetches, generation, document: documentHash.slice(0, 12) };
  return Object.entries(rows)
    .map(([name, value]) => `- ${name}: ${value}`)
    .join('\n');
}

function isIntrospected({ plan }: PreparedOperation): boolean {
  return plan.shape.fields.some((field) => field.introspection === true);
}

/** The caller's key, bound to the caller, in a form that may stand in a workflow id. */
function toOperationKey(keys: Pick<KeyRing, 'operation'>, { principal }: AuthContext, key: string): string {
  return createHmac('sha256', keys.operation)
    .update(JSON.stringify([principal, key]))
    .digest('base64url');
}

const normalised = new WeakMap<DocumentNode, { text: string; hash: string }>();

/** White space and comments do not make another document. */
function normalise(document: DocumentNode): { text: string; hash: string } {
  let known = normalised.get(document);
  if (known === undefined) {
    const text = print(document);
    known = { text, hash: createHash('sha256').update(text).digest('hex') };
    normalised.set(document, known);
  }
  return known;
}
