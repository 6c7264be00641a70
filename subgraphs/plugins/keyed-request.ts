// Mutations under a key. What they start runs elsewhere, so that key and effect cannot be written in one transaction: the run says under
// which key it was started, and the store is told afterwards.
// K1. A key is remembered only with what it has begun: a refusal changed nothing, and is judged anew.
// K2. What was started and not remembered is found by its run, as long as that is the newest of its plugin.
import { createHash } from 'node:crypto';
import { errorCodeOf } from '#schema/contracts/errors';
import type { OperationFacts } from '#schema/contracts/operations';
import type { ServiceCallFacts } from '../shared/create-subgraph.js';
import { keyReused, type OnceRequest, toFieldKey, toOnceRequest } from '../shared/once.js';
import type { PluginDoor } from './door.js';
import type { PluginStore } from './store.js';

/** By the `Idempotency-Key`; without one by the input's own id. */
export function toKeyedRequest(call: ServiceCallFacts, input: { clientMutationId?: string | null }): OnceRequest {
  const request = toOnceRequest(call);
  if (request.key !== null || input.clientMutationId == null) return request;
  return { ...request, key: `mutation.${hash(input.clientMutationId)}`, requestHash: hash(JSON.stringify(input)) };
}

/**
 * @param work - names what it has begun
 * @returns the same for every repeat
 * @throws IDEMPOTENCY_KEY_REUSED; as `work` does
 */
export async function underKey(store: PluginStore, request: OnceRequest, work: () => Promise<string>): Promise<string> {
  const { key } = request;
  if (key === null) return work();
  return (await store.recall({ ...request, key })) ?? store.remember(request, await work());
}

/**
 * Starts a plugin's run, or finds the one that the same request has started.
 *
 * @param start - is given what the run has to say of its request; throws OPERATION_IN_PROGRESS when another runs
 * @returns its operation id
 * @throws IDEMPOTENCY_KEY_REUSED; as `start` does
 */
export async function startOrFind(
  door: PluginDoor,
  workflowId: string,
  { tenant, principal, key, requestHash, responseKey }: OnceRequest,
  start: (facts: Pick<OperationFacts, 'requestKey' | 'requestFingerprint'>) => Promise<{ operationId: string }>,
): Promise<string> {
  if (key === null) return (await start({})).operationId;
  const requestKey = toFieldKey(key, responseKey);
  const find = async (): Promise<string | undefined> => {
    const newest = await door.findNewest(workflowId);
    if (newest?.facts.requestKey !== requestKey || newest.facts.startedBy !== principal || newest.facts.tenant !== tenant) return undefined;
    if (newest.facts.requestFingerprint !== requestHash) throw keyReused();
    return newest.id;
  };
  const found = await find();
  if (found !== undefined) return found;
  try {
    return (await start({ requestKey, requestFingerprint: requestHash })).operationId;
  } catch (error) {
    // The same request may have come twice at once.
    const begun = errorCodeOf(error) === 'OPERATION_IN_PROGRESS' ? await find() : undefined;
    if (begun === undefined) throw error;
    return begun;
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
