import type { BlobStore } from '#platform/blob-store';
import type { Database } from '#platform/database/open-database';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { createSubgraph, type Subgraph } from '../shared/create-subgraph.js';
import { readSdl } from '../shared/read-sdl.js';
import { createFilesContext, createFilesResolvers } from './resolvers.js';
import { seedFiles } from './seed.js';
import { createFileStore } from './store.drizzle.js';

/** @param deps.demoDataAt - time the demo data refers to, ms; null = none */
export async function createFilesSubgraph(deps: {
  database: Database;
  blobs: BlobStore;
  keys: KeyRing;
  log: Logger;
  demoDataAt: number | null;
}): Promise<Subgraph> {
  const store = await createFileStore(deps.database);
  if (deps.demoDataAt !== null) await seedFiles(store, deps.blobs, deps.demoDataAt);
  return createSubgraph({
    name: 'files',
    typeDefs: await readSdl('files'),
    resolvers: createFilesResolvers({ store, blobs: deps.blobs }),
    createContext: createFilesContext(store),
    keys: deps.keys,
    log: deps.log,
  });
}
