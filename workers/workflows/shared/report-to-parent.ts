// How a run that is a part of another tells that one of its progress: by signals, since only they reach a run from outside it.
// P1. In order: a batch leaves when the one before has arrived; what happens meanwhile is the next batch.
// P2. A parent that has closed hears nothing, and the child goes on.
import { CancellationScope, getExternalWorkflowHandle } from '@temporalio/workflow';
import type { EventBody } from '#schema/contracts/operations';
import { REPORT_EVENTS_SIGNAL } from '#schema/contracts/workflows';

export interface ParentReport {
  push(event: EventBody): void;
  /** Settles when everything pushed has arrived: the parent must not learn of the end before. */
  delivered(): Promise<void>;
}

/** @param parent - without a run id, so that a parent that continued as new is found */
export function createParentReport({ workflowId }: { workflowId: string }): ParentReport {
  const parent = getExternalWorkflowHandle(workflowId);
  const waiting: EventBody[] = [];
  let sending: Promise<void> | undefined;

  async function send(): Promise<void> {
    while (waiting.length > 0) await parent.signal(REPORT_EVENTS_SIGNAL, waiting.splice(0)).catch(() => undefined);
    sending = undefined;
  }

  return {
    push: (event) => {
      waiting.push(event);
      // Also of a cancelled child the parent hears what it still undoes.
      sending ??= CancellationScope.nonCancellable(send);
    },
    delivered: () => sending ?? Promise.resolve(),
  };
}
