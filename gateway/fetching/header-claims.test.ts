import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTestKeys } from '#tests/support/test-keys';
import type { Database } from '#platform/database/open-database';
import { createKeys, type KeyRing, loadKeys } from '#platform/keys';
import { openTestDatabase } from '#platform/tests/database';
import { createDatabaseClaimStore } from './claim-store.database.js';
import { createMemoryClaimStore } from './claim-store.memory.js';
import { type ClaimStore, createHeaderClaims, type SealedClaim } from './header-claims.js';

const HEADERS = { products: { authorization: 'Bearer hunter2' } };
let nowMs = Date.now();
const now = (): number => nowMs;
let keys: KeyRing;
let database: Database;
const stores: Record<string, ClaimStore> = {};

beforeAll(async () => {
  keys = await loadTestKeys();
  database = await openTestDatabase();
  stores['memory'] = createMemoryClaimStore({ now });
  stores['database'] = await createDatabaseClaimStore(database, { now });
});
afterAll(() => database.close());

describe.each(['memory', 'database'])('claims in the %s store', (name) => {
  const storeOf = (): ClaimStore => stores[name] as ClaimStore;
  const claimsWith = (store: ClaimStore, ring: Pick<KeyRing, 'payload'> = keys) => createHeaderClaims({ keys: ring, store, now });

  it('are opened by whoever has the keys, until their end', async () => {
    const ref = await claimsWith(storeOf()).put(HEADERS, 5_000);
    expect(await claimsWith(storeOf()).open(ref)).toEqual(HEADERS);
    nowMs += 4_999;
    expect(await claimsWith(storeOf()).open(ref)).toEqual(HEADERS);
    nowMs += 1;
    expect(await claimsWith(storeOf()).open(ref)).toBeUndefined();
    expect(await storeOf().get(ref)).toBeUndefined();
  });

  it('hold nothing that can be read', async () => {
    const ref = await claimsWith(storeOf()).put(HEADERS, 5_000);
    const { sealed } = (await storeOf().get(ref)) as SealedClaim;
    expect(Buffer.from(sealed).toString('latin1')).not.toMatch(/hunter2|Bearer|products/);
  });

  it('are gone with another key, another reference, another end, or another byte', async () => {
    const ref = await claimsWith(storeOf()).put(HEADERS, 5_000);
    const claim = (await storeOf().get(ref)) as SealedClaim;
    const stranger = await loadKeys({ dataDir: '/nowhere', env: { SLUICE_KEYS: JSON.stringify(await createKeys()) }, shared: true });
    const sameId = { payload: [{ id: claim.keyId, key: (stranger.payload[0] as KeyRing['payload'][number]).key }] };
    expect(await claimsWith(storeOf(), sameId).open(ref)).toBeUndefined();
    expect(await claimsWith(storeOf(), stranger).open(ref)).toBeUndefined();

    const bent = Buffer.from(claim.sealed);
    bent[20] = (bent[20] as number) ^ 1;
    const changes: SealedClaim[] = [
      { ...claim, endsAtMs: claim.endsAtMs + 60_000 },
      { ...claim, sealed: bent },
    ];
    for (const changed of changes) {
      const tampered = claimsWith({ put: () => Promise.resolve(), get: () => Promise.resolve(changed) });
      expect(await tampered.open(ref)).toBeUndefined();
    }
    const moved = claimsWith({ put: () => Promise.resolve(), get: () => Promise.resolve(claim) });
    expect(await moved.open('another')).toBeUndefined();
    expect(await moved.open(ref)).toEqual(HEADERS);
  });
});

it('deletes from the database what has ended', async () => {
  const claims = createHeaderClaims({ keys, store: stores['database'] as ClaimStore, now });
  await claims.put(HEADERS, 1_000);
  nowMs += 120_000;
  await claims.put(HEADERS, 1_000);
  const { rows } = await database.pool.query<{ count: string }>('select count(*) from fetching.header_claims');
  expect(Number(rows[0]?.count)).toBe(1);
});

it('keeps at most so many in memory: the oldest go', async () => {
  const store = createMemoryClaimStore({ now, maxClaims: 2 });
  const claims = createHeaderClaims({ keys, store, now });
  const refs = [await claims.put(HEADERS, 5_000), await claims.put(HEADERS, 5_000), await claims.put(HEADERS, 5_000)];
  expect(await Promise.all(refs.map((ref) => claims.open(ref)))).toEqual([undefined, HEADERS, HEADERS]);
});
