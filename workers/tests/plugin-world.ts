// Plugin lifecycles on real parts: Temporal, the database, composition, the plugin host over HTTP and its sandboxes.
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { NativeConnection } from '@temporalio/worker';
import { inject } from 'vitest';
import { packPlugin } from '#cli/plugin/pack';
import { askService, SYSTEM_AUTH } from '#cli/start/ask-service';
import { createComposer } from '#gateway/supergraph/composer';
import { prepareSupergraph } from '#gateway/supergraph/prepare-supergraph';
import { composeChange, publishChange } from '#gateway/supergraph/publish';
import { createDatabaseRegistry } from '#gateway/supergraph/registry.drizzle';
import { type BlobStore, createBlobStore } from '#platform/blob-store';
import type { Database } from '#platform/database/open-database';
import { createDataConverter } from '#platform/payload-codec';
import { type PackageFiles, writePackage } from '#platform/plugin-package/archive';
import { createPublisherKey, type PublisherSecret, signPackage } from '#platform/plugin-package/signature';
import { openTestDatabase } from '#platform/tests/database';
import { CodedError, type ErrorCode } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import { toPluginServiceName } from '#schema/contracts/plugins';
import type { SupergraphRegistry } from '#schema/contracts/supergraph';
import { TASK_QUEUES } from '#schema/contracts/workflows';
import { createAdmissions } from '#subgraphs/plugin-host/admissions';
import { createPluginHost, servePluginHost, toPluginPath } from '#subgraphs/plugin-host/main';
import { smokeRun } from '#subgraphs/plugin-host/smoke-run';
import { publishVersion } from '#subgraphs/plugins/publish-version';
import { createPluginStore } from '#subgraphs/plugins/store.drizzle';
import type { PluginStore } from '#subgraphs/plugins/store';
import { loadTestKeys } from '#tests/support/test-keys';
import { createPluginActivities } from '../activities/plugin-activities.js';
import { createSupergraphActivities } from '../activities/supergraph-activities.js';
import { translateErrors } from '../activities/translate-errors.js';
import { connectDurable } from '../client/connect-durable.js';
import type { DurableClient, RunHandle } from '../client/durable-client.js';
import { startWorkerHost } from '../host.js';
import type { InstalledPlugin } from '#schema/contracts/plugins';
import { ensureRuntime, log } from './test-runtime.js';
import { countCoverage } from './workflow-coverage.js';

export const ADMIN: AuthContext = {
  principal: 'usr_admin' as PrincipalId,
  tenant: 'ten_sluice' as TenantId,
  scopes: ['plugins:write'],
  fingerprint: 'a'.repeat(64),
};
export const QR = '@sluice/qr-code';

/** What an installation leaves behind while it stands. */
export interface Traces {
  references: number;
  reports: number;
  admitted: number;
  published: boolean;
  installed: number;
}

export interface PluginWorld {
  durable: DurableClient;
  registry: SupergraphRegistry;
  store: PluginStore;
  blobs: BlobStore;
  database: Database;
  coordinatorId: string;
  signer: PublisherSecret;
  qrFiles: PackageFiles;
  /** Activity that throws this code instead of working; told what stood at that moment. */
  failAt: { activity: string; code: ErrorCode } | null;
  tracesAtFailure: Traces | null;
  /** Called before every activity. */
  before: (activity: string) => Promise<void>;
  readTraces(plugin?: string): Promise<Traces>;
  publish(files: PackageFiles, options?: { sign?: boolean }): Promise<void>;
  install(plugin?: string): Promise<RunHandle<InstalledPlugin>>;
  /** Empties catalog and installations. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

export async function createPluginWorld(): Promise<PluginWorld> {
  ensureRuntime();
  const address = inject('temporalAddress');
  const keys = await loadTestKeys();
  const dataConverter = createDataConverter(keys, { namespace: 'default' });
  const [connection, database] = await Promise.all([NativeConnection.connect({ address }), openTestDatabase()]);
  const durable = await connectDurable({ address, namespace: 'default', dataConverter, log, native: connection });
  const [blobs, store, admissions, registry] = [
    await createBlobStore(database),
    await createPluginStore(database),
    await createAdmissions(database),
    await createDatabaseRegistry(database, log),
  ];
  const composer = createComposer();
  await prepareSupergraph({ registry, composer, subgraphsFile: null });
  const host = await servePluginHost(createPluginHost({ admissions, blobs, keys, log }), { host: '127.0.0.1', port: 0 });
  await registry.setAddress('plugin-host', host.url);
  const { secret: signer, key } = await createPublisherKey('sluice');
  const taskQueue = `${TASK_QUEUES.plugins}-${randomUUID()}`;

  // Stands for a gateway that takes over every generation at once.
  const serving = setInterval(() => {
    void registry.newest().then(
      (newest) => registry.recordServing({ instance: 'test', role: 'gateway', number: newest?.number ?? 0 }),
      () => undefined,
    );
  }, 200);

  const activities = {
    ...createPluginActivities({
      catalog: store,
      blobs,
      publishers: () => Promise.resolve([key]),
      smokeRun,
      dryRun: (change) => composeChange({ registry, composer, change }),
      host: {
        ...admissions,
        toPath: toPluginPath,
        ask: ({ name, host: at, path }, query) => askService({ registry, keys }, { name, host: at, path, query }),
      },
      publishGeneration: (request) => durable.publishGeneration(request, { workflowId: `coordinator-${taskQueue}`, taskQueue }),
      serving: () => registry.serving(),
      systemAuth: SYSTEM_AUTH,
    }),
    ...createSupergraphActivities({ publish: (request) => publishChange({ registry, composer, ...request }) }),
  };
  const watched = Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [
      name,
      async (...args: unknown[]) => {
        await self.before(name);
        if (self.failAt?.activity !== name) return (activity as (...args: unknown[]) => Promise<unknown>)(...args);
        self.tracesAtFailure ??= await self.readTraces();
        throw new CodedError(self.failAt.code, 'failed on purpose');
      },
    ]),
  );
  const worker = await startWorkerHost({
    connection,
    namespace: 'default',
    dataConverter,
    log,
    queues: [{ taskQueue, workflows: true, activities: translateErrors(watched, log) }],
    adjust: await countCoverage(),
  });

  const count = async (sql: string, values: unknown[]): Promise<number> =>
    Number((await database.pool.query<{ n: string }>(sql, values)).rows[0]?.n ?? 0);
  const self: PluginWorld = {
    durable,
    registry,
    store,
    blobs,
    database,
    coordinatorId: `coordinator-${taskQueue}`,
    signer,
    qrFiles: await packPlugin(fileURLToPath(new URL('../../examples/plugins/qr-code', import.meta.url))),
    failAt: null,
    tracesAtFailure: null,
    before: () => Promise.resolve(),
    readTraces: async (plugin = QR) => ({
      references: await count(`select count(*) n from blobs.references where owner like 'op_%'`, []),
      reports: await count('select count(*) n from plugins.scan_reports where plugin = $1', [plugin]),
      admitted: await count('select count(*) n from plugin_host.admissions where service = $1 and removed_at is null', [
        toPluginServiceName(plugin),
      ]),
      published: (await registry.newest())?.services.some(({ name }) => name === toPluginServiceName(plugin)) ?? false,
      installed: await count('select count(*) n from plugins.installations where plugin = $1', [plugin]),
    }),
    publish: async (files, { sign = true } = {}) =>
      void (await publishVersion({ store, blobs }, await writePackage(sign ? await signPackage(files, signer) : files), 'usr_admin')),
    install: (plugin = QR) =>
      durable.start('plugin_installation_workflow', [{ plugin, version: null, grantedPermissions: [] }, ADMIN], {
        workflowId: `plugin/${plugin}/${taskQueue}`,
        taskQueue,
        facts: { kind: 'PLUGIN_INSTALLATION', title: `Install ${plugin}`, tenant: 'ten_sluice', startedBy: 'usr_admin', plugin },
      }),
    reset: async () => {
      self.failAt = null;
      self.tracesAtFailure = null;
      self.before = () => Promise.resolve();
      for (const { plugin } of (await registry.newest())?.services ?? []) {
        if (plugin !== null)
          await publishChange({
            registry,
            composer,
            change: { kind: 'remove', name: toPluginServiceName(plugin.name) },
            requestId: randomUUID(),
          });
      }
      await database.pool.query(
        'delete from plugins.versions; delete from plugins.installations; delete from plugins.scan_reports; delete from plugin_host.admissions; delete from blobs.references; delete from blobs.blobs',
      );
    },
    close: async () => {
      clearInterval(serving);
      await worker.close();
      await host.close();
      await composer.close();
      await durable.close();
      await connection.close();
      await database.close();
    },
  };
  return self;
}
