// Starts the empty workflow as the gateway starts its own: eagerly, over the worker's connection. Prints milliseconds, a line a run.
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

const [address, count] = process.argv.slice(2) as [string, string];
Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address });
const taskQueue = 'bench-empty';
const worker = await Worker.create({
  connection,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./empty_workflow.ts', import.meta.url)),
});
const client = new Client({ connection });
await worker.runUntil(async () => {
  for (let n = 0; n < Number(count); n++) {
    const startedAt = performance.now();
    await client.workflow.execute('empty_workflow', { taskQueue, workflowId: `bench/empty/${Date.now()}/${n}`, requestEagerStart: true });
    console.log(performance.now() - startedAt);
  }
});
await connection.close();
process.exit(0);
