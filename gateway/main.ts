// The gateway put together: everything it needs is handed in, everything it opens it closes again.
// Shutdown: not ready → balancers notice → no new sockets, they end with 1012 and event streams without `complete` → running requests finish → supergraph,
// planner and fetcher close. What was handed in (Temporal, database, log) is closed by whoever made it, after this.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { GraphQLSchema } from 'graphql';
import type { SupergraphRegistry } from '#schema/contracts/supergraph';
import { toGatewayTaskQueue } from '#schema/contracts/workflows';
import { closeServer, createHttpServer, listen } from '#platform/http-server';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { isLoopback } from '#platform/loopback';
import type { Metrics } from '#platform/metrics';
import type { GatewayConfig } from './config.js';
import { createMemoryClaimStore } from './fetching/claim-store.memory.js';
import { createFetcher } from './fetching/create-fetcher.js';
import { createHeaderClaims, type HeaderClaims } from './fetching/header-claims.js';
import type { FetchesAhead } from './fetching/fetches-ahead.js';
import type { ServiceFetcher } from './fetching/service-fetcher.js';
import { createPlanner, type Planner } from './planning/create-planner.js';
import { createApolloServer } from './server/apollo-server.js';
import { createDocumentChecker } from './server/check-document.js';
import { followManifests } from './server/follow-manifests.js';
import { createActiveLabels } from './server/active-labels.js';
import { createAccessCheck } from './server/check-access.js';
import { createClientConnections } from './server/client-connections.js';
import type { Credentials } from './server/credentials.js';
import { createDevLogin } from './server/dev-login.js';
import type { DurablePort } from './server/durable-port.js';
import { createCostCheck } from './server/operation-cost.js';
import { createOperationExecutor } from './server/execute-operation.js';
import { createFileService } from './server/file-service.js';
import { createFileTransfers } from './server/file-transfers.js';
import { createGraphQLHttpHandler, MAX_BODY_BYTES } from './server/graphql-http.js';
import { createGraphQLSse } from './server/graphql-sse.js';
import { createGraphQLWs } from './server/graphql-ws.js';
import { bringsFiles, createDoor } from './server/http-door.js';
import { createHostPolicy } from './server/hosts.js';
import { notFound, refuseHost } from './server/http-replies.js';
import { createIncrementalAnswers } from './server/incremental-answers.js';
import { createLiveOperations } from './server/live-operations.js';
import { createMultipartReader } from './server/multipart-request.js';
import { createOperationResource } from './server/operation-resource.js';
import { createOriginPolicy } from './server/origins.js';
import { createConsoleHandler } from './server/static-console.js';
import { createTemporalCodec, type HistoryReading } from './server/temporal-codec.js';
import { createTrustedDocuments } from './server/trusted-documents.js';
import { createSubscriptionRunner } from './subscriptions/run-subscription.js';
import { createServiceStreams } from './subscriptions/service-streams.js';
import { createGenerations } from './supergraph/generations.js';
import { createServiceResolver } from './supergraph/service-resolver.js';

export interface GatewayDeps {
  config: GatewayConfig;
  keys: KeyRing;
  log: Logger;
  metrics: Metrics;
  /** Holds a generation already, or gets one within 30 s. */
  registry: SupergraphRegistry;
  /** Null: no Temporal; what needs a run is refused, queries run directly. */
  durable: DurablePort | null;
  /** Made by `createCredentials`; `authenticate_request_activity` of this process uses the same. */
  credentials: Credentials;
  /** Names this process: in the registry and in its task queue. */
  instance: string;
  /** Does a worker of this process serve `toGatewayTaskQueue(instance)`? Then credentials are judged through Temporal. */
  judgesThroughTemporal?: boolean;
  /** One that has begun to load already; made here when absent. */
  planner?: Planner;
  /** The fetcher of this process's worker, so that both share sockets; made here when absent. */
  fetcher?: ServiceFetcher;
  /** What the workers of this process take their first fetches from. */
  ahead?: FetchesAhead;
  /** Where headers of callers lie that runs need; in this process's memory when absent. */
  claims?: HeaderClaims;
  /** For Temporal's UI and command, which decode histories here; absent: nobody does. */
  histories?: HistoryReading;
  /** The built console. @default dist/console of this installation */
  consoleFolder?: URL;
}

export interface RunningGateway {
  url: string;
  adminUrl: string;
  /** Resolves when the last request has been answered or cut. */
  close(): Promise<void>;
}

/** @throws PORT_TAKEN, GENERATION_UNKNOWN, DATABASE_UNAVAILABLE, CONFIG_INVALID when a manifest cannot be read */
export async function startGateway(deps: GatewayDeps): Promise<RunningGateway> {
  const { config, keys, metrics, registry, durable, credentials, instance } = deps;
  const log = deps.log.child({ room: 'gateway' });
  // Apollo's gateway reports anonymous metrics unless this is set before it is made.
  process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';

  const consoleFolder = deps.consoleFolder ?? defaultConsoleFolder();
  const manifests = await followManifests({
    files: config.trustedDocuments.files,
    ownFile: fileURLToPath(new URL('trusted-documents.json', consoleFolder)),
    log,
  });
  const trusted = createTrustedDocuments({
    settings: config.trustedDocuments,
    index: () => manifests.current(),
    maxTokens: config.limits.tokens,
    metrics,
    log,
  });
  const isLocal = isLoopback(config.host);
  const named = [...(config.allowedHosts ?? []), ...config.allowedOrigins.map((origin) => new URL(origin).hostname)];
  const hosts = createHostPolicy({ bound: config.host, allowed: config.allowedHosts === null ? ['*'] : named });
  const origins = createOriginPolicy({ allowed: config.allowedOrigins, isLoopback: isLocal });
  const planner = deps.planner ?? createGatewayPlanner(deps);
  const claims = deps.claims ?? createHeaderClaims({ keys, store: createMemoryClaimStore() });
  const fetcher = deps.fetcher ?? createFetcher({ ...deps, claims });
  const documents = createDocumentChecker(config.limits);
  const onServed = ({ number, schema }: { number: number; schema: GraphQLSchema | undefined }): void => {
    metrics.generation.set(number);
    if (schema === undefined) return;
    subscriptions
      .review((document) => documents.fits(schema, document))
      .catch((error: unknown) => log.error({ err: error }, 'running subscriptions could not be reviewed'));
  };
  const generations = createGenerations({ registry, planner, instance, log, onServed });
  const operations = createOperationExecutor({
    planner,
    fetcher,
    durable,
    // Where nobody is asked for a credential, everyone has every right.
    access: createAccessCheck({
      mode: config.auth.mode === 'none' ? 'off' : config.accessRules,
      rulesOf: (schema) => generations.rulesOf(schema).access,
    }),
    cost: createCostCheck({ maximum: config.limits.cost, rulesOf: (schema) => generations.rulesOf(schema).cost }),
    labels: createActiveLabels({
      active: config.overrideLabels,
      labelsOf: (schema) => generations.rulesOf(schema).overrideLabels,
    }),
    keys,
    claims,
    ahead: deps.ahead,
    execution: config.execution,
    sagas: config.sagas,
    policies: config.operations,
    allowsPrivateWebhooks: config.allowsPrivateWebhooks,
    documents,
    trusted,
    fetchTimeoutMs: config.subgraph.timeoutMs,
    longestWaitMs: config.longestWaitMs,
    metrics,
    log,
  });
  const apollo = createApolloServer({ generations, operations, limits: config.limits, log });
  const streams = createServiceStreams({
    resolve: createServiceResolver(registry, config.subgraph.errors),
    keys,
    log,
    onEvent: () => fetcher.noteChange(),
  });
  const subscriptions = createSubscriptionRunner({
    streams,
    fetcher,
    fetchTimeoutMs: config.subgraph.timeoutMs,
    onOpen: (change) => metrics.subscriptions.inc(change),
  });
  const live = createLiveOperations({ generations, documents, trusted, operations, subscriptions, log });
  const incremental = createIncrementalAnswers({
    generations,
    documents,
    operations,
    execution: config.execution,
    policies: config.operations,
  });
  const files = createFileService({
    resolve: createServiceResolver(registry),
    generation: () => generations.current().generation.number,
    keys,
  });
  const multipart = createMultipartReader({ files, limits: { ...config.uploads, fieldBytes: MAX_BODY_BYTES }, log });
  const connections = createClientConnections(config.maxConnectionsPerClient);
  const sockets = createGraphQLWs({ live, connections, credentials, forward: config.forwardHeaders, hosts, origins, metrics, log });
  const sse = createGraphQLSse({ live, connections, credentials, log });
  if (durable !== null && deps.judgesThroughTemporal === true) {
    const queue = toGatewayTaskQueue(instance);
    credentials.judgeThrough((reference) =>
      durable.isAvailable() ? durable.judgeCredential(queue, reference) : credentials.judge(reference),
    );
  }

  let closing: Promise<void> | undefined;
  const http = createHttpServer(
    createDoor({
      hosts,
      graphql: createGraphQLHttpHandler({
        server: apollo,
        sse,
        incremental,
        trusted,
        multipart,
        forward: config.forwardHeaders,
        credentials,
        origins,
        metrics,
        log,
      }),
      transfers: createFileTransfers({ files, keys, maxBytes: config.uploads.maxBytes, origins, log }),
      operation: createOperationResource({ generations, operations, durable, credentials, origins, log }),
      codec:
        deps.histories === undefined
          ? null
          : createTemporalCodec({
              ...deps.histories,
              // What lies in an address is a credential on the developer's own machine only.
              uiCapability: config.auth.mode === 'dev' && isLocal ? deps.histories.uiCapability : null,
              keys,
              credentials,
              log,
            }),
      devLogin: config.auth.mode === 'dev' && isLocal ? createDevLogin({ keys, origins, log }) : null,
      console: createConsoleHandler(consoleFolder),
      readiness: () => ({
        ready: closing === undefined,
        generation: generations.current().generation.number,
        temporal: durable === null ? 'none' : durable.isAvailable() ? 'available' : 'away',
      }),
      log,
    }),
    { mayTakeLong: bringsFiles },
  );
  http.on('upgrade', (request, socket, head) => sockets.handleUpgrade(request, socket, head));
  const adminHosts = createHostPolicy({ bound: config.admin.host, allowed: isLoopback(config.admin.host) ? named : ['*'] });
  const admin = createHttpServer((request, response) => {
    if (!adminHosts.allows(request)) return refuseHost(response);
    if (request.url?.split('?', 1)[0] !== '/metrics') return notFound(response);
    metrics.render().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });

  const opened: (() => Promise<unknown>)[] = [
    () => manifests.close(),
    () => files.close(),
    () => streams.close(),
    ...(deps.planner === undefined ? [() => planner.close()] : []),
    ...(deps.fetcher === undefined ? [() => fetcher.close()] : []),
  ];
  try {
    await apollo.start();
    opened.unshift(() => apollo.stop());
    const url = await listen(http, { host: config.host, port: config.port, name: 'gateway' });
    // The server's end waits for upgraded sockets and event streams too, so all go down at once.
    opened.unshift(() => {
      sse.close();
      return Promise.all([sockets.close(), closeServer(http, config.drain.requestsMs)]);
    });
    const adminUrl = await listen(admin, { ...config.admin, name: 'metrics' });
    opened.push(() => closeServer(admin, 0));
    return {
      url,
      adminUrl,
      close: () => (closing ??= drain(config.drain.waitMs, opened)),
    };
  } catch (error) {
    await generations.close();
    await drain(0, opened);
    throw error;
  }
}

/** For {@link GatewayDeps.planner}. */
export function createGatewayPlanner({
  log,
  metrics,
  giveUp,
}: Pick<GatewayDeps, 'log' | 'metrics'> & { giveUp?: (reason: unknown) => void }): Planner {
  return createPlanner({
    ...(giveUp === undefined ? {} : { giveUp }),
    log: log.child({ room: 'gateway' }),
    onPlanned: (seconds, outcome) => metrics.planSeconds.observe({ outcome }, seconds),
  });
}

async function drain(waitMs: number, opened: readonly (() => Promise<unknown>)[]): Promise<void> {
  await sleep(waitMs);
  for (const close of opened) await close();
}

function defaultConsoleFolder(): URL {
  return new URL(import.meta.url.includes('/dist/gateway/') ? '../console/' : '../dist/console/', import.meta.url);
}
