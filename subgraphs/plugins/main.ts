import type { BlobStore } from '#platform/blob-store';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { createSubgraph, type Subgraph } from '../shared/create-subgraph.js';
import { readSdl } from '../shared/read-sdl.js';
import type { PluginDoor } from './door.js';
import { createPluginsContext, createPluginsResolvers } from './resolvers.js';
import type { PluginStore } from './store.js';

export async function createPluginsSubgraph(deps: {
  store: PluginStore;
  blobs: BlobStore;
  door: PluginDoor;
  keys: KeyRing;
  log: Logger;
}): Promise<Subgraph> {
  const { store, blobs, door, keys, log } = deps;
  return createSubgraph({
    name: 'plugins',
    typeDefs: await readSdl('plugins'),
    resolvers: createPluginsResolvers({ store, blobs, door }),
    createContext: createPluginsContext(store, door),
    keys,
    log,
  });
}
