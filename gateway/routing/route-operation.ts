// The one decision: does an operation run here or as a workflow? Pure; the table is in docs/guides/when-durable.md.
import type { ExecutablePlan } from '#schema/contracts/plan';

export type RouteReason =
  | 'no-service'
  | 'deferred'
  | 'subscription'
  | 'one-service'
  | 'several-services'
  | 'several-mutation-fields'
  | 'saga'
  | 'directive-always'
  | 'directive-never'
  | 'directive-retry'
  | 'idempotency-key'
  | 'idempotency-key-at-service'
  | 'forced-direct'
  | 'forced-durable'
  | 'config'
  | 'prefer-respond-async'
  | 'start-operation'
  | 'temporal-unavailable'
  | 'too-large-for-run';

export type RequestWorkflow = 'api_request_workflow' | 'multi_service_orchestration_workflow';

export type Route =
  | { path: 'direct'; reason: RouteReason }
  | { path: 'durable'; workflow: RequestWorkflow; reason: RouteReason }
  /** `async_request_workflow`, with this one as its child. */
  | { path: 'async'; workflow: RequestWorkflow; reason: RouteReason }
  /** The operation needs a run and cannot have one: nothing may be half-started. */
  | { path: 'refused'; reason: 'temporal-unavailable' | 'too-large-for-run' };

export type OperationPolicy = 'direct' | 'durable' | 'async';

export interface RouteInput {
  plan: Pick<ExecutablePlan, 'kind' | 'rootFields' | 'services' | 'saga' | 'retries'>;
  /** SLUICE_EXECUTION. */
  execution: 'auto' | 'direct' | 'durable';
  hasIdempotencyKey: boolean;
  isTemporalAvailable: boolean;
  /** Is what a run would be asked by more than one can hold? @default false */
  isTooLargeForRun?: boolean;
  /** What the deployment's settings say of operations of this name (SLUICE_OPERATIONS). */
  policy?: OperationPolicy | undefined;
  /** The caller does not want to wait: by `Prefer: respond-async`, or by `startOperation`. */
  wantsAsync?: 'prefer-respond-async' | 'start-operation' | undefined;
  /** The caller takes the answer in parts (`@defer`), which a run cannot give. */
  inParts?: boolean;
}

export function routeOperation(input: RouteInput): Route {
  const route = decide(input);
  if (route.path === 'direct' || route.path === 'refused') return route;
  const reason = input.isTooLargeForRun === true ? 'too-large-for-run' : input.isTemporalAvailable ? null : 'temporal-unavailable';
  if (reason === null) return route;
  // Who started an operation by its name wants to be told one.
  return input.plan.kind === 'query' && input.wantsAsync !== 'start-operation' ? { path: 'direct', reason } : { path: 'refused', reason };
}

function decide({ plan, execution, hasIdempotencyKey, policy, wantsAsync, inParts = false }: RouteInput): Route {
  const { kind, rootFields, services } = plan;
  if (services.length === 0) return { path: 'direct', reason: 'no-service' };
  if (kind === 'subscription') return { path: 'direct', reason: 'subscription' };

  const workflow = services.length > 1 ? 'multi_service_orchestration_workflow' : 'api_request_workflow';
  const durable = (reason: RouteReason): Route => ({ path: 'durable', workflow, reason });
  const isNever = rootFields.every((field) => field.durable === 'NEVER');
  // Whoever asked for undoing must not get an operation that cannot be undone.
  const isSaga = plan.saga !== undefined;
  if (execution === 'direct' && !isSaga) return { path: 'direct', reason: 'forced-direct' };
  if (policy === 'direct' && !isSaga) return { path: 'direct', reason: 'config' };
  if (policy === 'async') return { path: 'async', workflow, reason: 'config' };
  if (wantsAsync !== undefined && (isSaga || !isNever)) return { path: 'async', workflow, reason: wantsAsync };
  if (isSaga) return durable('saga');
  if (policy === 'durable') return durable('config');
  if (execution === 'durable') return durable('forced-durable');
  if (rootFields.some((field) => field.durable === 'ALWAYS')) return durable('directive-always');
  // A query has nothing to undo, and its caller asked to wait less.
  if (inParts && kind === 'query') return { path: 'direct', reason: 'deferred' };
  if (isNever) return { path: 'direct', reason: 'directive-never' };
  if (services.length > 1) return durable('several-services');
  if (kind === 'mutation' && rootFields.length > 1) return durable('several-mutation-fields');
  // A direct call is sent once.
  if (plan.retries === true) return durable('directive-retry');
  if (kind === 'mutation' && hasIdempotencyKey) {
    // A field that stores the key with its answer repeats itself safely; any other needs a run that remembers.
    return rootFields.every((field) => field.idempotent)
      ? { path: 'direct', reason: 'idempotency-key-at-service' }
      : durable('idempotency-key');
  }
  return { path: 'direct', reason: 'one-service' };
}
