// The shop's services in one process: each body that comes for the first time is executed, later ones are answered with the bytes kept.
// Arguments: the file for their supergraph. Prints `ready` and the port when they listen.
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, type GraphQLSchema, parse } from 'graphql';
import { SERVICES } from './catalogue.js';

const MAX_ANSWERS = 10_000;
/** The differing variable changes no answer, so it is no part of the key. */
const ASKED_BY = /"askedBy":"[^"]*"/g;

const schemas = new Map<string, GraphQLSchema>(
  Object.entries(SERVICES).map(([name, { sdl, resolvers }]) => [
    `/${name}`,
    buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers: resolvers as never }]),
  ]),
);
const answers = new Map<string, Buffer>();

async function answerOf(path: string, body: string): Promise<Buffer> {
  const key = path + body.replace(ASKED_BY, '');
  const known = answers.get(key);
  if (known !== undefined) return known;
  const { query, variables, operationName } = JSON.parse(body) as {
    query: string;
    variables?: Record<string, unknown>;
    operationName?: string;
  };
  const result = await execute({
    schema: schemas.get(path) as GraphQLSchema,
    document: parse(query),
    variableValues: variables,
    operationName,
  });
  if (result.errors !== undefined) throw new Error(`${path} got ${query}: ${result.errors.join()}`);
  const bytes = Buffer.from(JSON.stringify(result));
  if (answers.size < MAX_ANSWERS) answers.set(key, bytes);
  return bytes;
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    answerOf(request.url as string, Buffer.concat(chunks).toString('utf8')).then(
      (bytes) => response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length }).end(bytes),
      (error: unknown) => {
        console.error(error);
        response.writeHead(500).end();
      },
    );
  });
});
// Sockets that a gateway keeps must not end under it while another one is measured.
server.keepAliveTimeout = 0;
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;

const composed = composeServices(
  Object.entries(SERVICES).map(([name, { sdl }]) => ({ name, typeDefs: parse(sdl), url: `http://127.0.0.1:${port}/${name}` })),
);
if (composed.supergraphSdl === undefined) throw new Error(composed.errors?.join('\n'));
await writeFile(process.argv[2] as string, composed.supergraphSdl);
console.log(`ready ${port}`);
