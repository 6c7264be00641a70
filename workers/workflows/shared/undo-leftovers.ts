import type { AuthContext } from '#schema/contracts/identity';
import { ERROR_CODES } from '#schema/contracts/errors';
import type { ExecutablePlan, GraphQLResponse } from '#schema/contracts/plan';
import type { ComplexRequest, LeftStep, Trouble } from '#schema/contracts/workflows';
import { mayBeUndone } from './classify-failure.js';
import type { OperationReporter } from './operation-reporter.js';
import { insist, MUTATION_FETCH_MS, toServiceCall } from './service-calls.js';
import { undoStep } from './undo-step.js';

/** At a time: the recovery comes back later. */
const ATTEMPTS = 3;

export interface UndoneLeftovers {
  /** Still to be undone. */
  left: readonly LeftStep[];
  /** Steps of which it is known now that they took no effect. */
  withoutEffect: readonly string[];
}

/** Tries once more to undo what a saga's compensation left; with the keys of the first try. */
export async function undoLeftovers({
  request,
  auth,
  operationId,
  trouble,
  reporter,
}: {
  request: ComplexRequest;
  auth: AuthContext;
  operationId: string;
  trouble: Trouble;
  reporter: OperationReporter;
}): Promise<UndoneLeftovers> {
  const left: LeftStep[] = [];
  const withoutEffect: string[] = [];
  for (const one of trouble.left) {
    const step = request.plan.saga?.steps.find(({ fetch }) => `fetch-${fetch}` === one.step);
    if (step === undefined || !mayBeUndone(one)) {
      left.push(one);
      continue;
    }
    const { unsure = null, leftover } = one;
    const end = await undoStep(
      { step, unsure, arguments: leftover.arguments },
      {
        variables: request.variables,
        reporter,
        insist: (fetch, purpose) => {
          const timeoutMs = fetch.policy?.timeoutMs ?? MUTATION_FETCH_MS;
          return insist(toServiceCall(fetch, { request, auth, operationId, keyBase: trouble.keyBase, timeoutMs }), purpose, ATTEMPTS);
        },
      },
    );
    if (end.kind === 'left') left.push(end.left);
    if (end.kind === 'had no effect') withoutEffect.push(one.step);
  }
  return { left, withoutEffect };
}

/** The answer, when of what it shows as left only `left` is. */
export function withoutUndone(
  response: GraphQLResponse,
  { saga, shape }: Pick<ExecutablePlan, 'saga' | 'shape'>,
  before: Trouble['left'],
  { left, withoutEffect }: UndoneLeftovers,
): GraphQLResponse {
  const isOver = (step: string): boolean => before.some((one) => one.step === step) && left.every((one) => one.step !== step);
  const over = new Map(
    saga?.steps.flatMap(({ fetch, responseKey }) => {
      const step = `fetch-${fetch}`;
      return isOver(step) ? [[responseKey, withoutEffect.includes(step) ? 'had no effect' : 'undone'] as const] : [];
    }),
  );
  if (over.size === 0) return response;
  const isRequired = shape.fields.some(({ responseKey, type }) => over.has(responseKey) && type.kind === 'nonNull');
  const data = response.data === null || isRequired ? null : { ...response.data };
  if (data !== null) for (const key of over.keys()) if (key in data) data[key] = null;
  const errors = response.errors?.flatMap((error) => {
    const [key, ...below] = error.path ?? [];
    const end = error.extensions.code === 'COMPENSATION_FAILED' && below.length === 0 ? over.get(key as string) : undefined;
    if (end === undefined) return [error];
    const { meaning, retryable } = ERROR_CODES.STEP_UNDONE;
    return end === 'undone' ? [{ ...error, message: meaning, extensions: { code: 'STEP_UNDONE', retryable } }] : [];
  });
  return errors === undefined ? { data } : { data, errors };
}
