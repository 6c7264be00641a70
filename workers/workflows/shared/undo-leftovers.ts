import { proxyActivities } from '@temporalio/workflow';
import type { RequestActivities } from '#schema/contracts/activities';
import type { AuthContext } from '#schema/contracts/identity';
import { ERROR_CODES } from '#schema/contracts/errors';
import type { ExecutablePlan, GraphQLResponse } from '#schema/contracts/plan';
import type { ComplexRequest, Trouble } from '#schema/contracts/workflows';
import { toFailure } from './failures.js';
import type { OperationReporter } from './operation-reporter.js';
import { toRetry } from './retry-policy.js';

const UNDO_MS = 10_000;

/** Tries once more to undo what a saga's compensation left; with the keys of the first try. @returns what is still left */
export async function undoLeftovers(input: {
  request: ComplexRequest;
  auth: AuthContext;
  operationId: string;
  trouble: Trouble;
  reporter: OperationReporter;
}): Promise<Trouble['left']> {
  const { request, auth, operationId, trouble, reporter } = input;
  const still: Trouble['left'][number][] = [];
  for (const one of trouble.left) {
    const { step, leftover } = one;
    const planned = request.plan.saga?.steps.find(({ fetch }) => `fetch-${fetch}` === step);
    if (planned?.undo == null || leftover.arguments === null) {
      still.push(one);
      continue;
    }
    const { undo, fetch, service } = planned;
    const name = { id: `undo-${step}`, label: `${service}: ${undo.field}` };
    const timeoutMs = undo.policy?.timeoutMs ?? UNDO_MS;
    const { insist_on_service_activity } = proxyActivities<RequestActivities>({
      startToCloseTimeout: timeoutMs + 1_000,
      heartbeatTimeout: '2s',
      retry: toRetry(undo, 3),
      summary: `${service}: undo ${fetch}`,
    });
    reporter.compensationStarted(name, step);
    try {
      await insist_on_service_activity({
        node: fetch,
        chunk: 0,
        service,
        operationKind: 'mutation',
        operation: undo.operation,
        operationName: undo.operationName,
        variables: leftover.arguments,
        idempotent: undo.idempotent,
        generation: request.generation,
        auth,
        operationId,
        idempotencyKey: `${trouble.keyBase}.${fetch}.undo`,
        ...(undo.policy === undefined ? {} : { policy: undo.policy }),
        timeoutMs,
      });
      reporter.compensationCompleted(name, step);
    } catch (error) {
      reporter.compensationFailed(name, step, toFailure(error), leftover);
      still.push(one);
    }
  }
  return still;
}

/** The answer, when of what it shows as left only `still` is. */
export function withoutUndone(
  response: GraphQLResponse,
  { saga, shape }: Pick<ExecutablePlan, 'saga' | 'shape'>,
  left: Trouble['left'],
  still: Trouble['left'],
): GraphQLResponse {
  const undone = left.filter(({ step }) => still.every((one) => one.step !== step)).map(({ step }) => step);
  const keys = new Set(saga?.steps.filter(({ fetch }) => undone.includes(`fetch-${fetch}`)).map(({ responseKey }) => responseKey));
  if (keys.size === 0) return response;
  const isRequired = shape.fields.some(({ responseKey, type }) => keys.has(responseKey) && type.kind === 'nonNull');
  const data = response.data === null || isRequired ? null : { ...response.data };
  if (data !== null) for (const key of keys) if (key in data) data[key] = null;
  const errors = response.errors?.map((error) => {
    const [key, ...below] = error.path ?? [];
    if (error.extensions.code !== 'COMPENSATION_FAILED' || below.length > 0 || !keys.has(key as string)) return error;
    const { meaning, retryable } = ERROR_CODES.STEP_UNDONE;
    return { ...error, message: meaning, extensions: { code: 'STEP_UNDONE', retryable } };
  });
  return errors === undefined ? { data } : { data, errors };
}
