// The worker of a process, alone or beside a gateway.
import { randomUUID } from 'node:crypto';
import { toTokenVerifierOptions } from '#gateway/config';
import { createCredentials, type Credentials } from '#gateway/server/credentials';
import { followRegistry } from '#gateway/supergraph/follow-registry';
import { listenTo } from '#platform/database/listen';
import { createTokenVerifier } from '#platform/identity/token-verifier';
import { type Revocation, STANDING_CHANNEL } from '#schema/contracts/identity';
import { MAX_ANSWER_CHARS, TASK_QUEUES, toGatewayTaskQueue } from '#schema/contracts/workflows';
import { createOperationStore } from '#subgraphs/operations/store.drizzle';
import { createWebhookActivities } from '#workers/activities/deliver-webhook';
import { createOperationActivities } from '#workers/activities/operation-activities';
import { createRequestActivities } from '#workers/activities/request-activities';
import { translateErrors } from '#workers/activities/translate-errors';
import type { WorkerHost } from '#workers/host';
import type { Platform } from './platform.js';
import { createStandingCheck } from './standing.js';

/** For a worker without a gateway in its process, which would record for both: a plan may name a generation once every worker can read it. */
export async function recordWorker(platform: Platform, { instance }: WorkerRole): Promise<void> {
  const followed = followRegistry({
    registry: await platform.registry(),
    instance,
    role: 'worker',
    takeOver: () => Promise.resolve(),
    log: platform.log,
  });
  platform.onClose(() => followed.close());
}

export interface WorkerRole {
  host: WorkerHost;
  credentials: Credentials;
  instance: string;
}

/** @param options.plugins - serve plugin lifecycles and the coordinator as well */
export async function startWorkerRole(platform: Platform, options: { plugins: boolean }): Promise<WorkerRole> {
  const { log, keys } = platform;
  const instance = randomUUID();
  const hasTenants = platform.config.supergraphFile === null;
  const { members, demoData } = platform.config;
  const { auth } = platform.gatewayConfig;
  const credentials = createCredentials({
    verifier: createTokenVerifier(toTokenVerifierOptions(auth, keys)),
    ...(hasTenants
      ? {
          standing: createStandingCheck({
            registry: await platform.registry(),
            keys,
            // Tokens of an identity provider name principals of its own.
            requiresMembers: members === null ? auth.mode === 'dev' && demoData : members === 'required',
          }),
        }
      : {}),
    log,
  });
  if (hasTenants) {
    const tell = (message: string | null): void => credentials.revoke(message === null ? null : (JSON.parse(message) as Revocation));
    const stop = listenTo(await platform.database(), STANDING_CHANNEL, tell, log);
    platform.onClose(() => Promise.resolve(stop()));
  }
  const dataConverter = await platform.dataConverter();
  const requests = translateErrors(
    createRequestActivities({
      fetcher: (await platform.fetchesAhead()).fetcher,
      judge: credentials,
      ...(dataConverter.externalStorage === undefined
        ? { maxResponseChars: MAX_ANSWER_CHARS, maxFetchChars: MAX_ANSWER_CHARS }
        : { maxResponseChars: platform.gatewayConfig.maxRunAnswerChars }),
    }),
    log,
  );
  // A gateway over a foreign supergraph has no database, and no list.
  const store = platform.config.supergraphFile === null ? await createOperationStore(await platform.database()) : null;
  const operations = translateErrors(
    {
      ...createOperationActivities({ store }),
      ...createWebhookActivities({ keys, allowsPrivate: platform.gatewayConfig.allowsPrivateWebhooks, now: () => new Date() }),
    },
    log,
  );
  const connection = await platform.native();
  const { startWorkerHost } = await import('#workers/host');
  const host = await startWorkerHost({
    connection,
    namespace: platform.config.temporal.namespace,
    dataConverter,
    log,
    drainMs: platform.config.drainActivitiesMs,
    results: platform.localResults,
    queues: [
      { taskQueue: TASK_QUEUES.orchestration, workflows: true, activities: { ...requests, ...operations } },
      { taskQueue: toGatewayTaskQueue(instance), workflows: false, activities: requests },
      ...(options.plugins
        ? [
            {
              taskQueue: TASK_QUEUES.plugins,
              workflows: true,
              activities: await (await import('./lifecycle-activities.js')).createLifecycleActivities(platform),
            },
          ]
        : []),
    ],
  });
  host.failed.catch((error: unknown) => platform.fail(error));
  platform.onClose(() => host.close());
  return { host, credentials, instance };
}
