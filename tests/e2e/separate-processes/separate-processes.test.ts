// Two gateways, one worker, one plugin host and four subgraphs as processes of their own, on PostgreSQL and one Temporal server.
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse } from 'graphql';
import { createClient } from 'graphql-ws';
import pg from 'pg';
import { WebSocket } from 'ws';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createKeys } from '#platform/keys';
import { eventually } from '#tests/support/eventually';
import { type Caller, signIn } from '#tests/support/graphql-client';
import { findPostgres, startPostgres, type TestPostgres } from '#tests/support/postgres';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from '#tests/support/sluice-process';

const ROLES = [
  ['subgraph', 'tenants'],
  ['subgraph', 'files'],
  ['subgraph', 'plugins'],
  ['subgraph', 'operations'],
  ['plugin-host'],
  ['worker'],
];
const SLOW_SDL =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"]) type Query { slow: Slow! } type Slow { files: [File!]! } type File @key(fields: "id", resolvable: false) { id: ID! }';

let postgres: TestPostgres;
let data: Awaited<ReturnType<typeof makeDataFolder>>;
let slow: Server;
/** Lets the slow service answer. */
let release: () => void = () => undefined;
let waiting = 0;
const processes: SluiceProcess[] = [];
let gatewayA: { process: SluiceProcess; url: string };
let gatewayB: { process: SluiceProcess; url: string };
let a: Caller;
let b: Caller;

describe.runIf(findPostgres() !== undefined)('a deployment of separate processes', () => {
  beforeAll(async () => {
    postgres = await startPostgres();
    data = await makeDataFolder();
    slow = await startSlowService();
    await writeFile(`${data.path}/slow.graphql`, SLOW_SDL);
    await writeFile(
      `${data.path}/supergraph.yaml`,
      `subgraphs:\n  slow:\n    routing_url: http://127.0.0.1:${(slow.address() as { port: number }).port}/graphql\n    schema:\n      file: ./slow.graphql\n`,
    );
    const env = {
      DATABASE_URL: postgres.url,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      SLUICE_KEYS: JSON.stringify(await createKeys()),
      SLUICE_SUBGRAPHS: `${data.path}/supergraph.yaml`,
      SUBGRAPH_TIMEOUT_MS: '20000',
      SLUICE_DATA: data.path,
    };
    await Promise.all(
      ROLES.map(async (role) => {
        const started = startSluice(['start', ...role], { ...env, PORT: '0' });
        processes.push(started);
        await started.waitFor(/^ready$/m, 120_000);
      }),
    );
    const startGateway = async (): Promise<typeof gatewayA> => {
      const [port, admin] = (await findFreePorts(2)) as [number, number];
      const started = startSluice(['start', 'gateway'], { ...env, PORT: String(port), ADMIN_PORT: String(admin) });
      processes.push(started);
      await started.waitFor(/^ready$/m, 120_000);
      return { process: started, url: `http://127.0.0.1:${port}` };
    };
    gatewayA = await startGateway();
    gatewayB = await startGateway();
    a = await signIn(gatewayA.url, 'admin');
    b = await signIn(gatewayB.url, 'admin');
  }, 240_000);
  afterAll(async () => {
    await Promise.all(processes.map((started) => started.stop()));
    slow.closeAllConnections();
    slow.close();
    await postgres.stop();
    await data.remove();
  });

  it('answers on B what was installed through A, and B streams the operation of A', async () => {
    const { data: started } = await a.query(
      'mutation { installPlugin(input: { name: "@sluice/qr-code" }) { operation { id } userErrors { message } } }',
    );
    const { id } = started?.['installPlugin'].operation as { id: string };
    const client = createClient({
      url: `${b.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { token: b.token },
    });
    const names: string[] = [];
    for await (const { data: next } of client.iterate<{ operationEvents: { __typename: string } }>({
      query: 'subscription($id: ID!) { operationEvents(id: $id) { __typename } }',
      variables: { id },
    })) {
      if (next != null) names.push(next.operationEvents.__typename);
    }
    await client.dispose();
    expect(names.at(-1)).toBe('OperationCompleted');
    const endedAt = Date.now();
    await eventually(
      () => b.query('{ files(first: 1) { nodes { shareQr { size } } } }'),
      ({ errors, data: answer }) => errors === undefined && answer?.['files'].nodes[0].shareQr.size > 0,
      10_000,
    );
    expect(Date.now() - endedAt).toBeLessThan(2_000);
  });

  it('has waited for every process that serves: gateways, worker and plugin host', async () => {
    const client = new pg.Client(postgres.url);
    await client.connect();
    const { rows } = await client
      .query<{ role: string; number: number }>('select role, number from supergraph.serving order by role')
      .finally(() => client.end());
    expect(rows.map(({ role }) => role)).toEqual(['gateway', 'gateway', 'plugin-host', 'worker']);
    expect(new Set(rows.map(({ number }) => number)).size).toBe(1);
  });

  it('finishes on another process the run of a gateway that was killed, and B gives its result', async () => {
    const query = a.query('{ slow { files { id name tenant { name } } } }').catch(() => undefined);
    await eventually(
      () => Promise.resolve(waiting),
      (count) => count > 0,
    );
    const running = await b.query('{ operations(first: 5, filter: { status: WORKING, kind: ORCHESTRATION }) { nodes { id } } }');
    const [operation] = running.data?.['operations'].nodes as { id: string }[];
    await gatewayA.process.kill();
    release();
    const done = await eventually(
      async () =>
        (await b.query('query($id: ID!) { operation(id: $id) { status result } }', { id: operation?.id })).data?.['operation'] as {
          status: string;
          result: { data: { slow: { files: { name: string; tenant: { name: string } }[] } } };
        },
      ({ status }) => status !== 'WORKING',
      60_000,
    );
    expect(done.status).toBe('COMPLETED');
    expect(done.result.data.slow.files).toMatchObject([{ name: expect.any(String), tenant: { name: expect.any(String) } }]);
    await query;
  });

  it('ends every process within its bound, with exit code 0', async () => {
    const codes = await Promise.all(processes.filter((started) => started !== gatewayA.process).map((started) => started.stop()));
    expect(codes).toEqual(codes.map(() => 0));
  });

  it('printed neither a token nor anything that a caller sent', () => {
    for (const { output } of processes) {
      expect(output).not.toContain(a.token);
      expect(output).not.toMatch(/eyJ[\w-]{10,}\./);
    }
  });
});

async function startSlowService(): Promise<Server> {
  const files = await Promise.resolve([{ id: 'fil_acme_1' }]);
  const gate = new Promise<void>((resolve) => (release = resolve));
  const schema = buildSubgraphSchema([{ typeDefs: parse(SLOW_SDL), resolvers: { Query: { slow: () => ({ files }) } } as never }]);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      waiting += 1;
      const { query } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { query: string };
      void gate.then(async () => {
        const result = await execute({ schema, document: parse(query) });
        if (!response.destroyed) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
