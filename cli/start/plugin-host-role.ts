import { randomUUID } from 'node:crypto';
import { followRegistry } from '#gateway/supergraph/follow-registry';
import { createAdmissions } from '#subgraphs/plugin-host/admissions';
import { createPluginHost, servePluginHost } from '#subgraphs/plugin-host/main';
import type { Platform } from './platform.js';

/** @returns its URL */
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
