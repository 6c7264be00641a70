// Two services for a supergraph that changes under load: items with a stream of counted ticks, and notes about items.
// Arguments: the folder for their schema files and the list. Prints `ready`.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeFile } from 'node:fs/promises';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse, subscribe } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { SDL } from './schemas.js';

const TICK_MS = 2_000;
const ITEMS = Array.from({ length: 10 }, (_, n) => ({ id: String(n), name: `Item ${n}` }));

async function* ticks(): AsyncGenerator<{ ticks: { sequence: number; item: { id: string } } }> {
  for (let sequence = 0; ; sequence++) {
    yield { ticks: { sequence, item: ITEMS[sequence % ITEMS.length] as (typeof ITEMS)[number] } };
    await sleep(TICK_MS);
  }
}

const schemas = {
  items: buildSubgraphSchema([
    {
      typeDefs: parse(SDL.items),
      resolvers: {
        Query: { items: () => ITEMS },
        Item: { __resolveReference: ({ id }: { id: string }) => ITEMS[Number(id)] },
        Subscription: { ticks: { subscribe: ticks } },
      } as never,
    },
  ]),
  notes: buildSubgraphSchema([
    { typeDefs: parse(SDL.notes), resolvers: { Item: { note: ({ id }: { id: string }) => `about ${id}` } } as never },
  ]),
};

const folder = process.argv[2] as string;
const lines = ['subgraphs:'];
for (const [name, schema] of Object.entries(schemas)) {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { query, variables } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        query: string;
        variables?: Record<string, unknown>;
      };
      void Promise.resolve(execute({ schema, document: parse(query), variableValues: variables })).then((result) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result)),
      );
    });
  });
  useServer({ schema, execute, subscribe }, new WebSocketServer({ server, path: '/graphql' }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await writeFile(`${folder}/${name}.graphql`, SDL[name as keyof typeof SDL]);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  lines.push(`  ${name}:`, `    routing_url: ${url}`, `    schema: { file: ./${name}.graphql }`);
}
await writeFile(`${folder}/supergraph.yaml`, lines.join('\n'));
console.log('ready');
