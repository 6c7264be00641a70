// Headers of a caller on their way to a user's own service, through a run: the service gets them, Temporal never does.
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import type { Payload } from '@temporalio/common';
import { NativeConnection } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { createMemoryClaimStore } from '#gateway/fetching/claim-store.memory';
import { createHeaderClaims, type HeaderClaims } from '#gateway/fetching/header-claims';
import { createServiceFetcher, type ServiceFetcher } from '#gateway/fetching/service-fetcher';
import { startTestGateway, type TestGateway } from '#gateway/server/tests/test-gateway';
import type { KeyRing } from '#platform/keys';
import { createDataConverter, createPayloadCodec } from '#platform/payload-codec';
import { parseOperationId } from '#schema/contracts/ids';
import { loadTestKeys } from '#tests/support/test-keys';
import { createRequestActivities } from '../activities/request-activities.js';
import { connectDurable } from '../client/connect-durable.js';
import type { DurableClient } from '../client/durable-client.js';
import { startWorkerHost, type WorkerHost } from '../host.js';
import { ensureRuntime, log } from './test-runtime.js';
import { countCoverage } from './workflow-coverage.js';

const NAMESPACE = 'default';
const SECRET = 'hunter2-of-the-caller';

let keys: KeyRing;
let connection: NativeConnection;
let durable: DurableClient;
let host: WorkerHost;
let fetcher: ServiceFetcher;
let claims: HeaderClaims;
let gateway: TestGateway;
let areClaimsGone = false;

beforeAll(async () => {
  ensureRuntime();
  keys = await loadTestKeys();
  const address = inject('temporalAddress');
  const dataConverter = createDataConverter(keys, { namespace: NAMESPACE });
  connection = await NativeConnection.connect({ address });
  durable = await connectDurable({ address, namespace: NAMESPACE, dataConverter, log, native: connection });
  const store = createMemoryClaimStore();
  claims = createHeaderClaims({
    keys,
    store: { ...store, get: (ref) => (areClaimsGone ? Promise.resolve(undefined) : store.get(ref)) },
  });
  fetcher = createServiceFetcher({
    resolve: (_, service) => Promise.resolve({ url: new URL(gateway.services[service]?.url ?? ''), signed: false }),
    keys,
    claims,
    log,
  });
  const taskQueue = `test-${randomUUID()}`;
  host = await startWorkerHost({
    connection,
    namespace: NAMESPACE,
    dataConverter,
    log,
    queues: [
      {
        taskQueue,
        workflows: true,
        activities: createRequestActivities({
          maxResponseChars: 1_000_000,
          judge: { judge: () => Promise.reject(new Error('nobody is judged here')) },
          fetcher,
        }),
      },
    ],
    adjust: await countCoverage(),
  });
  gateway = await startTestGateway({
    services: [
      {
        name: 'one',
        sdl: 'type Query { thing: Thing } type Thing @key(fields: "id") { id: ID! }',
        resolvers: { Query: { thing: () => ({ id: 1 }) } },
      },
      {
        name: 'two',
        sdl: 'type Thing @key(fields: "id") { id: ID!  name: String }',
        resolvers: { Thing: { __resolveReference: (given: object) => given, name: () => 'a thing' } },
      },
    ],
    env: { SLUICE_FORWARD_HEADERS: 'two=x-secret' },
    deps: {
      fetcher,
      claims,
      durable: { ...durable, start: (name, args, how) => durable.start(name, args, { ...how, taskQueue }) },
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await host.close();
  await fetcher.close();
  await durable.close();
  await connection.close();
});
beforeEach(() => {
  areClaimsGone = false;
  Object.values(gateway.services).forEach(({ calls }) => calls.splice(0));
});

const headersSeenBy = (service: string): unknown[] => gateway.services[service]?.calls.map(({ headers }) => headers['x-secret']) ?? [];

it('reach the service, and stand nowhere in the history', async () => {
  const { data, extensions } = await gateway.query('query Sealed { thing { name } }', undefined, { 'x-secret': SECRET });
  expect(data).toEqual({ thing: { name: 'a thing' } });
  expect(extensions?.operation?.path).toBe('durable');
  expect(headersSeenBy('one')).toEqual([undefined]);
  expect(headersSeenBy('two')).toEqual([SECRET]);

  const workflowId = parseOperationId(extensions?.operation?.id ?? '')?.workflowId ?? '';
  const client = new Client({ connection: await Connection.connect({ address: inject('temporalAddress') }) });
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  await client.connection.close();
  const texts = [Buffer.from(JSON.stringify(history)).toString('latin1'), ...(await decryptAll(history))];
  // What is sealed there can be read here, and is what it should be.
  expect(texts.filter((text) => text.includes('headerClaim')).length).toBeGreaterThan(0);
  for (const text of texts) {
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain(Buffer.from(SECRET).toString('base64').slice(0, -4));
  }
});

it('are gone after their time: the service is not called, the others answer', async () => {
  areClaimsGone = true;
  const { data, errors } = await gateway.query('{ thing { id name } }', undefined, { 'x-secret': SECRET });
  expect(data).toEqual({ thing: { id: '1', name: null } });
  expect(errors).toMatchObject([{ path: ['thing'], extensions: { code: 'CREDENTIAL_EXPIRED', service: 'two', retryable: false } }]);
  expect(headersSeenBy('two')).toEqual([]);
});

it('leave no claim where the caller sent none, or no service of the plan gets them', async () => {
  areClaimsGone = true;
  expect((await gateway.query('{ thing { name } }')).errors).toBeUndefined();
  const { errors } = await gateway.query('{ thing { id } }', undefined, { 'x-secret': SECRET });
  expect(errors).toBeUndefined();
});

/** Every payload anywhere in `value`, decrypted. */
async function decryptAll(value: unknown): Promise<string[]> {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  const { metadata, data } = value as Partial<Payload>;
  if (metadata != null && data instanceof Uint8Array) {
    // Search attributes are not.
    if (Buffer.from(metadata['encoding'] ?? []).toString() !== 'binary/encrypted') return [Buffer.from(data).toString('latin1')];
    const [plain] = await createPayloadCodec(keys, { namespace: NAMESPACE }).decode([{ metadata, data }], undefined);
    return [Buffer.from(plain?.data ?? []).toString('latin1')];
  }
  return (await Promise.all(Object.values(value).map(decryptAll))).flat();
}
