// From a valid operation to its answer: coerce → check access and cost → plan → introspection → route → run here or as a workflow → merge.
// Both transports come through here, and nothing else executes operations.
// X1. Never rejects: what goes wrong becomes an error that callers may read.
// X2. A caller that leaves ends its query, wherever it runs; never a mutation, which may be half done.
// X3. Nothing is half-started: what needs a run and cannot have one is refused before anything is sent; first fetches of a query may be.
// X4. An async run is nobody's to end but who cancels it: its caller may leave, and a transport that cannot say "accepted" waits for it.
import { createHash } from 'node:crypto';
import { type DocumentNode, getVariableValues, print } from 'graphql';
import { CodedError, errorCodeOf, registryCodeOf } from '#schema/contracts/errors';
import type { JsonObject } from '#schema/contracts/json';
import type { GraphQLErrorJson, GraphQLResponse } from '#schema/contracts/plan';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import type { Metrics } from '#platform/metrics';
import { type ExecutionInput, startExecution } from '../execution/start-execution.js';
import type { FetchesAhead } from '../fetching/fetches-ahead.js';
import type { HeaderClaims } from '../fetching/header-claims.js';
import type { ServiceFetcher } from '../fetching/service-fetcher.js';
import { beginTrace } from '../fetching/trace-context.js';
import type { Planner } from '../planning/create-planner.js';
import { type OperationPolicy, routeOperation, type Route } from '../routing/route-operation.js';
import type { ActiveLabels } from './active-labels.js';
import type { AccessCheck } from './check-access.js';
import type { DocumentChecker } from './check-document.js';
import type { DurablePort } from './durable-port.js';
import { toErrorJson, toPublicError } from './error-masking.js';
import { freeRepresentations } from './free-representations.js';
import { assertKey, keyReused, toOperationKey } from './idempotency-key.js';
import { introspect, mergeIntrospection } from './introspection.js';
import { createSagaMarker } from './mark-sagas.js';
import type { CostCheck } from './operation-cost.js';
import type { AnsweringOperation, OperationAnswer, OperationRequest, PreparedOperation } from './operation-request.js';
import { toPlanReport } from './plan-report.js';
import { createRequestRuns, type RequestRun, type RunRoute } from './request-runs.js';
import { readStartOperation, type StartedOperation } from './start-operation.js';
import type { TrustedDocuments } from './trusted-documents.js';

/** A direct operation's own limit; each fetch has a shorter one. */
const DIRECT_DEADLINE_MS = 30_000;
const MUTATION_FETCH_MS = 10_000;

export interface OperationExecutor {
  execute(request: OperationRequest): Promise<OperationAnswer>;
  /** Runs what was prepared in this process. @param onMerged - as of the executor */
  runHere(request: OperationRequest, prepared: PreparedOperation, onMerged?: ExecutionInput['onMerged']): Promise<GraphQLResponse>;
  /** Coerced variables and plan: the first half, for subscriptions. Throws coded errors; errors of coercion come as data. */
  prepare(
    request: Omit<OperationRequest, 'idempotencyKey' | 'signal'>,
  ): Promise<PreparedOperation | { errors: readonly GraphQLErrorJson[] }>;
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
  /** Of the workers in this process. */
  ahead?: Pick<FetchesAhead, 'send'> | undefined;
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
  /** As of {@link createRequestRuns}. */
  longestWaitMs?: number | null;
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
    ahead,
    execution,
    policies,
    allowsPrivateWebhooks,
    documents,
    trusted,
    fetchTimeoutMs,
    longestWaitMs = null,
    metrics,
    log,
  } = options;
  const markSagas = createSagaMarker(options.sagas);
  const runs = durable === null ? null : createRequestRuns({ durable, keys, claims, ahead, longestWaitMs, log });

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
      return assertKeyFits(response);
    } finally {
      clearTimeout(deadline);
    }
  }

  async function runRoute(request: OperationRequest, prepared: PreparedOperation, route: Route): Promise<OperationAnswer> {
    if (route.path === 'refused') return { response: { errors: [toRefusal(route, sizeOf(prepared))] }, operation: null };
    if (route.path === 'direct' || runs === null) {
      return { response: await runDirect(request, prepared), operation: { id: null, path: 'direct', reason: route.reason } };
    }
    let run: RequestRun;
    try {
      const startedAt = performance.now();
      run = await runs.start(request, prepared, route);
      metrics.runStartSeconds.observe((performance.now() - startedAt) / 1000);
    } catch (error) {
      // It was there a moment ago. A start that was lost may have begun: only a query may run twice.
      if (errorCodeOf(error) !== 'TEMPORAL_UNAVAILABLE' || prepared.plan.kind !== 'query') throw error;
      return { response: await runDirect(request, prepared), operation: { id: null, path: 'direct', reason: 'temporal-unavailable' } };
    }
    const { response, isParked = false } = await runs.wait(run, request, prepared, route);
    // A query may be asked again, and this process can hold what a history cannot.
    if (route.path === 'durable' && prepared.plan.kind === 'query' && response !== 'running' && outgrewRun(response))
      return { response: await runDirect(request, prepared), operation: { id: null, path: 'direct', reason: 'too-large-for-run' } };
    const operation = toAnswering({ ...run, isParked }, route);
    return response === 'running'
      ? { response: { data: null }, operation, isRunning: true }
      : { response: assertKeyFits(response), operation };
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
      isTooLargeForRun: isTooLarge(sizeOf(work)),
      wantsAsync: 'start-operation',
    });
    if (route.path === 'refused') return { response: { errors: [toRefusal(route, sizeOf(work))] }, operation: null };
    if (runs === null) throw new CodedError('TEMPORAL_UNAVAILABLE', 'a background run cannot be started now');
    if (route.path !== 'async' || isIntrospected(work))
      throw new CodedError('BAD_USER_INPUT', `document: it cannot run in the background (${route.reason})`);
    const run = await runs.start(inner, work, route, asked);
    const response = await runDirect(request, prepared, undefined, run.operationId);
    return { response, operation: toAnswering(run, route) };
  }

  /** Null where a run may be asked by anything that comes as far as this. */
  function sizeOf({ plan, variables }: PreparedOperation): RunSize | null {
    const maximum = durable?.maxRequestBytes;
    return maximum === undefined ? null : { limit: 'runBytes', maximum, actual: Buffer.byteLength(JSON.stringify([plan, variables])) };
  }

  /** Of one service's answer it is the run's limit only where large payloads have no store. */
  function outgrewRun({ errors = [] }: GraphQLResponse): boolean {
    return errors.some(
      (error) =>
        registryCodeOf(error) === 'SUBGRAPH_ANSWER_TOO_LARGE' &&
        (error.extensions['service'] === undefined || durable?.maxRequestBytes !== undefined),
    );
  }

  return {
    prepare,
    runHere: runDirect,
    async execute(request) {
      const startedAt = performance.now();
      let path = 'refused';
      try {
        if (request.idempotencyKey !== null) assertKey(request.idempotencyKey);
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
          isTooLargeForRun: isTooLarge(sizeOf(prepared)),
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

interface RunSize extends JsonObject {
  limit: 'runBytes';
  maximum: number;
  actual: number;
}

function isTooLarge(size: RunSize | null): boolean {
  return size !== null && size.actual > size.maximum;
}

/** Nothing of the operation was sent. */
function toRefusal({ reason }: Extract<Route, { path: 'refused' }>, size: RunSize | null): GraphQLErrorJson {
  if (reason === 'temporal-unavailable' || size === null)
    return toErrorJson('TEMPORAL_UNAVAILABLE', 'this operation needs a durable run, which cannot be started now');
  const message = `this operation needs a durable run, which takes at most ${size.maximum} bytes of plan and variables here, got ${size.actual}`;
  return toErrorJson('RUN_TOO_LARGE', message, size);
}

/** @throws IDEMPOTENCY_KEY_REUSED when a signed service knows the key for another request, which ends the whole one */
function assertKeyFits(response: GraphQLResponse): GraphQLResponse {
  if (response.errors?.some((error) => registryCodeOf(error) === 'IDEMPOTENCY_KEY_REUSED') === true) throw keyReused();
  return response;
}

function toAnswering({ operationId, recovers, isParked }: RequestRun, { path, reason }: RunRoute): AnsweringOperation {
  return {
    id: operationId,
    path,
    reason,
    ...(recovers === undefined ? {} : { recovers }),
    ...(isParked === true ? { status: 'INPUT_REQUIRED' } : {}),
  };
}

function isIntrospected({ plan }: PreparedOperation): boolean {
  return plan.shape.fields.some((field) => field.introspection === true);
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
