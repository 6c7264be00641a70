// A worker process of the crash test: it is killed without warning. Arguments: Temporal's address, task queue, workflow bundle, workflows
// to keep cached, longest delay of a service in ms. Prints `ready`.
import { NativeConnection } from '@temporalio/worker';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '#platform/logger';
import { createDataConverter } from '#platform/payload-codec';
import { createRequestActivities } from '#workers/activities/request-activities';
import { installRuntime, startWorkerHost } from '#workers/host';
import { loadTestKeys } from '#tests/support/test-keys';
import { answer } from './random-plan.js';

const [address, taskQueue, codePath, cached, longestMs] = process.argv.slice(2) as [string, string, string, string, string];

const log = createLogger({ name: 'crash-worker', level: 'fatal' });
installRuntime(log);
await startWorkerHost({
  connection: await NativeConnection.connect({ address }),
  namespace: 'default',
  dataConverter: createDataConverter(await loadTestKeys(), { namespace: 'default' }),
  log,
  queues: [
    {
      taskQueue,
      workflows: true,
      activities: createRequestActivities({
        maxResponseChars: 1_000_000,
        judge: { judge: () => Promise.reject(new Error('no run of this test asks for a verdict')) },
        fetcher: {
          fetch: async (call, signal) => {
            await delay(Math.random() * Number(longestMs), undefined, { signal });
            return answer(call);
          },
        },
      }),
    },
  ],
  adjust: ({ workflowsPath: _, bundlerOptions: __, ...options }) => ({
    ...options,
    workflowBundle: { codePath },
    maxCachedWorkflows: Number(cached),
  }),
});
process.stdout.write('ready\n');
