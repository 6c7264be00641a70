// A Temporal server of a test's own, where the run's cannot do what it needs.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { findTemporal, type TemporalBinary } from '#platform/temporal-server/find-temporal';
import { SEARCH_ATTRIBUTES } from '#schema/contracts/workflows';
import { eventually } from '#tests/support/eventually';
import { ensureRuntime, log } from './test-runtime.js';

/** Keyword, as the API numbers it. */
const KEYWORD = 2;
/** The SDK gives a server five seconds to start, which a busy machine may need more than once. */
const START_ATTEMPTS = 4;

/** @param start - the SDK's, with the executable's path: found, or fetched once */
export async function startOwnServer(
  binary: TemporalBinary,
  start: (executable: { type: 'existing-path'; path: string }) => Promise<TestWorkflowEnvironment>,
): Promise<TestWorkflowEnvironment> {
  ensureRuntime();
  const path = await findTemporal({
    binary,
    configured: binary === 'temporal' ? (process.env['TEMPORAL_CLI'] ?? null) : null,
    cacheDir: process.env['SLUICE_CACHE'] ?? join(homedir(), '.cache', 'sluice'),
    path: process.env['PATH'] ?? '',
    log,
  });
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start({ type: 'existing-path', path });
    } catch (error) {
      if (attempt === START_ATTEMPTS) throw error;
    }
  }
}

/** A dev server with a namespace that keeps runs for seconds. @param settings - more of its dynamic configuration */
export async function startForgetfulServer(
  namespace: string,
  retentionSeconds: number,
  settings: readonly string[] = [],
): Promise<TestWorkflowEnvironment> {
  const allowed = ['system.namespaceMinRetentionLocal="1s"', 'history.retentionTimerJitterDuration="1s"', ...settings];
  const extraArgs = allowed.map((setting) => `--dynamic-config-value=${setting}`);
  const server = await startOwnServer('temporal', (executable) =>
    TestWorkflowEnvironment.createLocal({ server: { executable, extraArgs, log: { format: 'pretty', level: 'error' } } }),
  );
  await server.connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: retentionSeconds as never },
  });
  await addSearchAttributes(server, namespace);
  return server;
}

/** A server learns of a new namespace a moment later. */
export async function addSearchAttributes({ connection }: TestWorkflowEnvironment, namespace: string): Promise<void> {
  const searchAttributes = Object.fromEntries(SEARCH_ATTRIBUTES.map((name) => [name, KEYWORD]));
  const add = () => connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
  await eventually(
    () =>
      add().then(
        () => true,
        () => false,
      ),
    Boolean,
  );
}
