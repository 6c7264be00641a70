import { ApplicationFailure } from '@temporalio/common';
import { Context, type Info } from '@temporalio/activity';
import { type RequestActivities, type ServiceCall, UNSURE_CODES } from '#schema/contracts/activities';
import { ERROR_CODES, registryCodeOf, SERVICE_ORIGIN } from '#schema/contracts/errors';
import type { CredentialReference, CredentialVerdict } from '#schema/contracts/identity';
import type { OperationFailure } from '#schema/contracts/operations';
import type { ServiceAnswer, ServiceError } from '#schema/contracts/plan';
import { heartbeatDuring } from './heartbeat.js';

/** The service, or its database, is not there: most likely it comes back. */
const AWAY_CODES: ReadonlySet<string> = new Set(['SUBGRAPH_UNREACHABLE', 'SUBGRAPH_UNAVAILABLE', 'DATABASE_UNAVAILABLE']);
const MAX_DOUBLINGS = 5;
/** A service that asks to be called at once gets this much time. */
const MIN_RETRY_DELAY_MS = 200;
/** Between the attempts of what insists, whatever the service asks for. */
const MAX_INSISTING_DELAY_MS = 60_000;

/** Sends one fetch; never rejects. */
export interface ServiceFetcher {
  fetch(call: ServiceCall, signal: AbortSignal): Promise<ServiceAnswer>;
}

export interface CredentialJudge {
  judge(reference: CredentialReference): Promise<CredentialVerdict>;
}

function tooLarge(service: string): ServiceError {
  const { meaning, retryable } = ERROR_CODES.SUBGRAPH_ANSWER_TOO_LARGE;
  return { message: `service '${service}': ${meaning}`, extensions: { code: 'SUBGRAPH_ANSWER_TOO_LARGE', service, retryable } };
}

export function createRequestActivities(deps: {
  fetcher: ServiceFetcher;
  judge: CredentialJudge;
  /** Of a whole answer. */
  maxResponseChars: number;
  /** Of one fetch, where a history cannot hold what the fetcher lets pass. A payload too large would be sent for ever. */
  maxFetchChars?: number;
}): RequestActivities {
  async function fetchWithHeartbeat(call: ServiceCall): Promise<ServiceAnswer> {
    const answer = await heartbeatDuring(() => deps.fetcher.fetch(call, Context.current().cancellationSignal));
    if (deps.maxFetchChars === undefined || JSON.stringify(answer).length <= deps.maxFetchChars) return answer;
    return { node: call.node, chunk: call.chunk, data: null, errors: [tooLarge(call.service)] };
  }

  return {
    authenticate_request_activity: (reference) => deps.judge.judge(reference),

    async route_to_service_activity(call) {
      const answer = await fetchWithHeartbeat(call);
      const { info } = Context.current();
      const delayMs = toRetryDelayMs(call, answer, info, Date.now());
      if (delayMs === undefined) return withAttempts(answer, info);
      const [error] = answer.errors;
      const type = error === undefined || isForeign(error) ? 'SUBGRAPH_UNAVAILABLE' : registryCodeOf(error);
      throw ApplicationFailure.create({
        type,
        message: `service '${call.service}': ${ERROR_CODES[type].meaning}`,
        nextRetryDelay: delayMs,
      });
    },

    async insist_on_service_activity(call) {
      const answer = await fetchWithHeartbeat(call);
      const { info } = Context.current();
      const [error] = answer.errors;
      if (error === undefined || hasEffect(answer)) return withAttempts(answer, info);
      const type = registryCodeOf(error);
      const shown: OperationFailure = {
        code: error.extensions.code,
        message: error.message,
        retryable: error.extensions['retryable'] === true,
      };
      const askedMs = retryAfterMsOf(answer);
      throw ApplicationFailure.create({
        type,
        message: `service '${call.service}': ${ERROR_CODES[type].meaning}`,
        // The type decides, this is told.
        details: [{ attempts: info.attempt, shown }],
        // A service that failed inside has rolled back, and may fare better next time. A user's service may have failed inside whatever code
        // it chose: only ours can refuse for good.
        nonRetryable: !ERROR_CODES[type].retryable && type !== 'INTERNAL_SERVER_ERROR' && !UNSURE_CODES.has(type) && !isForeign(error),
        ...(askedMs === undefined ? {} : { nextRetryDelay: Math.min(Math.max(askedMs, MIN_RETRY_DELAY_MS), MAX_INSISTING_DELAY_MS) }),
      });
    },

    async transform_response_activity(response) {
      if (JSON.stringify(response).length > deps.maxResponseChars) {
        throw ApplicationFailure.create({
          type: 'SUBGRAPH_ANSWER_TOO_LARGE',
          message: 'the answer is larger than a run can keep; ask for less',
          nonRetryable: true,
        });
      }
      return response;
    },
  };
}

function withAttempts(answer: ServiceAnswer, { attempt }: Pick<Info, 'attempt'>): ServiceAnswer {
  return attempt === 1 ? answer : { ...answer, attempts: attempt };
}

/**
 * When to call a service again that asked to be called later, was away for a mutation or for what is read behind one, or failed at what it wants
 * tried again (`@retry`). Only a fetch that may be sent twice is, and only where an attempt and the time for it are left; otherwise its answer
 * is the answer.
 */
function toRetryDelayMs(
  call: Pick<ServiceCall, 'idempotent' | 'operationKind' | 'isBehindEffect' | 'policy'>,
  answer: ServiceAnswer,
  info: Pick<Info, 'attempt' | 'retryPolicy' | 'scheduledTimestampMs' | 'scheduleToCloseTimeoutMs'>,
  nowMs: number,
): number | undefined {
  const askedMs = retryAfterMsOf(answer);
  const waitMs = faultDelayMs(call, answer, info.attempt);
  if (!call.idempotent || info.attempt >= (info.retryPolicy?.maximumAttempts ?? 1)) return undefined;
  const delayMs = askedMs === undefined ? waitMs : Math.max(askedMs, waitMs ?? 0, MIN_RETRY_DELAY_MS);
  if (delayMs === undefined) return undefined;
  return nowMs + delayMs < info.scheduledTimestampMs + info.scheduleToCloseTimeoutMs ? delayMs : undefined;
}

/**
 * What declares no `@retry`: a query's caller rather gets what the other services gave, and may ask again. A mutation's cannot without doing it
 * again: what may be sent twice is, and so are reads behind it. A read that hangs is not: what hangs once does so again.
 */
function faultDelayMs(
  { operationKind, isBehindEffect, policy }: Pick<ServiceCall, 'operationKind' | 'isBehindEffect' | 'policy'>,
  { data, errors }: ServiceAnswer,
  attempt: number,
): number | undefined {
  if (policy?.retry !== undefined) {
    const { intervalMs, backoff, maxIntervalMs } = policy.retry;
    const mayPass = data === null && errors.some((error) => ERROR_CODES[registryCodeOf(error)].retryable);
    return mayPass ? Math.min(intervalMs * backoff ** (attempt - 1), maxIntervalMs) : undefined;
  }
  const isMutation = operationKind === 'mutation';
  const codes = data === null ? errors.map(registryCodeOf) : [];
  const isAway = codes.some((code) => AWAY_CODES.has(code) || (isMutation && code === 'SUBGRAPH_TIMEOUT'));
  return isAway && (isMutation || isBehindEffect === true) ? MIN_RETRY_DELAY_MS * 2 ** Math.min(attempt, MAX_DOUBLINGS) : undefined;
}

function retryAfterMsOf({ data, errors }: ServiceAnswer): number | undefined {
  const askedMs = errors[0]?.extensions['retryAfterMs'];
  return data === null && typeof askedMs === 'number' && askedMs >= 0 ? askedMs : undefined;
}

/** Data is an effect, whatever else the answer reports. */
function hasEffect({ data }: ServiceAnswer): boolean {
  return data !== null && Object.values(data).some((value) => value !== null);
}

function isForeign({ extensions }: ServiceError): boolean {
  return extensions['origin'] === SERVICE_ORIGIN;
}
