// Counts workflow code inside its sandbox bundle: Temporal's coverage package instruments the bundle and brings the counters out by
// a sink; they are put among those that vitest's istanbul provider reports, which uses a store of another name.
import { WorkflowCoverage } from '@temporalio/nyc-test-coverage';
import { bundleWorkflowCode, DefaultLogger, type WorkerOptions } from '@temporalio/worker';
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

let bundle: ReturnType<typeof bundleWorkflowCode> | undefined;

/** Bundles once for a test file, whatever workers it makes. @returns what is to be given to `startWorkerHost({ adjust })` */
export async function countCoverage(): Promise<(options: WorkerOptions) => WorkerOptions> {
  // Preloaded modules are frozen, their counters with them.
  const options = isCounting ? { ...bundleOptions(), preloadModules: [] } : bundleOptions();
  const workflowBundle = await (bundle ??= bundleWorkflowCode(
    coverage.augmentBundleOptions({ ...options, logger: new DefaultLogger('ERROR') }),
  ));
  return ({ workflowsPath, ...options }) =>
    workflowsPath === undefined && options.workflowBundle === undefined
      ? options
      : coverage.augmentWorkerOptionsWithBundle({ ...options, workflowBundle });
}

afterAll(() => {
  if (!isCounting || stores.__VITEST_COVERAGE__ === undefined) return;
  coverage.mergeIntoGlobalCoverage();
  for (const [file, counters] of Object.entries(stores.__coverage__ ?? {})) {
    // Files that also run outside the sandbox are counted there, by another transform.
    if (file.includes('/workers/workflows/')) stores.__VITEST_COVERAGE__[file] = counters.toJSON?.() ?? counters;
  }
});
