// A list of operations that stays where the reader looks: rows on screen are patched, new ones wait behind a count.
// Its newest page is read again when `operationsChanged` says so (live-reads.ts), and often while a row is at work.
// Bound: MAX_ROWS rows.
import type { OperationKindName, OperationStatus } from './contract.js';
import type { OperationListData, OperationSummary } from './documents.js';
import { type OperationError, toGraphQLError, toNetworkError } from './errors.js';
import { stableStringify } from './idempotency.js';
import { OPERATION_LIST, OPERATIONS_CHANGED } from './list-documents.js';
import { createLiveReads } from './live-reads.js';
import type { OperationClient } from './operation-client.js';
import { type Readable, createWritable } from './readable.js';
import type { OperationTransport } from './transport.js';

export const COUNTED = 100;
const PAGE = 25;
const MAX_ROWS = 500;

export interface OperationFilter {
  readonly kind?: OperationKindName | undefined;
  readonly status?: OperationStatus | undefined;
  /** A plugin's name. */
  readonly plugin?: string | undefined;
}

export interface OperationListState {
  readonly phase: 'loading' | 'live' | 'error';
  readonly items: readonly OperationSummary[];
  /** Newer rows that wait for `showFresh()`. */
  readonly fresh: number;
  readonly hasMore: boolean;
  /** Of the newest {@link COUNTED} operations whatever the filter. */
  readonly counts: Readonly<Record<OperationStatus, number>> | undefined;
  readonly error: OperationError | undefined;
  /** Epoch ms. */
  readonly updatedAt: number | undefined;
}

export const EMPTY_LIST: OperationListState = {
  phase: 'loading',
  items: [],
  fresh: 0,
  hasMore: false,
  counts: undefined,
  error: undefined,
  updatedAt: undefined,
};

export interface OperationList extends Readable<OperationListState> {
  readonly showFresh: () => void;
  readonly loadMore: () => Promise<void>;
  /** Reads at once. */
  readonly refresh: () => Promise<void>;
}

/** Lists kept for each client; the oldest goes first. */
const MAX_LISTS = 20;
const listsOf = new WeakMap<OperationClient, Map<string, OperationList>>();

/**
 * The live list with this filter: one for each client and filter, whatever the number of callers. It is apart from the client, so that
 * an application without lists does not load it.
 */
export function operationList(client: OperationClient, filter: OperationFilter = {}): OperationList {
  const lists = listsOf.get(client) ?? new Map<string, OperationList>();
  listsOf.set(client, lists);
  const name = stableStringify(filter);
  const list = lists.get(name) ?? createOperationList(filter, client.transport);
  lists.delete(name);
  lists.set(name, list);
  const oldest = lists.keys().next();
  if (lists.size > MAX_LISTS && oldest.done !== true) lists.delete(oldest.value);
  return list;
}

function createOperationList(filter: OperationFilter, transport: OperationTransport): OperationList {
  const state = createWritable(EMPTY_LIST);
  let newest: readonly OperationSummary[] = [];
  let endCursor: string | null = null;

  async function read(after: string | null): Promise<OperationListData> {
    const given = Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
    const variables = { first: PAGE, after, filter: given, recent: COUNTED };
    const { data, errors } = await transport.request<OperationListData>({ document: OPERATION_LIST, variables });
    if (data?.operations && data.recent) return data;
    throw toGraphQLError(errors ?? []);
  }

  async function refresh(): Promise<void> {
    try {
      const { operations, recent } = await read(null);
      newest = operations.nodes;
      const before = state.get();
      const first = before.items.length === 0;
      if (first || before.items.length <= newest.length) endCursor = operations.pageInfo.endCursor;
      const items = first ? newest : patch(before.items, newest);
      state.set({
        phase: 'live',
        items,
        fresh: countFresh(items, newest),
        hasMore: first ? operations.pageInfo.hasNextPage : before.hasMore,
        counts: countByStatus(recent.nodes),
        error: undefined,
        updatedAt: Date.now(),
      });
    } catch (cause) {
      const { code, message, retryable, source } = toNetworkError(cause);
      state.set({ ...state.get(), phase: 'error', error: { code, message, retryable, source } });
    }
  }

  const listen = createLiveReads({
    transport,
    changes: OPERATIONS_CHANGED,
    read: refresh,
    // What a running row has done is no change of the list.
    isQuiet: () => state.get().phase === 'live' && state.get().items.every(({ done }) => done),
  });

  return {
    get: state.get,
    subscribe(listener) {
      const unsubscribe = state.subscribe(listener);
      const leave = listen();
      return () => {
        unsubscribe();
        leave();
      };
    },
    refresh,
    showFresh() {
      const before = state.get();
      const shown = new Set(newest.map(({ id }) => id));
      const items = [...newest, ...before.items.filter(({ id }) => !shown.has(id))].slice(0, MAX_ROWS);
      state.set({ ...before, items, fresh: 0 });
    },
    async loadMore() {
      const { hasMore, items } = state.get();
      if (!hasMore || items.length >= MAX_ROWS) return;
      const { operations } = await read(endCursor);
      endCursor = operations.pageInfo.endCursor;
      const before = state.get();
      const shown = new Set(before.items.map(({ id }) => id));
      const all = [...before.items, ...operations.nodes.filter(({ id }) => !shown.has(id))];
      state.set({ ...before, items: all.slice(0, MAX_ROWS), hasMore: operations.pageInfo.hasNextPage && all.length < MAX_ROWS });
    },
  };
}

/** Rows keep their place and, when nothing changed, their identity. */
function patch(items: readonly OperationSummary[], newest: readonly OperationSummary[]): readonly OperationSummary[] {
  const byId = new Map(newest.map((row) => [row.id, row]));
  const patched = items.map((row) => {
    const read = byId.get(row.id);
    return read === undefined || JSON.stringify(read) === JSON.stringify(row) ? row : read;
  });
  return patched.some((row, index) => row !== items[index]) ? patched : items;
}

function countFresh(items: readonly OperationSummary[], newest: readonly OperationSummary[]): number {
  const shown = new Set(items.map(({ id }) => id));
  return newest.filter(({ id }) => !shown.has(id)).length;
}

function countByStatus(rows: readonly { readonly status: OperationStatus }[]): Record<OperationStatus, number> {
  const counts = { WORKING: 0, INPUT_REQUIRED: 0, COMPLETED: 0, FAILED: 0, CANCELLED: 0 };
  for (const { status } of rows) counts[status] += 1;
  return counts;
}
