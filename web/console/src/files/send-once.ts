import { OperationClientError, type OperationClient, type OperationDocument } from '@sluice/client';

/**
 * Sends a mutation with one idempotency key until it is answered: when an answer was lost, the next try is recognised.
 *
 * @param work - what is done, unique for it; null = it may be done twice
 * @throws OperationClientError
 */
export async function sendOnce<Data, Variables extends Record<string, unknown>>(
  { keys, transport }: OperationClient,
  work: string | null,
  document: Exclude<OperationDocument<Data, Variables>, string>,
  variables: Variables,
): Promise<Data> {
  const { data, errors } = await transport.request<Data>({
    document,
    variables,
    ...(work === null ? {} : { headers: { 'idempotency-key': keys.hold(work) } }),
  });
  if (work !== null) keys.release(work);
  if (data != null && errors === undefined) return data;
  const [error] = errors ?? [];
  const code = error?.extensions?.code;
  throw new OperationClientError({
    code: typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR',
    message: error?.message ?? 'The answer held neither data nor an error.',
    retryable: error?.extensions?.retryable === true,
    source: 'graphql',
  });
}
