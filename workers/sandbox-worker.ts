// A worker that asks the thread of its workflow sandbox less often, and watches it from outside. Figures: docs/adr/0017.
// T1. The SDK asks the thread twice for each activation, one after the other: what the workflow decided, then what it wants logged. Both are
//     sent at once here: workflow code runs to its end before the thread takes the second up, whichever it answers first.
// T2. The SDK bounds each call into the sandbox by the `timeout` of node:vm, for which Node starts and joins a thread every time, a dozen
//     times a query. Here the thread as a whole is bound: one that owes answers and gives none for so long ends its worker, and with it the
//     process. Workflow code is ours alone; a loop of it that does not end would stall every run of this worker either way.
// T3. A run is evicted as ending when the server has taken its last task: then its result is told in this process (client/local-results.ts).
import type { EventEmitter } from 'node:events';
import proto from '@temporalio/proto';
import { UnexpectedError, Worker, type WorkerOptions } from '@temporalio/worker';
import type { Workflow, WorkflowCreator } from '@temporalio/worker/lib/workflow/interface.js';
import type { LocalResult, LocalResults } from './client/local-results.js';

const { EvictionReason } = proto.coresdk.workflow_activation.RemoveFromCache;

/** Looks in a row at which the thread owed answers and had given none. Not by the clock: a process that was frozen finds much time gone. */
const STUCK_LOOKS = 10;
const LOOK_MS = 1_000;

export class SandboxWorker extends Worker {
  /** For tests. */
  static lookMs = LOOK_MS;

  /** @param results - hears how runs end here */
  static override async create(options: WorkerOptions, results?: LocalResults): Promise<SandboxWorker> {
    const worker = (await super.create(options)) as SandboxWorker;
    if (results !== undefined) worker.#tellEnds(results);
    return worker;
  }

  #tellEnds(results: LocalResults): void {
    const thread = this.workflowCreator as WatchedThread | undefined;
    // Typed as an emitter of nothing.
    (this.evictionsEmitter as unknown as EventEmitter).on('eviction', ({ runId, evictJob }: Eviction) => {
      const run = thread?.runs.get(runId);
      if (run === undefined) return;
      // A run whose activation failed is not disposed of.
      thread?.runs.delete(runId);
      results.tell(run.workflowId, evictJob.reason === EvictionReason.WORKFLOW_EXECUTION_ENDING ? run.end : undefined);
    });
  }

  protected static override async createWorkflowCreator(
    ...[bundle, options, logger]: Parameters<(typeof Worker)['createWorkflowCreator']>
  ): Promise<WorkflowCreator> {
    // Typed as a number, but handed to node:vm as it is, which takes undefined for no time-out.
    const unbounded = { ...options, isolateExecutionTimeoutMs: undefined as unknown as number };
    return watchThread(await super.createWorkflowCreator(bundle, unbounded, logger), this.lookMs);
  }
}

interface Eviction {
  runId: string;
  evictJob: { reason?: number | null };
}

interface WatchedThread extends WorkflowCreator {
  /** Those in the sandbox, by run id; `end`: what they completed with. */
  runs: Map<string, { workflowId: string; end?: LocalResult }>;
}

function watchThread(thread: WorkflowCreator, lookMs: number): WatchedThread {
  const runs: WatchedThread['runs'] = new Map();
  const owed = new Set<(reason: Error) => void>();
  let looks = 0;
  let stuck: Error | undefined;
  const watch = setInterval(() => {
    looks = owed.size === 0 ? 0 : looks + 1;
    if (looks < STUCK_LOOKS) return;
    clearInterval(watch);
    stuck = new UnexpectedError(`workflow code has not come to an end for ${STUCK_LOOKS * lookMs} ms`);
    for (const reject of owed) reject(stuck);
    owed.clear();
  }, lookMs);
  watch.unref();

  /** @throws UnexpectedError, which ends the worker */
  function ask<T>(question: () => Promise<T>): Promise<T> {
    if (stuck !== undefined) return Promise.reject(stuck);
    return new Promise<T>((resolve, reject) => {
      owed.add(reject);
      const settle = (): void => {
        owed.delete(reject);
        looks = 0;
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

  function watchWorkflow(workflow: Workflow, runId: string): Workflow {
    let calls: ReturnType<Workflow['getAndResetSinkCalls']> | undefined;
    return {
      activate(activation) {
        const completion = ask(() => workflow.activate(activation)).then((completed) => {
          const result = completed.successful?.commands?.find((command) => command.completeWorkflowExecution)?.completeWorkflowExecution
            ?.result;
          const run = runs.get(runId);
          // A copy: what goes to the server is encrypted in its place.
          if (result != null && run !== undefined) run.end = { runId, result: { ...result } };
          return completed;
        });
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
      dispose() {
        runs.delete(runId);
        return stuck === undefined ? ask(() => workflow.dispose()) : Promise.resolve();
      },
    };
  }

  return {
    runs,
    async createWorkflow(options) {
      const { workflowId, runId } = options.info;
      runs.set(runId, { workflowId });
      try {
        return watchWorkflow(await ask(() => thread.createWorkflow(options)), runId);
      } catch (error) {
        runs.delete(runId);
        throw error;
      }
    },
    destroy() {
      clearInterval(watch);
      // A stuck thread does not hear that it should go; it goes with the process.
      return stuck === undefined ? thread.destroy() : Promise.resolve();
    },
  };
}
