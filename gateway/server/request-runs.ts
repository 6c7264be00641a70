// Operations as runs: started under their caller's key, waited for as long as the caller wants.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { errorCodeOf } from '#schema/contracts/errors';
import { ANY_SERVICE, type HeaderClaim } from '#schema/contracts/headers';
import { toRequestId } from '#schema/contracts/ids';
import type { ExecutablePlan, GraphQLResponse } from '#schema/contracts/plan';
import { mayBeRecovered, type OperationSnapshot } from '#schema/contracts/operations';
import { type ComplexRequest, DEFAULT_DEADLINES_MS, QUERY_FETCH_MS } from '#schema/contracts/workflows';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { firstFetches } from '../execution/first-fetches.js';
import type { FetchesAhead } from '../fetching/fetches-ahead.js';
import type { HeaderClaims } from '../fetching/header-claims.js';
import { beginTrace } from '../fetching/trace-context.js';
import type { Route, RouteReason } from '../routing/route-operation.js';
import type { DurablePort, DurableRun, StartedRun } from './durable-port.js';
import { toErrorJson, toErrorOf, toPublicError } from './error-masking.js';
import { keyReused, toOperationKey } from './idempotency-key.js';
import type { OperationRequest, PreparedOperation } from './operation-request.js';
import { toPlanReport } from './plan-report.js';
import type { StartedOperation } from './start-operation.js';

/** A run keeps its own deadline and answers with what is finished then; the last call of a service may take a second longer. */
const RESULT_GRACE_MS = 2_000;
/** What a run may take past its deadline, to undo what it did. */
const ENDING_MS = 3_600_000;
/** Headers of a mutation's caller are kept past its deadline, to read behind its effect. */
const BEHIND_EFFECT_MS = 120_000;

/** How often a recovery is looked at for somebody who waits. */
const LOOK_EVERY_MS = 500;

export type RunRoute = Extract<Route, { path: 'durable' | 'async' }>;
const KINDS = { api_request_workflow: 'API_REQUEST', multi_service_orchestration_workflow: 'ORCHESTRATION' } as const;
export type AsyncOptions = Partial<Pick<StartedOperation, 'deadlineMs' | 'webhook'>>;
export interface RunResult {
  response: GraphQLResponse;
}

export interface RequestRun {
  operationId: string;
  /** Set when the run that the key began has failed: this one is its recovery. */
  recovers?: string;
  /** A recovery that waits for somebody's decision. @default false */
  isParked?: boolean;
  /** @param isOver - nobody waits any more @throws a coded error when it ended without an answer */
  answer(isOver: () => boolean): Promise<RunAnswer>;
}
export interface RunAnswer {
  /** `running`: it takes longer than the caller waits. */
  response: GraphQLResponse | 'running';
  /** What the run that failed has answered stands until somebody decides. @default false */
  isParked?: boolean;
}

export interface RequestRuns {
  /**
   * Another request with the same key gets the run that the key began; once that has failed, its recovery.
   *
   * @throws IDEMPOTENCY_KEY_REUSED; as the door to durable work
   */
  start(request: OperationRequest, prepared: PreparedOperation, route: RunRoute, options?: AsyncOptions): Promise<RequestRun>;
  /** Never rejects. */
  wait(run: RequestRun, request: OperationRequest, prepared: PreparedOperation, route: RunRoute): Promise<RunAnswer>;
}

export function createRequestRuns({
  durable,
  keys,
  claims,
  ahead,
  longestWaitMs = null,
  log,
}: {
  durable: DurablePort;
  keys: Pick<KeyRing, 'operation'>;
  /** Keeps the headers that a run's services need. */
  claims: Pick<HeaderClaims, 'put'>;
  /** Of the workers in this process. */
  ahead?: Pick<FetchesAhead, 'send'> | undefined;
  /** For callers who can be told that a run goes on. @default null: the operation's deadline */
  longestWaitMs?: number | null;
  log: Logger;
}): RequestRuns {
  /** The last run did. Where the workers of this process have no room, nothing sent ahead would be taken. */
  let startsHere = true;

  /** Undefined when no service of the plan gets any. */
  async function sealHeaders({ onward }: OperationRequest, plan: ExecutablePlan, deadlineMs: number): Promise<HeaderClaim | undefined> {
    const needed = Object.entries(onward?.headers ?? {}).filter(([name]) => name === ANY_SERVICE || plan.services.includes(name));
    if (needed.length === 0) return undefined;
    // Of a saga also its recovery undoes.
    const keepMs = deadlineMs + (plan.saga !== undefined ? ENDING_MS : plan.kind === 'mutation' ? BEHIND_EFFECT_MS : 0);
    return { ref: await claims.put(Object.fromEntries(needed), keepMs), services: needed.map(([name]) => name) };
  }

  /** Of a query whose fetches its run makes where it begins. */
  function sendAhead(workflowId: string, { auth, generation, onward }: OperationRequest, run: ComplexRequest): (() => void) | undefined {
    const { plan, variables, trace } = run;
    const isQuick = run.synchronous && plan.kind === 'query' && (plan.longestTimeoutMs ?? 0) <= QUERY_FETCH_MS;
    if (ahead === undefined || !startsHere || !isQuick) return undefined;
    const calls = firstFetches(plan, variables).map((fetch) => ({
      ...fetch,
      generation,
      auth,
      operationId: null,
      idempotencyKey: null,
      timeoutMs: fetch.policy?.timeoutMs ?? QUERY_FETCH_MS,
      ...(trace === undefined ? {} : { trace }),
    }));
    return ahead.send(workflowId, calls, onward?.headers);
  }

  async function start(
    request: OperationRequest,
    prepared: PreparedOperation,
    { path, workflow, reason }: RunRoute,
    { deadlineMs = deadlineOf(prepared.plan, { path, workflow }), webhook }: AsyncOptions = {},
  ): Promise<RequestRun> {
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
      maxAnswerChars: durable.maxAnswerChars,
    };
    if (path === 'durable' && plan.kind === 'query') {
      // The other workflow still has its answer judged when that is complete.
      if (workflow === 'multi_service_orchestration_workflow') run.reportsWithResult = true;
      else run.reportsAtEnd = true;
    }
    const operationKey = idempotencyKey === null ? null : toOperationKey(keys, auth, idempotencyKey);
    // Sent once more it may be a direct call, by another preference or another plan: its service has to know the key then. Of several
    // fields another plan may number the fetches otherwise; they are never called directly. What a saga has undone is not known as done.
    if (operationKey !== null && plan.kind === 'mutation' && plan.rootFields.length === 1 && plan.saga === undefined)
      run.keyBase = operationKey;
    const headerClaim = await sealHeaders(request, plan, deadlineMs);
    if (headerClaim !== undefined) run.headerClaim = headerClaim;
    const fingerprint = operationKey === null ? undefined : toFingerprint([documentHash, operationName, variables]);
    const facts = {
      kind: path === 'async' ? ('ASYNC_REQUEST' as const) : KINDS[workflow],
      title: operationName ?? plan.kind,
      tenant: auth.tenant,
      startedBy: auth.principal,
      ...(path === 'async' || plan.kind === 'mutation' ? { isRecoverable: true as const } : {}),
      ...(fingerprint === undefined ? {} : { requestFingerprint: fingerprint }),
    };
    const workflowId = toRequestId(auth.tenant, operationKey ?? uuidv7());
    const how = { workflowId, facts, details: describeRun(run, reason), eager: true, once: operationKey !== null };
    const begin = (): Promise<StartedRun<RunResult>> => {
      if (path === 'async')
        return durable.start('async_request_workflow', [{ workflow, request: run, ...(webhook === undefined ? {} : { webhook }) }, auth], {
          ...how,
          executionTimeoutMs: deadlineMs + ENDING_MS,
        });
      return workflow === 'api_request_workflow'
        ? durable.start(workflow, [{ ...run, auth, credential: null }], how)
        : durable.start(workflow, [run, auth], how);
    };
    const forget = operationKey === null ? sendAhead(workflowId, request, run) : undefined;
    try {
      const started = await begin();
      startsHere = started.isHere;
      if (!started.isHere) forget?.();
      return toRequestRun(started);
    } catch (error) {
      forget?.();
      const running =
        errorCodeOf(error) === 'OPERATION_IN_PROGRESS'
          ? (error as { details?: { operationId?: unknown } }).details?.operationId
          : undefined;
      if (fingerprint === undefined || typeof running !== 'string') throw error;
      // The key came before: its run answers, if it was for the same request.
      const known = await durable.describe(running);
      if (known?.facts.requestFingerprint !== fingerprint) throw keyReused();
      return attach(known);
    }
  }

  async function attach(known: OperationSnapshot): Promise<RequestRun> {
    const recovery = mayBeRecovered(known.status) ? await durable.findRecovery(known.id) : undefined;
    if (recovery === undefined || hasDecidedNothing(recovery)) return toRequestRun(durable.attach(known.id));
    return {
      operationId: recovery.id,
      recovers: known.id,
      isParked: recovery.status === 'INPUT_REQUIRED',
      answer: (isOver) => followRecovery(known, recovery, isOver),
    };
  }

  /** Of a run that has ended. */
  async function toAnswer({ id, result, failure }: OperationSnapshot): Promise<GraphQLResponse> {
    if (result !== null) return result as unknown as GraphQLResponse;
    if (failure !== null) return { data: null, errors: [toErrorOf(failure)] };
    // How it ended could not be read a moment ago.
    return (await durable.attach<RunResult>(id).result()).response;
  }

  /** Looks, and does not wait for the recovery's end: that may be days away, and nobody would end the waiting. */
  async function followRecovery(failed: OperationSnapshot, recovery: OperationSnapshot, isOver: () => boolean): Promise<RunAnswer> {
    for (let found: OperationSnapshot | undefined = recovery; ;) {
      if (found?.status === 'INPUT_REQUIRED') return { response: await toAnswer(failed), isParked: true };
      if (found?.status === 'COMPLETED' && found.result !== null) return { response: await toAnswer(found) };
      if (found !== undefined && hasDecidedNothing(found)) return { response: await toAnswer(failed) };
      await sleep(LOOK_EVERY_MS, undefined, { ref: false });
      if (isOver()) return { response: 'running' };
      found = await durable.findRecovery(failed.id).catch((error: unknown) => {
        log.debug({ err: error, operationId: recovery.id }, 'recovery could not be looked at; it is again');
        return undefined;
      });
    }
  }

  async function wait(run: RequestRun, request: OperationRequest, { plan }: PreparedOperation, route: RunRoute): Promise<RunAnswer> {
    const { signal, auth, prefer } = request;
    const isAsync = route.path === 'async';
    // A saga that is late undoes what it did, and answers when that is done.
    const longestMs = deadlineOf(plan, route) + (plan.saga === undefined ? RESULT_GRACE_MS : 0);
    const waitMs = prefer === undefined ? null : (prefer.waitMs ?? (isAsync ? 0 : null));
    const { isParked = false } = run;
    if (waitMs === 0) return { response: 'running', isParked };
    let isOver = false;
    let timer: NodeJS.Timeout | undefined;
    const leave = (): void => {
      // Under its key a query may be asked for again, by a caller whose connection broke, or whose gateway was stopped.
      if (plan.kind !== 'query' || isAsync || request.idempotencyKey !== null) return;
      durable
        .cancel(run.operationId, { reason: 'the caller left', by: auth.principal })
        .catch((error: unknown) => log.warn({ err: error, operationId: run.operationId }, 'left run could not be cancelled'));
    };
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    try {
      const late = new Promise<RunAnswer>((resolve) => {
        if (prefer !== undefined) {
          timer = setTimeout(() => resolve({ response: 'running' }), Math.min(waitMs ?? longestMs, longestWaitMs ?? longestMs, longestMs));
          return;
        }
        const error = toErrorJson('DEADLINE_EXCEEDED', 'the operation has no result yet; ask for it by its id', {
          operationId: run.operationId,
        });
        timer = setTimeout(() => resolve({ response: { data: null, errors: [error] } }), longestMs);
      });
      const answer = await Promise.race([run.answer(() => isOver || signal.aborted), late]);
      return answer.isParked === true && waitMs !== null ? { ...answer, response: 'running' } : answer;
    } catch (error) {
      // Nobody hears it.
      if (signal.aborted) return { response: 'running' };
      const shown = toPublicError(error, log);
      return { response: { data: null, errors: [{ ...shown, extensions: { ...shown.extensions, operationId: run.operationId } }] } };
    } finally {
      clearTimeout(timer);
      isOver = true;
      signal.removeEventListener('abort', leave);
    }
  }

  return { start, wait };
}

/** Of what a key stands for. */
function toFingerprint(request: unknown): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex');
}

function toRequestRun(run: DurableRun<RunResult>): RequestRun {
  return { operationId: run.operationId, answer: async () => ({ response: (await run.result()).response }) };
}

/** It was cancelled or ended by force in Temporal. */
function hasDecidedNothing({ status }: OperationSnapshot): boolean {
  return status === 'CANCELLED' || status === 'FAILED';
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
