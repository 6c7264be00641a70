import { CancellationScope, proxyLocalActivities } from '@temporalio/workflow';
import type { RequestActivities } from '#schema/contracts/activities';
import type { APIResponse, IncomingRequest } from '#schema/contracts/workflows';
import { toWorkflowFailure } from './shared/failures.js';
import { runRequest } from './shared/run-request.js';

const { authenticate_request_activity } = proxyLocalActivities<RequestActivities>({
  startToCloseTimeout: '3s',
  retry: { maximumAttempts: 3 },
  summary: 'standing of the caller',
});
const { transform_response_activity } = proxyLocalActivities<RequestActivities>({
  startToCloseTimeout: '3s',
  retry: { maximumAttempts: 3 },
  summary: 'size of the answer',
});

/**
 * One request that must be durable though one service answers it: authenticate → route → transform.
 *
 * @throws ApplicationFailure UNAUTHENTICATED when the caller lost its standing meanwhile; see {@link runRequest}
 */
export async function api_request_workflow(request: IncomingRequest): Promise<APIResponse> {
  if (request.credential !== null) {
    const verdict = await authenticate_request_activity(request.credential);
    if (verdict.standing !== 'good')
      throw toWorkflowFailure({ code: 'UNAUTHENTICATED', message: 'the caller is not in good standing any more', retryable: false });
  }
  const { response, services: _, ...rest } = await runRequest(request, request.auth);
  // Cancelled with something left, which its parent hands over: no activity starts any more.
  const isOver = rest.trouble !== undefined && CancellationScope.current().consideredCancelled;
  return { response: isOver ? response : await transform_response_activity(response), ...rest };
}
