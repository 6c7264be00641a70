// The workflow code bundled once for a run, not once for each test file.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildWorkflowBundle } from '#workers/bundle';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the code. */
    workflowBundle: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bundle-'));
  const outFile = join(folder, 'workflow-bundle.js');
  await buildWorkflowBundle({ outFile });
  project.provide('workflowBundle', outFile);
  return () => rm(folder, { recursive: true });
}
