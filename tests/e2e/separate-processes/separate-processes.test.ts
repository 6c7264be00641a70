// What docker-compose.yml says, service by service, and a second gateway: every role as a process of its own on PostgreSQL and on a Temporal
// server that was started by somebody else.
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, parse } from 'graphql';
import { createClient } from 'graphql-ws';
import pg from 'pg';
import { WebSocket } from 'ws';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKeys } from '#platform/keys';
import { createPublisherKey } from '#platform/plugin-package/signature';
import { SCOPES } from '#schema/contracts/identity';
import { type ComposeDeployment, startCompose } from '#tests/support/compose';
import { publish, signTagPluginBy } from '#tests/support/demo-plugins';
import { eventually } from '#tests/support/eventually';
import { type Caller, createCaller } from '#tests/support/graphql-client';
import { type IdentityProvider, startIdentityProvider } from '#tests/support/identity-provider';
import { findPostgres } from '#tests/support/postgres';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from '#tests/support/sluice-process';

const COMPOSE_FILE = new URL('../../../docker-compose.yml', import.meta.url);
const SLOW_SDL =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"]) type Query { slow: Slow! } type Mutation { refuse: ID } type Slow { files: [File!]! } type File @key(fields: "id", resolvable: false) { id: ID! }';

let provider: IdentityProvider;
let deployment: ComposeDeployment;
let data: Awaited<ReturnType<typeof makeDataFolder>>;
let slow: Server;
/** Lets the slow service answer. */
let release: () => void = () => undefined;
let waiting = 0;
let processes: SluiceProcess[] = [];
let gatewayA: SluiceProcess;
let a: Caller;
let b: Caller;
/** What the slow service knows a file by. */
let fileId: string;

describe.runIf(findPostgres() !== undefined)(
  'the deployment of docker-compose.yml, on a Temporal server that knows nothing of ours',
  () => {
    beforeAll(async () => {
      provider = await startIdentityProvider();
      data = await makeDataFolder();
      slow = await startSlowService();
      await writeFile(`${data.path}/slow.graphql`, SLOW_SDL);
      await writeFile(
        `${data.path}/supergraph.yaml`,
        `subgraphs:\n  slow:\n    routing_url: http://127.0.0.1:${(slow.address() as { port: number }).port}/graphql\n    schema:\n      file: ./slow.graphql\n`,
      );
      const { secret, key } = await createPublisherKey('sluice');
      deployment = await startCompose({
        file: COMPOSE_FILE,
        variables: {
          SLUICE_KEYS: JSON.stringify(await createKeys()),
          POSTGRES_PASSWORD: 'not-asked-for',
          SLUICE_JWKS_URL: provider.jwksUrl,
          SLUICE_JWT_ISSUER: provider.issuer,
          SLUICE_PUBLISHERS: JSON.stringify([key]),
        },
        extra: { SLUICE_SUBGRAPHS: `${data.path}/supergraph.yaml`, SUBGRAPH_TIMEOUT_MS: '20000' },
      });
      processes = [...deployment.processes.values()];
      gatewayA = deployment.processes.get('gateway') as SluiceProcess;
      const [port, admin] = (await findFreePorts(2)).map(String) as [string, string];
      const gatewayB = startSluice(['start', 'gateway'], { ...deployment.environmentOf('gateway'), PORT: port, ADMIN_PORT: admin });
      processes.push(gatewayB);
      await gatewayB.waitFor(/^ready$/m, 120_000);

      const urls = [deployment.publishedUrl('gateway'), `http://127.0.0.1:${port}`] as const;
      const operator = createCaller(urls[0], await provider.issue({ sub: 'usr_admin', tenant: 'ten_ops', scopes: SCOPES }));
      const made = await operator.query('mutation { createTenant(input: { slug: "acme", name: "Acme" }) { id } }');
      const tenant = made.data?.['createTenant'].id as string;
      const token = await provider.issue({ sub: 'usr_admin', tenant, scopes: SCOPES });
      [a, b] = [createCaller(urls[0], token), createCaller(urls[1], token)];
      const stored = await a.query('mutation { createFile(input: { name: "a.txt", mediaType: "text/plain", content: "aGk=" }) { id } }');
      fileId = stored.data?.['createFile'].id as string;
      await publish(a, await signTagPluginBy(secret, 'tag'));
    }, 240_000);
    afterAll(async () => {
      await Promise.all(processes.map((started) => started.stop()));
      await deployment.stop();
      provider.close();
      slow.closeAllConnections();
      slow.close();
      await data.remove();
    });

    it('runs a query over two services as a workflow', async () => {
      const answer = await a.query('{ files { nodes { name tenant { name } } } }');
      expect(answer.errors).toBeUndefined();
      expect(answer.data?.['files'].nodes).toEqual([{ name: 'a.txt', tenant: { name: 'Acme' } }]);
      expect(answer.extensions?.operation).toMatchObject({ path: 'durable', reason: 'several-services' });
    });

    it('undoes a saga whose last step is refused', async () => {
      const saga = await a.query(
        'mutation M @saga { createFile(input: { name: "b.txt", mediaType: "text/plain", content: "aGk=" }) { id } refuse }',
      );
      expect(saga.errors?.map(({ extensions: { code } }) => code)).toContain('STEP_UNDONE');
      const { data: found } = await a.query('{ files { nodes { name } } }');
      expect(found?.['files'].nodes).toEqual([{ name: 'a.txt' }]);
    });

    it('answers on B what was installed through A, and B streams the operation of A', async () => {
      const { data: started } = await a.query(
        'mutation { installPlugin(input: { name: "@sluice/tag" }) { operation { id } userErrors { message } } }',
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
        () => b.query('{ files(first: 1) { nodes { shareTag { size } } } }'),
        ({ errors, data: answer }) => errors === undefined && answer?.['files'].nodes[0].shareTag.size > 0,
        10_000,
      );
      expect(Date.now() - endedAt).toBeLessThan(2_000);
    });

    it('has waited for every process that serves: gateways, worker and plugin host', async () => {
      const client = new pg.Client(deployment.databaseUrl);
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
      await gatewayA.kill();
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
      const codes = await Promise.all(processes.filter((started) => started !== gatewayA).map((started) => started.stop()));
      expect(codes).toEqual(codes.map(() => 0));
    });

    it('printed neither a token nor anything that a caller sent', () => {
      for (const { output } of processes) {
        expect(output).not.toContain(a.token);
        expect(output).not.toMatch(/eyJ[\w-]{10,}\./);
      }
    });
  },
);

async function startSlowService(): Promise<Server> {
  const gate = new Promise<void>((resolve) => (release = resolve));
  const refuse = (): never => {
    throw new Error('refused');
  };
  const resolvers = { Query: { slow: () => ({ files: [{ id: fileId }] }) }, Mutation: { refuse } };
  const schema = buildSubgraphSchema([{ typeDefs: parse(SLOW_SDL), resolvers: resolvers as never }]);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { query } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { query: string };
      const isMutation = query.startsWith('mutation');
      if (!isMutation) waiting += 1;
      void (isMutation ? Promise.resolve() : gate).then(async () => {
        const result = await execute({ schema, document: parse(query) });
        if (!response.destroyed) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
      });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
