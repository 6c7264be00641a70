// Two services that answer from memory, in a process of their own. Argument: the file for their supergraph. Prints `ready` and their
// addresses.
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse, type DocumentNode } from 'graphql';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])';
const PRODUCTS = Array.from({ length: 20 }, (_, n) => ({ id: `p${n}`, name: `Product ${n}`, price: n * 10 }));

const SERVICES = {
  products: {
    sdl: `${LINK} type Query { products: [Product!]! } type Product @key(fields: "id") { id: ID! name: String! price: Int! }`,
    resolvers: {
      Query: { products: () => PRODUCTS },
      Product: { __resolveReference: ({ id }: { id: string }) => PRODUCTS.find((product) => product.id === id) },
    },
  },
  reviews: {
    sdl: `${LINK} type Query { reviews: [Review!]! } type Review { text: String! product: Product! } type Product @key(fields: "id") { id: ID! reviews: [Review!]! }`,
    resolvers: {
      Query: { reviews: () => PRODUCTS.map(({ id }) => ({ text: `of ${id}`, product: { id } })) },
      Product: {
        reviews: ({ id }: { id: string }) => [
          { text: `first of ${id}`, product: { id } },
          { text: `second of ${id}`, product: { id } },
        ],
      },
    },
  },
};

const listening = await Promise.all(
  Object.entries(SERVICES).map(async ([name, { sdl, resolvers }]) => {
    const typeDefs = parse(sdl);
    const schema = buildSubgraphSchema([{ typeDefs, resolvers: resolvers as never }]);
    const documents = new Map<string, DocumentNode>();
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { query, variables } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
          query: string;
          variables?: Record<string, unknown>;
        };
        const document = documents.get(query) ?? parse(query);
        documents.set(query, document);
        void Promise.resolve(execute({ schema, document, variableValues: variables })).then((result) =>
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result)),
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { name, typeDefs, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql` };
  }),
);
const { supergraphSdl } = composeServices(listening);
const file = process.argv[2] as string;
await writeFile(file, supergraphSdl as string);
console.log('ready', ...listening.map(({ url }) => url));
