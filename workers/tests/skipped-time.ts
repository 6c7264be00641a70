// The durable world on Temporal's time-skipping test server, where days of timers pass in a moment.
// T1. The server's clock goes as the one on the wall until it is let go (`skip`, `skipUntil`): then it jumps from timer to timer.
// T2. It stands still while an activity is scheduled or runs, so no deadline of a service that hangs can be skipped to. Those are
//     tested on the real server with a short `deadlineMs` (requests.test.ts, async-requests.test.ts). Waits between attempts can be.
// T3. It has to be told of the search attributes. A workflow that upserts another one has its task refused for ever: it hangs.
// T4. A child that ends after its parent leaves the clock locked for good, a fault of the server: then `skip` would not return. So a
//     server for each test, and `skipUntil` where such a child ends.
// T5. It has neither visibility nor retention (expiry.test.ts has), and does not tell an activity its retry policy, so that a fetch
//     takes each attempt for its last one.
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { createDurableWorld, type DurableWorld, type DurableWorldOptions } from './durable-world.js';
import { addSearchAttributes, startOwnServer } from './own-server.js';

export interface SkippingWorld extends DurableWorld {
  /** Lets `ms` of the server's time pass, with all that happens in it. */
  skip(ms: number): Promise<void>;
  /** Lets time pass until `work` is done. */
  skipUntil<T>(work: () => Promise<T>): Promise<T>;
}

export async function createSkippingWorld(
  services?: Parameters<typeof createDurableWorld>[0],
  options: Pick<DurableWorldOptions, 'activities'> = {},
): Promise<SkippingWorld> {
  const server = await startOwnServer('temporal-test-server', (executable) =>
    TestWorkflowEnvironment.createTimeSkipping({ server: { executable } }),
  );
  await addSearchAttributes(server, 'default');
  const world = await createDurableWorld(services, { ...options, address: server.address });
  const closeWorld = world.close.bind(world);
  return Object.assign(world, {
    skip: (ms: number) => server.sleep(ms),
    skipUntil: async <T>(work: () => Promise<T>): Promise<T> => {
      await server.connection.testService?.unlockTimeSkipping({});
      try {
        return await work();
      } finally {
        await server.connection.testService?.lockTimeSkipping({});
      }
    },
    close: async () => {
      await closeWorld();
      await server.teardown();
    },
  });
}
