// A worker on the run's real Temporal server, with the product's own host, door and encryption; services answer from memory.
import { randomUUID } from 'node:crypto';
import type { DataConverter, ExternalStorage } from '@temporalio/common';
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { inject } from 'vitest';
import { createDataConverter } from '#platform/payload-codec';
import type { AttentionRecord, ServiceCall, WebhookOutcome } from '#schema/contracts/activities';
import type { AuthContext } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { JsonObject } from '#schema/contracts/json';
import type { NotedRun } from '#schema/contracts/operations';
import type { ExecutablePlan, ServiceAnswer } from '#schema/contracts/plan';
import type { AsyncRequest, ComplexRequest, WebhookDelivery } from '#schema/contracts/workflows';
import { loadTestKeys } from '#tests/support/test-keys';
import type { World } from '#tests/federation/support/federated-world';
import { world } from '#tests/federation/support/library';
import { createRequestActivities } from '../activities/request-activities.js';
import { connectDurable } from '../client/connect-durable.js';
import type { DurableClient, StartOptions } from '../client/durable-client.js';
import { startWorkerHost, type WorkerHost } from '../host.js';
import { createLocalResults } from '../client/local-results.js';
import { ensureRuntime, log } from './test-runtime.js';
import { countCoverage } from './workflow-coverage.js';

export const AUTH: AuthContext = {
  principal: 'usr_alice' as PrincipalId,
  tenant: 'ten_acme' as TenantId,
  scopes: ['files:read'],
  fingerprint: 'f'.repeat(64),
};

export interface DurableWorld {
  durable: DurableClient;
  /** Of the Temporal server. */
  address: string;
  connection: NativeConnection;
  taskQueue: string;
  /** What follows histories now. */
  open: { reader: number; 'long poll': number };
  /** Calls that reached a service, in order. */
  calls: ServiceCall[];
  /** Takes the service's place for the calls it does not answer with undefined. */
  intercept: (call: ServiceCall, signal: AbortSignal) => Promise<ServiceAnswer> | undefined;
  verdict: 'good' | 'refused';
  /** What was recorded of operations that need attention, in order. */
  attention: AttentionRecord[];
  /** Messages that receivers were sent, and what these answer. */
  webhooks: WebhookDelivery[];
  receive: (attempt: number) => WebhookOutcome;
  startRequest(
    document: string,
    options?: Partial<ComplexRequest> & { variables?: JsonObject },
    how?: Partial<StartOptions>,
  ): ReturnType<DurableClient['start']>;
  /** For nobody to wait for. */
  startAsync(
    document: string,
    options?: Partial<ComplexRequest> & Partial<Pick<AsyncRequest, 'workflow' | 'webhook'>>,
  ): ReturnType<DurableClient['start']>;
  /** A worker like the first, on the same queue. */
  startWorker(): Promise<WorkerHost>;
  /** Of the first worker. */
  stopWorker(): Promise<void>;
  /** As Temporal's UI shows it. */
  statusInTemporal(workflowId: string): Promise<string>;
  close(): Promise<void>;
}

function aRequest(plan: ExecutablePlan): ComplexRequest {
  return {
    plan,
    variables: {},
    generation: 1,
    operationName: null,
    documentHash: '',
    deadlineMs: 30_000,
    synchronous: true,
  };
}

export interface DurableWorldOptions {
  externalStorage?: ExternalStorage;
  /** Of the Temporal server. @default the run's own */
  address?: string;
  namespace?: string;
  /** Besides those of requests, webhooks and recovery; null: this worker serves none at all. */
  activities?: object | null;
  /** Of a worker that is stopped. */
  drainMs?: number;
  /** @default that of the test's keys */
  dataConverter?: DataConverter;
  index?: { note(run: NotedRun): Promise<void> };
}

/** @param services - answer from memory */
export async function createDurableWorld(
  services: Pick<World, 'plan' | 'ask'> = world,
  {
    externalStorage,
    address = inject('temporalAddress'),
    namespace = 'default',
    activities: others = {},
    drainMs,
    dataConverter: given,
    index,
  }: DurableWorldOptions = {},
): Promise<DurableWorld> {
  ensureRuntime();
  const keys = await loadTestKeys();
  const dataConverter = given ?? createDataConverter(keys, { namespace, ...(externalStorage === undefined ? {} : { externalStorage }) });
  const connection = await NativeConnection.connect({ address });
  const taskQueue = `test-${randomUUID()}`;
  const open = { reader: 0, 'long poll': 0 };
  const results = createLocalResults();
  const self: DurableWorld = {
    durable: await connectDurable({
      address,
      namespace,
      dataConverter,
      log,
      native: connection,
      ...(index === undefined ? {} : { index }),
      results,
      onChange: (what, change) => void (open[what] += change),
    }),
    address,
    connection,
    taskQueue,
    open,
    calls: [],
    intercept: () => undefined,
    verdict: 'good',
    attention: [],
    webhooks: [],
    receive: () => ({ kind: 'delivered' }),
    startRequest: (document, { variables = {}, ...change } = {}, how = {}) => {
      const request = { ...aRequest(services.plan(document)), variables, ...change } satisfies ComplexRequest;
      return self.durable.start('multi_service_orchestration_workflow', [request, AUTH], {
        workflowId: `request/ten_acme/${randomUUID()}`,
        taskQueue,
        eager: true,
        facts: { kind: 'ORCHESTRATION', title: 'test request', tenant: AUTH.tenant, startedBy: AUTH.principal },
        ...how,
      });
    },
    startAsync: (document, { workflow = 'multi_service_orchestration_workflow', webhook, ...change } = {}) =>
      self.durable.start(
        'async_request_workflow',
        [
          {
            workflow,
            request: { ...aRequest(services.plan(document)), synchronous: false, ...change },
            ...(webhook === undefined ? {} : { webhook }),
          },
          AUTH,
        ],
        {
          workflowId: `request/ten_acme/${randomUUID()}`,
          taskQueue,
          facts: { kind: 'ASYNC_REQUEST', title: 'test request', tenant: AUTH.tenant, startedBy: AUTH.principal },
        },
      ),
    startWorker: () => startWorker(),
    stopWorker: () => host.close(),
    statusInTemporal: async (workflowId) =>
      (await new Client({ connection, dataConverter }).workflow.getHandle(workflowId).describe()).status.name,
    close: async () => {
      await Promise.all(hosts.map((one) => one.close()));
      await self.durable.close();
      await connection.close();
    },
  };
  const activities = createRequestActivities({
    maxResponseChars: 1_000_000,
    judge: {
      judge: async () =>
        self.verdict === 'good'
          ? { standing: 'good', auth: AUTH, expiresAtMs: Date.now() + 60_000 }
          : { standing: 'refused', reason: 'REVOKED' },
    },
    fetcher: {
      fetch: async (call, signal) => {
        self.calls.push(call);
        return (await self.intercept(call, signal)) ?? services.ask(call);
      },
    },
  });
  const ownActivities = {
    record_attention_activity: async (record: AttentionRecord) => void self.attention.push(record),
    deliver_webhook_activity: async (delivery: WebhookDelivery) => self.receive(self.webhooks.push(delivery)),
  };
  const adjust = await countCoverage();
  const hosts: WorkerHost[] = [];
  async function startWorker(): Promise<WorkerHost> {
    const started = await startWorkerHost({
      connection,
      namespace,
      dataConverter,
      log,
      results,
      queues: [
        {
          taskQueue,
          workflows: true,
          activities: others === null ? {} : { ...activities, ...ownActivities, ...others },
        },
      ],
      ...(drainMs === undefined ? {} : { drainMs }),
      adjust,
    });
    hosts.push(started);
    return started;
  }
  const host = await startWorker();
  return self;
}
