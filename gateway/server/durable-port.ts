// What the gateway needs of `workers/client`: a part of its DurableClient, so that tests can stand in for it.
import type { CredentialReference, CredentialVerdict } from '#schema/contracts/identity';
import type { OperationFacts, OperationSnapshot } from '#schema/contracts/operations';
import type { CancelOperation, WorkflowName, Workflows } from '#schema/contracts/workflows';

export interface DurablePort {
  /** @throws OPERATION_IN_PROGRESS with `details.operationId`, TEMPORAL_UNAVAILABLE */
  start<W extends WorkflowName>(
    name: W,
    args: Workflows[W]['args'],
    options: {
      workflowId: string;
      facts: OperationFacts;
      /** For Temporal's UI. */
      details?: string;
      eager?: boolean;
      /** Also a run that has ended keeps its id: starting it again throws OPERATION_IN_PROGRESS. */
      once?: boolean;
      /** Of the whole run; its own deadline comes first. @default 24 h */
      executionTimeoutMs?: number;
    },
  ): Promise<StartedRun<Workflows[W]['result']>>;
  /** The run of an operation id, running or ended. */
  attach<Result>(operationId: string): DurableRun<Result>;
  /** Undefined for an id that is malformed or not kept any more. */
  describe(id: string): Promise<OperationSnapshot | undefined>;
  /** The recovery of the operation that failed, working or ended; undefined when it has none, or none is kept. */
  findRecovery(id: string): Promise<OperationSnapshot | undefined>;
  cancel(id: string, request: CancelOperation): Promise<void>;
  judgeCredential(taskQueue: string, reference: CredentialReference): Promise<CredentialVerdict>;
  /** What the answer of one run may have at most, in characters of JSON. */
  readonly maxAnswerChars: number;
  /** What one run may be asked by at most, in bytes of JSON; absent where large payloads have a store. */
  readonly maxRequestBytes?: number | undefined;
  isAvailable(): boolean;
}

export interface DurableRun<Result> {
  operationId: string;
  /** Waits for the run's end. @throws a coded error when it ended without a result */
  result(): Promise<Result>;
}

export interface StartedRun<Result> extends DurableRun<Result> {
  /** A worker of this process has its first task. */
  isHere: boolean;
}
