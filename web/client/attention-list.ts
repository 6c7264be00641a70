// What failed and is not resolved yet: what the gateway's list says, and nothing else. A row that is resolved leaves it.
// Bound: MAX_ROWS rows, read in pages of PAGE; as many pages are read again as were asked for.
import type { AttentionListData, AttentionRow } from './documents.js';
import { type OperationError, toGraphQLError, toNetworkError } from './errors.js';
import { ATTENTION_LIST, RECOVERIES_CHANGED } from './list-documents.js';
import { createLiveReads } from './live-reads.js';
import type { OperationClient } from './operation-client.js';
import { type Readable, createWritable } from './readable.js';
import type { OperationTransport } from './transport.js';

const PAGE = 20;
const MAX_ROWS = 200;

export interface AttentionListState {
  readonly phase: 'loading' | 'live' | 'error';
  /** Newest first. */
  readonly items: readonly AttentionRow[];
  /** There are more than `items`. */
  readonly hasMore: boolean;
  readonly error: OperationError | undefined;
  /** Epoch ms. */
  readonly updatedAt: number | undefined;
}

export const EMPTY_ATTENTION: AttentionListState = { phase: 'loading', items: [], hasMore: false, error: undefined, updatedAt: undefined };

export interface AttentionList extends Readable<AttentionListState> {
  readonly loadMore: () => Promise<void>;
  /** Reads at once. Never rejects: see `error`. */
  readonly refresh: () => Promise<void>;
}

const lists = new WeakMap<OperationClient, AttentionList>();

/** The live list of what needs attention: one for each client, whatever the number of callers. */
export function attentionList(client: OperationClient): AttentionList {
  const list = lists.get(client) ?? createAttentionList(client.transport);
  lists.set(client, list);
  return list;
}

function createAttentionList(transport: OperationTransport): AttentionList {
  const state = createWritable(EMPTY_ATTENTION);
  let wanted = PAGE;
  let latest = 0;

  async function readPage(after: string | null): Promise<AttentionListData['operations']> {
    const { data, errors } = await transport.request<AttentionListData>({ document: ATTENTION_LIST, variables: { first: PAGE, after } });
    if (data?.operations) return data.operations;
    throw toGraphQLError(errors ?? []);
  }

  async function refresh(): Promise<void> {
    const mine = ++latest;
    try {
      const rows = new Map<string, AttentionRow>();
      let after: string | null = null;
      let hasMore = true;
      // Pages are counted, not rows: a row may be left out of its page.
      for (let read = 0; hasMore && read < wanted; read += PAGE) {
        const page: AttentionListData['operations'] = await readPage(after);
        for (const row of page.nodes) rows.set(row.id, row);
        after = page.pageInfo.endCursor;
        hasMore = page.pageInfo.hasNextPage;
      }
      if (mine === latest) state.set({ phase: 'live', items: [...rows.values()], hasMore, error: undefined, updatedAt: Date.now() });
    } catch (cause) {
      const { code, message, retryable, source } = toNetworkError(cause);
      if (mine === latest) state.set({ ...state.get(), phase: 'error', error: { code, message, retryable, source } });
    }
  }

  const listen = createLiveReads({ transport, changes: RECOVERIES_CHANGED, read: refresh, isQuiet: () => state.get().phase === 'live' });

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
    async loadMore() {
      if (!state.get().hasMore) return;
      wanted = Math.min(wanted + PAGE, MAX_ROWS);
      await refresh();
    },
  };
}
