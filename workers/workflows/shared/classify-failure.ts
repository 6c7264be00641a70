import { ERROR_CODES, isErrorCode } from '#schema/contracts/errors';
import type { ResolutionChoice } from '#schema/contracts/operations';
import type { PlanNode } from '#schema/contracts/plan';
import type { FailureClass, LeftStep, Trouble } from '#schema/contracts/workflows';

/** A mutation with such an answer was sent, and nobody can say what became of it. */
const UNSURE = new Set(['OUTCOME_UNKNOWN', 'SUBGRAPH_BAD_ANSWER', 'SUBGRAPH_ANSWER_TOO_LARGE']);
const DOWN = new Set(['SUBGRAPH_UNREACHABLE', 'SUBGRAPH_UNAVAILABLE', 'SUBGRAPH_TIMEOUT']);
const AUTH = new Set(['UNAUTHENTICATED', 'FORBIDDEN', 'SERVICE_CALL_REFUSED']);
const VALIDATION = new Set(['BAD_USER_INPUT', 'BAD_REQUEST', 'GRAPHQL_VALIDATION_FAILED', 'NOT_FOUND', 'CONFLICT', 'QUOTA_EXCEEDED']);

/**
 * Judges by what is worst: only when nothing else is in the way does trying again help.
 *
 * @param isBackground - nobody was told: also what a service refused of a mutation is somebody's to look at
 * @returns null when the services said what there is to say: their errors are the answer
 */
export function classify(unfinished: Trouble['unfinished'], isBackground: boolean): FailureClass | null {
  const has = (test: (fetch: Trouble['unfinished'][number]) => boolean): boolean => unfinished.some(test);
  const refused = (codes: ReadonlySet<string>): boolean =>
    isBackground && has(({ operationKind, code }) => operationKind === 'mutation' && codes.has(code));
  if (has(({ operationKind, code }) => operationKind === 'mutation' && UNSURE.has(code))) return 'unsure';
  // What the caller left for the run is gone: without the caller nothing helps, whatever was asked.
  if (has(({ code }) => code === 'CREDENTIAL_EXPIRED') || refused(AUTH)) return 'auth';
  if (refused(VALIDATION)) return 'validation';
  if (has(({ code }) => DOWN.has(code))) return 'service_down';
  if (has(({ code }) => isErrorCode(code) && ERROR_CODES[code].retryable)) return 'retryable';
  return null;
}

/** May the failed fetches be sent again, or what is left be undone, without asking anybody? */
export function isWorthTrying({ class: found, answers, unfinished, left }: Trouble, wasAnswered: boolean): boolean {
  // That somebody was told of the failure does not matter: what is left is to be undone in any case.
  if (found === 'uncompensated') return left.some((one) => one.mayPass === true && mayBeUndone(one));
  if ((found !== 'service_down' && found !== 'retryable') || answers === null) return false;
  return unfinished.every(
    ({ operationKind, idempotent, code }) =>
      operationKind === 'query' ||
      // Of a mutation that was sent and not answered it would say that the outcome is unknown: this one has not been sent.
      (!wasAnswered && (idempotent || DOWN.has(code))),
  );
}

/** Are the arguments of its undo known, or can they be asked for? */
export function mayBeUndone({ leftover, unsure }: LeftStep): boolean {
  return leftover.undo !== null && (leftover.arguments !== null || unsure !== undefined);
}

export function choicesFor({ class: found, answers, left }: Trouble): readonly ResolutionChoice[] {
  if (found === 'uncompensated') {
    return left.some(mayBeUndone) ? ['COMPENSATE', 'GIVE_UP'] : ['GIVE_UP'];
  }
  return answers === null ? ['SKIP', 'GIVE_UP'] : ['RETRY', 'EDIT_VARIABLES', 'SKIP', 'GIVE_UP'];
}

/** Is the fetch a mutation? */
export function hasEffect(plan: PlanNode | null, id: number): boolean {
  if (plan === null) return false;
  switch (plan.kind) {
    case 'fetch':
      return plan.id === id && plan.operationKind === 'mutation';
    case 'merged':
    case 'place':
      return false;
    case 'sequence':
    case 'parallel':
      return plan.nodes.some((node) => hasEffect(node, id));
    case 'condition':
      return hasEffect(plan.then, id) || hasEffect(plan.otherwise, id);
  }
}
