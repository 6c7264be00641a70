// The plain implementation's worker, with the defaults of the samples. Environment: TEMPORAL_ADDRESS, PRODUCTS_URL, REVIEWS_URL.
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import * as activities from './activities.js';

Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS'] as string });
const worker = await Worker.create({
  connection,
  taskQueue: 'bench-plain',
  workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
  activities,
});
console.log('ready');
await worker.run();
