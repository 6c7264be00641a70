import { errorCodeOf } from '#schema/contracts/errors';
import { type Composer, CompositionError, type Generation, type SupergraphRegistry } from '#schema/contracts/supergraph';
import type { Logger } from '#platform/logger';
import { publishServices } from './publish.js';
import { NO_LISTED_SERVICES, readBuiltInServices, readListedServices } from './service-list.js';

/**
 * What every process that starts a role does before it serves: publishes the first generation, or the next one when the services that
 * come with this release or with SLUICE_SUBGRAPHS have changed. Needs no Temporal: a gateway must start while that is away.
 *
 * @param options.subgraphsFile - SLUICE_SUBGRAPHS
 * @throws CONFIG_INVALID, SUBGRAPH_UNREACHABLE, CompositionError, DATABASE_UNAVAILABLE
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

/**
 * As {@link prepareSupergraph}, at a start: a listed service that is away, or whose schema does not compose, does not keep the others from
 * being served. The newest stored generation is, where there is one.
 *
 * @throws as prepareSupergraph when no generation is stored, and for a list that is wrong
 */
export async function prepareOrKeep(options: Parameters<typeof prepareSupergraph>[0] & { log: Logger }): Promise<Generation> {
  try {
    return await prepareSupergraph(options);
  } catch (error) {
    const code = errorCodeOf(error);
    if (options.subgraphsFile === null || (code !== 'SUBGRAPH_UNREACHABLE' && code !== 'COMPOSITION_FAILED')) throw error;
    const newest = await options.registry.newest();
    if (newest === undefined) throw error;
    options.log.warn(
      { ...describeRefusal(error), generation: newest.number },
      'listed services could not be taken over; the newest stored generation is served until they can',
    );
    return newest;
  }
}

/** For the log. */
export function describeRefusal(error: unknown): object {
  return error instanceof CompositionError ? { problems: error.problems } : { err: error };
}
