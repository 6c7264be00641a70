// Takes back one step of a saga: in the run itself when the saga fails, and later in the run's recovery.
// U1. A step of unknown outcome is sent again with its key where it may be: its answer says what to undo, its refusal that there is nothing.
// U2. What could not be undone is described with all that a later attempt, or a person, needs.
import { patched } from '@temporalio/workflow';
import { UNSURE_CODES } from '#schema/contracts/activities';
import type { Json, JsonObject } from '#schema/contracts/json';
import type { OperationFailure } from '#schema/contracts/operations';
import type { SagaStep, ServiceAnswer, ServiceFetch, UndoValue } from '#schema/contracts/plan';
import type { LeftStep } from '#schema/contracts/workflows';
import { attemptsOf, describe, isRefusal, toFailure, toToldFailure } from './failures.js';
import type { OperationReporter, StepName } from './operation-reporter.js';

export interface StepToUndo {
  step: SagaStep;
  /** How the step was sent, when nobody knows whether it took effect; null when it did. */
  unsure: ServiceFetch | null;
  /** Of the undo; null when they need an answer of the step that is not there. */
  arguments: JsonObject | null;
}

export interface UndoContext {
  variables: JsonObject;
  reporter: OperationReporter;
  /** Tries until the service has answered well or clearly refused. @throws as activities do */
  insist: (fetch: ServiceFetch, purpose: 'ask again' | 'undo') => Promise<ServiceAnswer>;
}

export type UndoEnd = { kind: 'undone' } | { kind: 'had no effect' } | { kind: 'left'; left: LeftStep };

export async function undoStep(toUndo: StepToUndo, { variables, reporter, insist }: UndoContext): Promise<UndoEnd> {
  const { step, unsure } = toUndo;
  const { undo: planned, service, field } = step;
  const undoes = `fetch-${step.fetch}`;
  const name: StepName = { id: `undo-${undoes}`, label: `${service}: ${planned?.field ?? `no undo of ${field}`}` };
  let values = toUndo.arguments;
  const leave = (failure: OperationFailure, more: Pick<LeftStep, 'unsure' | 'mayPass'> = {}): UndoEnd => {
    const leftover = { service, effect: field, undo: planned?.field ?? null, arguments: values };
    reporter.compensationFailed(name, undoes, failure, leftover);
    return { kind: 'left', left: { step: undoes, leftover, ...more } };
  };
  const unknown = (message: string): OperationFailure => describe('OUTCOME_UNKNOWN', message);

  reporter.compensationStarted(name, undoes);
  if (planned === null) return leave(describe('COMPENSATION_FAILED', `'${field}' has no @compensate: undo it by hand`));
  const mayRepeat = planned.idempotent ? ({ mayPass: true } as const) : {};
  let attempts = 1;
  if (unsure?.idempotent === true) {
    try {
      const answer = await insist(unsure, 'ask again');
      values = fillArguments(step, variables, answer.data?.[step.dataKey]);
      attempts = answer.attempts ?? 1;
    } catch (error) {
      reporter.stepRetried(name, attemptsOf(error));
      const { code, message } = toFailure(error);
      if (isUnsureCode(code)) return leave(unknown(message), { unsure, ...mayRepeat });
      // It has refused, so there is nothing to undo.
      reporter.compensationCompleted(name, undoes);
      return { kind: 'had no effect' };
    }
  }
  if (values === null) return leave(unknown(`the answer of '${field}' is lost, and '${planned.field}' needs it`));
  if (unsure?.idempotent === false && !planned.idempotent)
    return leave(unknown(`nobody knows whether '${field}' took effect, and '${planned.field}' is not @idempotent`));
  try {
    const answer = await insist(toUndoFetch(step, values), 'undo');
    reporter.stepRetried(name, Math.max(attempts, answer.attempts ?? 1));
    reporter.compensationCompleted(name, undoes);
    return { kind: 'undone' };
  } catch (error) {
    reporter.stepRetried(name, Math.max(attempts, attemptsOf(error)));
    return leave(toToldFailure(error), isRefusal(error) ? {} : mayRepeat);
  }
}

/** @returns null when the step's answer is needed and not there */
export function fillArguments({ undo }: SagaStep, variables: JsonObject, result: Json | undefined): JsonObject | null {
  const filled: JsonObject = {};
  for (const { name, value } of undo?.arguments ?? []) {
    const found = toJson(value);
    if (found === undefined) return null;
    filled[name] = found;
  }
  return filled;

  function toJson(value: UndoValue): Json | undefined {
    switch (value.kind) {
      case 'constant':
        return value.value;
      case 'variable':
        return follow(variables[value.name], value.path) ?? null;
      case 'result':
        return result === null ? undefined : follow(result, value.path);
      case 'list':
        return value.values.map((element) => toJson(element) ?? null);
      case 'object':
        return Object.fromEntries(value.fields.map((entry) => [entry.name, toJson(entry.value) ?? null]));
    }
  }
}

/** In the place of the fetch whose effect it takes back: node and chunk are of its key. */
function toUndoFetch({ fetch: node, service, undo }: SagaStep, variables: JsonObject): ServiceFetch {
  if (undo === null) throw new Error('a step without an undo is not undone');
  const { operation, operationName, idempotent, policy } = undo;
  const fetch = { node, chunk: 0, service, operationKind: 'mutation', operation, operationName, variables, idempotent } as const;
  return policy === undefined ? fetch : { ...fetch, policy };
}

function follow(from: Json | undefined, path: readonly string[]): Json | undefined {
  let value = from;
  for (const key of path) value = typeof value === 'object' && value !== null && !Array.isArray(value) ? value[key] : undefined;
  return value;
}

export function isUnsureCode(code: string): boolean {
  // Before: a service whose database went away had refused the step. After: it may have committed, unseen. Since: 0.1.0, November 2026.
  return UNSURE_CODES.has(code) || (code === 'DATABASE_UNAVAILABLE' && patched('database-away-is-unsure'));
}
