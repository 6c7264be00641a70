import { deriveWebhookSecret } from '#platform/webhook-signature';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { createSubgraph, type Subgraph } from '../shared/create-subgraph.js';
import { readSdl } from '../shared/read-sdl.js';
import type { OperationDoor } from './door.js';
import { createOperationsContext, createOperationsResolvers } from './resolvers.js';
import type { RunIndex } from './run-index.js';
import type { OperationStore } from './store.js';

export async function createOperationsSubgraph(deps: {
  door: OperationDoor;
  store: OperationStore;
  index: RunIndex;
  temporalUrl: string | null;
  keys: KeyRing;
  log: Logger;
}): Promise<Subgraph> {
  return createSubgraph({
    name: 'operations',
    typeDefs: await readSdl('operations'),
    resolvers: createOperationsResolvers({
      door: deps.door,
      store: deps.store,
      index: deps.index,
      webhookSecret: (tenant) => deriveWebhookSecret(deps.keys, tenant),
      temporalUrl: deps.temporalUrl,
    }),
    createContext: createOperationsContext(deps.door),
    keys: deps.keys,
    log: deps.log,
  });
}
