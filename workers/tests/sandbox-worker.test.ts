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
const SANDBOX = fileURLToPath(new URL('../workflows/shared/sandbox.ts', import.meta.url));
const taskQueue = `test-${randomUUID()}`;
let connection: NativeConnection;
let client: Client;
let host: WorkerHost;

beforeAll(async () => {
  installRuntime(log);
  SandboxWorker.lookMs = 100;
  connection = await NativeConnection.connect({ address: inject('temporalAddress') });
  client = new Client({ connection });
  const workflowsPath = fileURLToPath(new URL('./sandbox-workflows.ts', import.meta.url));
  host = await startWorkerHost({
    connection,
    namespace: 'default',
    dataConverter: {},
    queues: [{ taskQueue, workflows: true, activities: {} }],
    log,
    adjust: ({ workflowBundle: _, ...options }) => ({ ...options, workflowsPath, bundlerOptions: { preloadModules: [SANDBOX] } }),
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

  it('takes no stack trace of promises, and whole ones of errors', async () => {
    const waiting = await start('waiting_workflow');
    expect(await waiting.query('__stack_trace')).toBe('');
    await waiting.terminate();
    expect(await (await start('erring_workflow')).result()).toBeGreaterThan(3);
  });

  it('lays a rejection that nobody hears to the run whose it is', async () => {
    const run = await start('rejecting_workflow');
    await expect
      .poll(async () => {
        const { events } = await run.fetchHistory();
        return events?.flatMap(({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message ?? []);
      })
      .toEqual(['Unhandled Promise rejection: Error: unheard']);
    await run.terminate();
  });

  it('ends its worker when workflow code does not come to an end', async () => {
    const run = await start('endless_workflow');
    await expect(host.failed).rejects.toThrow('workflow code has not come to an end for 1000 ms');
    await run.terminate();
  });
});
