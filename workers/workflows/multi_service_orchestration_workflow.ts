import type { AuthContext } from '#schema/contracts/identity';
import type { ComplexRequest, OrchestrationResponse } from '#schema/contracts/workflows';
import { runRequest } from './shared/run-request.js';

/**
 * Runs an operation over several services: parallel where the plan is, partial results where a service fails.
 *
 * @throws CancelledFailure; ApplicationFailure SUBGRAPH_ANSWER_TOO_LARGE
 */
export async function multi_service_orchestration_workflow(request: ComplexRequest, auth: AuthContext): Promise<OrchestrationResponse> {
  return runRequest(request, auth);
}
