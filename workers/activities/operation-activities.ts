import type { AttentionRecord, OperationActivities } from '#schema/contracts/activities';

/** @param deps.store - null where there is no database: then nothing is listed, and runs are found by their ids only */
export function createOperationActivities(deps: {
  store: { recordAttention(record: AttentionRecord): Promise<void> } | null;
}): OperationActivities {
  return {
    record_attention_activity: async (record) => deps.store?.recordAttention(record),
  };
}
