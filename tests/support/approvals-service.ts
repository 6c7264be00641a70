// A user's own service with one mutation, which answers when the test says so: `approve`, not idempotent and without an undo.
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse } from 'graphql';

const SDL = 'type Query { approvals: Int } type Mutation { approve(name: String!): ID }';

/** `lost`: it is approved, and the connection breaks before the answer. */
export type Verdict = 'approved' | 'refused' | 'lost';

export interface ApprovalsService {
  /** Calls that wait for a verdict. */
  readonly waiting: ((verdict: Verdict) => void)[];
  /** Of the supergraph.yaml that was written: for `SLUICE_SUBGRAPHS`. */
  readonly file: string;
  close(): void;
}

/** @param folder - gets the service list and the service's schema */
export async function startApprovals(folder: string): Promise<ApprovalsService> {
  const waiting: ApprovalsService['waiting'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    const approve = async (): Promise<string> => {
      const verdict = await new Promise<Verdict>((resolve) => waiting.push(resolve));
      if (verdict === 'refused') throw new Error('refused');
      if (verdict === 'lost') request.socket.destroy();
      return 'approved';
    };
    const schema = buildSubgraphSchema([{ typeDefs: parse(SDL), resolvers: { Mutation: { approve } } as never }]);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { query, variables } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        query: string;
        variables: Record<string, unknown>;
      };
      void Promise.resolve(execute({ schema, document: parse(query), variableValues: variables })).then((result) => {
        if (!response.destroyed) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const file = join(folder, 'supergraph.yaml');
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/graphql`;
  await writeFile(join(folder, 'approvals.graphql'), SDL);
  await writeFile(file, `subgraphs:\n  approvals:\n    routing_url: ${url}\n    schema:\n      file: ./approvals.graphql\n`);
  return {
    waiting,
    file,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
