// A task queue that cannot keep up serves tenants in turn, each by its weight, and not in the order in which tasks came.
// The server does it where `matching.enableFairness` is on (deploy/temporal/dynamic-config.yaml); elsewhere the key has no effect.
import { createHash } from 'node:crypto';
import type { Priority } from '@temporalio/common';

/** Weights of tenants that are not 1. */
export type FairShares = ReadonlyMap<string, number>;

const MAX_KEY_BYTES = 64;

export function toPriority(tenant: string, shares: FairShares): Priority {
  const fairnessKey = Buffer.byteLength(tenant) <= MAX_KEY_BYTES ? tenant : createHash('sha256').update(tenant).digest('hex');
  const fairnessWeight = shares.get(tenant);
  return { fairnessKey, ...(fairnessWeight === undefined ? {} : { fairnessWeight }) };
}
