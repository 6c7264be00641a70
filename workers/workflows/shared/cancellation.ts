import { CancellationScope, CancelledFailure, defineSignal, setHandler } from '@temporalio/workflow';
import { CANCEL_OPERATION_SIGNAL, type CancelOperation } from '#schema/contracts/workflows';
import type { OperationReporter } from './operation-reporter.js';

export const cancelOperation = defineSignal<[CancelOperation]>(CANCEL_OPERATION_SIGNAL);

export interface CancellableWork {
  /** Runs `work` so that the signal, or a cancel from Temporal's own UI, cancels it. */
  run<T>(work: () => Promise<T>): Promise<T>;
  isCancelled(): boolean;
  reason(): string | null;
  /** To end the run as cancelled. */
  toFailure(): CancelledFailure;
}

/** Sets the handler of `cancel_operation`: call it before the workflow's first await. */
export function createCancellableWork(reporter: OperationReporter): CancellableWork {
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
    toFailure: () => new CancelledFailure(asked?.reason ?? 'cancelled'),
  };
}
