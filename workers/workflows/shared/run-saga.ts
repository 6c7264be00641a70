// Runs a plan whose mutation fields are the steps of a saga: when one fails, or the run has to stop, those before it are undone.
// S1. One step at a time: nothing is in flight when the next one starts, so that awaiting between steps is safe (start-execution.ts, E1).
// S2. A mutation that was sent is waited for, also when the run is cancelled or late: what has to be undone depends on its outcome.
// S3. Undoing cannot be cancelled and has no deadline but its attempts. An undo that fails is reported and does not stop the others.
// S4. A step that may have had its effect is undone as well (undo-step.ts, U1).
import { CancellationScope } from '@temporalio/workflow';
import { shapeResponse } from '#gateway/execution/shape-response';
import { startExecution } from '#gateway/execution/start-execution';
import { ERROR_CODES, type ErrorCode, registryCodeOf } from '#schema/contracts/errors';
import type { JsonObject } from '#schema/contracts/json';
import type { OperationFailure } from '#schema/contracts/operations';
import type {
  ExecutablePlan,
  GraphQLErrorJson,
  SagaPlan,
  SagaStep,
  ServiceAnswer,
  ServiceError,
  ServiceFetch,
} from '#schema/contracts/plan';
import type { LeftStep, OrchestrationResponse } from '#schema/contracts/workflows';
import { describe, toShownFailure } from './failures.js';
import type { OperationReporter, StepName } from './operation-reporter.js';
import { fillArguments, isUnsureCode, type UndoContext, undoStep } from './undo-step.js';

export interface SagaInput {
  plan: ExecutablePlan & { saga: SagaPlan };
  variables: JsonObject;
  /** Never rejects; a mutation that was begun is not cut. */
  fetch: (fetch: ServiceFetch) => Promise<ServiceAnswer>;
  insist: UndoContext['insist'];
  onLeft: (left: LeftStep) => void;
  /** Asked between steps. */
  whyStopped: () => ErrorCode | null;
  onFetch: (fetch: ServiceFetch, answer: ServiceAnswer | null) => void;
  reporter: OperationReporter;
}

type Outcome = 'done' | 'failed' | 'unsure' | 'not started';

interface Attempted {
  step: SagaStep;
  /** Null when the variables leave the field out. */
  sent: ServiceFetch | null;
  outcome: Outcome;
}

export function nameSagaSteps({ steps }: SagaPlan): StepName[] {
  return steps.map(toName);
}

export async function runSaga(input: SagaInput): Promise<OrchestrationResponse> {
  const { plan, variables, reporter, whyStopped } = input;
  const data: JsonObject = {};
  const services = new Set<string>();
  const attempted: Attempted[] = [];
  let errors: readonly GraphQLErrorJson[] = [];
  let stopped: ErrorCode | null = null;
  let failure: OperationFailure | null = null;

  for (const step of plan.saga.steps) {
    stopped = failure === null ? (stopped ?? whyStopped()) : null;
    if (failure !== null || stopped !== null) {
      attempted.push({ step, sent: null, outcome: 'not started' });
      continue;
    }
    const attempt = await attemptStep(step);
    attempted.push(attempt);
    if (attempt.outcome !== 'done') failure = explain(step, errors);
  }
  stopped = failure === null ? (stopped ?? whyStopped()) : null;
  if (stopped !== null) failure = describe(stopped, ERROR_CODES[stopped].meaning);

  const own = failure === null ? [] : await CancellationScope.nonCancellable(undoAll);
  if (stopped !== null) own.push(toError(stopped, ERROR_CODES[stopped].meaning));
  const response = shapeResponse(plan.shape, data, [...errors, ...own], variables);
  return { response, services: [...services], ...(failure === null ? {} : { failure }) };

  async function attemptStep(step: SagaStep): Promise<Attempted> {
    const attempt: Attempted = { step, sent: null, outcome: 'done' };
    reporter.stepStarted(toName(step));
    const execution = startExecution({
      plan: { ...plan, root: step.node },
      variables,
      root: data,
      rootErrors: errors,
      port: { fetch: input.fetch },
      onFetch: (fetch, answer) => {
        if (fetch.node !== step.fetch) return input.onFetch(fetch, answer);
        attempt.sent = fetch;
        if (answer === null) return;
        attempt.outcome = judge(step, answer);
        reporter.stepRetried(toName(step), answer.attempts ?? 1);
        if (attempt.outcome === 'done') reporter.stepCompleted(toName(step));
        else reporter.stepFailed(toName(step), explain(step, answer.errors));
      },
      onMerged: (_, merged) => (errors = [...merged]),
    });
    for (const service of (await execution.answer).services) services.add(service);
    if (attempt.sent === null) reporter.stepCompleted(toName(step), 'left out by its variables');
    return attempt;
  }

  /** @returns what to tell about each field that is not as it was asked for */
  async function undoAll(): Promise<GraphQLErrorJson[]> {
    const told: GraphQLErrorJson[] = [];
    for (const { step, sent, outcome } of [...attempted].reverse()) {
      const tell = (code: ErrorCode): void => void told.unshift(toError(code, ERROR_CODES[code].meaning, [step.responseKey]));
      if (outcome === 'not started') tell('STEP_NOT_STARTED');
      if (sent === null || outcome === 'failed' || outcome === 'not started') continue;
      const known = fillArguments(step, variables, data[step.dataKey]);
      const end = await undoStep({ step, unsure: outcome === 'unsure' ? sent : null, arguments: known }, input);
      if (end.kind === 'left') input.onLeft(end.left);
      // What stands is shown, since it is there.
      else delete data[step.dataKey];
      if (end.kind !== 'had no effect') tell(end.kind === 'left' ? 'COMPENSATION_FAILED' : 'STEP_UNDONE');
    }
    return told;
  }
}

/** Data is an effect. Without it, an error of the field itself is a refusal; one below it, or of the transport, says nothing about the effect. */
function judge({ dataKey }: SagaStep, { data, errors }: ServiceAnswer): Outcome {
  if (errors.length === 0 || (data?.[dataKey] ?? null) !== null) return 'done';
  const isUnsure = errors.some((error) => isUnsureCode(registryCodeOf(error)) || (error.path !== undefined && error.path.length > 1));
  return isUnsure ? 'unsure' : 'failed';
}

function explain({ field }: SagaStep, errors: readonly ServiceError[]): OperationFailure {
  const error = errors.at(-1);
  if (error === undefined) return describe('SUBGRAPH_ERROR', `'${field}': ${ERROR_CODES.SUBGRAPH_ERROR.meaning}`);
  return toShownFailure(error, `'${field}': `);
}

function toName({ fetch, service, field }: SagaStep): StepName {
  return { id: `fetch-${fetch}`, label: `${service}: ${field}` };
}

function toError(code: ErrorCode, message: string, path?: readonly string[]): GraphQLErrorJson {
  return { message, ...(path === undefined ? {} : { path }), extensions: { code, retryable: ERROR_CODES[code].retryable } };
}
