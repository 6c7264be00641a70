import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BundleOptions, bundleWorkflowCode, type WorkflowBundle } from '@temporalio/worker';
import { FAILURE_CONVERTER_PATH } from '#platform/payload-codec';

const WORKFLOWS = fileURLToPath(new URL('./workflows/index.ts', import.meta.url));
const SANDBOX = fileURLToPath(new URL('./workflows/shared/sandbox.ts', import.meta.url));

/** How the workflow sandbox's code is bundled, from the sources. */
export function bundleOptions(): BundleOptions & { workflowsPath: string } {
  // Loaded once a sandbox and frozen there, not once a run: no module of ours keeps state.
  return { workflowsPath: WORKFLOWS, preloadModules: [SANDBOX, WORKFLOWS], failureConverterPath: FAILURE_CONVERTER_PATH };
}

/** Writes the bundle that workers load, so that none of them runs webpack when it starts. */
export async function buildWorkflowBundle(options: { outFile: string }): Promise<WorkflowBundle> {
  const bundle = await bundleWorkflowCode(bundleOptions());
  await mkdir(dirname(options.outFile), { recursive: true });
  await writeFile(options.outFile, bundle.code);
  return bundle;
}
