// The console's ways to the gateway: urql for pages, one socket, the operation client over both.
import { type OperationClient, type OperationSocket, createOperationClient, createOperationSocket } from '@sluice/client';
import { forwardOver, fromUrql } from '@sluice/client/urql';
import { Client, cacheExchange, fetchExchange, mapExchange, subscriptionExchange } from 'urql';
import type { SessionStore } from './session.js';

export interface Api {
  readonly urql: Client;
  readonly socket: OperationSocket;
  readonly operations: OperationClient;
}

const UNAUTHENTICATED_CLOSES: readonly (number | undefined)[] = [4401, 4403];

export function createApi(session: SessionStore): Api {
  const socket = createOperationSocket({
    url: `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/graphql`,
    connectionParams: () => ({ token: session.get()?.token }),
  });
  const urql = new Client({
    url: '/graphql',
    // A document in the URL would end up in access logs.
    preferGetMethod: false,
    fetchOptions: () => ({ headers: { authorization: `Bearer ${session.get()?.token ?? ''}` } }),
    exchanges: [
      mapExchange({
        onError(error) {
          if (error.graphQLErrors.some(({ extensions: { code, origin } }) => code === 'UNAUTHENTICATED' && origin !== 'service'))
            session.signOut('expired');
        },
      }),
      cacheExchange,
      fetchExchange,
      subscriptionExchange({ forwardSubscription: forwardOver(socket) }),
    ],
  });
  socket.connection.subscribe(() => {
    const { closeCode } = socket.connection.get();
    // 4403 also comes for other reasons: only the end of our own credential signs out.
    if (UNAUTHENTICATED_CLOSES.includes(closeCode) && isExpired(session)) session.signOut('expired');
  });
  return { urql, socket, operations: createOperationClient({ transport: fromUrql(urql, socket) }) };
}

function isExpired(session: SessionStore): boolean {
  const current = session.get();
  return current !== null && Date.parse(current.expiresAt) <= Date.now();
}
