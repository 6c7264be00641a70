import { useMemo, useSyncExternalStore } from 'react';
import { type Connection, IDLE_CONNECTION } from '../socket.js';
import { useOperationClient } from './provider.js';

export interface Connected extends Connection {
  /** Connects anew and repeats what had failed. */
  readonly reconnect: () => void;
}

export function useConnection(): Connected {
  const client = useOperationClient();
  const { connection } = client;
  const state = useSyncExternalStore(connection.subscribe, connection.get, () => IDLE_CONNECTION);
  return useMemo(() => ({ ...state, reconnect: client.reconnect }), [state, client]);
}
