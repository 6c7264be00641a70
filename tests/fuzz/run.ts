// `npm run fuzz`: generated operations through the built product over HTTP on loopback, direct and as workflows, against one merged schema.
// Prints figures; ends with 1 when an answer differed, was a 5xx, came after 5 s or not at all, or the gateway ended.
//   npm run build && npm run fuzz -- --direct 100000 --durable 5000 --minutes 60
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import fc from 'fast-check';
import { parse } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/http';
import { Agent, request } from 'undici';
import { compareWithMerged, operations } from '#tests/federation/generated/compare';
import type { RandomOperation } from '#tests/federation/generated/random-operation';
import { services } from '#tests/federation/generated/universe';
import { LINK } from '#tests/federation/support/federated-world';
import { findFreePorts, makeDataFolder, type SluiceProcess, startSluice } from '#tests/support/sluice-process';

const HANG_MS = 5_000;
const BATCH = 200;
const MAX_SHOWN = 10;
const LIMITS = ['TOKENS', 'DEPTH', 'ALIASES', 'DIRECTIVES', 'ROOT_FIELDS', 'SELECTIONS', 'COST'];

const { values } = parseArgs({
  options: {
    direct: { type: 'string', default: '1000' },
    durable: { type: 'string', default: '200' },
    /** Of each of the two; what was not asked by then is left out. */
    minutes: { type: 'string', default: '10' },
    callers: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const callers = Number(values.callers);
const agent = new Agent({ connections: callers, pipelining: 1 });
const data = await makeDataFolder();
const servers = await Promise.all(services.map(startService));
let failures = 0;
try {
  const supergraph = `${data.path}/supergraph.graphql`;
  await writeFile(supergraph, composeSupergraph(servers.map(({ url }) => url)));
  console.log(`seed ${values.seed}, ${services.length} services, ${callers} callers, node ${process.version}`);
  for (const execution of ['direct', 'durable'] as const) {
    const wanted = Number(values[execution]);
    if (wanted > 0) failures += await fuzz(execution, wanted, supergraph);
  }
} finally {
  for (const { server } of servers) {
    server.closeAllConnections();
    server.close();
  }
  await data.remove();
}
process.exit(failures > 0 ? 1 : 0);

async function fuzz(execution: 'direct' | 'durable', wanted: number, supergraph: string): Promise<number> {
  const { gateway, url } = await startGateway(execution, supergraph);
  const endsAt = Date.now() + Number(values.minutes) * 60_000;
  const times: number[] = [];
  const kinds = { mutations: 0, withErrors: 0, durable: 0 };
  let failed = 0;
  const resident: number[] = [];
  const fail = (operation: RandomOperation, why: string): void => {
    failed++;
    if (failed <= MAX_SHOWN)
      console.log(`\n${execution} failure\n${operation.document}\n${JSON.stringify(operation.variables)}\n${why.slice(0, 2_000)}`);
  };

  async function ask(operation: RandomOperation): Promise<void> {
    const startedAt = performance.now();
    try {
      const { statusCode, body } = await request(`${url}/graphql`, {
        method: 'POST',
        dispatcher: agent,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: operation.document, variables: operation.variables }),
        signal: AbortSignal.timeout(HANG_MS),
      });
      const text = await body.text();
      times.push(performance.now() - startedAt);
      if (statusCode !== 200) return fail(operation, `status ${statusCode}: ${text}`);
      const answer = JSON.parse(text) as { errors?: []; extensions?: { operation?: { path: string } } };
      if (operation.document.startsWith('mutation')) kinds.mutations++;
      if (answer.errors !== undefined) kinds.withErrors++;
      if (answer.extensions?.operation?.path === 'durable') kinds.durable++;
      const difference = await compareWithMerged(operation, answer);
      if (difference !== null) fail(operation, difference);
    } catch (error) {
      fail(operation, `no answer within ${HANG_MS} ms, or none at all: ${String(error)}`);
    }
  }

  const startedAt = Date.now();
  let asked = 0;
  for (let batch = 0; asked < wanted && Date.now() < endsAt && failed < 100; batch++) {
    const next = fc.sample(operations, { seed: Number(values.seed) + batch, numRuns: Math.min(BATCH, wanted - asked) });
    asked += next.length;
    await Promise.all(
      Array.from({ length: callers }, async () => {
        for (let operation = next.pop(); operation !== undefined; operation = next.pop()) await ask(operation);
      }),
    );
    resident.push(Math.round(await readRssMb(gateway.pid)));
    if (batch % 25 === 24) console.log(`  ${execution}: ${asked} asked, ${failed} failed, ${String(resident.at(-1))} MB`);
  }
  const seconds = (Date.now() - startedAt) / 1000;
  const code = await gateway.stop();
  if (code !== 0) failed++;
  times.sort((a, b) => a - b);
  const at = (share: number): string => (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(1);
  console.log(
    `${execution}: ${asked} of ${wanted} operations in ${seconds.toFixed(0)} s, ${failed} failures; p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms; ` +
      `RSS ${String(resident[resident.length >> 2])} MB after a quarter, ${String(resident.at(-1))} MB at the end; ` +
      `${kinds.mutations} mutations, ${kinds.withErrors} with errors, ${kinds.durable} as workflows; ended with ${String(code)}`,
  );
  return failed;
}

async function startGateway(execution: string, supergraph: string): Promise<{ gateway: SluiceProcess; url: string }> {
  const [port, admin, temporal, ui] = (await findFreePorts(4)).map(String) as [string, string, string, string];
  const gateway = startSluice(['start'], {
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
    SLUICE_DATA: `${data.path}/${execution}`,
    PORT: port,
    ADMIN_PORT: admin,
    TEMPORAL_PORT: temporal,
    TEMPORAL_UI_PORT: ui,
    SUPERGRAPH: supergraph,
    SLUICE_AUTH: 'none',
    SLUICE_EXECUTION: execution,
    // What is asked here is meant to be large.
    ...Object.fromEntries(LIMITS.map((name) => [`SLUICE_MAX_${name}`, '1000000'])),
  });
  await gateway.waitFor(/^ready$/m, 90_000);
  return { gateway, url: `http://127.0.0.1:${port}` };
}

async function startService({ sdl, resolvers = {} }: (typeof services)[number]): Promise<{ server: Server; url: string }> {
  const handle = createHandler({ schema: buildSubgraphSchema([{ typeDefs: parse(LINK + sdl), resolvers: resolvers as never }]) });
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing));
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql` };
}

function composeSupergraph(urls: readonly string[]): string {
  const composed = composeServices(services.map(({ name, sdl }, index) => ({ name, url: urls[index] ?? '', typeDefs: parse(LINK + sdl) })));
  if (composed.supergraphSdl === undefined) throw new Error((composed.errors ?? []).map(({ message }) => message).join('\n'));
  return composed.supergraphSdl;
}

async function readRssMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
}
