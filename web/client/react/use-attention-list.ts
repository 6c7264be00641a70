import { useMemo, useSyncExternalStore } from 'react';
import { type AttentionListState, EMPTY_ATTENTION, attentionList } from '../attention-list.js';
import { useOperationClient } from './provider.js';

export interface LiveAttentionList extends AttentionListState {
  readonly loadMore: () => Promise<void>;
  readonly refresh: () => Promise<void>;
}

/** What failed and is not resolved yet. A row that is resolved leaves the list. */
export function useAttentionList(): LiveAttentionList {
  const client = useOperationClient();
  const list = useMemo(() => attentionList(client), [client]);
  const state = useSyncExternalStore(list.subscribe, list.get, () => EMPTY_ATTENTION);
  return useMemo(() => ({ ...state, loadMore: list.loadMore, refresh: list.refresh }), [state, list]);
}
