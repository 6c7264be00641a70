// What the roles of one process share: each part is opened when the first role asks for it, and closed in reverse order.
// Temporal's packages and Apollo Server take longer to load than a service to start, so they are loaded with the part that needs them.
import { join } from 'node:path';
import type { NativeConnection } from '@temporalio/worker';
import type { DataConverter } from '@temporalio/common';
import type { SupergraphRegistry } from '#schema/contracts/supergraph';
import { CodedError } from '#schema/contracts/errors';
import type { GatewayConfig } from '#gateway/config';
import { createFetcher } from '#gateway/fetching/create-fetcher';
import { createDatabaseClaimStore } from '#gateway/fetching/claim-store.database';
import { createMemoryClaimStore } from '#gateway/fetching/claim-store.memory';
import { createHeaderClaims, type HeaderClaims } from '#gateway/fetching/header-claims';
import { createFetchesAhead, type FetchesAhead } from '#gateway/fetching/fetches-ahead';
import type { ServiceFetcher } from '#gateway/fetching/service-fetcher';
import { createComposer } from '#gateway/supergraph/composer';
import { createDatabaseRegistry } from '#gateway/supergraph/registry.drizzle';
import { createFileRegistry } from '#gateway/supergraph/registry.file';
import { type BlobStore, createBlobStore } from '#platform/blob-store';
import { lockFolder } from '#platform/database/folder-lock';
import { type Database, openDatabase } from '#platform/database/open-database';
import { type KeyRing, loadKeys } from '#platform/keys';
import { writePrivately } from '#platform/private-folder';
import { createLogger, type Logger } from '#platform/logger';
import { createMetrics, type Metrics } from '#platform/metrics';
import type { PayloadStore } from '#platform/payload-store/payload-store';
import { ensureSearchAttributes } from '#platform/temporal-server/search-attributes';
import { ensureTemporal, type TemporalServer } from '#platform/temporal-server/ensure-temporal';
import type { Composer } from '#schema/contracts/supergraph';
import type { DurableClient } from '#workers/client/durable-client';
import { createLocalResults, type LocalResults } from '#workers/client/local-results';
import type { RunIndex } from '#subgraphs/operations/run-index';
import { type CliConfig, sharesKeys } from '../config.js';
import { toUiCodec } from './ui-codec.js';

/** For runs that wait for people; each read of a payload puts its end off. */
const LONGEST_RUN_MS = 30 * 24 * 3600 * 1000;

export interface Platform {
  config: CliConfig;
  gatewayConfig: GatewayConfig;
  env: NodeJS.ProcessEnv;
  log: Logger;
  metrics: Metrics;
  keys: KeyRing;
  temporal(): Promise<TemporalServer>;
  native(): Promise<NativeConnection>;
  dataConverter(): Promise<DataConverter>;
  /** Between this process's workers and its door to durable work. */
  localResults: LocalResults;
  durable(): Promise<DurableClient>;
  database(): Promise<Database>;
  /** Which runs exist. A gateway over a foreign supergraph has none. */
  runIndex(): Promise<RunIndex>;
  blobs(): Promise<BlobStore>;
  registry(): Promise<SupergraphRegistry>;
  composer(): Promise<Composer>;
  claims(): Promise<HeaderClaims>;
  fetcher(): Promise<ServiceFetcher>;
  /** Between a gateway and the worker beside it. */
  fetchesAhead(): Promise<FetchesAhead>;
  /** Has something closed with the rest. */
  onClose(close: () => Promise<unknown>): void;
  /** Without what has failed this process is of no use: whoever keeps it starts it anew. */
  fail(reason: unknown): void;
  /** Rejects with the first that failed. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** Where several gateways may share a Temporal, they have to share the store of its large payloads as well. */
function keepsPayloads({ supergraphFile, databaseUrl, temporal }: CliConfig): boolean {
  return supergraphFile === null || databaseUrl !== null || temporal.address === null;
}

/** @throws CONFIG_INVALID */
export async function openPlatform(
  config: CliConfig,
  gatewayConfig: GatewayConfig,
  env: NodeJS.ProcessEnv,
  { newKeys = false }: { newKeys?: boolean } = {},
): Promise<Platform> {
  const log = createLogger({ name: 'sluice', level: config.logLevel });
  writePrivately();
  const keys = await loadKeys({ dataDir: config.dataDir, env, shared: sharesKeys(config), newKeys });
  const closers: (() => Promise<unknown>)[] = [];
  const openings: Promise<unknown>[] = [];
  if (config.databaseUrl === null || config.temporal.address === null) {
    // Before anything is started or adopted: what another process of this folder runs is not ours to touch.
    const lock = await lockFolder(config.dataDir);
    closers.push(() => lock.release());
  }
  const { namespace } = config.temporal;
  const metrics = createMetrics();

  let fail: (reason: unknown) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  // Whoever waits hears of it; while it starts, nobody does yet.
  failed.catch(() => undefined);

  function lazily<T>(open: () => Promise<T>, close?: (opened: T) => Promise<unknown>): () => Promise<T> {
    let opening: Promise<T> | undefined;
    return () => {
      if (opening === undefined) {
        opening = open().then((opened) => {
          if (close !== undefined) closers.push(() => close(opened));
          return opened;
        });
        openings.push(opening);
      }
      return opening;
    };
  }

  const dataConverter = lazily(async () => {
    const [{ createDataConverter }, { createExternalStorage }] = await Promise.all([
      import('#platform/payload-codec'),
      import('#platform/payload-store/payload-store'),
    ]);
    const storage = keepsPayloads(config) ? { externalStorage: createExternalStorage(() => payloads()) } : {};
    return createDataConverter(keys, { namespace, ...storage });
  });
  const temporal = lazily(
    () =>
      ensureTemporal({
        ...config.temporal,
        uiCodec: toUiCodec(gatewayConfig),
        cacheDir: config.cacheDir,
        dataDir: config.dataDir,
        path: env['PATH'] ?? '',
        log,
        giveUp: fail,
      }),
    (server) => server.stop(),
  );
  const native = lazily(
    async () => {
      const { address } = await temporal();
      const [{ NativeConnection }, { installRuntime }] = await Promise.all([import('@temporalio/worker'), import('#workers/host')]);
      installRuntime(log);
      // What is large in these messages is encrypted, which does not compress.
      const connection = await NativeConnection.connect({ address, grpcCompression: { codec: 'none' } }).catch((cause: unknown) => {
        throw new CodedError('TEMPORAL_UNAVAILABLE', `the Temporal server at ${address} does not answer`, { cause });
      });
      await ensureSearchAttributes({ connection, address, namespace, log }).catch(async (error: unknown) => {
        await connection.close();
        throw error;
      });
      return connection;
    },
    (connection) => connection.close(),
  );
  const localResults = createLocalResults();
  const durable = lazily(
    async () => {
      const { connectDurable } = await import('#workers/client/connect-durable');
      return connectDurable({
        address: (await temporal()).address,
        namespace,
        dataConverter: await dataConverter(),
        log,
        native: await native(),
        results: localResults,
        ...(config.supergraphFile === null ? { index: await runIndex() } : {}),
        shares: config.tenantWeights,
        maxAnswerChars: gatewayConfig.maxRunAnswerChars,
        onChange: (what, change) => (what === 'reader' ? metrics.operationReaders : metrics.historyPolls).inc(change),
      });
    },
    (client) => client.close(),
  );
  const database = lazily(
    () => openDatabase({ url: config.databaseUrl, dataDir: config.dataDir, isLocked: true, log, giveUp: fail }),
    (opened) => opened.close(),
  );
  const blobs = lazily(async () => createBlobStore(await database()));
  const runIndex = lazily(async () => {
    const { createRunIndex } = await import('#subgraphs/operations/run-index.drizzle');
    return createRunIndex(await database(), log);
  });
  let openedPayloads: Promise<PayloadStore> | undefined;
  const payloads = (): Promise<PayloadStore> =>
    (openedPayloads ??= openPayloads().catch((error: unknown) => {
      openedPayloads = undefined;
      throw error;
    }));
  async function openPayloads(): Promise<PayloadStore> {
    const { config: settings } = await (await native()).workflowService.describeNamespace({ namespace });
    const retentionMs = Number(settings?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1000;
    const keepMs = LONGEST_RUN_MS + retentionMs;
    if (config.supergraphFile !== null && config.databaseUrl === null) {
      const { createFilePayloadStore } = await import('#platform/payload-store/file-store');
      return createFilePayloadStore(join(config.dataDir, 'payloads'), { keepMs });
    }
    const { createPayloadStore } = await import('#platform/payload-store/payload-store');
    return createPayloadStore(await database(), { keepMs });
  }
  const registry = lazily(async () =>
    config.supergraphFile === null ? createDatabaseRegistry(await database(), log) : createFileRegistry(config.supergraphFile),
  );
  const composer = lazily(
    async () => createComposer({ log, giveUp: fail }),
    (opened) => opened.close(),
  );
  const claims = lazily(async () =>
    createHeaderClaims({
      keys,
      store: config.supergraphFile === null ? await createDatabaseClaimStore(await database()) : createMemoryClaimStore(),
    }),
  );
  const fetcher = lazily(
    async () => createFetcher({ registry: await registry(), claims: await claims(), keys, log, metrics, config: gatewayConfig }),
    (opened) => opened.close(),
  );
  const fetchesAhead = lazily(async () => createFetchesAhead(await fetcher()));

  return {
    config,
    gatewayConfig,
    env,
    log,
    metrics,
    keys,
    temporal,
    native,
    dataConverter,
    localResults,
    durable,
    database,
    runIndex,
    blobs,
    registry,
    composer,
    claims,
    fetcher,
    fetchesAhead,
    onClose: (close) => void closers.push(close),
    fail,
    failed,
    close: async () => {
      // What is still being opened when a sibling fails has to be closed as well.
      await Promise.allSettled(openings);
      for (const close of closers.splice(0).reverse()) {
        await close().catch((error: unknown) => log.error({ err: error }, 'a part did not close'));
      }
    },
  };
}
