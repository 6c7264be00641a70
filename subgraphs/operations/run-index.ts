import type { NotedRun, OperationKindName, OperationSnapshot, OperationStatus } from '#schema/contracts/operations';
import type { PageKey } from '../shared/paging.js';

export interface RunFilter {
  /** Null = of all. */
  tenant: string | null;
  /** Null = by anybody. */
  startedBy: string | null;
  kind?: OperationKindName | undefined;
  plugin?: string | undefined;
  /** Rows that are open in the index match as well: they may have ended since. */
  status?: OperationStatus | undefined;
}

export interface IndexedRun {
  /** As it was recorded last; a status that is not terminal may have changed since. Without result and failure. */
  operation: OperationSnapshot;
  /** Its position in lists: never changes. */
  key: PageKey;
}

/** Which runs exist, in an order that does not change while they start and end. Temporal's own lists have no such order, and lag. */
export interface RunIndex {
  /** Resolves when the run is in the index or the write has failed. Never rejects: {@link followRuns} adds runs that are missing. */
  note(run: NotedRun): Promise<void>;
  /** Stores what Temporal says of runs. The end of a run is final: later records do not change it. */
  record(operations: readonly OperationSnapshot[]): Promise<void>;
  /** Newest first. */
  list(page: RunFilter & { after: PageKey | null; limit: number }): Promise<IndexedRun[]>;
  remove(id: string): Promise<void>;
  /** Removes what Temporal does not keep any more. */
  removeExpired(now: Date): Promise<void>;
  /** Until when Temporal's own list was read. */
  readFollowed(): Promise<string | null>;
  writeFollowed(until: string): Promise<void>;
}
