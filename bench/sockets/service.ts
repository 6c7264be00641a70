// A service that does what the benchmark tells it: `POST /beat` sends an event to all subscribers, `POST /release` lets waiting queries
// go. Argument: the folder for its schema file and the list. Prints `ready` and its address.
import { EventEmitter, on } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse, subscribe } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';

const SDL = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
  type Query { released: Boolean! }
  type Subscription { beat: Beat! }
  "When it was sent, milliseconds since 1970."
  type Beat { number: Int! at: Float! }`;

const told = new EventEmitter().setMaxListeners(0);
let beats = 0;

async function* beat(): AsyncGenerator<{ beat: { number: number; at: number } }> {
  for await (const [sent] of on(told, 'beat') as AsyncIterable<[{ number: number; at: number }]>) yield { beat: sent };
}

const schema = buildSubgraphSchema([
  {
    typeDefs: parse(SDL),
    resolvers: {
      Query: { released: () => new Promise((resolve) => told.once('release', () => resolve(true))) },
      Subscription: { beat: { subscribe: beat } },
    } as never,
  },
]);

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const what = request.url?.slice(1) ?? '';
    if (what !== 'graphql') {
      told.emit(what, { number: beats++, at: Date.now() });
      response.writeHead(204).end();
      return;
    }
    const { query } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { query: string };
    void Promise.resolve(execute({ schema, document: parse(query) })).then((result) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result)),
    );
  });
});
useServer({ schema, execute, subscribe }, new WebSocketServer({ server, path: '/graphql' }));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

const folder = process.argv[2] as string;
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
await writeFile(`${folder}/beats.graphql`, SDL);
await writeFile(
  `${folder}/supergraph.yaml`,
  ['subgraphs:', '  beats:', `    routing_url: ${url}/graphql`, '    schema: { file: ./beats.graphql }'].join('\n'),
);
console.log('ready', url);
