// Filters of operations in the language of Temporal's visibility.
import { CodedError } from '#schema/contracts/errors';
import type { OperationStatus } from '#schema/contracts/operations';
import type { OperationFilter } from './durable-client.js';

// `Status` is a word of the query language, so it stands in back quotes. Where there is none, `!=` holds in no SQL.
const isNot = (status: OperationStatus): string => `(\`Status\` IS NULL OR \`Status\` != '${status}')`;
const EXECUTION_STATUS: Record<OperationStatus, string> = {
  WORKING: `ExecutionStatus = 'Running' AND ${isNot('INPUT_REQUIRED')}`,
  INPUT_REQUIRED: "ExecutionStatus = 'Running' AND `Status` = 'INPUT_REQUIRED'",
  COMPLETED: `ExecutionStatus = 'Completed' AND ${isNot('FAILED')}`,
  FAILED: `(ExecutionStatus IN ('Terminated', 'TimedOut') OR (ExecutionStatus = 'Failed' AND ${isNot('CANCELLED')}) OR (ExecutionStatus = 'Completed' AND \`Status\` = 'FAILED'))`,
  CANCELLED: "(ExecutionStatus = 'Canceled' OR (ExecutionStatus = 'Failed' AND `Status` = 'CANCELLED'))",
};
/** Values stand inside a query: ids and enum names only. */
const SAFE_VALUE = /^[A-Za-z0-9@/_.:-]{1,128}$/;

/** @throws BAD_USER_INPUT */
export function toVisibilityQuery({ kind, status, tenant, plugin, before }: Omit<OperationFilter, 'first'>): string {
  const equals = (name: string, value: string | undefined): string[] => {
    if (value === undefined) return [];
    if (!SAFE_VALUE.test(value)) throw new CodedError('BAD_USER_INPUT', `${name}: not an id`);
    return [`${name} = '${value}'`];
  };
  return [
    ...(kind === undefined ? ['Kind IS NOT NULL'] : equals('Kind', kind)),
    ...equals('Tenant', tenant),
    ...equals('Plugin', plugin),
    // Of an operation that continued as new the present run is the one.
    status === undefined ? "ExecutionStatus != 'ContinuedAsNew'" : EXECUTION_STATUS[status],
    ...(before === undefined ? [] : [`StartTime < '${toTime(before)}'`]),
  ].join(' AND ');
}

function toTime(text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new CodedError('BAD_USER_INPUT', 'before: not a time');
  return new Date(ms).toISOString();
}
