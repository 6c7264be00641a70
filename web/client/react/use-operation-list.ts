import { useMemo, useSyncExternalStore } from 'react';
import { EMPTY_LIST, type OperationFilter, type OperationListState, operationList } from '../operation-list.js';
import { useOperationClient } from './provider.js';

export interface LiveOperationList extends OperationListState {
  readonly showFresh: () => void;
  readonly loadMore: () => Promise<void>;
  readonly refresh: () => Promise<void>;
}

/** A list that does not move under the reader: rows on screen are patched, new ones are counted in `fresh`. */
export function useOperationList({ kind, status, plugin }: OperationFilter = {}): LiveOperationList {
  const client = useOperationClient();
  const list = useMemo(() => operationList(client, { kind, status, plugin }), [client, kind, status, plugin]);
  const state = useSyncExternalStore(list.subscribe, list.get, () => EMPTY_LIST);
  return useMemo(() => ({ ...state, showFresh: list.showFresh, loadMore: list.loadMore, refresh: list.refresh }), [state, list]);
}
