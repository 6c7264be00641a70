// Decisions about a failed operation. Apart from the client, so that an application that decides nothing does not load it.
import type { ResolutionChoice } from './contract.js';
import { RESOLVE_OPERATION, type ResolveData, RETRY_OPERATION, type RetryData, type UserError } from './documents.js';
import { type OperationClientError } from './errors.js';
import { stableStringify } from './idempotency.js';
import type { OperationClient, StartOptions } from './operation-client.js';
import type { OperationDocument } from './transport.js';

export interface Resolution {
  readonly choice: ResolutionChoice;
  /** With EDIT_VARIABLES, and only with it: they take the place of those of the same names. */
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
  /**
   * The `seq` of what was decided about: the same decision about the same state is one decision, however often it is sent before it is
   * answered; about a later state it is another one. @default none
   */
  readonly about?: number | undefined;
}

export interface ResolutionAcknowledgement {
  /** The decision was taken. What comes of it is told by the recovery's events. */
  readonly accepted: boolean;
  /** Id of the recovery, which acts on it. */
  readonly recovery: string | null;
  readonly userErrors: readonly UserError[];
}

/**
 * Tries again what an operation failed at, with the keys of the first attempt. Its starter may, its tenant's admins, and operators.
 *
 * @param id - of the operation that failed, or of its recovery
 * @throws OperationClientError
 */
export function retryOperation(client: OperationClient, id: string, about?: number): Promise<ResolutionAcknowledgement> {
  return decide<RetryData, { id: string }>(client, RETRY_OPERATION, { id }, ({ retryOperation: payload }) => payload, about);
}

/**
 * Decides about a failed operation: one of the `input.choices` of its recovery.
 *
 * @param id - of the operation that failed, or of its recovery
 * @throws OperationClientError, `FORBIDDEN` for others than its tenant's admins and operators; they may retry, which this sends as a retry
 */
export function resolveOperation(
  client: OperationClient,
  id: string,
  { choice, variables, about }: Resolution,
): Promise<ResolutionAcknowledgement> {
  if (choice === 'RETRY') return retryOperation(client, id, about);
  return decide<ResolveData, object>(
    client,
    RESOLVE_OPERATION,
    { id, choice, variables: variables ?? null },
    ({ resolveOperation: payload }) => payload,
    about,
  );
}

async function decide<Data, Variables extends object>(
  client: OperationClient,
  document: OperationDocument<Data, Variables>,
  variables: Variables,
  pick: StartOptions<Data, Variables>['pick'],
  about: number | undefined,
): Promise<ResolutionAcknowledgement> {
  const { keys } = client;
  const work = `decide ${stableStringify([about ?? null, variables])}`;
  try {
    const { id, userErrors } = await client.start(document, variables, { pick, idempotencyKey: () => keys.hold(work) });
    keys.release(work);
    return { accepted: userErrors.length === 0, recovery: id, userErrors };
  } catch (error) {
    // With an answer the key is used up: it would be the same answer again. Without one nobody knows, so the next try repeats it.
    if ((error as OperationClientError).source !== 'network') keys.release(work);
    throw error;
  }
}
