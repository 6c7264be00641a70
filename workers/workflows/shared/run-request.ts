// Runs a request's plan inside a workflow: the executor of gateway/execution over activities.
// Q1. Nothing awaits between an answer and the fetches it makes ready (start-execution.ts, E1), nor may code here.
// Q2. Query fetches of a synchronous run are local activities: one workflow task for the whole query. While one is open the
//     server hears nothing of this run, so timers would not fire: their own time-outs keep the deadline, and none starts after it. Where
//     a service declares a longer time-out than such an activity should take, all fetches of the run are regular ones.
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  patched,
  proxyActivities,
  proxyLocalActivities,
  sleep,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { type Execution, type ExecutionAnswer, startExecution } from '#gateway/execution/start-execution';
import type { RequestActivities, ServiceCall } from '#schema/contracts/activities';
import { ERROR_CODES, type ErrorCode, isErrorCode } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import { toOperationId } from '#schema/contracts/ids';
import type { GraphQLErrorJson, ServiceAnswer, ServiceFetch } from '#schema/contracts/plan';
import {
  type ComplexRequest,
  type FailedRequest,
  MAX_ANSWER_CHARS,
  type OrchestrationResponse,
  QUERY_FETCH_MS,
  type Trouble,
} from '#schema/contracts/workflows';
import { toShownFailure } from './failures.js';
import { type CancellableWork, createCancellableWork } from './cancellation.js';
import { createFetchLog, type FetchLog } from './fetch-log.js';
import { createReporter, type OperationReporter, type StepName } from './operation-reporter.js';
import { insist, MUTATION_FETCH_MS, toServiceCall } from './service-calls.js';
import { createParentReport } from './report-to-parent.js';
import { toRetry } from './retry-policy.js';
import { nameSagaSteps, runSaga } from './run-saga.js';
import { startRecovery } from './start-recovery.js';

/** Nobody waits for the run: a slow service may take its time. */
const BACKGROUND_FETCH_MS = 60_000;
/**
 * A service's faults come as data, so an attempt fails only when its worker is lost or the service asked to be called later; the time
 * left bounds them as well.
 */
const ATTEMPTS = 10;
/** While somebody waits. */
const SYNCHRONOUS_ATTEMPTS = 3;
/**
 * Of a read behind an effect, which its caller cannot ask for again without the effect: about 12 s, longer than a process takes to be
 * back. One that is away for longer is left to the recovery.
 */
const BEHIND_EFFECT_ATTEMPTS = 6;
/** Longer waits between local attempts are timers of the run, so that it hears a cancellation meanwhile. */
const LOCAL_WAIT = '2s';
/** A larger result leaves the history (platform/payload-store), and with it what it tells: readers of events do not fetch it. */
const MAX_TELLING_BYTES = 60_000;
/** An undo that may be repeated is, for about a minute; then it is left to the recovery. */
const INSISTING_ATTEMPTS = 10;

/** @throws CancelledFailure, or ApplicationFailure SUBGRAPH_ANSWER_TOO_LARGE */
export async function runRequest(request: ComplexRequest, auth: AuthContext): Promise<OrchestrationResponse> {
  const { saga } = request.plan;
  const { parent } = workflowInfo();
  const parentReport = parent === undefined ? undefined : createParentReport(parent);
  const showsStatus = (!request.synchronous || saga !== undefined) && parent === undefined;
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const operationId = toOperationId({ workflowId, runId: firstExecutionRunId });
  const isPart = parent !== undefined;
  const keyBase = request.resume?.keyBase ?? request.keyBase ?? operationId;
  const log = createFetchLog({ request, keyBase, isPart });
  const mayHold = request.synchronous && request.plan.kind === 'query' && !isPart;
  const holds = mayHold && (request.reportsWithResult ? 'until completed' : request.reportsAtEnd ? 'until the end' : false);
  const reporter = createReporter({ showsStatus, parent: parentReport, holds });
  const work = createCancellableWork(reporter);
  reporter.started(request.operationName ?? request.plan.kind, saga === undefined ? [] : nameSagaSteps(saga));

  const answer = await work.run(() => runPlan(request, auth, { operationId, keyBase, reporter, work, log, isPart }));
  await parentReport?.delivered();
  if (work.isCancelled()) {
    const left = log.toTrouble(answer);
    if (left?.class === 'uncompensated' && isHandedOver()) {
      if (isPart) {
        reporter.cancelled(work.reason());
        return { ...answer, trouble: left };
      }
      await recover(left, answer);
    }
    reporter.cancelled(work.reason());
    throw await work.toFailure();
  }
  const answerChars = JSON.stringify(answer.response).length;
  if (answerChars > (request.maxAnswerChars ?? MAX_ANSWER_CHARS)) {
    const failure = {
      code: 'SUBGRAPH_ANSWER_TOO_LARGE',
      message: 'the answer is larger than a run can keep; ask for less',
      retryable: false,
    } as const;
    reporter.failed(failure);
    throw ApplicationFailure.create({ type: failure.code, message: failure.message, nonRetryable: true });
  }
  const trouble = log.toTrouble(answer);
  if (trouble !== null && isPart) {
    reporter.failed(trouble.failure);
    return { ...answer, trouble };
  }
  if (trouble !== null && (await recover(trouble, answer))) {
    reporter.failed(trouble.failure, true);
    return { ...answer, failure: trouble.failure };
  }
  if (answer.failure === undefined) reporter.completed();
  else reporter.failed(answer.failure);
  const events = reporter.takeHeld(MAX_TELLING_BYTES - 3 * answerChars);
  return events.length === 0 ? answer : { ...answer, events };

  /** @returns false in a run that began before there was any recovery */
  async function recover(found: Trouble, { response }: OrchestrationResponse): Promise<boolean> {
    const workflow = workflowInfo().workflowType as FailedRequest['workflow'];
    const recovery = await startRecovery({ workflow, request }, { auth, trouble: found, response, wasAnswered: true });
    if (recovery !== null) reporter.recoveryStarted(recovery);
    return recovery !== null;
  }
}

/** Asked of what a cancelled saga could not undo. */
export function isHandedOver(): boolean {
  // Before: it was shown by the cancelled operation only. After: it is recovered like what a failed one leaves. Since: 0.1.0, November 2026.
  return patched('cancelled-leftovers');
}

interface RunParts {
  operationId: string;
  keyBase: string;
  reporter: OperationReporter;
  work: CancellableWork;
  log: FetchLog;
  isPart: boolean;
}

async function runPlan(
  request: ComplexRequest,
  auth: AuthContext,
  { operationId, keyBase, reporter, work, log, isPart }: RunParts,
): Promise<OrchestrationResponse> {
  const endsAtMs = Date.now() + request.deadlineMs;
  // Local and regular activities do not mix: what is slow would hold back the others (Q2).
  const isQuick = request.synchronous && (request.plan.longestTimeoutMs ?? 0) <= QUERY_FETCH_MS;

  const toCall = (serviceFetch: ServiceFetch, timeoutMs: number): ServiceCall =>
    toServiceCall(serviceFetch, { request, auth, operationId, keyBase, timeoutMs });
  const fetch = (serviceFetch: ServiceFetch): Promise<ServiceAnswer> => {
    const known = log.recall(serviceFetch);
    if (known !== undefined) return Promise.resolve(log.keep(known));
    const isMutation = serviceFetch.operationKind === 'mutation';
    const standardMs = !request.synchronous ? BACKGROUND_FETCH_MS : isMutation ? MUTATION_FETCH_MS : QUERY_FETCH_MS;
    const leftMs = Math.max(1, endsAtMs - Date.now());
    const timeoutMs = Math.min(serviceFetch.policy?.timeoutMs ?? standardMs, leftMs);
    const isBehindEffect = !isMutation && request.plan.kind === 'mutation';
    const call = { ...toCall(serviceFetch, timeoutMs), ...(isBehindEffect ? { isBehindEffect } : {}) };
    const summary = `${serviceFetch.service}: ${serviceFetch.operationKind} ${serviceFetch.node}`;
    const activities =
      isQuick && !isMutation
        ? proxyLocalActivities<RequestActivities>({
            startToCloseTimeout: timeoutMs + 500,
            scheduleToCloseTimeout: leftMs + 500,
            retry: toRetry(serviceFetch, isBehindEffect ? BEHIND_EFFECT_ATTEMPTS : SYNCHRONOUS_ATTEMPTS),
            localRetryThreshold: LOCAL_WAIT,
            summary,
          })
        : proxyActivities<RequestActivities>({
            startToCloseTimeout: timeoutMs + 1_000,
            scheduleToCloseTimeout: leftMs + 1_000,
            heartbeatTimeout: '2s',
            retry: { initialInterval: '200ms', ...toRetry(serviceFetch, isBehindEffect ? BEHIND_EFFECT_ATTEMPTS : ATTEMPTS) },
            summary,
          });
    return activities.route_to_service_activity(call).then(
      (got) => log.keep(got),
      (error: unknown) => log.keep(toAnswer(serviceFetch, error)),
    );
  };

  const onFetch = (serviceFetch: ServiceFetch, answer: ServiceAnswer | null): void => {
    log.note(serviceFetch, answer);
    // A run for which somebody waits ends in one or two workflow tasks: its starts would be told together with its ends.
    if (answer === null && isPart) reporter.stepStarted(toStep(serviceFetch));
    if (answer !== null) reportFetch(reporter, serviceFetch, answer);
  };
  const { plan, variables } = request;
  if (plan.saga !== undefined) {
    return runSaga({
      plan: { ...plan, saga: plan.saga },
      variables,
      reporter,
      onFetch,
      fetch: (one) => (one.operationKind === 'mutation' ? CancellationScope.nonCancellable(() => fetch(one)) : fetch(one)),
      insist: (one, purpose) => insist(toCall(one, one.policy?.timeoutMs ?? MUTATION_FETCH_MS), purpose, INSISTING_ATTEMPTS),
      onLeft: (left) => log.leave(left),
      whyStopped: () => (work.isCancelled() ? 'OPERATION_CANCELLED' : Date.now() >= endsAtMs ? 'DEADLINE_EXCEEDED' : null),
    });
  }
  const hasTimers = !isQuick || plan.kind === 'mutation';
  const execution = startExecution({ plan, variables, port: { fetch: (one) => (isLate() ? stop(one) : fetch(one)) }, onFetch });
  return hasTimers ? raceDeadline(execution, request.deadlineMs) : execution.answer;

  function isLate(): boolean {
    // Before: what a query became ready to fetch after its deadline was fetched with a time-out of 1 ms. After: it is not fetched, and
    // the answer says why. Since: 0.1.0, November 2026.
    return !hasTimers && Date.now() >= endsAtMs && patched('deadline-between-fetches');
  }
  /** Only ever between two fetches, so that the execution is there. */
  function stop({ node, chunk }: ServiceFetch): Promise<ServiceAnswer> {
    execution.stop(toDeadlineError(request.deadlineMs));
    return Promise.resolve({ node, chunk, data: null, errors: [] });
  }
}

async function raceDeadline(execution: Execution, deadlineMs: number): Promise<ExecutionAnswer> {
  const timer = new CancellationScope();
  const deadline = timer
    .run(() => sleep(deadlineMs, { summary: 'deadline' }))
    .then(
      () => execution.stop(toDeadlineError(deadlineMs)),
      (error: unknown) => {
        if (!isCancellation(error)) throw error;
      },
    );
  const answer = await execution.answer;
  timer.cancel();
  await deadline;
  return answer;
}

/** An activity that did not answer: lost, cancelled or over its time. The service's own faults come as data. */
function toAnswer({ node, chunk, operationKind, idempotent, service }: ServiceFetch, error: unknown): ServiceAnswer {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const code: ErrorCode = isCancellation(error)
    ? 'OPERATION_CANCELLED'
    : operationKind === 'mutation' && !idempotent
      ? 'OUTCOME_UNKNOWN'
      : cause instanceof TimeoutFailure
        ? 'SUBGRAPH_TIMEOUT'
        : cause instanceof ApplicationFailure && isErrorCode(cause.type) && ERROR_CODES[cause.type].retryable
          ? cause.type
          : 'SUBGRAPH_UNREACHABLE';
  return { node, chunk, data: null, errors: [toError(code, `service '${service}': ${ERROR_CODES[code].meaning}`)] };
}

function toDeadlineError(deadlineMs: number): GraphQLErrorJson {
  return toError('DEADLINE_EXCEEDED', `the operation did not finish within ${deadlineMs} ms`);
}

function toError(code: ErrorCode, message: string): GraphQLErrorJson {
  return { message, extensions: { code, retryable: ERROR_CODES[code].retryable } };
}

export function toStep({ node, chunk, service }: Pick<ServiceFetch, 'node' | 'chunk' | 'service'>): StepName {
  return { id: `fetch-${node}${chunk === 0 ? '' : `-${chunk}`}`, label: service };
}

function reportFetch(reporter: OperationReporter, fetch: ServiceFetch, { errors, attempts = 1 }: ServiceAnswer): void {
  const step = toStep(fetch);
  reporter.stepRetried(step, attempts);
  const [error] = errors;
  if (error === undefined) reporter.stepCompleted(step);
  else reporter.stepFailed(step, toShownFailure(error, errors.length === 1 ? '' : `first of ${errors.length}: `));
}
