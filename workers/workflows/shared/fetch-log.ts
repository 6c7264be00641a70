// What a run has fetched and what it has not: for judging how it ended, and for going on from there in another run.
// L1. A fetch is known by its node and chunk: the executor asks for the same ones when it gets the same answers.
// L2. Answers are copied before they are merged, which changes them. Queries that somebody waits for are not recovered, so nothing
//     is copied for them.
import { cloneJson } from '#gateway/execution/json-data';
import { UNSURE_CODES } from '#schema/contracts/activities';
import { ERROR_CODES, type ErrorCode, isErrorCode, registryCodeOf } from '#schema/contracts/errors';
import type { JsonObject } from '#schema/contracts/json';
import type { ServiceAnswer, ServiceError, ServiceFetch } from '#schema/contracts/plan';
import type { ComplexRequest, LeftStep, OrchestrationResponse, Trouble } from '#schema/contracts/workflows';
import { classify } from './classify-failure.js';

/** Together with the response in one payload. */
const MAX_KEPT_CHARS = 600_000;

export interface FetchLog {
  /** As `onFetch` of the executor. */
  note(fetch: ServiceFetch, answer: ServiceAnswer | null): void;
  /** The answer that an earlier run has had. */
  recall(fetch: ServiceFetch): ServiceAnswer | undefined;
  /** An answer as it came; @returns the same */
  keep(answer: ServiceAnswer): ServiceAnswer;
  /** What a compensation could not undo. */
  leave(left: LeftStep): void;
  /** @returns null when nobody has to care: all is well, or the services said what there is to say */
  toTrouble(answer: OrchestrationResponse): Trouble | null;
}

const toKey = ({ node, chunk }: { node: number; chunk: number }): string => `${node}.${chunk}`;
const copy = (answer: ServiceAnswer): ServiceAnswer => cloneJson(answer as unknown as JsonObject) as unknown as ServiceAnswer;

/** Where data came as well, nothing is uncertain about the effect. */
function codeOf({ data }: ServiceAnswer, error: ServiceError): ErrorCode {
  const code = registryCodeOf(error);
  return data !== null && UNSURE_CODES.has(code) ? 'SUBGRAPH_ERROR' : code;
}

type Unfinished = Trouble['unfinished'][number];

export function createFetchLog({ request, keyBase, isPart }: { request: ComplexRequest; keyBase: string; isPart: boolean }): FetchLog {
  const isRecoverable = isPart || request.plan.kind === 'mutation';
  const recalled = new Map((request.resume?.answers ?? []).map((answer) => [toKey(answer), answer]));
  const good: ServiceAnswer[] = [];
  const unfinished = new Map<string, Unfinished>();
  const left: LeftStep[] = [];
  let leftChars = 0;
  let retryAfterMs = 0;

  return {
    note(fetch, answer) {
      if (!isRecoverable) return;
      const { node, chunk, service, operationKind, idempotent } = fetch;
      const error = answer === null ? undefined : answer.errors[0];
      if (answer !== null && error === undefined) {
        unfinished.delete(toKey(fetch));
        return;
      }
      // Without an answer at the end it was cut by the deadline.
      const cut: ErrorCode = operationKind === 'mutation' && !idempotent ? 'OUTCOME_UNKNOWN' : 'DEADLINE_EXCEEDED';
      unfinished.set(toKey(fetch), {
        node,
        chunk,
        service,
        operationKind,
        idempotent,
        code: answer === null || error === undefined ? cut : codeOf(answer, error),
      });
      const wait = error?.extensions['retryAfterMs'];
      if (typeof wait === 'number') retryAfterMs = Math.max(retryAfterMs, wait);
    },
    recall(fetch) {
      const known = recalled.get(toKey(fetch));
      return known === undefined ? undefined : copy(known);
    },
    keep(answer) {
      if (isRecoverable && answer.errors.length === 0) {
        const { attempts: _, ...kept } = copy(answer);
        good.push(kept);
      }
      return answer;
    },
    leave(one) {
      const { unsure, ...known } = one;
      leftChars += JSON.stringify(unsure ?? null).length;
      left.push(leftChars > MAX_KEPT_CHARS ? known : one);
    },
    toTrouble({ failure }) {
      if (!isRecoverable) return null;
      const open = [...unfinished.values()];
      const found = left.length > 0 ? 'uncompensated' : request.plan.saga === undefined ? classify(open, isPart) : null;
      if (found === null) return null;
      const code = open.find((fetch) => classify([fetch], isPart) === found)?.code;
      const known = isErrorCode(code) ? code : 'SUBGRAPH_ERROR';
      return {
        class: found,
        failure: failure ?? { code: known, message: ERROR_CODES[known].meaning, retryable: ERROR_CODES[known].retryable },
        unfinished: open,
        retryAfterMs,
        keyBase,
        answers: request.plan.saga !== undefined || JSON.stringify(good).length > MAX_KEPT_CHARS ? null : good,
        left,
      };
    },
  };
}
