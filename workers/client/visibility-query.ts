// Queries in the language of Temporal's visibility. Its rows lag behind, and their order changes when a run ends: lists of operations are
// made from an index of our own (subgraphs/operations/run-list.ts), which is completed from here.
import { CodedError } from '#schema/contracts/errors';

/** Of an operation that continued as new the present run is the one. */
const OPERATIONS = "Kind IS NOT NULL AND ExecutionStatus != 'ContinuedAsNew'";
/** `Status` may still say WORKING: nobody was there to change it. */
const FORCED_ENDS = "ExecutionStatus IN ('Terminated', 'TimedOut') AND Kind IN ('API_REQUEST', 'ORCHESTRATION', 'ASYNC_REQUEST')";
/** Values stand inside a query: ids only. */
const SAFE_VALUE = /^[A-Za-z0-9@/_.:-]{1,128}$/;

/** Operations that began or ended since then. @param since - RFC 3339; null = all @throws BAD_USER_INPUT */
export function toScanQuery(since: string | null): string {
  if (since === null) return OPERATIONS;
  const ms = Date.parse(since);
  if (Number.isNaN(ms)) throw new CodedError('BAD_USER_INPUT', 'since: not a time');
  const time = new Date(ms).toISOString();
  return `${OPERATIONS} AND (StartTime >= '${time}' OR CloseTime >= '${time}')`;
}

/** @throws BAD_USER_INPUT */
export function toForcedEndsQuery(tenant: string | undefined): string {
  if (tenant === undefined) return FORCED_ENDS;
  if (!SAFE_VALUE.test(tenant)) throw new CodedError('BAD_USER_INPUT', 'tenant: not an id');
  return `${FORCED_ENDS} AND Tenant = '${tenant}'`;
}
