// What the door to durable work offers.
import { CodedError, isErrorCode } from '#schema/contracts/errors';
import type { CredentialReference, CredentialVerdict } from '#schema/contracts/identity';
import type { OperationId, RunReference } from '#schema/contracts/ids';
import type { OperationEvent, OperationFacts, OperationFailure, OperationSnapshot, OperationStatus } from '#schema/contracts/operations';
import type { VariableRules } from '#schema/contracts/plan';
import type { CancelOperation, PublishGeneration, ResolveOperation, WorkflowName, Workflows } from '#schema/contracts/workflows';
import type { OperationReaders } from './operation-readers.js';

export interface StartOptions {
  workflowId: string;
  facts: OperationFacts;
  /** Markdown for Temporal's UI, encrypted like every payload; no user data. */
  details?: string;
  /** Hand the first task to a worker of this process inside the start call; needs a native connection of this process. */
  eager?: boolean;
  taskQueue?: string;
  /** Also a run that has ended keeps its id: starting it again throws OPERATION_IN_PROGRESS. */
  once?: boolean;
  /** Of the whole run; the workflow's own deadline comes first. @default 24 h */
  executionTimeoutMs?: number;
}

export interface RunHandle<Result> {
  operationId: OperationId;
  run: RunReference;
  /** Waits for the run's end. @throws RunFailedError; NOT_FOUND when it is not kept any more */
  result(): Promise<Result>;
}

export interface StartedRun<Result> extends RunHandle<Result> {
  /** A worker of this process has its first task. */
  isHere: boolean;
}

/** The run ended without a result. */
export class RunFailedError extends CodedError {
  constructor(
    readonly failure: OperationFailure,
    readonly status: OperationStatus,
    options?: { cause?: unknown },
  ) {
    // A service's own code stays in `failure`.
    super(isErrorCode(failure.code) ? failure.code : 'SUBGRAPH_ERROR', failure.message, options);
  }
}

export interface DurableClient {
  readonly namespace: string;
  /** @throws OPERATION_IN_PROGRESS with `details.operationId`; TEMPORAL_UNAVAILABLE */
  start<W extends WorkflowName>(name: W, args: Workflows[W]['args'], options: StartOptions): Promise<StartedRun<Workflows[W]['result']>>;
  /** The run of an operation id, running or ended. @throws NOT_FOUND for a malformed id */
  attach<Result>(id: string): RunHandle<Result>;
  /** Undefined for an id that is malformed or not kept any more. @param options.result - false: without the result or failure @default true */
  describe(id: string, options?: { result?: boolean }): Promise<OperationSnapshot | undefined>;
  /** The newest run of a workflow id, whether it has ended or not. */
  findNewest(workflowId: string): Promise<OperationSnapshot | undefined>;
  /** The recovery of the operation that failed, working or ended; undefined when it has none, or none is kept. */
  findRecovery(id: string): Promise<OperationSnapshot | undefined>;
  watch(id: string, options: { after: string | null; signal: AbortSignal }): AsyncIterable<OperationEvent>;
  readEvents(id: string): Promise<OperationEvent[]>;
  /** Asks the run to stop; a run that has ended is left as it is. */
  cancel(id: string, request: CancelOperation): Promise<void>;
  /** Tells a run that waits for somebody what was decided. @throws CONFLICT when it has ended */
  resolve(id: string, decision: ResolveOperation): Promise<void>;
  /** What the variables of the request that a recovery is about may be; null where nothing is known of them. @throws CONFLICT when it has ended */
  readVariableRules(id: string): Promise<VariableRules | null>;
  /**
   * What began or ended since then, out of Temporal's visibility, page by page: it lags by seconds, has no lasting order, and may name a run
   * twice. @param options.since - RFC 3339; null = everything that is kept
   */
  scan(options: { since: string | null }): AsyncIterable<readonly OperationSnapshot[]>;
  /** Requests that were terminated or timed out in Temporal, newest first, out of its visibility: seconds behind, cached for one. */
  listForcedEnds(filter: { tenant?: string; first: number }): Promise<readonly OperationSnapshot[]>;
  /**
   * Starts the recovery of a request that was ended by force; once, whoever asks.
   *
   * @returns the recovery's operation id
   * @throws CONFLICT for any other run; NOT_FOUND
   */
  recover(id: string): Promise<OperationId>;
  judgeCredential(taskQueue: string, reference: CredentialReference): Promise<CredentialVerdict>;
  /** @param at - another coordinator than the deployment's, for tests */
  publishGeneration(request: PublishGeneration, at?: { workflowId: string; taskQueue: string }): Promise<{ generation: number }>;
  /** What the answer of one run may have at most: more with a store for large payloads. */
  readonly maxAnswerChars: number;
  /** What one run may be asked by at most, in bytes of JSON; absent where large payloads have a store. */
  readonly maxRequestBytes?: number;
  /** As of the last look, at most 2 s old. */
  isAvailable(): boolean;
  readonly readers: OperationReaders;
  close(): Promise<void>;
}
