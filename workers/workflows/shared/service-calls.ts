// How a run, or its recovery, calls services.
import { proxyActivities } from '@temporalio/workflow';
import type { RequestActivities, ServiceCall } from '#schema/contracts/activities';
import type { AuthContext } from '#schema/contracts/identity';
import type { ServiceAnswer, ServiceFetch } from '#schema/contracts/plan';
import type { ComplexRequest } from '#schema/contracts/workflows';
import { toRetry } from './retry-policy.js';

/** Of one mutation, where its service declares nothing else. */
export const MUTATION_FETCH_MS = 10_000;

export function toServiceCall(
  fetch: ServiceFetch,
  {
    request: { generation, trace, headerClaim },
    auth,
    operationId,
    keyBase,
    timeoutMs,
  }: {
    request: Pick<ComplexRequest, 'generation' | 'trace' | 'headerClaim'>;
    auth: AuthContext;
    operationId: string;
    keyBase: string;
    timeoutMs: number;
  },
): ServiceCall {
  const { operationKind, node, chunk } = fetch;
  return {
    ...fetch,
    generation,
    auth,
    operationId,
    idempotencyKey: operationKind === 'mutation' ? `${keyBase}.${node}${chunk === 0 ? '' : `.${chunk}`}` : null,
    timeoutMs,
    ...(trace === undefined ? {} : { trace }),
    ...(headerClaim === undefined ? {} : { headerClaim }),
  };
}

/** Tries until the service has answered well or clearly refused. @param attempts - of what may be sent twice. @throws as activities do */
export function insist(call: ServiceCall, purpose: 'ask again' | 'undo', attempts: number): Promise<ServiceAnswer> {
  const { insist_on_service_activity } = proxyActivities<RequestActivities>({
    startToCloseTimeout: call.timeoutMs + 1_000,
    heartbeatTimeout: '2s',
    retry: { initialInterval: '500ms', maximumInterval: '10s', ...toRetry(call, attempts) },
    summary: `${call.service}: ${purpose} ${call.node}`,
  });
  return insist_on_service_activity(purpose === 'undo' ? { ...call, idempotencyKey: `${call.idempotencyKey ?? ''}.undo` } : call);
}
