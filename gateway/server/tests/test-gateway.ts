// A real gateway over real services on loopback: composed to a file, started as SUPERGRAPH=<file> would.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type GraphQLSchema, parse, subscribe } from 'graphql';
import { createHandler } from 'graphql-http/lib/use/http';
import { useServer } from 'graphql-ws/use/ws';
import { importJWK, SignJWT } from 'jose';
import { WebSocketServer } from 'ws';
import { createTokenVerifier } from '#platform/identity/token-verifier';
import { AUDIENCE, DEV_ISSUER, type DevUserName, issueDevToken } from '#platform/identity/dev-tokens';
import { createKeys, type KeyRing, loadKeys } from '#platform/keys';
import { createLogger } from '#platform/logger';
import { createMetrics } from '#platform/metrics';
import { readGatewayConfig } from '../../config.js';
import { type GatewayDeps, type RunningGateway, startGateway } from '../../main.js';
import { createFileRegistry } from '../../supergraph/registry.file.js';
import { createCredentials } from '../credentials.js';

export const LINK =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@external", "@requires", "@authenticated", "@requiresScopes", "@policy", "@cost", "@listSize", "@composeDirective"])\n';

export interface TestService {
  name: string;
  sdl: string;
  resolvers?: Record<string, unknown>;
  /** In place of a GraphQL service. */
  handler?: RequestListener;
}

export interface RunningService {
  name: string;
  url: string;
  server: Server;
  schema: GraphQLSchema;
  /** Headers and bodies of the calls that came. */
  calls: { headers: Record<string, unknown>; body: { query: string; variables?: Record<string, unknown> } }[];
  /** Headers with which its WebSockets were opened. */
  handshakes: IncomingHttpHeaders[];
}

export async function startService({ name, sdl, resolvers = {}, handler }: TestService): Promise<RunningService> {
  const schema = buildSubgraphSchema([{ typeDefs: parse(LINK + sdl), resolvers: resolvers as never }]);
  const answer = createHandler({ schema });
  const calls: RunningService['calls'] = [];
  const server = createServer((request, response) => {
    if (handler !== undefined) return handler(request, response);
    let body = '';
    request.on('data', (chunk: Buffer | string) => (body += chunk.toString()));
    request.on('end', () => calls.push({ headers: request.headers, body: JSON.parse(body) as RunningService['calls'][number]['body'] }));
    void answer(request, response);
  });
  const sockets = new WebSocketServer({ server });
  const handshakes: IncomingHttpHeaders[] = [];
  sockets.on('connection', (_, request) => handshakes.push(request.headers));
  useServer({ schema, subscribe: (args) => subscribe(args) }, sockets);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  server.on('close', () => sockets.close());
  return { name, url, server, schema, calls, handshakes };
}

export interface TestGateway extends RunningGateway {
  keys: KeyRing;
  services: Record<string, RunningService>;
  log: string[];
  token(user?: DevUserName): Promise<string>;
  /** Of a user of tenant acme with these scopes, separated by spaces, and other claims. */
  tokenWith(scope: string, claims?: Record<string, unknown>): Promise<string>;
  /** As alice, unless `headers` say otherwise. */
  post(body: unknown, headers?: Record<string, string>): Promise<Response>;
  query(query: string, variables?: Record<string, unknown>, headers?: Record<string, string>): Promise<TestAnswer>;
}

export interface TestAnswer {
  data?: Record<string, any> | null; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests read what they selected
  errors?: { message: string; path?: (string | number)[]; extensions: { code: string; [key: string]: unknown } }[];
  extensions?: { operation?: { id?: string; path: string; reason: string } };
}

export interface TestGatewayOptions {
  services: readonly TestService[];
  env?: Record<string, string>;
  deps?: Partial<GatewayDeps>;
  console?: Record<string, string>;
}

export async function startTestGateway({ services, env = {}, deps = {}, console = {} }: TestGatewayOptions): Promise<TestGateway> {
  const running = await Promise.all(services.map(startService));
  const composed = composeServices(
    services.map(({ name, sdl }, index) => ({ name, url: running[index]?.url ?? '', typeDefs: parse(LINK + sdl) })),
  );
  if (composed.supergraphSdl === undefined) throw new Error((composed.errors ?? []).map(({ message }) => message).join('\n'));
  const folder = await mkdtemp(join(tmpdir(), 'sluice-gateway-'));
  await writeFile(join(folder, 'supergraph.graphql'), composed.supergraphSdl);
  for (const [name, text] of Object.entries(console)) await writeFile(join(folder, name), text);

  const keys = await loadKeys({ dataDir: '/nowhere', env: { SLUICE_KEYS: JSON.stringify(await createKeys()) }, shared: true });
  const lines: string[] = [];
  const log = createLogger({
    name: 'test',
    level: 'debug',
    destination: { write: (line: string) => lines.push(line) > 0 } as unknown as NodeJS.WritableStream,
  });
  const config = readGatewayConfig({ PORT: '0', ADMIN_PORT: '0', ...env });
  const gateway = await startGateway({
    config,
    keys,
    log,
    metrics: createMetrics(),
    registry: await createFileRegistry(join(folder, 'supergraph.graphql')),
    durable: null,
    credentials: createCredentials({
      verifier: createTokenVerifier(config.auth.mode === 'none' ? { mode: 'none' } : { mode: 'dev', keys }),
      log,
    }),
    instance: 'test',
    consoleFolder: pathToFileURL(`${folder}/`),
    ...deps,
  });

  const token = (user: DevUserName = 'alice'): Promise<string> => issueDevToken(keys, user);
  const tokenWith = async (scope: string, claims: Record<string, unknown> = {}): Promise<string> =>
    new SignJWT({ tenant: 'ten_acme', scope, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: keys.devToken.kid, typ: 'at+jwt' })
      .setIssuer(DEV_ISSUER)
      .setAudience(AUDIENCE)
      .setSubject('usr_somebody')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(await importJWK(keys.devToken.privateJwk, 'ES256'));
  const alice = await token();
  const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${alice}`, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    ...gateway,
    keys,
    services: Object.fromEntries(running.map((service) => [service.name, service])),
    log: lines,
    token,
    tokenWith,
    post,
    query: async (query, variables, headers) => (await (await post({ query, variables }, headers)).json()) as TestAnswer,
    close: async () => {
      await gateway.close();
      for (const { server } of running) {
        server.closeAllConnections();
        server.close();
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
