import { notifyAll } from '#platform/database/listen';
import type { Database } from '#platform/database/open-database';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { STANDING_CHANNEL } from '#schema/contracts/identity';
import { createSubgraph, type Subgraph } from '../shared/create-subgraph.js';
import { readSdl } from '../shared/read-sdl.js';
import { createTenantsContext, createTenantsResolvers } from './resolvers.js';
import { seedTenants } from './seed.js';
import { createTenantStore } from './store.drizzle.js';

/** @param deps.demoDataAt - time the demo data refers to, ms; null = none */
export async function createTenantsSubgraph(deps: {
  database: Database;
  keys: KeyRing;
  log: Logger;
  demoDataAt: number | null;
}): Promise<Subgraph> {
  const store = await createTenantStore(deps.database);
  if (deps.demoDataAt !== null) await seedTenants(store, deps.demoDataAt);
  return createSubgraph({
    name: 'tenants',
    typeDefs: await readSdl('tenants'),
    resolvers: createTenantsResolvers({
      store,
      // A gateway that does not hear of it notices within a minute.
      onRevoked: (revocation) =>
        notifyAll(deps.database, STANDING_CHANNEL, JSON.stringify(revocation)).catch((error: unknown) =>
          deps.log.warn({ err: error }, 'a revocation could not be told'),
        ),
    }),
    createContext: createTenantsContext(store),
    keys: deps.keys,
    log: deps.log,
  });
}
