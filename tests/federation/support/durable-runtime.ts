// Workflows on the run's real Temporal server, with the product's own door, worker host and encryption, started eagerly.
import { randomUUID } from 'node:crypto';
import { NativeConnection } from '@temporalio/worker';
import { createFetchesAhead } from '#gateway/fetching/fetches-ahead';
import { createDataConverter } from '#platform/payload-codec';
import { loadTestKeys } from '#tests/support/test-keys';
import { createRequestActivities } from '#workers/activities/request-activities';
import { connectDurable } from '#workers/client/connect-durable';
import { startWorkerHost } from '#workers/host';
import { ensureRuntime, log } from '#workers/tests/test-runtime';
import { answerCall, type Runtime } from './runtime.js';

const NAMESPACE = 'default';

export async function startDurableRuntime(options: {
  address: string;
  workflowBundle: string;
}): Promise<Runtime & { close(): Promise<void> }> {
  const { address, workflowBundle } = options;
  ensureRuntime();
  const dataConverter = createDataConverter(await loadTestKeys(), { namespace: NAMESPACE });
  const connection = await NativeConnection.connect({ address });
  const taskQueue = `federation-${randomUUID()}`;
  const durable = await connectDurable({ address, namespace: NAMESPACE, dataConverter, log, native: connection });
  const ahead = createFetchesAhead({ fetch: answerCall });
  const activities = createRequestActivities({
    maxResponseChars: 1_000_000,
    judge: { judge: () => Promise.reject(new Error('nobody is judged here')) },
    fetcher: ahead.fetcher,
  });
  const host = await startWorkerHost({
    connection,
    namespace: NAMESPACE,
    dataConverter,
    log,
    queues: [{ taskQueue, workflows: true, activities }],
    adjust: ({ workflowsPath: _, ...worker }) => ({ ...worker, workflowBundle: { codePath: workflowBundle } }),
  });
  return {
    execution: 'durable',
    durable: { ...durable, start: (name, args, how) => durable.start(name, args, { ...how, taskQueue }) },
    ahead,
    siblingsMs: 2,
    close: async () => {
      await host.close();
      await durable.close();
      await connection.close();
    },
  };
}
