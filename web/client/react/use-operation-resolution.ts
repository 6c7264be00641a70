import { useCallback, useMemo, useState } from 'react';
import type { ResolutionChoice } from '../contract.js';
import type { UserError } from '../documents.js';
import { type OperationError, toNetworkError } from '../errors.js';
import { type Resolution, type ResolutionAcknowledgement, resolveOperation } from '../resolve-operation.js';
import { useOperationClient } from './provider.js';

export interface OperationResolution {
  /** Never rejects: see `error`. The status changes by events only. */
  readonly resolve: (resolution: Resolution) => Promise<ResolutionAcknowledgement>;
  /** What is being sent. */
  readonly sending: ResolutionChoice | null;
  /** What was taken last. */
  readonly accepted: ResolutionChoice | null;
  readonly userErrors: readonly UserError[];
  readonly error: OperationError | undefined;
  readonly reset: () => void;
}

type Progress = Omit<OperationResolution, 'resolve' | 'reset'>;
const INITIAL: Progress = { sending: null, accepted: null, userErrors: [], error: undefined };

/**
 * Decides about a failed operation.
 *
 * @param id - of the operation that failed, or of its recovery
 * @example
 * const { resolve, sending } = useOperationResolution(id);
 * <button disabled={sending !== null} onClick={() => void resolve({ choice: 'RETRY' })}>Try again</button>
 */
export function useOperationResolution(id: string): OperationResolution {
  const client = useOperationClient();
  const [progress, setProgress] = useState(INITIAL);

  const resolve = useCallback(
    async (resolution: Resolution): Promise<ResolutionAcknowledgement> => {
      const { choice } = resolution;
      setProgress({ ...INITIAL, sending: choice });
      try {
        const answer = await resolveOperation(client, id, resolution);
        setProgress({ ...INITIAL, accepted: answer.accepted ? choice : null, userErrors: answer.userErrors });
        return answer;
      } catch (cause) {
        const { code, message, retryable, source } = toNetworkError(cause);
        setProgress({ ...INITIAL, error: { code, message, retryable, source } });
        return { accepted: false, recovery: null, userErrors: [] };
      }
    },
    [client, id],
  );
  const reset = useCallback(() => setProgress(INITIAL), []);
  return useMemo(() => ({ ...progress, resolve, reset }), [progress, resolve, reset]);
}
