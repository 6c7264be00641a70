import { CancellationScope, CancelledFailure, condition, defineSignal, patched, setHandler } from '@temporalio/workflow';
import { CANCEL_OPERATION_SIGNAL, type CancelOperation } from '#schema/contracts/workflows';
import type { OperationReporter } from './operation-reporter.js';

export const cancelOperation = defineSignal<[CancelOperation]>(CANCEL_OPERATION_SIGNAL);

/** How long Temporal's own request may take to come after the signal. */
const REQUEST_WITHIN = '5s';

export interface CancellableWork {
  /** Runs `work` so that the signal, or a cancel from Temporal's own UI, cancels it. */
  run<T>(work: () => Promise<T>): Promise<T>;
  isCancelled(): boolean;
  reason(): string | null;
  /** To end the run with, as the last thing that it does: Temporal then takes it for cancelled, not for failed. */
  toFailure(): Promise<CancelledFailure>;
}

/** Sets the handler of `cancel_operation`: call it before the workflow's first await. */
export function createCancellableWork(reporter: OperationReporter): CancellableWork {
  const root = CancellationScope.current();
  const scope = new CancellationScope();
  let asked: CancelOperation | undefined;
  setHandler(cancelOperation, (request) => {
    if (scope.consideredCancelled) return;
    asked = request;
    reporter.cancelRequested(request.reason, request.by);
    scope.cancel();
  });
  return {
    run: (work) => scope.run(work),
    isCancelled: () => scope.consideredCancelled,
    reason: () => asked?.reason ?? null,
    toFailure: async () => {
      // Before: a run that stopped at our signal ended as failed. After: it waits for the request that Temporal got with the signal, since
      // only a run of which that was requested can end as cancelled. Since: 0.1.0, November 2026.
      if (!root.consideredCancelled && patched('ends-as-cancelled'))
        await CancellationScope.nonCancellable(() => condition(() => root.consideredCancelled, REQUEST_WITHIN));
      return new CancelledFailure(asked?.reason ?? 'cancelled');
    },
  };
}
