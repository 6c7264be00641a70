import {
  CancellationScope,
  CancelledFailure,
  defineSignal,
  executeChild,
  isCancellation,
  patched,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { AuthContext } from '#schema/contracts/identity';
import type { EventBody, OperationFailure } from '#schema/contracts/operations';
import type { GraphQLResponse, OperationKind, PlanNode } from '#schema/contracts/plan';
import { type APIResponse, type AsyncRequest, type AsyncResponse, REPORT_EVENTS_SIGNAL, type Trouble } from '#schema/contracts/workflows';
import type { api_request_workflow } from './api_request_workflow.js';
import type { multi_service_orchestration_workflow } from './multi_service_orchestration_workflow.js';
import { createCancellableWork } from './shared/cancellation.js';
import { toFailure, toWorkflowFailure } from './shared/failures.js';
import { createReporter, type StepName } from './shared/operation-reporter.js';
import { isHandedOver, toStep } from './shared/run-request.js';
import { nameSagaSteps } from './shared/run-saga.js';
import { startRecovery } from './shared/start-recovery.js';
import { startWebhook } from './shared/start-webhook.js';

/** The work keeps the deadline itself and answers with what is finished; this is for one that cannot. */
const DEADLINE_GRACE_MS = 10_000;

const reportEvents = defineSignal<[readonly EventBody[]]>(REPORT_EVENTS_SIGNAL);

/**
 * Runs a request for which nobody waits, as its child, and shows its progress as its own. Its history is bounded by the plan's
 * (at most MAX_PLAN_FETCHES steps).
 *
 * @throws CancelledFailure; ApplicationFailure DEADLINE_EXCEEDED when the work did not even end, or with the work's own code
 */
export async function async_request_workflow({ workflow, request, webhook }: AsyncRequest, auth: AuthContext): Promise<AsyncResponse> {
  const { workflowId } = workflowInfo();
  const reporter = createReporter({ showsStatus: true });
  const work = createCancellableWork(reporter);
  setHandler(reportEvents, (events) => events.forEach((event) => reporter.relay(event)));
  const { plan } = request;
  const title = request.operationName ?? plan.kind;
  reporter.started(title, plan.saga !== undefined ? nameSagaSteps(plan.saga) : plan.root === null ? [] : stepsOf(plan.root));

  const child = {
    workflowId: `${workflowId}/run`,
    workflowTaskTimeout: '3s',
    // Compensations of a run that was ended by force have to run as well.
    parentClosePolicy: 'REQUEST_CANCEL',
    staticSummary: title,
  } as const;
  let isLate = false;
  try {
    const { response, failure, trouble } = await work.run(async () => {
      // Before: a saga that was still undoing at the deadline was cancelled, and taken for work of unknown outcome. After: it is waited for,
      // since it starts nothing then and its undos are bounded by their attempts. Since: 0.1.0, November 2026.
      if (plan.saga !== undefined && patched('saga-ends-by-itself')) return doWork();
      const deadline = new CancellationScope();
      try {
        return await deadline.run(() => withTimer(deadline));
      } finally {
        isLate = deadline.consideredCancelled;
      }
    });
    const failed = trouble?.failure ?? failure;
    if (trouble !== undefined) await recover(trouble, response);
    // Its work has told what it could not undo, in the place of ending as cancelled.
    if (trouble?.class === 'uncompensated' && work.isCancelled() && isHandedOver()) throw new CancelledFailure('cancelled');
    await tell(failed === undefined ? 'COMPLETED' : 'FAILED', failed?.code ?? null);
    if (failed === undefined) reporter.completed();
    else reporter.failed(failed);
    return { response, ...(failed === undefined ? {} : { failure: failed }) };
  } catch (error) {
    if (work.isCancelled()) {
      await tell('CANCELLED', null);
      reporter.cancelled(work.reason());
      throw await work.toFailure();
    }
    const failure: OperationFailure = isLate
      ? { code: 'DEADLINE_EXCEEDED', message: `the operation did not end within ${request.deadlineMs} ms`, retryable: true }
      : toFailure(error);
    await recover(toTrouble(failure, plan.kind, child.workflowId), {
      data: null,
      errors: [{ message: failure.message, extensions: { ...failure } }],
    });
    await tell('FAILED', failure.code);
    reporter.failed(failure);
    throw toWorkflowFailure(failure);
  }

  /** As a scope's own time-out, which has no name in Temporal's UI. */
  async function withTimer(scope: CancellationScope): Promise<APIResponse> {
    const timer = new CancellationScope();
    const ended = timer
      .run(() => sleep(request.deadlineMs + DEADLINE_GRACE_MS, { summary: 'deadline' }))
      .then(
        () => scope.cancel(),
        (error: unknown) => {
          if (!isCancellation(error)) throw error;
        },
      );
    try {
      return await doWork();
    } finally {
      timer.cancel();
      await ended;
    }
  }

  function doWork(): Promise<APIResponse> {
    return workflow === 'api_request_workflow'
      ? executeChild<typeof api_request_workflow>(workflow, { ...child, args: [{ ...request, auth, credential: null }] })
      : executeChild<typeof multi_service_orchestration_workflow>(workflow, { ...child, args: [request, auth] });
  }

  async function tell(status: 'COMPLETED' | 'FAILED' | 'CANCELLED', code: string | null): Promise<void> {
    if (webhook !== undefined) await startWebhook({ url: webhook, tenant: auth.tenant, startedBy: auth.principal, status, code });
  }

  async function recover(trouble: Trouble, response: GraphQLResponse): Promise<void> {
    const recovery = await startRecovery({ workflow, request }, { auth, trouble, response, wasAnswered: false });
    if (recovery !== null) reporter.recoveryStarted(recovery);
  }
}

/** Of work that ended without telling what it has done: a mutation of it cannot be sent once more. */
function toTrouble(failure: OperationFailure, kind: OperationKind, keyBase: string): Trouble {
  const isQuery = kind === 'query';
  const found = isQuery && failure.retryable ? 'retryable' : 'unsure';
  return { class: found, failure, unfinished: [], retryAfterMs: 0, keyBase, answers: isQuery ? [] : null, left: [] };
}

/** The plan's fetches, known beforehand, so that progress has a total; of a condition both branches, one of which is skipped. */
function stepsOf(node: PlanNode): StepName[] {
  switch (node.kind) {
    case 'fetch':
    case 'merged':
      return [toStep({ node: node.id, chunk: 0, service: node.service })];
    case 'place':
      return [];
    case 'sequence':
    case 'parallel':
      return node.nodes.flatMap(stepsOf);
    case 'condition':
      return [node.then, node.otherwise].flatMap((branch) => (branch === null ? [] : stepsOf(branch)));
  }
}
