import type { Composer, Generation, SupergraphRegistry } from '#schema/contracts/supergraph';
import { publishServices } from './publish.js';
import { NO_LISTED_SERVICES, readBuiltInServices, readListedServices } from './service-list.js';

/**
 * What every process that starts a role does before it serves: publishes the first generation, or the next one when the services that
 * come with this release or with SLUICE_SUBGRAPHS have changed. Needs no Temporal: a gateway must start while that is away.
 *
 * @param options.subgraphsFile - SLUICE_SUBGRAPHS
 * @throws CONFIG_INVALID, CompositionError, DATABASE_UNAVAILABLE
 */
export async function prepareSupergraph(options: {
  registry: SupergraphRegistry;
  composer: Composer;
  subgraphsFile: string | null;
}): Promise<Generation> {
  const { registry, composer, subgraphsFile } = options;
  const builtIn = await readBuiltInServices();
  const listed = subgraphsFile === null ? NO_LISTED_SERVICES : await readListedServices(subgraphsFile);
  for (const [host, url] of listed.addresses) await registry.setAddress(host, url);
  return publishServices({ registry, composer, services: [...builtIn, ...listed.services] });
}
