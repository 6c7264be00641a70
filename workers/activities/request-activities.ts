import { ApplicationFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { type RequestActivities, type ServiceCall, UNSURE_CODES } from '#schema/contracts/activities';
import { ERROR_CODES, isErrorCode } from '#schema/contracts/errors';
import type { CredentialReference, CredentialVerdict } from '#schema/contracts/identity';
import type { ServiceAnswer } from '#schema/contracts/plan';

const HEARTBEAT_MS = 500;

/** Sends one fetch; never rejects. */
export interface ServiceFetcher {
  fetch(call: ServiceCall, signal: AbortSignal): Promise<ServiceAnswer>;
}

export interface CredentialJudge {
  judge(reference: CredentialReference): Promise<CredentialVerdict>;
}

export function createRequestActivities(deps: {
  fetcher: ServiceFetcher;
  judge: CredentialJudge;
  maxResponseChars: number;
}): RequestActivities {
  async function fetchWithHeartbeat(call: ServiceCall): Promise<ServiceAnswer> {
    const context = Context.current();
    // The server learns within the heartbeat's time-out that this process is gone.
    const heartbeat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
    try {
      return await deps.fetcher.fetch(call, context.cancellationSignal);
    } finally {
      clearInterval(heartbeat);
    }
  }

  return {
    authenticate_request_activity: (reference) => deps.judge.judge(reference),
    route_to_service_activity: fetchWithHeartbeat,

    async insist_on_service_activity(call) {
      const answer = await fetchWithHeartbeat(call);
      const [error] = answer.errors;
      if (error === undefined) return answer;
      const { code, retryable } = error.extensions;
      const type = isErrorCode(code) ? code : 'SUBGRAPH_ERROR';
      throw ApplicationFailure.create({
        type,
        message: `service '${call.service}': ${ERROR_CODES[type].meaning}`,
        // A service that failed inside has rolled back, and may fare better next time.
        nonRetryable: retryable !== true && type !== 'INTERNAL_SERVER_ERROR' && !UNSURE_CODES.has(type),
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
