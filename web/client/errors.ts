/** What went wrong, and where: on the way (`network`), in the request (`graphql`), or in the operation itself. */
export interface OperationError {
  /** A code of the gateway's registry (docs/errors.md), or `NETWORK_ERROR`, `HTTP_<status>`, `CONNECTION_REFUSED`. */
  readonly code: string;
  readonly message: string;
  /** May the same call succeed later without a change by the caller? */
  readonly retryable: boolean;
  readonly source: 'network' | 'graphql' | 'operation';
}

/** What rejected promises of this package carry. Compare `code`, not the class. */
export class OperationClientError extends Error implements OperationError {
  override readonly name = 'OperationClientError';
  readonly code: string;
  readonly retryable: boolean;
  readonly source: OperationError['source'];

  constructor(error: OperationError, options?: ErrorOptions) {
    super(error.message, options);
    this.code = error.code;
    this.retryable = error.retryable;
    this.source = error.source;
  }
}

/** An error of a GraphQL answer, as far as this package reads it. */
export interface GraphQLErrorLike {
  readonly message: string;
  readonly extensions?: { readonly code?: unknown; readonly retryable?: unknown } | undefined;
}

export function toGraphQLError(errors: readonly GraphQLErrorLike[]): OperationClientError {
  const first = errors[0];
  const code = first?.extensions?.code;
  return new OperationClientError({
    code: typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR',
    message: first?.message ?? 'The answer held neither data nor an error.',
    retryable: first?.extensions?.retryable === true,
    source: 'graphql',
  });
}

export function toNetworkError(cause: unknown): OperationClientError {
  if (cause instanceof OperationClientError) return cause;
  const message = cause instanceof Error && cause.message !== '' ? cause.message : 'The gateway could not be reached.';
  return new OperationClientError({ code: 'NETWORK_ERROR', message, retryable: true, source: 'network' }, { cause });
}
