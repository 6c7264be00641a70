// Workflow types, their arguments, results, signals and where they run. Names are the wire's: snake_case everywhere.
import type { SupergraphChange } from './supergraph.js';
import type { AuthContext, CredentialReference } from './identity.js';
import type { JsonObject } from './json.js';
import type { ExecutablePlan, GraphQLResponse } from './plan.js';
import type { TraceContext } from './trace.js';
import type { OperationFailure } from './operations.js';
import type { InstalledPlugin, PluginInstallationRequest } from './plugins.js';

export const TASK_QUEUES = {
  /** Request workflows and their activities: every gateway and every worker serves it. */
  orchestration: 'sluice-orchestration',
  /** Plugin lifecycles and the supergraph coordinator: workers only. */
  plugins: 'sluice-plugins',
} as const;

/** Queue of one gateway process, where only it can look up its own claims. */
export function toGatewayTaskQueue(instance: string): string {
  return `sluice-gateway-${instance}`;
}

/** Search attributes (all Keyword); a contract, registered and awaited at start. */
export const SEARCH_ATTRIBUTES = ['Kind', 'Tenant', 'Status', 'Plugin'] as const;
export type SearchAttributeName = (typeof SEARCH_ATTRIBUTES)[number];

/** Asks a run to stop: its handler cancels the root scope, compensations run. */
export const CANCEL_OPERATION_SIGNAL = 'cancel_operation';
export interface CancelOperation {
  reason: string | null;
  by: string | null;
}

/** A run started as a child tells its parent what it reports: `EventBody[]`, in order, the next batch once the last has arrived. */
export const REPORT_EVENTS_SIGNAL = 'report_events';

export const DEFAULT_DEADLINES_MS = {
  api_request_workflow: 30_000,
  multi_service_orchestration_workflow: 60_000,
  async_request_workflow: 600_000,
} as const;
/** Nobody waits for an async run, but its plan's generation and its caller's rights are those of its start. */
export const MAX_ASYNC_DEADLINE_MS = 24 * 3_600_000;

/** Characters of JSON that the answer of one run may have: what Temporal takes as one payload (2 MiB, encryption included). */
export const MAX_ANSWER_CHARS = 1_300_000;
/** With a store for large payloads. Services, clients and workers hold an answer in memory as a whole. */
export const MAX_STORED_ANSWER_CHARS = 16_000_000;

interface RequestBase {
  /** @default MAX_ANSWER_CHARS */
  maxAnswerChars?: number;
  plan: ExecutablePlan;
  variables: JsonObject;
  generation: number;
  operationName: string | null;
  /** Hex SHA-256 of the normalised document; for the log and the UI. */
  documentHash: string;
  /** Of the whole run, from its start. */
  deadlineMs: number;
  /** A caller waits: query fetches are local activities. Otherwise they are regular, cancellable ones. */
  synchronous: boolean;
  /** Absent in runs from before there was any. */
  trace?: TraceContext;
}

export interface IncomingRequest extends RequestBase {
  auth: AuthContext;
  /** Where the claim lies, to check it again; null when the gateway's verdict is still fresh. */
  credential: CredentialReference | null;
}
export interface APIResponse {
  response: GraphQLResponse;
  /** As of {@link OrchestrationResponse}. */
  failure?: OperationFailure;
}

export type ComplexRequest = RequestBase;
export interface OrchestrationResponse {
  response: GraphQLResponse;
  /** Services in the order their first answer was merged. */
  services: readonly string[];
  /** Of a saga that could not be finished: its answer says what was undone and what was not. */
  failure?: OperationFailure;
}

export interface AsyncRequest {
  /** What does the work, as a child. */
  workflow: 'api_request_workflow' | 'multi_service_orchestration_workflow';
  /** `synchronous` is false: its fetches are regular activities. */
  request: ComplexRequest;
}
export interface AsyncResponse {
  response: GraphQLResponse;
  /** Why the work counts as failed, though it gave an answer. */
  failure?: OperationFailure;
}

export const PUBLISH_GENERATION_UPDATE = 'publish_generation';
export interface PublishGeneration {
  /** `<operation id>.<what>`: a repeat gets the first one's answer. */
  requestId: string;
  change: SupergraphChange;
}
/** Carried over continue-as-new. */
export interface CoordinatorState {
  published: readonly { requestId: string; generation: number }[];
}
export const SUPERGRAPH_COORDINATOR_ID = 'supergraph-coordinator';

/** The arguments and the result of each workflow type. */
export interface Workflows {
  api_request_workflow: { args: [IncomingRequest]; result: APIResponse };
  multi_service_orchestration_workflow: { args: [ComplexRequest, AuthContext]; result: OrchestrationResponse };
  async_request_workflow: { args: [AsyncRequest, AuthContext]; result: AsyncResponse };
  plugin_installation_workflow: { args: [PluginInstallationRequest, AuthContext]; result: InstalledPlugin };
  supergraph_coordinator_workflow: { args: [CoordinatorState]; result: void };
}
export type WorkflowName = keyof Workflows;
