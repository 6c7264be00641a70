// Workers inside a process: which task queues it serves, and with which activities.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeTelemetryFilterString, type NativeConnection, Runtime, type WorkerOptions } from '@temporalio/worker';
import type { DataConverter } from '@temporalio/common';
import { type Logger, toTemporalLogger } from '#platform/logger';
import { endAttempt } from './activities/end-attempt.js';
import type { LocalResults } from './client/local-results.js';
import { SandboxWorker } from './sandbox-worker.js';
import { bundleOptions } from './bundle.js';

/** With few slots, runs that wait for a slow service keep others from starting: 40 slots held a fast query for 7.4 s. */
const WORKFLOW_SLOTS = 500;
const LOCAL_ACTIVITY_SLOTS = 1_000;
const ACTIVITY_SLOTS = 200;
/** A heartbeat's detail reaches watchers no later than this; by default it would wait for four fifths of the time-out. */
const HEARTBEAT_THROTTLE = '1s';

/** Once a process, before any worker: our log, and our own order of shutdown. */
export function installRuntime(log: Logger): void {
  // Core would print to stderr by itself, past the redaction.
  const telemetryOptions = { logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} } };
  Runtime.install({ logger: toTemporalLogger(log), shutdownSignals: [], telemetryOptions });
}

export interface WorkerHostOptions {
  connection: NativeConnection;
  namespace: string;
  dataConverter: DataConverter;
  /** A queue without workflows serves activities only. */
  queues: readonly { taskQueue: string; workflows: boolean; activities: object }[];
  log: Logger;
  /**
   * What activities that run have left when the host closes: then their attempts end, and are retried by another worker or the next start.
   * @default 10000 (10 s)
   */
  drainMs?: number;
  /** Hears how runs end here. */
  results?: LocalResults;
  /** For tests: counts coverage, lowers the cache. */
  adjust?: (options: WorkerOptions) => WorkerOptions;
}

export interface WorkerHost {
  /** Rejects when a worker ended by itself. */
  readonly failed: Promise<never>;
  /** Lets running activities finish for `drainMs`. */
  close(): Promise<void>;
}

export async function startWorkerHost({
  connection,
  namespace,
  dataConverter,
  queues,
  log,
  drainMs = 10_000,
  results,
  adjust = (options) => options,
}: WorkerHostOptions): Promise<WorkerHost> {
  const workers = await Promise.all(
    queues.map(({ taskQueue, workflows, activities }) =>
      SandboxWorker.create(
        adjust({
          connection,
          namespace,
          dataConverter,
          taskQueue,
          activities,
          interceptors: { activity: [endAttempt] },
          shutdownGraceTime: drainMs,
          maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
          maxConcurrentActivityTaskExecutions: ACTIVITY_SLOTS,
          ...(workflows
            ? {
                ...workflowCode(),
                maxConcurrentWorkflowTaskExecutions: WORKFLOW_SLOTS,
                maxConcurrentLocalActivityExecutions: LOCAL_ACTIVITY_SLOTS,
                maxCachedWorkflows: WORKFLOW_SLOTS * 2,
                stickyQueueScheduleToStartTimeout: '2s',
              }
            : {}),
        }),
        results,
      ),
    ),
  );
  let closing = false;
  const runs = workers.map((worker) => worker.run());
  const failed = new Promise<never>((_, reject) => {
    for (const run of runs) {
      run.then(
        () => !closing && reject(new Error('a worker ended by itself')),
        (error: unknown) => {
          log.error({ err: error }, 'worker failed');
          reject(error instanceof Error ? error : new Error('a worker failed', { cause: error }));
        },
      );
    }
  });
  failed.catch(() => undefined);
  return {
    failed,
    close: async () => {
      closing = true;
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(runs);
    },
  };
}

/** Built into dist/; bundled on the fly when run from the sources. */
function workflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath' | 'bundlerOptions'> {
  const codePath = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  const { workflowsPath, preloadModules = [] } = bundleOptions();
  return { workflowsPath, bundlerOptions: { preloadModules } };
}
