// Lists over the real store; Temporal is a stand-in that describes a run by its id as the real one does: at once, and only what it keeps.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '#platform/database/open-database';
import { createLogger } from '#platform/logger';
import { openTestDatabase } from '#platform/tests/database';
import type { NotedRun, OperationKindName, OperationSnapshot, OperationStatus } from '#schema/contracts/operations';
import type { PageKey } from '../shared/paging.js';
import { readOnce } from './follow-runs.js';
import type { RunFilter, RunIndex } from './run-index.js';
import { createRunIndex } from './run-index.drizzle.js';
import { createRunList } from './run-list.js';

const SEED = Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000);
/** While it is read, so that the next one is not much longer. */
const CHANGES_A_LIST = 6;
const AN_HOUR_AGO = Date.now() - 3_600_000;
const KINDS: OperationKindName[] = ['API_REQUEST', 'ORCHESTRATION', 'ASYNC_REQUEST', 'PLUGIN_INSTALLATION', 'RECOVERY'];
const STATUSES: OperationStatus[] = ['WORKING', 'INPUT_REQUIRED', 'COMPLETED', 'FAILED', 'CANCELLED'];
const STARTERS = [
  ['ten_acme', 'usr_alice'],
  ['ten_acme', 'usr_viewer'],
  ['ten_acme', 'usr_admin'],
  ['ten_globex', 'usr_bob'],
] as const;
const ALL: RunFilter = { tenant: null, startedBy: null };

let database: Database;
let index: RunIndex;
/** What Temporal keeps. */
const kept = new Map<string, OperationSnapshot>();
let described = 0;
const door = {
  describe: async (id: string) => {
    described += 1;
    return kept.get(id);
  },
  async *scan() {
    yield [...kept.values()];
  },
};
beforeAll(async () => {
  database = await openTestDatabase();
  index = await createRunIndex(database, createLogger({ name: 'test', level: 'silent' }));
});
afterAll(() => database.close());
beforeEach(async () => {
  kept.clear();
  described = 0;
  await database.pool.query('delete from operations.runs');
  await database.pool.query('delete from operations.followed');
});

/** Mulberry32. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}
function pick<Item>(random: (below: number) => number, items: readonly Item[]): Item {
  return items[random(items.length)] as Item;
}

/** Several share a millisecond. */
function aRun(random: (below: number) => number, at: number): NotedRun {
  const [tenant, startedBy] = pick(random, STARTERS);
  const kind = pick(random, KINDS);
  const runId = randomUUID();
  return {
    id: `op_${runId}`,
    workflowId: `request/${tenant}/${runId}`,
    runId,
    workflowType: 'test',
    facts: { kind, title: 'test', tenant, startedBy, ...(kind === 'PLUGIN_INSTALLATION' ? { plugin: '@sluice/qr-code' } : {}) },
    at: new Date(at).toISOString(),
  };
}
function toSnapshot({ at, ...run }: NotedRun, status: OperationStatus): OperationSnapshot {
  const isOpen = status === 'WORKING' || status === 'INPUT_REQUIRED';
  // By the server's clock.
  const createdAt = new Date(Date.parse(at) - 3).toISOString();
  const closedAt = isOpen ? null : new Date(Date.parse(at) + 500).toISOString();
  return { ...run, status, createdAt, closedAt, expiresAt: null, result: null, failure: null };
}
async function start(run: NotedRun, status: OperationStatus = 'WORKING'): Promise<OperationSnapshot> {
  const snapshot = toSnapshot(run, status);
  kept.set(run.id, snapshot);
  await index.note(run);
  return snapshot;
}
function end(run: OperationSnapshot, status: OperationStatus, at: number): OperationSnapshot {
  return { ...run, status, closedAt: new Date(at).toISOString() };
}
function isWanted({ facts, status }: OperationSnapshot, filter: RunFilter): boolean {
  return (
    (filter.tenant ?? facts.tenant) === facts.tenant &&
    (filter.startedBy ?? facts.startedBy) === facts.startedBy &&
    (filter.kind ?? facts.kind) === facts.kind &&
    (filter.plugin === undefined || filter.plugin === facts.plugin) &&
    (filter.status ?? status) === status
  );
}

/** @param between - runs after each page */
async function readAll(
  filter: RunFilter,
  size: number,
  between: () => Promise<void> = () => Promise.resolve(),
): Promise<OperationSnapshot[]> {
  const list = createRunList({ door, index });
  const seen: OperationSnapshot[] = [];
  for (let after: PageKey | null = null; ;) {
    const rows = await list.read(filter, { after, limit: size + 1 });
    seen.push(...rows.slice(0, size).map(({ operation }) => operation));
    if (rows.length <= size) return seen;
    after = rows[size - 1]?.key ?? null;
    await between();
  }
}

describe(`a list of runs (TEST_SEED=${SEED})`, () => {
  const FILTERS: RunFilter[] = [
    ALL,
    { tenant: 'ten_acme', startedBy: null },
    { tenant: 'ten_acme', startedBy: 'usr_viewer' },
    { ...ALL, kind: 'ORCHESTRATION' },
    { ...ALL, plugin: '@sluice/qr-code' },
    ...STATUSES.map((status) => ({ ...ALL, status })),
    { tenant: 'ten_acme', startedBy: 'usr_alice', kind: 'ASYNC_REQUEST', status: 'COMPLETED' },
  ];

  it.each([1, 2, 7, 50])('has each run once, by pages of %i, while runs start and end', async (size) => {
    const random = createRandom(SEED + size);
    let now = AN_HOUR_AGO;
    for (let n = 0; n < Math.min(25 * size, 120); n += 1) await start(aRun(random, (now += random(3))), pick(random, STATUSES));
    for (const filter of FILTERS) {
      const before = new Map(kept);
      let changes = 0;
      const seen = await readAll(filter, size, async () => {
        if (++changes > CHANGES_A_LIST) return;
        await start(aRun(random, (now += 1 + random(3))), pick(random, STATUSES));
        const open = [...kept.values()].filter(({ closedAt }) => closedAt === null);
        const ends = open[random(open.length)];
        if (ends !== undefined) kept.set(ends.id, end(ends, pick(random, ['COMPLETED', 'FAILED', 'CANCELLED'] as const), now));
        if (random(4) === 0) await readOnce({ door, index });
      });
      const ids = seen.map(({ id }) => id);
      expect(new Set(ids).size, JSON.stringify(filter)).toBe(ids.length);
      // What matched before and matches still was there all the time.
      const always = [...before.values()].filter((run) => isWanted(run, filter) && isWanted(kept.get(run.id) ?? run, filter));
      expect(
        always.filter(({ id }) => !ids.includes(id)),
        JSON.stringify(filter),
      ).toEqual([]);
      // Nothing else than what matched at some time.
      expect(seen.filter((run) => !isWanted(run, filter))).toEqual([]);
    }
  });

  it('has the few runs of one starter in front of the many of another', async () => {
    const random = createRandom(SEED);
    const at = AN_HOUR_AGO;
    const by = (run: NotedRun, startedBy: string): NotedRun => ({ ...run, facts: { ...run.facts, tenant: 'ten_acme', startedBy } });
    for (let n = 0; n < 3; n += 1) await start(by(aRun(random, at + n), 'usr_viewer'));
    for (let n = 0; n < 40; n += 1) await start(by(aRun(random, at + 10 + n), 'usr_alice'));
    expect(await readAll({ tenant: 'ten_acme', startedBy: 'usr_viewer' }, 20)).toHaveLength(3);
  });

  it('has quick newer runs in front of long older ones', async () => {
    const random = createRandom(SEED);
    const at = AN_HOUR_AGO;
    for (let n = 0; n < 40; n += 1) await start(aRun(random, at + n), 'WORKING');
    for (let n = 0; n < 30; n += 1) await start(aRun(random, at + 100 + n), 'COMPLETED');
    for (const size of [5, 10]) {
      const seen = await readAll(ALL, size);
      expect(seen.slice(0, 30).map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 'COMPLETED'));
      expect(seen).toHaveLength(70);
    }
  });

  it('tells at once how a run stands, and asks for what has ended only once', async () => {
    const run = aRun(createRandom(SEED), AN_HOUR_AGO);
    const list = createRunList({ door, index });
    const read = async (status?: OperationStatus) =>
      (await list.read({ ...ALL, status }, { after: null, limit: 10 })).map(({ operation }) => operation.status);
    const open = await start(run);
    expect([await read(), await read('WORKING'), await read('FAILED')]).toEqual([['WORKING'], ['WORKING'], []]);
    kept.set(run.id, { ...open, status: 'FAILED', closedAt: new Date().toISOString() });
    expect([await read('FAILED'), await read('WORKING'), await read()]).toEqual([['FAILED'], [], ['FAILED']]);
    const before = described;
    await read();
    expect(described).toBe(before);
  });

  it('leaves out what is not kept any more', async () => {
    const random = createRandom(SEED);
    const gone = await start(aRun(random, AN_HOUR_AGO + 1));
    const expired = { ...toSnapshot(aRun(random, AN_HOUR_AGO + 2), 'COMPLETED'), expiresAt: new Date(Date.now() - 1).toISOString() };
    await index.record([expired]);
    kept.delete(gone.id);
    const stays = await start(aRun(random, AN_HOUR_AGO + 3), 'COMPLETED');
    await readOnce({ door, index });
    expect((await readAll(ALL, 10)).map(({ id }) => id)).toEqual([stays.id]);
  });
});

describe('the index', () => {
  it('is completed from what Temporal lists, and keeps what it knows of a run that cannot be decoded', async () => {
    const random = createRandom(SEED);
    const noted = await start(aRun(random, AN_HOUR_AGO + 1_000), 'COMPLETED');
    const missed = toSnapshot(aRun(random, AN_HOUR_AGO + 2_000), 'COMPLETED');
    kept.set(missed.id, missed);
    const unknown = { ...noted.facts, title: 'test', startedBy: '' };
    kept.set(noted.id, { ...noted, facts: unknown });
    await readOnce({ door, index });
    expect((await readAll({ ...ALL, startedBy: noted.facts.startedBy }, 10)).map(({ id }) => id)).toContain(noted.id);
    kept.set(noted.id, noted);
    expect((await readAll(ALL, 10)).map(({ id }) => id)).toEqual([missed.id, noted.id]);
    expect(await index.readFollowed()).not.toBeNull();
  });

  it('takes many notes at once', async () => {
    const random = createRandom(SEED);
    await Promise.all(Array.from({ length: 500 }, (_, n) => index.note(aRun(random, AN_HOUR_AGO + n))));
    expect((await index.list({ ...ALL, after: null, limit: 1_000 })).length).toBe(500);
  });

  it('that cannot be written to fails no start', async () => {
    await database.pool.query('alter table operations.runs rename to away');
    await expect(index.note(aRun(createRandom(SEED), AN_HOUR_AGO))).resolves.toBeUndefined();
    await database.pool.query('alter table operations.away rename to runs');
  });
});
