import type { AttentionRecord } from '#schema/contracts/activities';
import type { PageKey } from '../shared/paging.js';

export interface AttentionRow {
  /** Of the operation that failed. */
  operationId: string;
  recoveryId: string;
  openedAt: string;
}

export interface AuditEntry {
  actor: string;
  tenant: string;
  /** `<what>:<how>`, fixed words only. */
  action: string;
  /** Id of what was acted on. */
  object: string;
}

/** What needs attention, and who did what about it. */
export interface OperationStore {
  /** Repeats and records that come late change nothing. */
  recordAttention(record: AttentionRecord): Promise<void>;
  /** What is not resolved, newest first. @param page.tenant - null = of all; @param page.startedBy - null = by anybody */
  listAttention(page: { tenant: string | null; startedBy: string | null; after: PageKey | null; limit: number }): Promise<AttentionRow[]>;
  /** Ids of recoveries by the operations that they are about; of those that are not known, none. */
  findRecoveries(operationIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Appends to a chain: each entry's hash covers the one before. */
  audit(entry: AuditEntry): Promise<void>;
  /** @returns the number of the first entry that does not fit its chain; null when all do */
  verifyAudit(): Promise<number | null>;
}
