import { useCallback, useMemo, useState } from 'react';
import type { UserError } from '../documents.js';
import { type OperationError, toNetworkError } from '../errors.js';
import type { StartedOperation, StartOptions } from '../operation-client.js';
import type { OperationDocument } from '../transport.js';
import { useOperationClient } from './provider.js';
import { type LiveOperation, useOperation } from './use-operation.js';

export interface OperationMutation<Variables> {
  /** A double click, a retry or a reload before the acknowledgement starts one operation. Never rejects: see `error`. */
  readonly start: (variables: Variables) => Promise<StartedOperation>;
  readonly starting: boolean;
  /** Of the started operation. */
  readonly id: string | null;
  readonly operation: LiveOperation;
  readonly userErrors: readonly UserError[];
  readonly error: OperationError | undefined;
  readonly reset: () => void;
}

interface Progress {
  starting: boolean;
  started: StartedOperation;
  error: OperationError | undefined;
}

const NOTHING: StartedOperation = { id: null, userErrors: [] };
const INITIAL: Progress = { starting: false, started: NOTHING, error: undefined };

/**
 * A mutation that starts an operation, and that operation, live.
 *
 * @param options.pick - finds the payload in the answer; give a function that stays the same (module level)
 * @example
 * const install = useOperationMutation(InstallPlugin, { pick: (data) => data.installPlugin });
 * <button onClick={() => install.start({ input: { name } })}>{install.operation.status}</button>
 */
export function useOperationMutation<Data, Variables extends object>(
  document: OperationDocument<Data, Variables>,
  { pick, idempotencyKey }: StartOptions<Data, Variables>,
): OperationMutation<Variables> {
  const client = useOperationClient();
  const [progress, setProgress] = useState(INITIAL);
  const operation = useOperation(progress.started.id);

  const start = useCallback(
    async (variables: Variables): Promise<StartedOperation> => {
      setProgress({ ...INITIAL, starting: true });
      try {
        const started = await client.start(document, variables, { pick, idempotencyKey });
        setProgress({ ...INITIAL, started });
        return started;
      } catch (cause) {
        const { code, message, retryable, source } = toNetworkError(cause);
        setProgress({ ...INITIAL, error: { code, message, retryable, source } });
        return NOTHING;
      }
    },
    [client, document, pick, idempotencyKey],
  );
  const reset = useCallback(() => setProgress(INITIAL), []);

  return useMemo(
    () => ({ start, starting: progress.starting, ...progress.started, operation, error: progress.error, reset }),
    [start, progress, operation, reset],
  );
}
