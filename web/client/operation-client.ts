// The client: one store per operation, mutations with idempotency keys, and the operations started here.
// Owns: every FollowedOperation (the idle ones up to MAX_IDLE, so that a finished state stays readable), keys, tracking.
import type { DocumentNode } from 'graphql';
import { CANCEL_OPERATION, type CancelData, type UserError } from './documents.js';
import { toGraphQLError, toNetworkError } from './errors.js';
import { type FollowedOperation, followOperation } from './follow-operation.js';
import { type IdempotencyKeys, type KeyStorage, createIdempotencyKeys, defaultStorage, stableStringify } from './idempotency.js';
import { type OperationState, isSettled } from './operation-state.js';
import type { Readable } from './readable.js';
import type { Connection } from './socket.js';
import { type Answer, type OperationDocument, type OperationTransport, type TransportOptions, createTransport } from './transport.js';

const MAX_IDLE = 100;
const MAX_TRACKED = 20;
const TRACKED = 'sluice:started';

export type OperationClientOptions = { storage?: KeyStorage } & (TransportOptions | { transport: OperationTransport });

/** The payload that operation-starting mutations return. */
export interface StartPayload {
  readonly operation?: { readonly id: string } | null;
  readonly userErrors?: readonly UserError[];
}

export interface StartOptions<Data, Variables> {
  /** Finds the payload in the answer, e.g. `(data) => data.installPlugin`. */
  readonly pick: (data: Data) => StartPayload | null | undefined;
  /** Your own key. @default one per document and variables, kept in session storage until acknowledged */
  idempotencyKey?: ((variables: Variables) => string) | undefined;
}

export interface StartedOperation {
  /** Null when `userErrors` says why nothing was started. */
  readonly id: string | null;
  readonly userErrors: readonly UserError[];
}

export interface CancelAcknowledgement {
  /** The request was taken. The status changes by events, when the compensations have run. */
  readonly accepted: boolean;
  readonly userErrors: readonly UserError[];
}

export interface OperationClient {
  /** The live state of one operation; reads nothing before somebody subscribes. */
  operation(id: string): FollowedOperation;
  /**
   * Sends a mutation that starts an operation. The same work sent again before it is acknowledged carries the same key.
   *
   * @throws OperationClientError when nothing is known to have started; a retryable one keeps the key
   */
  start<Data, Variables extends object>(
    document: OperationDocument<Data, Variables>,
    variables: Variables,
    options: StartOptions<Data, Variables>,
  ): Promise<StartedOperation>;
  /** @throws OperationClientError */
  cancel(id: string, reason?: string): Promise<CancelAcknowledgement>;
  /** Called once for each operation that was started by this tab (also before a reload) when it has ended. */
  onSettled(listener: (state: OperationState) => void): () => void;
  /** Follows on what this tab started before a reload. Call it once the credential is known. */
  resume(): void;
  readonly transport: OperationTransport;
  readonly keys: IdempotencyKeys;
  readonly connection: Readable<Connection>;
  /** Connects anew and repeats what had failed. */
  readonly reconnect: () => void;
  close(): Promise<void>;
}

/**
 * @example
 * const client = createOperationClient({ url: '/graphql', headers: () => ({ authorization: `Bearer ${token}` }), connectionParams: () => ({ token }) });
 * const stop = client.operation(id).subscribe(() => render(client.operation(id).get().view));
 */
export function createOperationClient(options: OperationClientOptions): OperationClient {
  const transport = 'transport' in options ? options.transport : createTransport(options);
  const storage = options.storage ?? defaultStorage();
  const keys = createIdempotencyKeys(storage);
  const followed = new Map<string, FollowedOperation>();
  const sending = new Map<string, Promise<StartedOperation>>();
  const tracked = new Map<string, () => void>();
  const settledListeners = new Set<(state: OperationState) => void>();

  function operation(id: string): FollowedOperation {
    const known = followed.get(id);
    if (known !== undefined) return known;
    for (const [oldId, old] of followed) {
      if (followed.size < MAX_IDLE) break;
      if (old.idle) followed.delete(oldId);
    }
    const created = followOperation(id, transport);
    followed.set(id, created);
    return created;
  }

  /** Keeps an operation followed until it ends, whichever page is shown. */
  function track(id: string): void {
    if (tracked.has(id) || tracked.size >= MAX_TRACKED) return;
    const store = operation(id);
    const stop = store.subscribe(() => {
      const state = store.get();
      const settled = state.detail !== undefined && isSettled(state);
      const gone = state.phase === 'error' && state.error?.retryable === false;
      if (!settled && !gone) return;
      untrack(id);
      if (settled) for (const listener of [...settledListeners]) listener(state);
    });
    tracked.set(id, stop);
    storage.setItem(TRACKED, JSON.stringify([...tracked.keys()]));
  }

  function untrack(id: string): void {
    tracked.get(id)?.();
    tracked.delete(id);
    storage.setItem(TRACKED, JSON.stringify([...tracked.keys()]));
  }

  async function send<Data, Variables extends object>(
    document: OperationDocument<Data, Variables>,
    variables: Variables,
    { pick, idempotencyKey }: StartOptions<Data, Variables>,
    work: string,
  ): Promise<StartedOperation> {
    const key = idempotencyKey?.(variables) ?? keys.hold(work);
    let answer: Answer<Data>;
    try {
      answer = await transport.request<Data>({
        document,
        variables: withClientMutationId(variables, key),
        headers: { 'idempotency-key': key },
      });
    } catch (error) {
      throw toNetworkError(error);
    }
    const { data, errors } = answer;
    const payload = data == null ? undefined : pick(data);
    if (payload == null) {
      const error = toGraphQLError(errors ?? []);
      // Not known to have failed for good: the next try must carry the same key.
      if (!error.retryable) keys.release(work);
      throw error;
    }
    keys.release(work);
    const id = payload.operation?.id ?? null;
    if (id !== null) track(id);
    return { id, userErrors: payload.userErrors ?? [] };
  }

  return {
    operation,
    start(document, variables, startOptions) {
      const work = `${nameOf(document)} ${stableStringify(variables)}`;
      const running = sending.get(work);
      if (running !== undefined) return running;
      const sent = send(document, variables, startOptions, work).finally(() => sending.delete(work));
      sending.set(work, sent);
      return sent;
    },
    async cancel(id, reason) {
      const { data, errors } = await transport
        .request<CancelData>({ document: CANCEL_OPERATION, variables: { id, reason: reason ?? null } })
        .catch((error: unknown) => Promise.reject(toNetworkError(error)));
      if (data?.cancelOperation == null) throw toGraphQLError(errors ?? []);
      const { userErrors } = data.cancelOperation;
      return { accepted: userErrors.length === 0, userErrors };
    },
    onSettled(listener) {
      settledListeners.add(listener);
      return () => settledListeners.delete(listener);
    },
    resume() {
      for (const id of parseIds(storage.getItem(TRACKED))) track(id);
    },
    transport,
    keys,
    connection: transport.connection,
    reconnect() {
      transport.reconnect();
      for (const store of followed.values()) store.retry();
    },
    async close() {
      for (const stop of tracked.values()) stop();
      for (const store of followed.values()) store.close();
      tracked.clear();
      followed.clear();
      settledListeners.clear();
      await transport.close();
    },
  };
}

/** Mutations after Relay's convention take the key in their input as well. */
function withClientMutationId(variables: object, clientMutationId: string): Record<string, unknown> {
  const { input } = variables as { input?: unknown };
  return typeof input === 'object' && input !== null ? { ...variables, input: { clientMutationId, ...input } } : { ...variables };
}

function nameOf(document: string | DocumentNode): string {
  if (typeof document === 'string') return document;
  const [definition] = document.definitions;
  return (definition !== undefined && 'name' in definition ? definition.name?.value : undefined) ?? JSON.stringify(document.definitions);
}

function parseIds(text: string | null): readonly string[] {
  try {
    const ids: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(ids) ? ids.filter((id): id is string => typeof id === 'string').slice(0, MAX_TRACKED) : [];
  } catch {
    return [];
  }
}
