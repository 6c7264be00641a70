import { useOperationClient } from '@sluice/client/react';
import { useEffect } from 'react';
import type { UseQueryExecute } from 'urql';

/** Reads a page's query again when an operation started here has ended: the cache cannot know what it changed. */
export function useReadAgainOnSettled(read: UseQueryExecute): void {
  const client = useOperationClient();
  useEffect(() => client.onSettled(() => read({ requestPolicy: 'network-only' })), [client, read]);
}
