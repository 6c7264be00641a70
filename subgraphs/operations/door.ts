import type { OperationEvent, OperationSnapshot } from '#schema/contracts/operations';
import type { VariableRules } from '#schema/contracts/plan';
import type { CancelOperation, ResolveOperation } from '#schema/contracts/workflows';

/** What this service needs of durable work; `DurableClient` of workers/client has it. */
export interface OperationDoor {
  readonly namespace: string;
  /** @param options.result - false: without the result or failure @default true */
  describe(id: string, options?: { result?: boolean }): Promise<OperationSnapshot | undefined>;
  /** Everything reported until now. */
  readEvents(id: string): Promise<OperationEvent[]>;
  watch(id: string, options: { after: string | null; signal: AbortSignal }): AsyncIterable<OperationEvent>;
  cancel(id: string, request: CancelOperation): Promise<void>;
  /** @throws CONFLICT when the run has ended */
  resolve(id: string, decision: ResolveOperation): Promise<void>;
  /** What the variables of the request that a recovery is about may be; null where nothing is known of them. @throws CONFLICT when it has ended */
  readVariableRules(id: string): Promise<VariableRules | null>;
  /** Requests that were terminated or timed out in Temporal, newest first. */
  listForcedEnds(filter: { tenant?: string; first: number }): Promise<readonly OperationSnapshot[]>;
  /** Starts the recovery of such a request, once. @returns its operation id @throws CONFLICT for any other */
  recover(id: string): Promise<string>;
  /** What began or ended since then, page by page: late, in no lasting order, a run perhaps twice. */
  scan(options: { since: string | null }): AsyncIterable<readonly OperationSnapshot[]>;
}
