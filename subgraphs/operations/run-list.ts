// Lists of operations. The index knows which runs exist and in which order; how an open one stands is read from Temporal by its id, which
// is consistent at once, where Temporal's own lists lag behind.
// L1. A run's position never changes, so a page neither loses nor repeats one while runs start and end.
// L2. A page is cut after everything was filtered: rows are read until it is full or nothing follows.
// L3. A run that ended stays as it is: it is read once and recorded.
// L4. Whoever is told of a run finds it in every later list: also one that a workflow started, which nobody has noted.
import type { OperationSnapshot, OperationStatus } from '#schema/contracts/operations';
import type { PageKey } from '../shared/paging.js';
import type { OperationDoor } from './door.js';
import type { IndexedRun, RunFilter, RunIndex } from './run-index.js';

/** Runs that are read from Temporal at the same time. */
const READ_AT_ONCE = 20;
/** Beyond the page's own, where some rows may not match. */
const SPARE_ROWS = 20;
const MAX_KNOWN = 2_000;

export interface RunList {
  /** The first `limit` runs behind `after` that match, newest first. */
  read(filter: RunFilter, page: { after: PageKey | null; limit: number }): Promise<IndexedRun[]>;
  /** As {@link read} of a first page, for watchers: how an open run stands is at most half a second old, and read once for all of them. */
  peek(filter: RunFilter, limit: number): Promise<OperationSnapshot[]>;
  /** To be awaited before a caller is told of these (L4). */
  include(operations: readonly OperationSnapshot[]): Promise<void>;
}

const PEEK_AGE_MS = 500;

export function createRunList({
  door,
  index,
  now = Date.now,
}: {
  door: Pick<OperationDoor, 'describe'>;
  index: RunIndex;
  now?: () => number;
}): RunList {
  const included = new Set<string>();
  const known = new Map<string, { at: number; operation: Promise<OperationSnapshot | undefined> }>();

  function describe(id: string, maxAgeMs: number): Promise<OperationSnapshot | undefined> {
    const seen = known.get(id);
    if (seen !== undefined && now() - seen.at < maxAgeMs) return seen.operation;
    const operation = door.describe(id, { result: false });
    if (maxAgeMs === 0) return operation;
    known.delete(id);
    known.set(id, { at: now(), operation });
    const [oldest] = known.keys();
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    // A failure is not remembered.
    operation.catch(() => known.delete(id));
    return operation;
  }

  /** @returns the rows as their runs stand; those that are not kept any more left out */
  async function refresh(rows: readonly IndexedRun[], maxAgeMs: number): Promise<IndexedRun[]> {
    const ended: OperationSnapshot[] = [];
    const refreshed = await mapAtMost(READ_AT_ONCE, rows, async (row) => {
      if (row.operation.closedAt !== null) return [row];
      const operation = await describe(row.operation.id, maxAgeMs);
      if (operation === undefined) {
        await index.remove(row.operation.id);
        return [];
      }
      if (operation.closedAt !== null) ended.push(operation);
      const isUnknown = operation.facts.startedBy === '';
      return [{ ...row, operation: isUnknown ? { ...operation, facts: row.operation.facts } : operation }];
    });
    if (ended.length > 0) await index.record(ended);
    return refreshed.flat();
  }

  async function read(
    filter: RunFilter,
    { after, limit, maxAgeMs }: { after: PageKey | null; limit: number; maxAgeMs: number },
  ): Promise<IndexedRun[]> {
    const found: IndexedRun[] = [];
    for (let from = after; ;) {
      const wanted = limit - found.length + (filter.status === undefined ? 0 : SPARE_ROWS);
      const rows = await index.list({ ...filter, after: from, limit: wanted });
      found.push(...(await refresh(rows, maxAgeMs)).filter(({ operation }) => matches(operation.status, filter.status)));
      from = rows.at(-1)?.key ?? from;
      if (found.length >= limit || rows.length < wanted) return found.slice(0, limit);
    }
  }

  async function include(operations: readonly OperationSnapshot[]): Promise<void> {
    const missing = operations.filter(({ id }) => !included.has(id));
    if (missing.length === 0) return;
    await index.record(missing);
    for (const { id } of missing) included.add(id);
    for (const id of included) {
      if (included.size <= MAX_KNOWN) break;
      included.delete(id);
    }
  }

  return {
    include,
    read: (filter, page) => read(filter, { ...page, maxAgeMs: 0 }),
    peek: async (filter, limit) => (await read(filter, { after: null, limit, maxAgeMs: PEEK_AGE_MS })).map(({ operation }) => operation),
  };
}

function matches(status: OperationStatus, wanted: OperationStatus | undefined): boolean {
  return wanted === undefined || status === wanted;
}

/** In the order of `items`. */
async function mapAtMost<Item, Result>(most: number, items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const take = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as Item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, take));
  return results;
}
