// Each role put together on the shared parts of its process. Embedded, one process plays all of them.
import { randomUUID } from 'node:crypto';
import { createCredentials, type Credentials } from '#gateway/server/credentials';
import { toTokenVerifierOptions } from '#gateway/config';
import type { RunningGateway } from '#gateway/main';
import { composeChange, publishChange } from '#gateway/supergraph/publish';
import { followRegistry } from '#gateway/supergraph/follow-registry';
import { followServiceList } from '#gateway/supergraph/follow-service-list';
import { prepareSupergraph } from '#gateway/supergraph/prepare-supergraph';
import { createTokenVerifier } from '#platform/identity/token-verifier';
import { CodedError } from '#schema/contracts/errors';
import { MAX_ANSWER_CHARS, MAX_STORED_ANSWER_CHARS, TASK_QUEUES, toGatewayTaskQueue } from '#schema/contracts/workflows';
import { createFilesSubgraph } from '#subgraphs/files/main';
import { createOperationsSubgraph } from '#subgraphs/operations/main';
import { createOperationStore } from '#subgraphs/operations/store.drizzle';
import { createAdmissions } from '#subgraphs/plugin-host/admissions';
import { createPluginHost, servePluginHost, toPluginPath } from '#subgraphs/plugin-host/main';
import { smokeRun } from '#subgraphs/plugin-host/smoke-run';
import { createPluginsSubgraph } from '#subgraphs/plugins/main';
import { createPluginStore } from '#subgraphs/plugins/store.drizzle';
import { serveSubgraph, type Subgraph } from '#subgraphs/shared/create-subgraph';
import { createTenantsSubgraph } from '#subgraphs/tenants/main';
import { createOperationActivities } from '#workers/activities/operation-activities';
import { createPluginActivities } from '#workers/activities/plugin-activities';
import { createRequestActivities } from '#workers/activities/request-activities';
import { createSupergraphActivities } from '#workers/activities/supergraph-activities';
import { createWebhookActivities } from '#workers/activities/deliver-webhook';
import { translateErrors } from '#workers/activities/translate-errors';
import type { WorkerHost } from '#workers/host';
import { askService, SYSTEM_AUTH } from './ask-service.js';
import { createStandingCheck } from './standing.js';
import type { Platform } from './platform.js';
import { readPublishers, seedCatalog } from './publishers.js';

export const SUBGRAPHS = ['tenants', 'files', 'plugins', 'operations'] as const;
export type SubgraphName = (typeof SUBGRAPHS)[number];

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
    case 'tenants':
      return createTenantsSubgraph({ database: await platform.database(), keys, log, demoDataAt });
    case 'files':
      return createFilesSubgraph({
        database: await platform.database(),
        blobs: await platform.blobs(),
        quota: await createStorageQuota(platform),
        maxUploadBytes: platform.gatewayConfig.uploads.maxBytes,
        keys,
        log,
        demoDataAt,
      });
    case 'plugins': {
      const store = await createPluginStore(await platform.database());
      const blobs = await platform.blobs();
      if (config.demoData) await seedCatalog({ dataDir: config.dataDir, packages: EXAMPLE_PACKAGES, store, blobs });
      return createPluginsSubgraph({ store, blobs, door: await platform.durable(), keys, log });
    }
    case 'operations':
      return createOperationsSubgraph({
        door: await platform.durable(),
        store: await createOperationStore(await platform.database()),
        temporalUrl: (await platform.temporal()).uiUrl,
        keys,
        log,
      });
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

/** Written by scripts/build.ts. */
const EXAMPLE_PACKAGES = [new URL('../../examples/sluice-qr-code-1.0.0.tgz', import.meta.url)];

export async function startPluginHostRole(platform: Platform, port: number): Promise<string> {
  const admissions = await createAdmissions(await platform.database());
  const host = createPluginHost({
    admissions,
    blobs: await platform.blobs(),
    keys: platform.keys,
    log: platform.log.child({ role: 'plugin-host' }),
  });
  const running = await servePluginHost(host, { host: platform.config.host, port });
  platform.onClose(() => running.close());
  const registry = await platform.registry();
  await registry.setAddress('plugin-host', platform.config.advertiseUrl ?? running.url);
  const followed = followRegistry({
    registry,
    instance: randomUUID(),
    role: 'plugin-host',
    takeOver: ({ services }) => host.prepare(services.filter((service) => service.host === 'plugin-host').map(({ path }) => path)),
    log: platform.log,
  });
  platform.onClose(() => followed.close());
  return running.url;
}

/** Publishes the services that come with this release, unless they are what is published already, and follows SLUICE_SUBGRAPHS. */
export async function prepareServices(platform: Platform): Promise<void> {
  const { supergraphFile, subgraphsFile, subgraphsPollMs } = platform.config;
  if (supergraphFile !== null) return;
  const parts = { registry: await platform.registry(), composer: await platform.composer() };
  await prepareSupergraph({ ...parts, subgraphsFile });
  if (subgraphsFile === null) return;
  const followed = followServiceList({ ...parts, subgraphsFile, askEveryMs: subgraphsPollMs, log: platform.log });
  platform.onClose(() => followed.close());
}

/** For a worker without a gateway in its process, which would record for both: a plan may name a generation once every worker can read it. */
export async function recordWorker(platform: Platform, { instance }: WorkerRole): Promise<void> {
  const followed = followRegistry({
    registry: await platform.registry(),
    instance,
    role: 'worker',
    takeOver: () => Promise.resolve(),
    log: platform.log,
  });
  platform.onClose(() => followed.close());
}

export interface WorkerRole {
  host: WorkerHost;
  credentials: Credentials;
  instance: string;
}

/** @param options.plugins - serve plugin lifecycles and the coordinator as well */
export async function startWorkerRole(platform: Platform, options: { plugins: boolean }): Promise<WorkerRole> {
  const { log, keys } = platform;
  const instance = randomUUID();
  const credentials = createCredentials({
    verifier: createTokenVerifier(toTokenVerifierOptions(platform.gatewayConfig.auth, keys)),
    ...(platform.config.supergraphFile === null
      ? {
          standing: createStandingCheck({
            registry: await platform.registry(),
            keys,
            // Tokens of an identity provider name principals of its own.
            knowsPrincipals: platform.gatewayConfig.auth.mode === 'dev',
          }),
        }
      : {}),
    log,
  });
  const requests = translateErrors(
    createRequestActivities({
      fetcher: await platform.fetcher(),
      judge: credentials,
      ...(platform.dataConverter.externalStorage === undefined
        ? { maxResponseChars: MAX_ANSWER_CHARS, maxFetchChars: MAX_ANSWER_CHARS }
        : { maxResponseChars: MAX_STORED_ANSWER_CHARS }),
    }),
    log,
  );
  // A gateway over a foreign supergraph has no database, and no list.
  const store = platform.config.supergraphFile === null ? await createOperationStore(await platform.database()) : null;
  const operations = translateErrors(
    {
      ...createOperationActivities({ store }),
      ...createWebhookActivities({ keys, allowsPrivate: platform.gatewayConfig.allowsPrivateWebhooks, now: () => new Date() }),
    },
    log,
  );
  const connection = await platform.native();
  const { startWorkerHost } = await import('#workers/host');
  const host = await startWorkerHost({
    connection,
    namespace: platform.config.temporal.namespace,
    dataConverter: platform.dataConverter,
    log,
    queues: [
      { taskQueue: TASK_QUEUES.orchestration, workflows: true, activities: { ...requests, ...operations } },
      { taskQueue: toGatewayTaskQueue(instance), workflows: false, activities: requests },
      ...(options.plugins
        ? [{ taskQueue: TASK_QUEUES.plugins, workflows: true, activities: await createLifecycleActivities(platform) }]
        : []),
    ],
  });
  platform.onClose(() => host.close());
  return { host, credentials, instance };
}

async function createLifecycleActivities(platform: Platform): Promise<object> {
  const { keys, log, config, env } = platform;
  const [database, blobs, registry, composer, durable] = await Promise.all([
    platform.database(),
    platform.blobs(),
    platform.registry(),
    platform.composer(),
    platform.durable(),
  ]);
  const [catalog, admissions] = [await createPluginStore(database), await createAdmissions(database)];
  const plugins = createPluginActivities({
    catalog,
    blobs,
    publishers: () => readPublishers(config.dataDir, env),
    smokeRun,
    dryRun: (change) => composeChange({ registry, composer, change }),
    host: {
      ...admissions,
      toPath: toPluginPath,
      ask: ({ name, host, path }, query) => askService({ registry, keys }, { name, host, path, query }),
    },
    publishGeneration: (request) => durable.publishGeneration(request),
    serving: () => registry.serving(),
    systemAuth: SYSTEM_AUTH,
  });
  const supergraph = createSupergraphActivities({ publish: (request) => publishChange({ registry, composer, ...request }) });
  return translateErrors({ ...plugins, ...supergraph }, log);
}

export async function startGatewayRole(platform: Platform, worker: WorkerRole): Promise<RunningGateway> {
  const { startGateway } = await import('#gateway/main');
  const gateway = await startGateway({
    config: platform.gatewayConfig,
    keys: platform.keys,
    log: platform.log,
    metrics: platform.metrics,
    registry: await platform.registry(),
    durable: await platform.durable(),
    credentials: worker.credentials,
    instance: worker.instance,
    judgesThroughTemporal: true,
    fetcher: await platform.fetcher(),
    claims: await platform.claims(),
  });
  platform.onClose(() => gateway.close());
  return gateway;
}

/** @throws CONFIG_INVALID when a role of its own would have nothing to share with the others */
export function assertSharedParts({ config }: Platform): void {
  const missing = [
    ...(config.databaseUrl === null ? ['DATABASE_URL'] : []),
    ...(config.temporal.address === null ? ['TEMPORAL_ADDRESS'] : []),
  ];
  if (missing.length > 0)
    throw new CodedError('CONFIG_INVALID', `${missing.join(' and ')} must be set to start a role as a process of its own`);
}
