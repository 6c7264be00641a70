// Starts the empty workflow as the gateway starts its own: eagerly, over the worker's connection. `POST /` runs one and answers with
// its milliseconds: `start`, until the start call has returned, and `total`. The worker is the SDK's own, or with `ours` the gateway's.
import { fileURLToPath } from 'node:url';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { SandboxWorker } from '#workers/sandbox-worker';

const [address, whose] = process.argv.slice(2) as [string, string?];
Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });
const taskQueue = `bench-empty-${process.pid}`;
const worker = await (whose === 'ours' ? SandboxWorker : Worker).create({
  connection,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./empty_workflow.ts', import.meta.url)),
  // As many as the gateway takes at once.
  maxConcurrentWorkflowTaskExecutions: 500,
  maxCachedWorkflows: 1_000,
});
const client = new Client({ connection });
let runs = 0;

async function run(): Promise<{ start: number; total: number }> {
  const startedAt = performance.now();
  const handle = await client.workflow.start('empty_workflow', {
    taskQueue,
    workflowId: `bench/empty/${process.pid}/${runs++}`,
    requestEagerStart: true,
  });
  const start = performance.now() - startedAt;
  await handle.result();
  return { start, total: performance.now() - startedAt };
}

const server = createServer((request, response) => {
  request.resume();
  run().then(
    (times) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(times)),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
await worker.runUntil(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  console.log(`ready ${(server.address() as AddressInfo).port}`);
  await new Promise(() => undefined);
});
