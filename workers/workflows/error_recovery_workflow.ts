// What becomes of a run that failed. It owns the run's input and what the run has finished, until it is resolved.
// V1. Nothing ends silently: without a decision it stays open, and on the list of what needs attention.
// V2. What is tried again carries the keys of the first attempt, so that a service recognises what it has done already.
// V3. A mutation that may have taken effect, or of whose failure a caller was told, is not sent again unasked.
// V4. Days may pass: before anything is sent again, whoever it is sent for is judged anew.
// V5. One attempt or decision at a time; others that come meanwhile wait their turn.
import {
  CancellationScope,
  condition,
  defineQuery,
  defineSignal,
  executeChild,
  isCancellation,
  patched,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { OperationActivities, RequestActivities } from '#schema/contracts/activities';
import { ERROR_CODES } from '#schema/contracts/errors';
import { toOperationId } from '#schema/contracts/ids';
import type { EventBody, ResolutionChoice } from '#schema/contracts/operations';
import type { VariableRules } from '#schema/contracts/plan';
import {
  type APIResponse,
  type ErrorContext,
  type FailedRequest,
  type RecoveryResult,
  REPORT_EVENTS_SIGNAL,
  RESOLVE_OPERATION_SIGNAL,
  type ResolveOperation,
  VARIABLE_RULES_QUERY,
} from '#schema/contracts/workflows';
import type { api_request_workflow } from './api_request_workflow.js';
import type { multi_service_orchestration_workflow } from './multi_service_orchestration_workflow.js';
import { cancelOperation } from './shared/cancellation.js';
import { choicesFor, hasEffect, isWorthTrying } from './shared/classify-failure.js';
import { continueOperation } from './shared/continue-operation.js';
import { toFailure } from './shared/failures.js';
import { createReporter } from './shared/operation-reporter.js';
import { undoLeftovers, withoutUndone } from './shared/undo-leftovers.js';

/** About half an hour of waiting in all; then it is left to people. */
const AUTOMATIC_ATTEMPTS = 8;
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 600_000;
const ATTEMPT_MS = 60_000;

const reportEvents = defineSignal<[readonly EventBody[]]>(REPORT_EVENTS_SIGNAL);
const variableRules = defineQuery<VariableRules | null>(VARIABLE_RULES_QUERY);
const resolveOperation = defineSignal<[ResolveOperation]>(RESOLVE_OPERATION_SIGNAL);
const { record_attention_activity } = proxyActivities<OperationActivities>({
  startToCloseTimeout: '10s',
  retry: { maximumInterval: '1m' },
  summary: 'list of what needs attention',
});

/** Until it is known: where the tenants service is away, so is most likely what failed. */
const { authenticate_request_activity } = proxyActivities<RequestActivities>({
  startToCloseTimeout: '15s',
  retry: { maximumInterval: '1m' },
  summary: 'standing of the caller',
});

type Decision = Omit<ResolveOperation, 'by'> & { by: string | null };

/** Retries from the failed fetch, compensates, or waits for somebody's decision. Being cancelled is being given up. */
export async function error_recovery_workflow(failed: FailedRequest, context: ErrorContext): Promise<RecoveryResult> {
  const { workflowId, firstExecutionRunId } = workflowInfo();
  const recoveryId = toOperationId({ workflowId, runId: firstExecutionRunId });
  const { auth, wasAnswered, progress = { seq: 0, records: 0, attempts: 0, edits: 0 } } = context;
  const reporter = createReporter({ showsStatus: true, seq: progress.seq });
  const decisions: Decision[] = [];
  setHandler(reportEvents, (events) => events.forEach((event) => reporter.relay(event)));
  setHandler(variableRules, () => failed.request.plan.variableRules ?? null);
  setHandler(resolveOperation, (decision) => void decisions.push(decision));
  setHandler(cancelOperation, ({ reason, by }) => {
    reporter.cancelRequested(reason, by);
    decisions.push({ choice: 'GIVE_UP', by, variables: null });
  });

  let { trouble, response } = context;
  let { request } = failed;
  let { records, attempts, edits } = progress;
  if (context.progress === undefined) {
    reporter.started(`Recovery of ${failed.title}`, []);
    await record('RECOVERING');
  }

  try {
    return await decideUntilResolved();
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // From Temporal's UI: that is somebody's decision too.
    await CancellationScope.nonCancellable(() => record('RESOLVED'));
    reporter.cancelled(null);
    throw error;
  }

  async function decideUntilResolved(): Promise<RecoveryResult> {
    for (;;) {
      const { choice, by, variables } = await nextDecision();
      reporter.inputReceived(choice, by);
      switch (choice) {
        case 'SKIP':
          return resolved('SKIPPED', by);
        case 'GIVE_UP':
          return resolved('GIVEN_UP', by);
        case 'COMPENSATE': {
          attempts += 1;
          const end = await undoLeftovers({ request, auth, operationId: recoveryId, trouble, reporter });
          response = withoutUndone(response, request.plan, trouble.left, end);
          if (end.left.length === 0) return resolved('COMPENSATED', by);
          trouble = { ...trouble, left: end.left };
          break;
        }
        case 'EDIT_VARIABLES':
          edits += 1;
          request = { ...request, variables: { ...request.variables, ...variables } };
          // Another request than the one that failed: its keys are its own, and only effects that happened stand.
          trouble = {
            ...trouble,
            keyBase: `${failed.operationId}~${edits}`,
            answers: trouble.answers?.filter(({ node }) => hasEffect(request.plan.root, node)) ?? null,
          };
          if (await tryAgain()) return resolved('RECOVERED', by);
          break;
        case 'RETRY':
          if (await tryAgain()) return resolved('RECOVERED', by);
          break;
      }
      if (workflowInfo().continueAsNewSuggested && decisions.length === 0) {
        const carried = { ...context, trouble, response, progress: { seq: reporter.seq(), records, attempts, edits } };
        await continueOperation<typeof error_recovery_workflow>({ ...failed, request }, carried);
      }
    }
  }

  async function nextDecision(): Promise<Decision> {
    const offered = choicesFor(trouble);
    if (attempts < AUTOMATIC_ATTEMPTS && isWorthTrying(trouble, wasAnswered) && mayActAlone()) {
      const waitMs = Math.max(trouble.retryAfterMs, Math.min(FIRST_WAIT_MS * 2 ** attempts, LONGEST_WAIT_MS));
      await condition(() => isDecided(offered), waitMs, { summary: 'before the next attempt' });
      return decisions.shift() ?? { choice: trouble.class === 'uncompensated' ? 'COMPENSATE' : 'RETRY', by: null, variables: null };
    }
    reporter.inputRequired(`${failed.title}: ${trouble.failure.code}. ${trouble.failure.message}`, offered);
    await record('INPUT_REQUIRED');
    await condition(() => isDecided(offered));
    await record('RECOVERING');
    return decisions.shift() as Decision;
  }

  function mayActAlone(): boolean {
    // Before: what a saga could not undo waited for somebody. After: it is tried again, as a failed fetch is. Since: 0.1.0, November 2026.
    return trouble.class !== 'uncompensated' || patched('compensates-by-itself');
  }

  /** Decisions that were not offered, or came too late for what they were about, are dropped. */
  function isDecided(offered: readonly ResolutionChoice[]): boolean {
    while (decisions[0] !== undefined && !offered.includes(decisions[0].choice)) decisions.shift();
    return decisions.length > 0;
  }

  /** @returns whether nothing is left to do */
  async function tryAgain(): Promise<boolean> {
    attempts += 1;
    const { keyBase, answers } = trouble;
    if (answers === null || !(await isInGoodStanding())) return false;
    const again = {
      ...request,
      resume: { keyBase, answers },
      synchronous: false,
      deadlineMs: Math.max(ATTEMPT_MS, request.plan.longestTimeoutMs ?? 0),
    };
    const child = { workflowId: `${workflowId}/attempt-${attempts}`, workflowTaskTimeout: '3s', staticSummary: failed.title } as const;
    try {
      const answer: APIResponse =
        failed.workflow === 'api_request_workflow'
          ? await executeChild<typeof api_request_workflow>(failed.workflow, { ...child, args: [{ ...again, auth, credential: null }] })
          : await executeChild<typeof multi_service_orchestration_workflow>(failed.workflow, { ...child, args: [again, auth] });
      response = answer.response;
      if (answer.trouble === undefined) return true;
      trouble = answer.trouble;
    } catch (error) {
      const failure = toFailure(error);
      trouble = { ...trouble, class: request.plan.kind === 'query' ? trouble.class : 'unsure', failure };
    }
    return false;
  }

  async function isInGoodStanding(): Promise<boolean> {
    // Before: a run was judged when its request came. After: again before each attempt of its recovery. Since: 0.1.0, November 2026.
    if (!patched('standing-before-attempt')) return true;
    const verdict = await authenticate_request_activity({ ref: recoveryId, fingerprint: auth.fingerprint, auth });
    if (verdict.standing === 'good') return true;
    const { retryable } = ERROR_CODES.UNAUTHENTICATED;
    const message = `the caller is not in good standing any more (${verdict.reason}): nothing was sent`;
    trouble = { ...trouble, class: 'auth', failure: { code: 'UNAUTHENTICATED', message, retryable } };
    return false;
  }

  async function resolved(outcome: RecoveryResult['outcome'], by: string | null): Promise<RecoveryResult> {
    await record('RESOLVED');
    reporter.completed();
    return { outcome, by, response };
  }

  async function record(state: 'RECOVERING' | 'INPUT_REQUIRED' | 'RESOLVED'): Promise<void> {
    await record_attention_activity({
      operationId: failed.operationId,
      recoveryId,
      tenant: auth.tenant,
      startedBy: auth.principal,
      state,
      version: ++records,
      at: new Date().toISOString(),
    });
  }
}
