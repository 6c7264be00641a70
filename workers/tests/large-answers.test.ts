// Answers that no history could hold: they lie in the database, the history names them.
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { Database } from '#platform/database/open-database';
import { createExternalStorage, createPayloadStore } from '#platform/payload-store/payload-store';
import { openTestDatabase } from '#platform/tests/database';
import type { ServiceCall } from '#schema/contracts/activities';
import type { JsonObject } from '#schema/contracts/json';
import type { ServiceAnswer } from '#schema/contracts/plan';
import type { OrchestrationResponse } from '#schema/contracts/workflows';
import { world } from '#tests/federation/support/library';
import { createRequestActivities } from '../activities/request-activities.js';
import { createDurableWorld, type DurableWorld } from './durable-world.js';

let database: Database;
let durable: DurableWorld;
beforeAll(async () => {
  database = await openTestDatabase();
  const store = await createPayloadStore(database, { keepMs: 3_600_000 });
  durable = await createDurableWorld(world, { externalStorage: createExternalStorage(() => Promise.resolve(store)) });
});
afterAll(async () => {
  await durable.close();
  await database.close();
});
beforeEach(() => {
  durable.calls.length = 0;
});

const ask = (synchronous: boolean, maxAnswerChars = durable.durable.maxAnswerChars) =>
  durable.startRequest('{ book(id: "b1") { title author { name } } }', { synchronous, maxAnswerChars });
const answerWith = (title: string) => (call: { node: number; chunk: number; service: string }) =>
  call.service === 'catalog'
    ? Promise.resolve<ServiceAnswer>({
        node: call.node,
        chunk: call.chunk,
        errors: [],
        data: { book: { __typename: 'Book', id: 'b1', title, author: { __typename: 'Person', id: 'p1' } } },
      })
    : undefined;

describe('a large answer', () => {
  it.each([
    ['local', true],
    ['regular', false],
  ])('comes whole through %s activities, and the history holds none of it', async (_, synchronous) => {
    // Over the 2 MiB that Temporal takes for one payload.
    const title = 'x'.repeat(2_500_000);
    durable.intercept = answerWith(title);
    const started = await ask(synchronous);
    const { response } = (await started.result()) as OrchestrationResponse;
    expect(response.errors).toBeUndefined();
    expect(response.data?.['book']).toEqual({ title, author: { name: 'Ursula' } });
    // Whoever asks for it later, too.
    expect(((await durable.durable.describe(started.operationId))?.result as JsonObject)['data']).toEqual(response.data);

    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const history = await new Client({ connection }).workflow.getHandle(started.run.workflowId).fetchHistory();
    await connection.close();
    expect(JSON.stringify(history).length).toBeLessThan(100_000);
  });

  it('lies encrypted', async () => {
    durable.intercept = answerWith('Rocannon'.repeat(50_000));
    await (await ask(true)).result();
    const { rows } = await database.pool.query<{ bytes: Buffer }>('select bytes from payloads.payloads');
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter(({ bytes }) => bytes.includes('Rocannon'))).toEqual([]);
  });

  it('over the limit is a coded error, and nothing is asked twice', async () => {
    durable.intercept = answerWith('x'.repeat(100_000));
    const started = await ask(false, 100_000);
    await expect(started.result()).rejects.toMatchObject({ code: 'SUBGRAPH_ANSWER_TOO_LARGE' });
    expect(durable.calls.filter(({ service }) => service === 'catalog')).toHaveLength(1);
  });
});

describe('without a store', () => {
  it('a fetch that no history can hold is an error of its service, before Temporal sees it', async () => {
    const activities = createRequestActivities({
      maxResponseChars: 1_000,
      maxFetchChars: 1_000,
      judge: { judge: () => Promise.reject(new Error('not asked')) },
      fetcher: { fetch: ({ node, chunk }) => Promise.resolve({ node, chunk, data: { text: 'x'.repeat(2_000) }, errors: [] }) },
    });
    const call = { node: 3, chunk: 0, service: 'catalog' } as ServiceCall;
    expect(await new MockActivityEnvironment().run((one: ServiceCall) => activities.route_to_service_activity(one), call)).toMatchObject({
      node: 3,
      data: null,
      errors: [{ extensions: { code: 'SUBGRAPH_ANSWER_TOO_LARGE', service: 'catalog' } }],
    });
  });
});
