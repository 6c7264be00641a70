// `sluice start`: one role, or all of them; the line `ready`; and the way down. A process loads the roles that it plays.
import { CodedError } from '#schema/contracts/errors';
import { readGatewayConfig } from '#gateway/config';
import type { RunningGateway } from '#gateway/main';
import { readTogether } from '#platform/config';
import { assertFree } from '#platform/http-server';
import { DEV_USERS } from '#platform/identity/dev-tokens';
import { readCliConfig } from '../config.js';
import { type Role, SUBGRAPH_NAMES, type SubgraphName } from '../roles.js';
import { openPlatform, type Platform } from './platform.js';

/** For all that a stop does beside what is set: connections, databases, our own Temporal server. */
const CLOSING_MS = 5_000;

/** @throws with a code when something that is needed is taken, wrong or away */
export async function start(
  role: Role | undefined,
  name: SubgraphName | undefined,
  env: NodeJS.ProcessEnv,
  options: { newKeys?: boolean } = {},
): Promise<number> {
  const [config, gatewayConfig] = readTogether(
    () => readCliConfig(env),
    () => readGatewayConfig(env),
  );
  const platform = await openPlatform(config, gatewayConfig, env, options);
  const stopped = waitForSignal();
  try {
    const lines = await startRole(platform, role, name);
    console.log(['ready', ...lines.map((line) => `  ${line}`)].join('\n'));
    const signal = await Promise.race([stopped, platform.failed]);
    platform.log.info({ signal }, 'stopping');
    return 0;
  } finally {
    // After this the process ends, whatever still runs.
    const limit = setTimeout(() => {
      platform.log.error('did not stop in time');
      process.exit(1);
    }, longestStopMs(platform));
    limit.unref();
    await platform.close();
    clearTimeout(limit);
  }
}

async function startRole(platform: Platform, role: Role | undefined, name: SubgraphName | undefined): Promise<string[]> {
  if (role !== undefined && platform.config.supergraphFile === null) assertSharedParts(platform);
  switch (role) {
    case undefined:
      return platform.config.supergraphFile === null ? startEverything(platform) : startFileGateway(platform);
    case 'gateway': {
      if (platform.config.supergraphFile !== null) return startFileGateway(platform);
      await prepareServices(platform);
      const gateway = await startGateway(platform, { plugins: false });
      return [`gateway    ${gateway.url}/graphql`, `metrics    ${gateway.adminUrl}/metrics`];
    }
    case 'worker': {
      await prepareServices(platform);
      const { recordWorker, startWorkerRole } = await import('./worker-role.js');
      await recordWorker(platform, await startWorkerRole(platform, { plugins: true }));
      return ['worker'];
    }
    case 'subgraph': {
      assertReachable(platform);
      if (name === undefined) throw new CodedError('BAD_USER_INPUT', `start subgraph: expected one of ${SUBGRAPH_NAMES.join(', ')}`);
      const { startSubgraphRole } = await import('./subgraph-role.js');
      return [`${name}  ${await startSubgraphRole(platform, name, platform.config.port ?? 0)}`];
    }
    case 'plugin-host': {
      assertReachable(platform);
      const { startPluginHostRole } = await import('./plugin-host-role.js');
      return [`plugin-host  ${await startPluginHostRole(platform, platform.config.port ?? 0)}`];
    }
  }
}

async function startEverything(platform: Platform): Promise<string[]> {
  const { gatewayConfig } = platform;
  await assertPortsFree(platform);
  // Slow to start and independent of each other.
  await Promise.all([platform.temporal(), platform.database(), platform.composer()]);
  const [{ startSubgraphRole }, { startPluginHostRole }] = await Promise.all([
    import('./subgraph-role.js'),
    import('./plugin-host-role.js'),
  ]);
  for (const subgraph of SUBGRAPH_NAMES) await startSubgraphRole(platform, subgraph, 0);
  await startPluginHostRole(platform, 0);
  await prepareServices(platform);
  const gateway = await startGateway(platform, { plugins: true });
  const { uiUrl } = await platform.temporal();
  return [
    `console    ${gateway.url}/${gatewayConfig.auth.mode === 'dev' ? `            sign in as ${Object.keys(DEV_USERS).join(', ')}` : ''}`,
    `GraphQL    ${gateway.url}/graphql${gatewayConfig.auth.mode === 'dev' ? '     npx sluice token --user admin' : ''}`,
    ...(uiUrl === null ? [] : [`Temporal   ${uiUrl}/`]),
    `metrics    ${gateway.adminUrl}/metrics`,
  ];
}

/** SUPERGRAPH=<file>: a plain federation gateway, with durable execution; large payloads lie in files, or in the database that is given. */
async function startFileGateway(platform: Platform): Promise<string[]> {
  await assertPortsFree(platform);
  const gateway = await startGateway(platform, { plugins: false });
  return [`GraphQL    ${gateway.url}/graphql`, `metrics    ${gateway.adminUrl}/metrics`];
}

async function prepareServices(platform: Platform): Promise<void> {
  await (await import('./services.js')).prepareServices(platform);
}

async function startGateway(platform: Platform, options: { plugins: boolean }): Promise<RunningGateway> {
  return (await import('./gateway-role.js')).startGatewayRole(platform, options);
}

/** @throws CONFIG_INVALID when a role of its own would have nothing to share with the others */
function assertSharedParts({ config }: Platform): void {
  const missing = [
    ...(config.databaseUrl === null ? ['DATABASE_URL'] : []),
    ...(config.temporal.address === null ? ['TEMPORAL_ADDRESS'] : []),
  ];
  if (missing.length > 0)
    throw new CodedError('CONFIG_INVALID', `${missing.join(' and ')} must be set to start a role as a process of its own`);
}

/** Requests, which may need the workers of this process, end before activities do. */
function longestStopMs({ config, gatewayConfig: { drain } }: Platform): number {
  return drain.waitMs + drain.requestsMs + config.drainActivitiesMs + CLOSING_MS;
}

/** @throws CONFIG_INVALID when other processes could not call this one */
function assertReachable({ config: { host, advertiseUrl } }: Platform): void {
  if (advertiseUrl === null && (host === '0.0.0.0' || host === '::'))
    throw new CodedError(
      'CONFIG_INVALID',
      `SLUICE_ADVERTISE_URL must be set where HOST is ${host}: other processes need an address to call this one at`,
    );
}

/** Before Temporal is started, which takes longer. @throws PORT_TAKEN */
async function assertPortsFree({ gatewayConfig: { host, port, admin } }: Platform): Promise<void> {
  await assertFree({ host, port, name: 'gateway' });
  await assertFree({ ...admin, name: 'metrics' });
}

function waitForSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
}
