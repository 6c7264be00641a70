// Activities of the plugins' queue on the parts of this process.
import { composeChange, publishChange } from '#gateway/supergraph/publish';
import { createAdmissions } from '#subgraphs/plugin-host/admissions';
import { toPluginPath } from '#subgraphs/plugin-host/main';
import { smokeRun } from '#subgraphs/plugin-host/smoke-run';
import { createPluginStore } from '#subgraphs/plugins/store.drizzle';
import { createPluginActivities } from '#workers/activities/plugin-activities';
import { createSupergraphActivities } from '#workers/activities/supergraph-activities';
import { translateErrors } from '#workers/activities/translate-errors';
import { askService, SYSTEM_AUTH } from './ask-service.js';
import type { Platform } from './platform.js';
import { readPublishers } from './publishers.js';

export async function createLifecycleActivities(platform: Platform): Promise<object> {
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
