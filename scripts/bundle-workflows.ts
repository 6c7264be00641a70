// Writes dist/workflow-bundle.js, so that no process has to run webpack at start.
import { fileURLToPath } from 'node:url';
import { buildWorkflowBundle } from '#workers/bundle';

await buildWorkflowBundle({ outFile: fileURLToPath(new URL('../dist/workflow-bundle.js', import.meta.url)) });
