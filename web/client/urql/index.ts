/**
 * `@sluice/client/urql`: the client over an urql client that exists already. Peer: @urql/core 6.
 *
 * @packageDocumentation
 */
import { type Client, type OperationContext, type SubscriptionForwarder, createRequest } from '@urql/core';
import type { DocumentNode } from 'graphql';
import { toNetworkError } from '../errors.js';
import type { OperationSocket } from '../socket.js';
import { type Answer, type OperationTransport, type TransportRequest, overSocket } from '../transport.js';

/**
 * Requests go through the urql client (its exchanges, headers and errors), subscriptions over the socket: urql copies
 * variables, and a copied cursor could not resume.
 *
 * @example
 * const socket = createOperationSocket({ url: 'ws://localhost:4000/graphql' });
 * const client = createOperationClient({ transport: fromUrql(urql, socket) });
 */
export function fromUrql(client: Client, socket: OperationSocket): OperationTransport {
  return {
    ...overSocket(socket),
    async request<Data>({ document, variables, headers }: TransportRequest): Promise<Answer<Data>> {
      const context: Partial<OperationContext> = { requestPolicy: 'network-only', ...withHeaders(client, document, headers) };
      const result = isMutation(document)
        ? await client.mutation<Data>(document, variables, context).toPromise()
        : await client.query<Data>(document, variables, context).toPromise();
      const { data, error } = result;
      if (error?.networkError !== undefined && error.graphQLErrors.length === 0) throw toNetworkError(error.networkError);
      return error === undefined ? { data } : { data, errors: error.graphQLErrors };
    },
  };
}

/**
 * For urql's own `subscriptionExchange`, so that both use one socket.
 *
 * @example
 * subscriptionExchange({ forwardSubscription: forwardOver(socket) })
 */
export function forwardOver(socket: OperationSocket): SubscriptionForwarder {
  return ({ query = '', variables }) => ({
    subscribe: (sink) => ({
      unsubscribe: socket.subscribe(
        { query, variables: variables as Record<string, unknown> },
        sink as Parameters<OperationSocket['subscribe']>[1],
      ),
    }),
  });
}

/** A context replaces the client's own fetch options, so they are read and extended. */
function withHeaders(client: Client, document: string | DocumentNode, headers: TransportRequest['headers']): Partial<OperationContext> {
  if (headers === undefined) return {};
  const { fetchOptions } = client.createRequestOperation('mutation', createRequest(document, {})).context;
  return {
    fetchOptions: () => {
      const own = typeof fetchOptions === 'function' ? fetchOptions() : fetchOptions;
      return { ...own, headers: { ...(own?.headers as Record<string, string> | undefined), ...headers } };
    },
  };
}

function isMutation(document: string | DocumentNode): boolean {
  if (typeof document === 'string') return /^\s*mutation\b/.test(document);
  return document.definitions.some((definition) => 'operation' in definition && String(definition.operation) === 'mutation');
}
