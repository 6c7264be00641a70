// Activity types end in `_activity`; workflows and workers both build on these interfaces.
// Every activity is safe to repeat. A failure is an ApplicationFailure whose type is a code of the registry.
import type { AuthContext, CredentialReference, CredentialVerdict } from './identity.js';
import type { GraphQLResponse, ServiceAnswer, ServiceFetch } from './plan.js';
import type { HeaderClaim } from './headers.js';
import type { TraceContext } from './trace.js';
import type { WebhookDelivery } from './workflows.js';
import type { CompositionProblem, SupergraphChange, SupergraphService } from './supergraph.js';
import type { InstalledPlugin, PackageFacts, PluginPermission, ScanCheck, ScanFinding } from './plugins.js';

/** One fetch of one run. */
export interface ServiceCall extends ServiceFetch {
  generation: number;
  auth: AuthContext;
  /** Null for direct calls, and for what is sent ahead of a run. */
  operationId: string | null;
  /** `<operation id>.<plan node>[.<chunk>][.undo]`; sent with mutations as `Idempotency-Key`. */
  idempotencyKey: string | null;
  timeoutMs: number;
  /** A read of what a mutation has done before. */
  isBehindEffect?: true;
  /** Sent as it is; of fetches that share a call, the first one's. */
  trace?: TraceContext;
  /** Of a run: where headers of the caller lie for the users' own services. */
  headerClaim?: HeaderClaim;
}

/** Faults after which nobody can say whether the service has done what it was asked to do. */
export const UNSURE_CODES: ReadonlySet<string> = new Set([
  'OUTCOME_UNKNOWN',
  'SUBGRAPH_UNREACHABLE',
  'SUBGRAPH_TIMEOUT',
  'SUBGRAPH_UNAVAILABLE',
  'SUBGRAPH_BAD_ANSWER',
  'SUBGRAPH_ANSWER_TOO_LARGE',
]);

export interface RequestActivities {
  authenticate_request_activity(credential: CredentialReference): Promise<CredentialVerdict>;
  /**
   * A service's fault comes back as `errors`. It fails only to be tried again: with the fault's code, and the delay that the service asked
   * for or declares (`@retry`), while attempts and time are left.
   */
  route_to_service_activity(call: ServiceCall): Promise<ServiceAnswer>;
  /** A fetch that has to succeed: an answer without data fails it, retryable unless a service of ours has clearly refused. */
  insist_on_service_activity(call: ServiceCall): Promise<ServiceAnswer>;
  /** Refuses answers over the size limit with a coded error; redacts what must not leave. */
  transform_response_activity(response: GraphQLResponse): Promise<GraphQLResponse>;
}

/** Named by the operation that acts, so that a repeat finds its own earlier effect. */
export interface PluginStep {
  operationId: string;
  plugin: string;
  version: string;
  /** Hex SHA-256 of the package. */
  digest: string;
}

export interface PluginActivities {
  /** Resolves name and version range in the catalog. */
  resolve_plugin_activity(request: { operationId: string; plugin: string; version: string | null }): Promise<PluginStep>;
  /** Takes a reference on the blob, so that it stays while the installation does. */
  fetch_package_activity(step: PluginStep): Promise<PackageFacts>;
  release_package_activity(step: PluginStep): Promise<void>;
  verify_signature_activity(step: PluginStep): Promise<{ publisher: string; keyId: string }>;
  scan_package_activity(step: PluginStep & { check: ScanCheck; granted: readonly PluginPermission[] }): Promise<readonly ScanFinding[]>;
  delete_scan_reports_activity(step: PluginStep): Promise<void>;
  validate_manifest_activity(step: PluginStep): Promise<void>;
  /** Composes the fragment with the newest generation, publishes nothing. */
  validate_schema_activity(step: PluginStep): Promise<{ hints: readonly CompositionProblem[] }>;
  /** Admits the digest to the plugin hosts and waits until one has loaded it. */
  load_sandbox_activity(step: PluginStep & { granted: readonly PluginPermission[] }): Promise<SupergraphService>;
  unload_sandbox_activity(step: PluginStep): Promise<void>;
  /** Asks `supergraph_coordinator_workflow` for a generation with this change; returns its number. */
  publish_generation_activity(request: {
    operationId: string;
    change: SupergraphChange;
    requestedBy: AuthContext;
  }): Promise<{ generation: number }>;
  /** Waits until every live gateway, worker and plugin host serves it. @throws GENERATION_NOT_SERVED */
  await_generation_served_activity(request: { generation: number }): Promise<void>;
  probe_plugin_activity(step: PluginStep): Promise<void>;
  mark_plugin_active_activity(
    step: PluginStep & { generation: number; granted: readonly PluginPermission[]; auth: AuthContext },
  ): Promise<InstalledPlugin>;
  delete_installation_activity(step: PluginStep): Promise<void>;
}

export interface SupergraphActivities {
  /** Composes newest + change and publishes it as the next generation; repeating `requestId` returns the same number. */
  compose_and_publish_activity(request: { requestId: string; change: SupergraphChange }): Promise<{ generation: number }>;
}

export interface OperationActivities {
  /** Keeps the list of what needs attention: one row an operation that failed, until somebody or something resolved it. */
  record_attention_activity(record: AttentionRecord): Promise<void>;
}

export interface WebhookActivities {
  /** One attempt. Never fails for what the receiver does: that is its outcome. */
  deliver_webhook_activity(delivery: WebhookDelivery): Promise<WebhookOutcome>;
}

export type WebhookOutcome =
  | { kind: 'delivered' }
  /** It will not succeed later either: the receiver is gone (410), or its address may not be called. */
  | { kind: 'refused'; reason: string }
  | { kind: 'failed'; reason: string; retryAfterMs: number };

export interface AttentionRecord {
  /** Of the operation that failed. */
  operationId: string;
  /** Of the operation that recovers it. */
  recoveryId: string;
  tenant: string;
  startedBy: string;
  state: 'RECOVERING' | 'INPUT_REQUIRED' | 'RESOLVED';
  /** Grows with each record of an operation: an older one that comes late changes nothing. */
  version: number;
  /** Workflow time, RFC 3339. */
  at: string;
}

export type Activities = RequestActivities & PluginActivities & SupergraphActivities & OperationActivities & WebhookActivities;
