// Workflow types, their arguments, results, signals and where they run. Names are the wire's: snake_case everywhere.
import type { SupergraphChange } from './supergraph.js';
import type { AuthContext, CredentialReference } from './identity.js';
import type { JsonObject } from './json.js';
import type { ExecutablePlan, GraphQLResponse, OperationKind, ServiceAnswer, ServiceFetch } from './plan.js';
import type { HeaderClaim } from './headers.js';
import type { TraceContext } from './trace.js';
import type { Leftover, OperationFailure, OperationStatus, RecoveryOutcome, ReportedEvent, ResolutionChoice } from './operations.js';
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
/** Of one query fetch of a run for which somebody waits, where its service declares nothing else. */
export const QUERY_FETCH_MS = 3_000;
/** Nobody waits for an async run, but its plan's generation and its caller's rights are those of its start. */
export const MAX_ASYNC_DEADLINE_MS = 24 * 3_600_000;

/** Characters of JSON that the answer of one run may have: what Temporal takes as one payload (2 MiB, encryption included). */
export const MAX_ANSWER_CHARS = 1_300_000;
/** Bytes of JSON that a run may be asked by, where large payloads have no store: as above, each fetch may carry it on. */
export const MAX_REQUEST_BYTES = 1_000_000;
/** With a store for large payloads, unless it is set. Services, clients and workers hold an answer in memory as a whole. */
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
  /** A synchronous query tells its events in one, when it ends: nothing of its one workflow task is visible before. Absent in older runs. */
  reportsAtEnd?: true;
  /** As `reportsAtEnd`, and with its result where that is not large: only of a run that ends with it. Absent in older runs. */
  reportsWithResult?: true;
  /** Absent in runs from before there was any. */
  trace?: TraceContext;
  /** Absent when no service of the plan needs headers of the caller. */
  headerClaim?: HeaderClaim;
  /** What idempotency keys are built on. @default the run's operation id */
  keyBase?: string;
  /** Goes on where another run of the same request failed. */
  resume?: ResumedRequest;
}

export interface ResumedRequest {
  /** As in the run that failed, so that a service recognises what it has done; another after an edit. */
  keyBase: string;
  /** Fetches that need not be sent again. */
  answers: readonly ServiceAnswer[];
}

/** Part of a run's result. */
export interface RunReport {
  /** Told with the result and nowhere else: the last ones of a run that `reportsWithResult`. */
  events?: readonly ReportedEvent[];
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
  /** As of {@link OrchestrationResponse}. */
  trouble?: Trouble;
}

export type ComplexRequest = RequestBase;
export interface OrchestrationResponse extends RunReport {
  response: GraphQLResponse;
  /** Services in the order their first answer was merged. */
  services: readonly string[];
  /** Of a saga that could not be finished: its answer says what was undone and what was not. */
  failure?: OperationFailure;
  /** Of a run that is a part of another, which then decides what becomes of it. */
  trouble?: Trouble;
}

/**
 * Why a run failed: `unsure`, a mutation may have taken effect; `service_down` and `retryable`, it may succeed later as it is; `auth` and
 * `validation`, it will not; `uncompensated`, a saga could not undo everything.
 */
export type FailureClass = 'unsure' | 'service_down' | 'retryable' | 'auth' | 'validation' | 'uncompensated';

export interface Trouble {
  class: FailureClass;
  failure: OperationFailure;
  /** Fetches without a good answer. */
  unfinished: readonly { node: number; chunk: number; service: string; operationKind: OperationKind; idempotent: boolean; code: string }[];
  /** How long the services asked to be left alone; milliseconds. */
  retryAfterMs: number;
  /** What the run's idempotency keys were built on. */
  keyBase: string;
  /** Those of all other fetches; null when nothing can be resumed: they are too large to be kept, or it was a saga. */
  answers: readonly ServiceAnswer[] | null;
  /** Of a saga: what its compensation could not undo. */
  left: readonly LeftStep[];
}

export interface LeftStep {
  step: string;
  leftover: Leftover;
  /** Nobody knows whether the step took effect: it is sent again as it was, with its key, before it is undone. */
  unsure?: ServiceFetch;
  /** Its service was away, and the undo may be sent twice: nobody has to be asked before the next attempt. */
  mayPass?: true;
}

export interface FailedRequest {
  operationId: string;
  title: string;
  workflow: 'api_request_workflow' | 'multi_service_orchestration_workflow';
  request: ComplexRequest;
}
export interface ErrorContext {
  auth: AuthContext;
  trouble: Trouble;
  /** What the caller was answered, or would have been. */
  response: GraphQLResponse;
  /** A caller was told of the failure, and may have sent its mutation once more: none is repeated unasked. */
  wasAnswered: boolean;
  /** Carried over continue-as-new. */
  progress?: { seq: number; records: number; attempts: number; edits: number };
}
export interface RecoveryResult {
  outcome: RecoveryOutcome;
  /** Who decided; null: the workflow's own policy. */
  by: string | null;
  /** As the operation's would be now. */
  response: GraphQLResponse;
}

/** A decision about a run that is INPUT_REQUIRED, or that waits before it tries again. */
export const RESOLVE_OPERATION_SIGNAL = 'resolve_operation';
export interface ResolveOperation {
  choice: ResolutionChoice;
  by: string;
  /** Only with EDIT_VARIABLES: they take the place of those of the same names. */
  variables: JsonObject | null;
}

/** Of a recovery: what the variables of its request may be; null where its plan does not say. Answers `VariableRules | null`. */
export const VARIABLE_RULES_QUERY = 'variable_rules';

export interface AsyncRequest {
  /** What does the work, as a child. */
  workflow: 'api_request_workflow' | 'multi_service_orchestration_workflow';
  /** `synchronous` is false: its fetches are regular activities. */
  request: ComplexRequest;
  /** Told of the end. */
  webhook?: string;
}

/** A message about an operation's end: thin, so that nothing of the answer goes where anybody may have moved. */
export interface WebhookDelivery {
  url: string;
  tenant: string;
  /** The same for every attempt, so that a receiver knows a repeat. */
  messageId: string;
  message: {
    type: 'operation.completed' | 'operation.failed' | 'operation.cancelled';
    timestamp: string;
    data: { id: string; status: OperationStatus; code: string | null };
  };
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
  error_recovery_workflow: { args: [FailedRequest, ErrorContext]; result: RecoveryResult };
  async_request_workflow: { args: [AsyncRequest, AuthContext]; result: AsyncResponse };
  webhook_delivery_workflow: { args: [WebhookDelivery]; result: void };
  plugin_installation_workflow: { args: [PluginInstallationRequest, AuthContext]; result: InstalledPlugin };
  supergraph_coordinator_workflow: { args: [CoordinatorState]; result: void };
}
export type WorkflowName = keyof Workflows;
