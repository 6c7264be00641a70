// For each file of the vitest project `federation-durable`: one worker, which ends with the file.
import { afterAll, beforeAll, inject } from 'vitest';
import { startDurableRuntime } from './durable-runtime.js';
import { useRuntime } from './runtime.js';

let runtime: Awaited<ReturnType<typeof startDurableRuntime>> | undefined;

beforeAll(async () => {
  runtime = await startDurableRuntime({ address: inject('temporalAddress'), workflowBundle: inject('workflowBundle') });
  useRuntime(runtime);
});
afterAll(() => runtime?.close());
