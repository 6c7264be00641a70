// A worker that asks the thread of its workflow sandbox less often, and watches it from outside. Figures: docs/adr/0017.
// T1. The SDK asks the thread twice for each activation, one after the other: what the workflow decided, then what it wants logged. Both are
//     sent at once here; the thread answers in order.
// T2. The SDK bounds each call into the sandbox by the `timeout` of node:vm, for which Node starts and joins a thread every time, a dozen
//     times a query. Here the thread as a whole is bound: one that owes answers and gives none for so long ends its worker, and with it the
//     process. Workflow code is ours alone; a loop of it that does not end would stall every run of this worker either way.
import { UnexpectedError, Worker } from '@temporalio/worker';
import type { Workflow, WorkflowCreator } from '@temporalio/worker/lib/workflow/interface.js';

const STUCK_MS = 10_000;
const CHECK_MS = 1_000;

export class SandboxWorker extends Worker {
  /** For tests. */
  static stuckMs = STUCK_MS;

  protected static override async createWorkflowCreator(
    ...[bundle, options, logger]: Parameters<(typeof Worker)['createWorkflowCreator']>
  ): Promise<WorkflowCreator> {
    // Typed as a number, but handed to node:vm as it is, which takes undefined for no time-out.
    const unbounded = { ...options, isolateExecutionTimeoutMs: undefined as unknown as number };
    return watchThread(await super.createWorkflowCreator(bundle, unbounded, logger), this.stuckMs);
  }
}

function watchThread(thread: WorkflowCreator, stuckMs: number): WorkflowCreator {
  const owed = new Set<(reason: Error) => void>();
  let lastSignMs = 0;
  let stuck: Error | undefined;
  const check = setInterval(
    () => {
      if (owed.size === 0 || performance.now() - lastSignMs < stuckMs) return;
      clearInterval(check);
      stuck = new UnexpectedError(`workflow code has not come to an end for ${stuckMs} ms`);
      for (const reject of owed) reject(stuck);
      owed.clear();
    },
    Math.min(CHECK_MS, stuckMs),
  );
  check.unref();

  /** @throws UnexpectedError, which ends the worker */
  function ask<T>(question: () => Promise<T>): Promise<T> {
    if (stuck !== undefined) return Promise.reject(stuck);
    if (owed.size === 0) lastSignMs = performance.now();
    return new Promise<T>((resolve, reject) => {
      owed.add(reject);
      const settle = (): void => {
        owed.delete(reject);
        lastSignMs = performance.now();
      };
      question().then(
        (answer) => {
          settle();
          resolve(answer);
        },
        (error: unknown) => {
          settle();
          reject(error instanceof Error ? error : new Error('the workflow thread failed', { cause: error }));
        },
      );
    });
  }

  function watchWorkflow(workflow: Workflow): Workflow {
    let calls: ReturnType<Workflow['getAndResetSinkCalls']> | undefined;
    return {
      activate(activation) {
        const completion = ask(() => workflow.activate(activation));
        calls = ask(() => workflow.getAndResetSinkCalls());
        // The worker asks for them next, unless the activation failed for good.
        calls.catch(() => undefined);
        return completion;
      },
      getAndResetSinkCalls() {
        const sent = calls ?? ask(() => workflow.getAndResetSinkCalls());
        calls = undefined;
        return sent;
      },
      dispose: () => (stuck === undefined ? ask(() => workflow.dispose()) : Promise.resolve()),
    };
  }

  return {
    createWorkflow: async (options) => watchWorkflow(await ask(() => thread.createWorkflow(options))),
    destroy() {
      clearInterval(check);
      // A stuck thread does not hear that it should go; it goes with the process.
      return stuck === undefined ? thread.destroy() : Promise.resolve();
    },
  };
}
