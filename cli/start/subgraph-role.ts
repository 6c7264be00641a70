// One of our own services. Only the one that runs is loaded.
import { serveSubgraph, type Subgraph } from '#subgraphs/shared/create-subgraph';
import type { SubgraphName } from '../roles.js';
import { askService } from './ask-service.js';
import type { Platform } from './platform.js';

/** Written by scripts/build.ts. */
const EXAMPLE_PACKAGES = ['qr-code', 'text-statistics'].map(
  (plugin) => new URL(`../../examples/sluice-${plugin}-1.0.0.tgz`, import.meta.url),
);

/** @returns its URL */
export async function startSubgraphRole(platform: Platform, name: SubgraphName, port: number): Promise<string> {
  const running = await serveSubgraph(await createOwnSubgraph(platform, name), { host: platform.config.host, port });
  platform.onClose(() => running.close());
  await (await platform.registry()).setAddress(name, platform.config.advertiseUrl ?? running.url);
  return running.url;
}

async function createOwnSubgraph(platform: Platform, name: SubgraphName): Promise<Subgraph> {
  const { keys, config } = platform;
  const log = platform.log.child({ subgraph: name });
  const demoDataAt = config.demoData ? Date.now() : null;
  switch (name) {
    case 'tenants': {
      const { createTenantsSubgraph } = await import('#subgraphs/tenants/main');
      return createTenantsSubgraph({ database: await platform.database(), keys, log, demoDataAt });
    }
    case 'files': {
      const { createFilesSubgraph } = await import('#subgraphs/files/main');
      return createFilesSubgraph({
        database: await platform.database(),
        blobs: await platform.blobs(),
        quota: await createStorageQuota(platform),
        maxUploadBytes: platform.gatewayConfig.uploads.maxBytes,
        keys,
        log,
        demoDataAt,
      });
    }
    case 'plugins': {
      const [{ createPluginsSubgraph }, { createPluginStore }] = await Promise.all([
        import('#subgraphs/plugins/main'),
        import('#subgraphs/plugins/store.drizzle'),
      ]);
      const store = await createPluginStore(await platform.database());
      const blobs = await platform.blobs();
      if (config.demoData) {
        const { seedCatalog } = await import('./publishers.js');
        await seedCatalog({ dataDir: config.dataDir, packages: EXAMPLE_PACKAGES, store, blobs });
      }
      return createPluginsSubgraph({ store, blobs, door: await platform.durable(), keys, log });
    }
    case 'operations': {
      const [{ createOperationsSubgraph }, { createOperationStore }, { followRuns }] = await Promise.all([
        import('#subgraphs/operations/main'),
        import('#subgraphs/operations/store.drizzle'),
        import('#subgraphs/operations/follow-runs'),
      ]);
      const [door, index] = [await platform.durable(), await platform.runIndex()];
      const followed = followRuns({ door, index, log });
      platform.onClose(() => followed.close());
      return createOperationsSubgraph({
        door,
        index,
        store: await createOperationStore(await platform.database()),
        temporalUrl: (await platform.temporal()).uiUrl,
        keys,
        log,
      });
    }
  }
}

/** What a tenant may store is the tenants service's to say. */
async function createStorageQuota(platform: Platform): Promise<(tenant: string) => Promise<number>> {
  const deps = { registry: await platform.registry(), keys: platform.keys };
  return async (tenant) => {
    const data = await askService(deps, {
      name: 'tenants',
      host: 'tenants',
      path: '/graphql',
      query: 'query($id: ID!) { tenant(id: $id) { quotas { storage } } }',
      variables: { id: tenant },
    });
    return (data['tenant'] as { quotas: { storage: number } } | null)?.quotas.storage ?? 0;
  };
}
