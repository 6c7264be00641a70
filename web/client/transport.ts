// The way to the gateway, behind an interface: the store neither knows HTTP nor WebSocket, and tests hand in another one.
import type { DocumentNode } from 'graphql';
import { type GraphQLErrorLike, OperationClientError, toGraphQLError, toNetworkError } from './errors.js';
import type { Readable } from './readable.js';
import { type Connection, type SocketOptions, createOperationSocket } from './socket.js';

/** GraphQL text, or a document whose types TypeScript can infer variables and data from. */
export type OperationDocument<Data = unknown, Variables = never> =
  string | (DocumentNode & { __apiType?: ((variables: Variables) => Data) | undefined });

export interface TransportRequest<Document = string | DocumentNode> {
  readonly document: Document;
  /** May hold getters: they are read again whenever a subscription is sent again. */
  readonly variables: Record<string, unknown>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer<Data> {
  readonly data?: Data | null | undefined;
  readonly errors?: readonly GraphQLErrorLike[] | undefined;
}

export interface AnswerSink<Data> {
  next(answer: Answer<Data>): void;
  /** At most once; nothing follows. */
  error(error: OperationClientError): void;
  /** The server has ended the stream. */
  complete(): void;
}

export interface OperationTransport {
  /** @throws {@link OperationClientError} with source `network` when no GraphQL answer came */
  request<Data>(request: TransportRequest): Promise<Answer<Data>>;
  /** Survives lost connections; returns how to end it. */
  subscribe<Data>(request: TransportRequest<string>, sink: AnswerSink<Data>): () => void;
  readonly connection: Readable<Connection>;
  readonly reconnect: () => void;
  readonly close: () => Promise<void>;
}

export interface TransportOptions {
  /** GraphQL over HTTP, e.g. `/graphql`. */
  url: string;
  /** @default `url` with the scheme `ws:` or `wss:` */
  wsUrl?: string;
  /** @default the global one */
  fetch?: typeof fetch;
  /** Read at every request; typically `authorization`. */
  headers?: () => Record<string, string>;
  /** Read at every connect; typically `{ token }`. */
  connectionParams?: SocketOptions['connectionParams'];
  webSocketImpl?: unknown;
}

/** GraphQL over HTTP (POST) and graphql-ws. Opens nothing before the first call. */
export function createTransport(options: TransportOptions): OperationTransport {
  const { url, webSocketImpl, connectionParams } = options;
  const socket = createOperationSocket({ url: options.wsUrl ?? toWebSocketUrl(url), webSocketImpl, connectionParams });

  return {
    ...overSocket(socket),
    async request<Data>({ document, variables, headers }: TransportRequest) {
      const send = options.fetch ?? fetch;
      try {
        const response = await send(url, {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'application/graphql-response+json, application/json',
            ...options.headers?.(),
            ...headers,
          },
          body: JSON.stringify({ query: typeof document === 'string' ? document : await printDocument(document), variables }),
        });
        return await readAnswer<Data>(response);
      } catch (error) {
        throw toNetworkError(error);
      }
    },
  };
}

/** The part of a transport that runs over a socket. */
export function overSocket(socket: ReturnType<typeof createOperationSocket>): Omit<OperationTransport, 'request'> {
  return {
    connection: socket.connection,
    reconnect: socket.reconnect,
    close: socket.close,
    subscribe<Data>({ document, variables }: TransportRequest<string>, sink: AnswerSink<Data>) {
      return socket.subscribe<Data>(
        { query: document, variables },
        {
          next: (answer) => sink.next(answer),
          error: (error) => sink.error(toSocketError(error)),
          complete: () => sink.complete(),
        },
      );
    },
  };
}

/** graphql's printer is loaded by those only who pass parsed documents without urql. */
async function printDocument(document: DocumentNode): Promise<string> {
  const { print } = await import('graphql');
  return print(document);
}

async function readAnswer<Data>(response: Response): Promise<Answer<Data>> {
  const body: unknown = await response.json().catch(() => undefined);
  if (typeof body === 'object' && body !== null && ('data' in body || 'errors' in body)) return body as Answer<Data>;
  const { status } = response;
  throw new OperationClientError({
    code: `HTTP_${status}`,
    message: `The gateway answered ${status} without a GraphQL response.`,
    retryable: status === 429 || status >= 500,
    source: 'network',
  });
}

function toSocketError(error: unknown): OperationClientError {
  if (Array.isArray(error)) return toGraphQLError(error as GraphQLErrorLike[]);
  const { code, reason } = (error ?? {}) as { code?: number; reason?: string };
  const why = reason === undefined || reason === '' ? 'The gateway closed the connection for good' : reason;
  return new OperationClientError(
    { code: 'CONNECTION_REFUSED', message: code === undefined ? why : `${why} (${code})`, retryable: true, source: 'network' },
    { cause: error },
  );
}

function toWebSocketUrl(url: string): string {
  const base = typeof location === 'undefined' ? undefined : location.href;
  const absolute = new URL(url, base);
  absolute.protocol = absolute.protocol === 'https:' ? 'wss:' : 'ws:';
  return absolute.href;
}
