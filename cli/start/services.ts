import { followServiceList } from '#gateway/supergraph/follow-service-list';
import { prepareOrKeep } from '#gateway/supergraph/prepare-supergraph';
import type { Platform } from './platform.js';

/** Publishes the services that come with this release, unless they are what is published already, and follows SLUICE_SUBGRAPHS. */
export async function prepareServices(platform: Platform): Promise<void> {
  const { supergraphFile, subgraphsFile, subgraphsPollMs } = platform.config;
  if (supergraphFile !== null) return;
  const parts = { registry: await platform.registry(), composer: await platform.composer() };
  await prepareOrKeep({ ...parts, subgraphsFile, log: platform.log });
  if (subgraphsFile === null) return;
  const followed = followServiceList({ ...parts, subgraphsFile, askEveryMs: subgraphsPollMs, log: platform.log });
  platform.onClose(() => followed.close());
}
