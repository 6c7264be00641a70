// A gateway with the worker beside it, which runs its workflows where they begin.
import type { RunningGateway } from '#gateway/main';
import type { HistoryReading } from '#gateway/server/temporal-codec';
import type { Platform } from './platform.js';

/** @param options.plugins - as of the worker's role */
export async function startGatewayRole(platform: Platform, options: { plugins: boolean }): Promise<RunningGateway> {
  const { gatewayConfig, keys, log, metrics } = platform;
  const [registry, { createGatewayPlanner, startGateway }] = await Promise.all([platform.registry(), import('#gateway/main')]);
  const planner = createGatewayPlanner({ log, metrics, giveUp: (reason) => platform.fail(reason) });
  platform.onClose(() => planner.close());
  const parts = [
    startWorker(),
    platform.durable(),
    platform.fetcher(),
    platform.fetchesAhead(),
    platform.claims(),
    readHistories(),
    loadAhead(),
  ] as const;
  // When one fails, the others have to be there before they can be closed.
  await Promise.allSettled(parts);
  const [worker, durable, fetcher, ahead, claims, histories] = await Promise.all(parts);
  const gateway = await startGateway({
    config: gatewayConfig,
    keys,
    log,
    metrics,
    registry,
    durable,
    credentials: worker.credentials,
    instance: worker.instance,
    judgesThroughTemporal: true,
    planner,
    fetcher,
    ahead,
    claims,
    histories,
  });
  platform.onClose(() => gateway.close());
  return gateway;

  async function startWorker() {
    return (await import('./worker-role.js')).startWorkerRole(platform, options);
  }

  async function readHistories(): Promise<HistoryReading> {
    const { namespace, uiUrl, uiCapability } = await platform.temporal();
    // A gateway over a foreign supergraph has no database.
    if (platform.config.supergraphFile !== null) return { namespace, uiUrl, uiCapability, audit: null };
    const { createOperationStore } = await import('#subgraphs/operations/store.drizzle');
    const store = await createOperationStore(await platform.database());
    return { namespace, uiUrl, uiCapability, audit: (entry) => store.audit(entry) };
  }

  /** Its thread takes as long to load a generation as all else does to start. The gateway asks for the newest again. */
  async function loadAhead(): Promise<void> {
    const newest = await registry.newest();
    if (newest !== undefined) await planner.load(newest);
  }
}
