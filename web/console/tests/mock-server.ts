// A gateway's outside for the console's own tests: the API schema over data in memory, the dev sign-in, and the built
// console with the Content-Security-Policy that web/console/README.md asks of the gateway. The real one is met in tests/e2e.
import { randomBytes } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { buildSchema, execute, graphql, subscribe, validate } from 'graphql';
import { useServer as serveSubscriptions } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { type MockFiles, createMockFiles } from './mock-files.js';
import { type MockPlugin, PLUGINS, USERS } from './mock-data.js';
import { MockOperation, failedRequest, pastOperation, playDecision, playInstall } from './mock-operations.js';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
};

type Item = Record<string, unknown> & { id: string };

interface MockContext {
  user: string;
}

export interface MockGateway {
  readonly url: string;
  /** Length of a step of later installations, ms. */
  paceMs: number;
  readonly operations: Map<string, MockOperation>;
  readonly files: MockFiles;
  /** The next answers of this root field are an error with this code. */
  failing: { field: string; code: string } | null;
  /** Of the last decision with variables. */
  variables: object | null;
  /** Idempotency keys that came with mutations. */
  readonly keys: string[];
  close(): Promise<void>;
}

export async function startMockGateway(consoleFolder: string): Promise<MockGateway> {
  const schema = buildSchema(await readFile(new URL('../../../schema/generated/api.graphql', import.meta.url), 'utf8'));
  const operations = new Map<string, MockOperation>();
  const installed = new Map<string, { operation: MockOperation; version: string }>();
  const keys: string[] = [];
  let count = 0;

  const added = new EventEmitter().setMaxListeners(0);
  const add = (operation: MockOperation): MockOperation => {
    operations.set(operation.id, operation);
    operation.onStatus(() => added.emit('operation', operation));
    added.emit('operation', operation);
    return operation;
  };
  const newId = (): string =>
    `op_${Buffer.from(`019ab3c2-7d1e-7b42-9c55-${String(++count).padStart(12, '0')}:plugin`).toString('base64url')}`;
  for (const past of PAST) add(pastOperation({ ...past, id: newId() }));
  const wordCount = add(
    pastOperation({
      id: newId(),
      kind: 'PLUGIN_INSTALLATION',
      title: 'Install @sluice/word-count 2.3.1',
      by: 'usr_admin',
      minutesAgo: 7_200,
      tookMs: 9_400,
      outcome: 'completed',
    }),
  );
  installed.set('@sluice/word-count', { operation: wordCount, version: '2.3.1' });

  for (const [name, minutesAgo, left] of [
    ['ArchiveReports', 610, false],
    ['StoreFile', 14, true],
  ] as const)
    failedRequest({ id: newId(), name, minutesAgo, left }).forEach(add);

  const gateway: Omit<MockGateway, 'url' | 'close' | 'files'> = { paceMs: 500, operations, failing: null, keys, variables: null };

  const page = <Node extends { id: unknown }>(nodes: readonly Node[], first: number, after: string | null | undefined): object => {
    const from = after == null ? 0 : nodes.findIndex(({ id }) => id === after) + 1;
    const shown = nodes.slice(from, from + first);
    const pageInfo = {
      hasNextPage: from + first < nodes.length,
      hasPreviousPage: from > 0,
      startCursor: null,
      endCursor: shown.at(-1)?.id ?? null,
    };
    return { nodes: shown, edges: shown.map((node) => ({ node, cursor: node.id })), totalCount: nodes.length, pageInfo };
  };

  const files = createMockFiles(page);
  const toVersion = (plugin: MockPlugin, version: string, index = 0): Item => ({
    id: `${plugin.name}@${version}`,
    version,
    digest: '9f2c41d07be3a85516ce0b9d4f7a3e28c1d6f0a9b47e5c3382d1f6a0e9b7c45d',
    size: 42_187 - index * 900,
    permissions: plugin.permissions,
    sdl: plugin.sdl,
    readme: plugin.readme,
    publishedAt: new Date(Date.now() - (index * 40 + 6) * 86_400_000).toISOString(),
    publishedBy: { id: 'usr_admin' },
  });
  const toInstallation = (plugin: MockPlugin): Item | null => {
    const found = installed.get(plugin.name);
    if (found === undefined) return null;
    const { status } = found.operation.view;
    const phase = status === 'COMPLETED' ? 'ACTIVE' : status === 'WORKING' ? 'INSTALLING' : 'FAILED';
    return {
      id: `ins_${plugin.name}`,
      plugin: () => toPlugin(plugin),
      version: toVersion(plugin, found.version),
      phase,
      generation: phase === 'ACTIVE' ? 13 : null,
      grantedPermissions: plugin.permissions.map(({ permission }) => permission),
      installedAt: phase === 'ACTIVE' ? found.operation.view.updatedAt : null,
      installedBy: { id: 'usr_admin' },
      operation: { id: found.operation.id },
    };
  };
  const toPlugin = (plugin: MockPlugin): Item => ({
    ...plugin,
    id: `plg_${plugin.name.replace(/\W/g, '')}`,
    latest: toVersion(plugin, plugin.versions[0]!),
    versions: ({ first }: { first: number }) =>
      page(
        plugin.versions.map((version, index) => toVersion(plugin, version, index)),
        first,
        null,
      ),
    installation: toInstallation(plugin),
  });
  const guard = (field: string): void => {
    if (gateway.failing?.field !== field) return;
    throw Object.assign(new Error('The service gave no complete answer within its time-out.'), {
      extensions: { code: gateway.failing.code },
    });
  };

  const root = {
    ...files.root,
    operation: ({ id }: { id: string }) => operations.get(id)?.toGraphQL() ?? null,
    operations: ({
      first,
      after,
      filter,
    }: {
      first: number;
      after?: string;
      filter?: { kind?: string; status?: string; needsAttention?: boolean };
    }) => {
      guard(filter?.needsAttention === true ? 'attention' : 'operations');
      const newestFirst = [...operations.values()].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
      const matching = newestFirst.filter(
        ({ kind, view }) => (filter?.kind ?? kind) === kind && (filter?.status ?? view.status) === view.status,
      );
      const open = newestFirst.filter(({ recovers, done }) => recovers !== null && !done);
      return page(
        (filter?.needsAttention === true ? open : matching).map((operation) => operation.toGraphQL() as Item),
        first,
        after,
      );
    },
    plugins: ({ first, after, filter }: { first: number; after?: string; filter?: { text?: string; installed?: boolean } }) => {
      guard('plugins');
      const text = (filter?.text ?? '').toLowerCase();
      const matching = PLUGINS.filter(
        (plugin) =>
          `${plugin.name} ${plugin.displayName} ${plugin.description} ${plugin.keywords.join(' ')}`.toLowerCase().includes(text) &&
          (filter?.installed ?? installed.has(plugin.name)) === installed.has(plugin.name),
      );
      return page(matching.map(toPlugin), first, after);
    },
    plugin: ({ name }: { name: string }) => {
      const found = PLUGINS.find((plugin) => plugin.name === name);
      return found === undefined ? null : toPlugin(found);
    },
    pluginInstallations: ({ first }: { first: number }) =>
      page(
        PLUGINS.flatMap((plugin) => toInstallation(plugin) ?? []),
        first,
        null,
      ),
    tenant: ({ id }: { id: string }) => ({ id, name: id === 'ten_sluice' ? 'Sluice' : 'Acme' }),
    member: ({ id }: { id: string }) => {
      const user = USERS.find((each) => `usr_${each.id}` === id);
      return user === undefined ? null : { id, name: user.name };
    },
    installPlugin: ({ input }: { input: { name: string; version?: string } }) => {
      const plugin = PLUGINS.find(({ name }) => name === input.name);
      const running = installed.get(input.name)?.operation.view.status;
      if (plugin === undefined || running === 'WORKING' || running === 'COMPLETED')
        return {
          operation: null,
          userErrors: [{ code: 'ALREADY_INSTALLED', message: 'The plugin is installed already.', retryable: false }],
        };
      const version = input.version ?? plugin.versions[0]!;
      const operation = add(
        new MockOperation(newId(), 'PLUGIN_INSTALLATION', `Install ${plugin.name} ${version}`, 'usr_admin', new Date(), {
          plugin: plugin.name,
          version,
        }),
      );
      installed.set(plugin.name, { operation, version });
      void playInstall(operation, { paceMs: gateway.paceMs, ...(plugin.name === '@fabrikam/thumbnails' ? { failsAt: 'probe' } : {}) });
      return { operation: { id: operation.id }, userErrors: [] };
    },
    cancelOperation: ({ id, reason }: { id: string; reason?: string }) => {
      operations.get(id)?.emit({ __typename: 'CancelRequested', reason: reason ?? null, by: 'usr_admin' });
      return { operation: operations.get(id)?.toGraphQL() ?? null, userErrors: [] };
    },
    retryOperation: ({ id }: { id: string }, context: MockContext) => decide(id, 'RETRY', context),
    resolveOperation: (
      { id, choice, variables }: { id: string; choice: Parameters<typeof playDecision>[1]; variables?: object | null },
      context: MockContext,
    ) => {
      gateway.variables = variables ?? null;
      return decide(id, choice, context);
    },
    operationEvents: ({ id, after }: { id: string; after?: string }) => operations.get(id)!.follow(after),
    operationsChanged: () => watchAdded(added),
  };

  function decide(id: string, choice: Parameters<typeof playDecision>[1], { user }: MockContext): object {
    guard('decide');
    const recovery = operations.get(id)?.recovery ?? operations.get(id);
    if (recovery === undefined || recovery.done)
      return { operation: null, userErrors: [{ code: 'CONFLICT', message: 'it is resolved already', retryable: false }] };
    void playDecision(recovery, choice, `usr_${user}`, gateway.paceMs);
    return { operation: recovery.toGraphQL(), userErrors: [] };
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://mock');
    if (pathname === '/dev/users') return sendJson(response, 200, { users: USERS });
    if (pathname === '/dev/login') {
      const { user } = JSON.parse(await readBody(request)) as { user: string };
      return sendJson(response, 200, { token: `token-of-${user}`, expiresAt: new Date(Date.now() + 3_600_000).toISOString() });
    }
    if (pathname === '/graphql') {
      if (!(request.headers.authorization ?? '').startsWith('Bearer token-of-'))
        return sendJson(response, 401, { errors: [{ message: 'Sign in.', extensions: { code: 'UNAUTHENTICATED' } }] });
      const key = request.headers['idempotency-key'];
      if (typeof key === 'string') keys.push(key);
      const { query, variables, operationName } = JSON.parse(await readBody(request)) as {
        query: string;
        variables?: Record<string, unknown>;
        operationName?: string;
      };
      const contextValue: MockContext = { user: (request.headers.authorization ?? '').slice('Bearer token-of-'.length) };
      return sendJson(
        response,
        200,
        await graphql({ schema, source: query, rootValue: root, variableValues: variables, operationName, contextValue }),
      );
    }
    if (await files.answer(request, response)) return;
    return sendFile(response, consoleFolder, pathname);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => sendJson(response, 500, { errors: [{ message: String(error) }] }));
  });
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  serveSubscriptions(
    // Its own `graphql` may be another copy of the package than ours.
    {
      schema,
      execute,
      subscribe,
      validate,
      roots: { subscription: root, query: root, mutation: root },
      onConnect: ({ connectionParams }) => String(connectionParams?.token).startsWith('token-of-'),
    },
    sockets,
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return Object.assign(gateway, {
    files,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

/** As web/console/README.md says it. */
export function contentSecurityPolicy(pathname: string, nonce: string): string {
  const explorer = pathname === '/explorer';
  return [
    "default-src 'none'",
    "script-src 'self'",
    explorer ? "style-src 'self' 'unsafe-inline'" : `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    // The explorer's style sheet carries its fonts.
    explorer ? "font-src 'self' data:" : "font-src 'self'",
    "connect-src 'self'",
    ...(explorer ? ["worker-src 'self' blob:"] : []),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

async function sendFile(response: ServerResponse, folder: string, pathname: string): Promise<void> {
  const isPage = extname(pathname) === '';
  const path = isPage ? 'index.html' : normalize(pathname).replace(/^\/+/, '');
  const nonce = randomBytes(16).toString('base64');
  try {
    const content = await readFile(join(folder, path));
    response.writeHead(200, {
      'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
      ...(isPage ? { 'content-security-policy': contentSecurityPolicy(pathname, nonce) } : {}),
    });
    response.end(isPage ? content.toString('utf8').replace('__CSP_NONCE__', nonce) : content);
  } catch {
    response.writeHead(404).end();
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const PAST = [
  { kind: 'ORCHESTRATION', title: 'query FilesWithOwners', by: 'usr_alice', minutesAgo: 2, tookMs: 84, outcome: 'completed' },
  { kind: 'ORCHESTRATION', title: 'query TenantDashboard', by: 'usr_bob', minutesAgo: 4, tookMs: 131, outcome: 'completed' },
  { kind: 'API_REQUEST', title: 'mutation CreateFile', by: 'usr_alice', minutesAgo: 11, tookMs: 212, outcome: 'completed' },
  {
    kind: 'PLUGIN_INSTALLATION',
    title: 'Install @northwind/translate 0.9.4',
    by: 'usr_operator',
    minutesAgo: 26,
    tookMs: 14_800,
    outcome: 'cancelled',
  },
  { kind: 'ORCHESTRATION', title: 'query StorageReport', by: 'usr_operator', minutesAgo: 34, tookMs: 3_050, outcome: 'failed' },
  { kind: 'ASYNC_REQUEST', title: 'query YearlyArchive', by: 'usr_admin', minutesAgo: 58, tookMs: 71_000, outcome: 'completed' },
  { kind: 'ORCHESTRATION', title: 'query FilesWithOwners', by: 'usr_alice', minutesAgo: 95, tookMs: 77, outcome: 'completed' },
  { kind: 'SUPERGRAPH', title: 'Publish generation 13', by: 'usr_admin', minutesAgo: 7_199, tookMs: 1_420, outcome: 'completed' },
] as const;

/** Each operation that is added, until the reader leaves. */
function watchAdded(added: EventEmitter): AsyncIterableIterator<object> {
  const source = on(added, 'operation') as AsyncIterator<[MockOperation], undefined>;
  const changes: AsyncIterableIterator<object> = {
    [Symbol.asyncIterator]: () => changes,
    async next() {
      const next = await source.next();
      if (next.done === true) return next;
      return { done: false, value: { operationsChanged: next.value.map((operation) => operation.toGraphQL()) } };
    },
    async return() {
      await source.return?.();
      return { done: true, value: undefined };
    },
  };
  return changes;
}
