// Counts workflow code inside its sandbox bundle: Temporal's coverage package instruments the bundle and brings the counters out by
// a sink; they are put among those that vitest's istanbul provider reports, which uses a store of another name.
import { WorkflowCoverage } from '@temporalio/nyc-test-coverage';
import type { WorkerOptions } from '@temporalio/worker';
import { afterAll } from 'vitest';
import { bundleOptions } from '../bundle.js';

interface CoverageStores {
  __coverage__?: Record<string, { toJSON?(): object }>;
  __VITEST_COVERAGE__?: Record<string, object>;
}

const stores = globalThis as CoverageStores;
// Vitest's store is there as soon as instrumented code was loaded, and only when coverage is asked for.
const isCounting = stores.__VITEST_COVERAGE__ !== undefined;
if (isCounting) stores.__coverage__ = {};
const coverage = new WorkflowCoverage();

/** To be given to `startWorkerHost({ adjust })`. */
export function countCoverage(options: WorkerOptions): WorkerOptions {
  if (!isCounting || (options.workflowsPath === undefined && options.workflowBundle === undefined)) return options;
  const { workflowBundle: _, ...rest } = options;
  return coverage.augmentWorkerOptions({ ...rest, workflowsPath: bundleOptions().workflowsPath });
}

afterAll(() => {
  if (!isCounting || stores.__VITEST_COVERAGE__ === undefined) return;
  coverage.mergeIntoGlobalCoverage();
  for (const [file, counters] of Object.entries(stores.__coverage__ ?? {})) {
    // Files that also run outside the sandbox are counted there, by another transform.
    if (file.includes('/workers/workflows/')) stores.__VITEST_COVERAGE__[file] = counters.toJSON?.() ?? counters;
  }
});
