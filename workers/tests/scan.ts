import type { OperationSnapshot } from '#schema/contracts/operations';
import type { DurableClient } from '../client/durable-client.js';

/** Everything that Temporal's list of runs has by now. */
export async function scan(durable: Pick<DurableClient, 'scan'>, since: string | null = null): Promise<OperationSnapshot[]> {
  const found: OperationSnapshot[] = [];
  for await (const page of durable.scan({ since })) found.push(...page);
  return found;
}
