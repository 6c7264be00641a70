// What Apollo Server calls a gateway: where its schema comes from, and who executes. Apollo's own would build supergraph, schema and a
// planner that nobody asks, on the thread that serves (127 ms of CPU for six small services), and load 500 modules for it. Each generation
// comes with its API schema as text from the planner's thread, which has judged it; reading the text takes 2 ms.
import type { ApolloServerOptionsWithGateway } from '@apollo/server';
import { buildASTSchema, parse } from 'graphql';
import type { Generations } from './generations.js';

type GatewayInterface = ApolloServerOptionsWithGateway<object>['gateway'];
type SchemaListener = Parameters<GatewayInterface['onSchemaLoadOrUpdate']>[0];
export type GatewayExecutor = NonNullable<Awaited<ReturnType<GatewayInterface['load']>>['executor']>;

/** @param executor - called for every valid operation that comes over HTTP */
export function createSluiceGateway({
  generations,
  executor,
}: {
  generations: Pick<Generations, 'open' | 'follow' | 'serve' | 'close'>;
  executor: GatewayExecutor;
}): GatewayInterface {
  const listeners = new Set<SchemaListener>();
  let served: string | undefined;

  /** An equal supergraph keeps its schema object, and with it the documents that were found valid. */
  function serve(supergraphSdl: string, apiSdl: string): void {
    if (supergraphSdl === served) return;
    const apiSchema = buildASTSchema(parse(apiSdl, { noLocation: true }), { assumeValid: true, assumeValidSDL: true });
    served = supergraphSdl;
    generations.serve(apiSchema);
    for (const listener of listeners) listener({ apiSchema, coreSupergraphSdl: supergraphSdl });
  }

  return {
    load: async () => {
      const { generation, apiSdl } = await generations.open();
      serve(generation.supergraphSdl, apiSdl);
      generations.follow(({ supergraphSdl }, nextApiSdl) => serve(supergraphSdl, nextApiSdl));
      return { executor };
    },
    onSchemaLoadOrUpdate: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop: () => generations.close(),
  };
}
