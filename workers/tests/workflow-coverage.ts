// Counts workflow code inside its sandbox bundle: Temporal's coverage package instruments the bundle and brings the counters out by
// a sink, into the counters that vitest's istanbul provider reports.
import { WorkflowCoverage } from '@temporalio/nyc-test-coverage';
import type { WorkerOptions } from '@temporalio/worker';
import { afterAll } from 'vitest';
import { bundleOptions } from '../bundle.js';

interface CoverageGlobal {
  __coverage__?: Record<string, object>;
  __VITEST_COVERAGE__?: Record<string, object>;
}

const global = globalThis as CoverageGlobal;
// Set by vitest before a test file is loaded, and only when coverage is asked for.
const isCounting = global.__VITEST_COVERAGE__ !== undefined;

if (isCounting) {
  // One store for both: what the sandbox counts is merged into what vitest collects.
  global.__coverage__ = global.__VITEST_COVERAGE__ as Record<string, object>;
}
const coverage = new WorkflowCoverage();

/** To be given to `startWorkerHost({ adjust })`. */
export function countCoverage(options: WorkerOptions): WorkerOptions {
  if (!isCounting || (options.workflowsPath === undefined && options.workflowBundle === undefined)) return options;
  const { workflowBundle: _, ...rest } = options;
  return coverage.augmentWorkerOptions({ ...rest, workflowsPath: bundleOptions().workflowsPath as string });
}

afterAll(() => {
  if (isCounting) coverage.mergeIntoGlobalCoverage();
});
