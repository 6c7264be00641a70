// Runs a plan whose mutation fields are the steps of a saga: when one fails, or the run has to stop, those before it are undone.
// S1. One step at a time: nothing is in flight when the next one starts, so that awaiting between steps is safe (start-execution.ts, E1).
// S2. A mutation that was sent is waited for, also when the run is cancelled or late: what has to be undone depends on its outcome.
// S3. Undoing cannot be cancelled and has no deadline but its attempts. An undo that fails is reported and does not stop the others.
// S4. A step that may have had its effect is undone as well: it is asked again with its key where it may be, else undone unseen.
import { CancellationScope, patched } from '@temporalio/workflow';
import { shapeResponse } from '#gateway/execution/shape-response';
import { startExecution } from '#gateway/execution/start-execution';
import { UNSURE_CODES } from '#schema/contracts/activities';
import { ERROR_CODES, type ErrorCode, registryCodeOf } from '#schema/contracts/errors';
import type { Json, JsonObject } from '#schema/contracts/json';
import type { OperationFailure } from '#schema/contracts/operations';
import type {
  ExecutablePlan,
  GraphQLErrorJson,
  PlannedUndo,
  SagaPlan,
  SagaStep,
  ServiceAnswer,
  ServiceFetch,
  UndoValue,
} from '#schema/contracts/plan';
import type { OrchestrationResponse } from '#schema/contracts/workflows';
import { toFailure } from './failures.js';
import type { OperationReporter, StepName } from './operation-reporter.js';

export interface SagaInput {
  plan: ExecutablePlan & { saga: SagaPlan };
  variables: JsonObject;
  /** Never rejects; a mutation that was begun is not cut. */
  fetch: (fetch: ServiceFetch) => Promise<ServiceAnswer>;
  /** Tries until the service has answered well or clearly refused. @throws as activities do */
  insist: (fetch: ServiceFetch, purpose: 'ask again' | 'undo') => Promise<ServiceAnswer>;
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
  if (stopped !== null) failure = toOperationFailure(stopped, ERROR_CODES[stopped].meaning);

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
      const end = await undo(step, sent, outcome);
      // What stands is shown, since it is there.
      if (end !== 'left') delete data[step.dataKey];
      if (end !== 'had no effect') tell(end === 'left' ? 'COMPENSATION_FAILED' : 'STEP_UNDONE');
    }
    return told;
  }

  async function undo(step: SagaStep, sent: ServiceFetch, outcome: Outcome): Promise<'undone' | 'left' | 'had no effect'> {
    const { undo: planned, service, field } = step;
    const undoes = toName(step).id;
    const name: StepName = { id: `undo-${undoes}`, label: `${service}: ${planned?.field ?? `no undo of ${field}`}` };
    let values: JsonObject | null = null;
    const leave = (reason: OperationFailure): 'left' => {
      reporter.compensationFailed(name, undoes, reason, { service, effect: field, undo: planned?.field ?? null, arguments: values });
      return 'left';
    };

    reporter.compensationStarted(name, undoes);
    if (planned === null) return leave(toOperationFailure('COMPENSATION_FAILED', `'${field}' has no @compensate: undo it by hand`));
    let result = data[step.dataKey];
    try {
      if (outcome === 'unsure' && sent.idempotent) result = (await input.insist(sent, 'ask again')).data?.[step.dataKey];
    } catch (error) {
      const { code, message } = toFailure(error);
      if (isUnsureCode(code)) return leave(toOperationFailure('OUTCOME_UNKNOWN', message));
      // It has refused, so there is nothing to undo.
      reporter.compensationCompleted(name, undoes);
      return 'had no effect';
    }
    values = fillArguments(step, result);
    if (values === null)
      return leave(toOperationFailure('OUTCOME_UNKNOWN', `the answer of '${field}' is lost, and '${planned.field}' needs it`));
    if (outcome === 'unsure' && !sent.idempotent && !planned.idempotent)
      return leave(
        toOperationFailure('OUTCOME_UNKNOWN', `nobody knows whether '${field}' took effect, and '${planned.field}' is not @idempotent`),
      );
    try {
      await input.insist(toUndoFetch(sent, planned, values), 'undo');
      reporter.compensationCompleted(name, undoes);
      return 'undone';
    } catch (error) {
      return leave(toFailure(error));
    }
  }

  /** @returns null when the step's answer is needed and not there */
  function fillArguments({ undo: planned }: SagaStep, result: Json | undefined): JsonObject | null {
    const filled: JsonObject = {};
    for (const { name, value } of planned?.arguments ?? []) {
      const found = toJson(value, result);
      if (found === undefined) return null;
      filled[name] = found;
    }
    return filled;
  }

  function toJson(value: UndoValue, result: Json | undefined): Json | undefined {
    switch (value.kind) {
      case 'constant':
        return value.value;
      case 'variable':
        return follow(variables[value.name], value.path) ?? null;
      case 'result':
        return result === null ? undefined : follow(result, value.path);
      case 'list':
        return value.values.map((element) => toJson(element, result) ?? null);
      case 'object':
        return Object.fromEntries(value.fields.map((entry) => [entry.name, toJson(entry.value, result) ?? null]));
    }
  }
}

/** In the place of the fetch whose effect it takes back: node and chunk are of its key. */
function toUndoFetch(sent: ServiceFetch, planned: PlannedUndo, variables: JsonObject): ServiceFetch {
  const { node, chunk, service, operationKind } = sent;
  const { operation, operationName, idempotent, policy } = planned;
  const fetch = { node, chunk, service, operationKind, operation, operationName, variables, idempotent };
  return policy === undefined ? fetch : { ...fetch, policy };
}

function follow(from: Json | undefined, path: readonly string[]): Json | undefined {
  let value = from;
  for (const key of path) value = typeof value === 'object' && value !== null && !Array.isArray(value) ? value[key] : undefined;
  return value;
}

function isUnsureCode(code: string): boolean {
  // Before: a service whose database went away had refused the step. After: it may have committed, unseen. Since: 0.1.0, November 2026.
  return UNSURE_CODES.has(code) || (code === 'DATABASE_UNAVAILABLE' && patched('database-away-is-unsure'));
}

/** Data is an effect. Without it, an error of the field itself is a refusal; one below it, or of the transport, says nothing about the effect. */
function judge({ dataKey }: SagaStep, { data, errors }: ServiceAnswer): Outcome {
  if (errors.length === 0 || (data?.[dataKey] ?? null) !== null) return 'done';
  const isUnsure = errors.some((error) => isUnsureCode(registryCodeOf(error)) || (error.path !== undefined && error.path.length > 1));
  return isUnsure ? 'unsure' : 'failed';
}

function explain({ field }: SagaStep, errors: readonly { extensions: { code: string } }[]): OperationFailure {
  const error = errors.at(-1);
  const known = error === undefined ? 'SUBGRAPH_ERROR' : registryCodeOf(error);
  return toOperationFailure(known, `'${field}': ${ERROR_CODES[known].meaning}`);
}

function toName({ fetch, service, field }: SagaStep): StepName {
  return { id: `fetch-${fetch}`, label: `${service}: ${field}` };
}

function toOperationFailure(code: ErrorCode, message: string): OperationFailure {
  return { code, message, retryable: ERROR_CODES[code].retryable };
}

function toError(code: ErrorCode, message: string, path?: readonly string[]): GraphQLErrorJson {
  return { message, ...(path === undefined ? {} : { path }), extensions: { code, retryable: ERROR_CODES[code].retryable } };
}
