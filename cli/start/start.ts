// `sluice start`: one role, or all of them; the line `ready`; and the way down.
import { CodedError } from '#schema/contracts/errors';
import { DEV_USERS } from '#platform/identity/dev-tokens';
import type { CliConfig } from '../config.js';
import { openPlatform, type Platform } from './platform.js';
import {
  assertSharedParts,
  prepareServices,
  recordWorker,
  startGatewayRole,
  startPluginHostRole,
  startSubgraphRole,
  startWorkerRole,
  SUBGRAPHS,
  type SubgraphName,
} from './roles.js';

/** After this the process ends, whatever still runs. */
const SHUTDOWN_LIMIT_MS = 25_000;

/** @throws with a code when something that is needed is taken, wrong or away */
export async function start(args: readonly string[], config: CliConfig, env: NodeJS.ProcessEnv): Promise<number> {
  const [role, name] = args;
  const platform = await openPlatform(config, env);
  const stopped = waitForSignal();
  try {
    const lines = await startRole(platform, role, name);
    console.log(['ready', ...lines.map((line) => `  ${line}`)].join('\n'));
    const signal = await stopped;
    platform.log.info({ signal }, 'stopping');
    return 0;
  } finally {
    const limit = setTimeout(() => {
      platform.log.error('did not stop in time');
      process.exit(1);
    }, SHUTDOWN_LIMIT_MS);
    limit.unref();
    await platform.close();
    clearTimeout(limit);
  }
}

async function startRole(platform: Platform, role: string | undefined, name: string | undefined): Promise<string[]> {
  if (role !== undefined && platform.config.supergraphFile === null) assertSharedParts(platform);
  switch (role) {
    case undefined:
      return platform.config.supergraphFile === null ? startEverything(platform) : startFileGateway(platform);
    case 'gateway': {
      if (platform.config.supergraphFile !== null) return startFileGateway(platform);
      await prepareServices(platform);
      const gateway = await startGatewayRole(platform, await startWorkerRole(platform, { plugins: false }));
      return [`gateway    ${gateway.url}/graphql`, `metrics    ${gateway.adminUrl}/metrics`];
    }
    case 'worker':
      await prepareServices(platform);
      await recordWorker(platform, await startWorkerRole(platform, { plugins: true }));
      return ['worker'];
    case 'subgraph':
      if (!(SUBGRAPHS as readonly string[]).includes(name ?? ''))
        throw new CodedError('BAD_USER_INPUT', `start subgraph: expected one of ${SUBGRAPHS.join(', ')}, got '${name ?? ''}'`);
      return [`${name}  ${await startSubgraphRole(platform, name as SubgraphName, platform.config.port ?? 0)}`];
    case 'plugin-host':
      return [`plugin-host  ${await startPluginHostRole(platform, platform.config.port ?? 0)}`];
    default:
      throw new CodedError('BAD_USER_INPUT', `start: expected gateway, worker, subgraph <name> or plugin-host, got '${role}'`);
  }
}

async function startEverything(platform: Platform): Promise<string[]> {
  const { gatewayConfig } = platform;
  // Slow to start and independent of each other.
  await Promise.all([platform.temporal(), platform.database(), platform.composer()]);
  for (const subgraph of SUBGRAPHS) await startSubgraphRole(platform, subgraph, 0);
  await startPluginHostRole(platform, 0);
  await prepareServices(platform);
  const worker = await startWorkerRole(platform, { plugins: true });
  const gateway = await startGatewayRole(platform, worker);
  const { uiUrl } = await platform.temporal();
  return [
    `console    ${gateway.url}/${gatewayConfig.auth.mode === 'dev' ? `            sign in as ${Object.keys(DEV_USERS).join(', ')}` : ''}`,
    `GraphQL    ${gateway.url}/graphql${gatewayConfig.auth.mode === 'dev' ? '     npx sluice token --user admin' : ''}`,
    ...(uiUrl === null ? [] : [`Temporal   ${uiUrl}/`]),
    `metrics    ${gateway.adminUrl}/metrics`,
  ];
}

/** SUPERGRAPH=<file>: a plain federation gateway, with durable execution and without a database. */
async function startFileGateway(platform: Platform): Promise<string[]> {
  const gateway = await startGatewayRole(platform, await startWorkerRole(platform, { plugins: false }));
  return [`GraphQL    ${gateway.url}/graphql`, `metrics    ${gateway.adminUrl}/metrics`];
}

function waitForSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
}
