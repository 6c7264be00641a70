import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createLogger } from '#platform/logger';
import { installRuntime, startWorkerHost, type WorkerHost } from '../host.js';
import { SandboxWorker } from '../sandbox-worker.js';

let logged = '';
const log = createLogger({
  name: 'test',
  destination: new Writable({
    write(chunk: Buffer, _, done) {
      logged += chunk.toString();
      done();
    },
  }),
});
const taskQueue = `test-${randomUUID()}`;
let connection: NativeConnection;
let client: Client;
let host: WorkerHost;

beforeAll(async () => {
  installRuntime(log);
  SandboxWorker.lookMs = 100;
  connection = await NativeConnection.connect({ address: inject('temporalAddress') });
  client = new Client({ connection });
  const workflowsPath = fileURLToPath(new URL('./endless-workflows.ts', import.meta.url));
  host = await startWorkerHost({
    connection,
    namespace: 'default',
    dataConverter: {},
    queues: [{ taskQueue, workflows: true, activities: {} }],
    log,
    adjust: ({ bundlerOptions: _, workflowBundle: __, ...options }) => ({ ...options, workflowsPath }),
  });
});
afterAll(async () => {
  await host.close();
  await connection.close();
});

const start = (type: string) => client.workflow.start(type, { taskQueue, workflowId: randomUUID(), workflowTaskTimeout: '1s' });

describe('the thread of the sandbox', () => {
  it('still hands over what workflows log', async () => {
    const run = await start('telling_workflow');
    expect(await run.result()).toBe('done');
    await expect.poll(() => logged).toContain('told by a workflow');
  });

  it('ends its worker when workflow code does not come to an end', async () => {
    const run = await start('endless_workflow');
    await expect(host.failed).rejects.toThrow('workflow code has not come to an end for 1000 ms');
    await run.terminate();
  });
});
