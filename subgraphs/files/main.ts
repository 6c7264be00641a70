import type { BlobStore } from '#platform/blob-store';
import type { Database } from '#platform/database/open-database';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { createSubgraph, type Subgraph } from '../shared/create-subgraph.js';
import { readSdl } from '../shared/read-sdl.js';
import { createFilesContext, createFilesResolvers } from './resolvers.js';
import { seedFiles } from './seed.js';
import { createFileStore } from './store.drizzle.js';
import { createTransfers } from './transfers.js';
import { createUploads, type StorageQuota } from './uploads.js';

/** @param deps.demoDataAt - time the demo data refers to, ms; null = none. `maxUploadBytes`: of one file */
export async function createFilesSubgraph(deps: {
  database: Database;
  blobs: BlobStore;
  quota: StorageQuota;
  maxUploadBytes: number;
  keys: KeyRing;
  log: Logger;
  demoDataAt: number | null;
}): Promise<Subgraph> {
  const { blobs, quota, keys, log } = deps;
  const store = await createFileStore(deps.database);
  if (deps.demoDataAt !== null) await seedFiles(store, blobs, deps.demoDataAt);
  const uploads = createUploads({ store, blobs, quota, keys, maxBytes: deps.maxUploadBytes });
  const transfers = createTransfers({ uploads, store, blobs, keys, log });
  const subgraph = createSubgraph({
    name: 'files',
    typeDefs: await readSdl('files'),
    resolvers: createFilesResolvers({ store, blobs, uploads, quota, keys }),
    createContext: createFilesContext(store),
    keys,
    log,
  });
  return {
    ...subgraph,
    handler: (request, response) => (transfers.serves(request) ? transfers.handle(request, response) : subgraph.handler(request, response)),
    mayTakeLong: (request) => transfers.serves(request),
  };
}
