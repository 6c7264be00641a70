import { type ReactNode, createContext, createElement, useContext } from 'react';
import type { OperationClient } from '../operation-client.js';

const ClientContext = createContext<OperationClient | null>(null);

export interface OperationProviderProps {
  client: OperationClient;
  children?: ReactNode;
}

/**
 * @example
 * <OperationProvider client={createOperationClient({ url: '/graphql' })}><App /></OperationProvider>
 */
export function OperationProvider({ client, children }: OperationProviderProps): ReactNode {
  return createElement(ClientContext.Provider, { value: client }, children);
}

/** @throws Error outside an {@link OperationProvider} */
export function useOperationClient(): OperationClient {
  const client = useContext(ClientContext);
  if (client === null) throw new Error('hooks of @sluice/client need an <OperationProvider client={…}> above them');
  return client;
}
