// A user's own service whose work takes as long as the test says: it takes effect at once and answers later. `build` and `discard` keep what
// they have done under its key, so that a repeat is answered like the first; `announce` is not to be repeated.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse } from 'graphql';

const SDL = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@composeDirective"])
    @link(url: "https://sluice.dev/directives/v1.0", import: ["@idempotent", "@compensate"])
    @composeDirective(name: "@idempotent") @composeDirective(name: "@compensate")
  directive @idempotent on FIELD_DEFINITION
  directive @compensate(with: String!, arguments: [String!]! = []) on FIELD_DEFINITION
  type Query { report(name: ID!): String }
  type Mutation {
    build(name: ID!): ID @idempotent @compensate(with: "discard", arguments: ["name: args.name"])
    discard(name: ID!): ID @idempotent
    announce(name: ID!): ID
  }
`;

export type JobEffect = 'build' | 'discard' | 'announce';

export interface JobsService {
  /** What has taken effect, in order. */
  readonly effects: readonly { entry: string; effect: JobEffect }[];
  /** Calls that are not answered yet, by field. */
  readonly waiting: readonly string[];
  /** Of the supergraph.yaml that was written: for `SLUICE_SUBGRAPHS`. */
  readonly file: string;
  close(): void;
}

/**
 * @param folder - gets the service list and the service's schema
 * @param wait - between the effect of `field` and its answer
 */
export async function startJobs(folder: string, wait: (field: string, name: string) => Promise<void>): Promise<JobsService> {
  const effects: { entry: string; effect: JobEffect }[] = [];
  const waiting: string[] = [];
  const done = new Map<string, Promise<string>>();

  async function answer(field: string, name: string): Promise<string> {
    waiting.push(field);
    await wait(field, name);
    waiting.splice(waiting.indexOf(field), 1);
    return name;
  }
  const act =
    (effect: JobEffect) =>
    ({ name }: { name: string }, { key }: { key: string | undefined }): Promise<string> => {
      const known = key === undefined || effect === 'announce' ? undefined : done.get(key);
      if (known !== undefined) return known;
      effects.push({ entry: name, effect });
      const answered = answer(effect, name);
      if (key !== undefined) done.set(key, answered);
      return answered;
    };
  const rootValue = {
    report: ({ name }: { name: string }) => answer('report', name),
    build: act('build'),
    discard: act('discard'),
    announce: act('announce'),
  };
  const schema = buildSubgraphSchema([{ typeDefs: parse(SDL) }]);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { query, variables } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        query: string;
        variables: Record<string, unknown>;
      };
      const contextValue = { key: request.headers['idempotency-key'] };
      void Promise.resolve(execute({ schema, rootValue, contextValue, document: parse(query), variableValues: variables })).then(
        (result) => {
          if (!response.destroyed) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
        },
      );
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const file = join(folder, 'supergraph.yaml');
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/graphql`;
  await writeFile(join(folder, 'jobs.graphql'), SDL);
  await writeFile(file, `subgraphs:\n  jobs:\n    routing_url: ${url}\n    schema:\n      file: ./jobs.graphql\n`);
  return {
    effects,
    waiting,
    file,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
