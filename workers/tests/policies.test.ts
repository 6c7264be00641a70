// `@timeout` and `@retry` of services, in runs on a real server: which kind of activity a fetch is, how long it may take, how often it is sent.
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import type { ServiceCall } from '#schema/contracts/activities';
import type { ServiceAnswer } from '#schema/contracts/plan';
import type { OrchestrationResponse } from '#schema/contracts/workflows';
import { createWorld } from '#tests/federation/support/federated-world';
import { createDurableWorld, type DurableWorld } from './durable-world.js';

const names = ['@idempotent', '@timeout', '@retry'];
const DIRECTIVES = `
  extend schema @link(url: "https://sluice.dev/directives/v1.0", import: ${JSON.stringify(names)})
    ${names.map((name) => `@federation__composeDirective(name: "${name}")`).join(' ')}
  directive @idempotent on FIELD_DEFINITION
  directive @timeout(ms: Int!) on FIELD_DEFINITION
  directive @retry(attempts: Int! = 3, intervalMs: Int! = 200, backoff: Float! = 2, maxIntervalMs: Int! = 10000) on FIELD_DEFINITION
`;
const services = createWorld([
  {
    name: 'shop',
    sdl: `${DIRECTIVES}
      type Query {
        item: Item
        slow: Item @timeout(ms: 5000)
        brief: Item @timeout(ms: 100)
        flaky: Item @retry(attempts: 4, intervalMs: 10)
        once: Item @retry(attempts: 1)
        seldom: Item @retry(attempts: 2, intervalMs: 2500)
      }
      type Mutation {
        pay: Item @idempotent @retry(attempts: 3, intervalMs: 10)
        order: Item @retry(attempts: 3, intervalMs: 10)
        patient: Item @timeout(ms: 20000)
      }
      type Item @key(fields: "id") { id: ID! }`,
    resolvers: {
      Query: Object.fromEntries(['item', 'slow', 'brief', 'flaky', 'once', 'seldom'].map((name) => [name, () => ({ id: 'i1' })])),
      Mutation: Object.fromEntries(['pay', 'order', 'patient'].map((name) => [name, () => ({ id: 'i1' })])),
    },
  },
  {
    name: 'stock',
    sdl: 'type Item @key(fields: "id") { id: ID!  count: Int }',
    resolvers: { Item: { __resolveReference: ({ id }: { id: string }) => ({ id, count: 3 }) } },
  },
]);

let durable: DurableWorld;
beforeAll(async () => void (durable = await createDurableWorld(services)));
afterAll(() => durable.close());
beforeEach(() => {
  durable.calls.length = 0;
  durable.intercept = () => undefined;
});

type Options = Parameters<DurableWorld['startRequest']>[1];
async function run(document: string, options?: Options): Promise<OrchestrationResponse> {
  return (await (await durable.startRequest(document, options)).result()) as OrchestrationResponse;
}
const away = ({ node, chunk }: ServiceCall): Promise<ServiceAnswer> =>
  Promise.resolve({ node, chunk, data: null, errors: [{ message: 'away', extensions: { code: 'SUBGRAPH_UNREACHABLE' } }] });
/** Does not answer before it is cut. */
const hang = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
const toShop = () => durable.calls.filter(({ service }) => service === 'shop');

describe('@retry', () => {
  it.each([
    ['a query, by a local activity', '{ flaky { id } }', true],
    ['a query for which nobody waits', '{ flaky { id } }', false],
    ['a mutation that may be sent twice', 'mutation { pay { id } }', true],
  ])('sends again what failed, until it is answered: %s', async (_, document, synchronous) => {
    durable.intercept = (call) => (toShop().length < 3 ? away(call) : undefined);
    const { response } = await run(document, { synchronous });
    expect(response.errors).toBeUndefined();
    expect(toShop()).toHaveLength(3);
    expect(new Set(toShop().map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  });

  it.each([
    ['by a local activity', true],
    ['by a regular one', false],
  ])('waits as long as declared, %s: three short waits are over before a long one', async (_, synchronous) => {
    durable.intercept = away;
    const sent: string[] = [];
    const count = (document: string, name: string) => run(document, { synchronous }).then(() => sent.push(name));
    await Promise.all([count('{ seldom { id } }', 'seldom'), count('{ flaky { id } }', 'flaky')]);
    expect(sent).toEqual(['flaky', 'seldom']);
    expect(durable.calls).toHaveLength(6);
  });

  it('answers as the service did when its attempts are used up', async () => {
    durable.intercept = away;
    const { response } = await run('{ flaky { id } }');
    expect(response).toMatchObject({ data: { flaky: null }, errors: [{ extensions: { code: 'SUBGRAPH_UNREACHABLE' } }] });
    expect(durable.calls).toHaveLength(4);
  });

  it('of one attempt leaves it at that, also when it was lost on the way', async () => {
    durable.intercept = () => Promise.reject(new Error('connection lost'));
    await run('{ once { id } }');
    expect(durable.calls).toHaveLength(1);
  });

  it('never has a mutation sent twice that is not @idempotent', async () => {
    durable.intercept = away;
    await run('mutation { order { id } }');
    expect(durable.calls).toHaveLength(1);
  });
});

describe('@timeout', () => {
  it.each([
    ['{ item { count } }', {}, [3_000, 3_000]],
    ['{ slow { count } }', {}, [5_000, 3_000]],
    ['{ brief { id } }', {}, [100]],
    ['{ brief { count } }', { synchronous: false, deadlineMs: 300_000 }, [100, 60_000]],
    ['{ slow { id } }', { deadlineMs: 2_000 }, [2_000]],
    ['mutation { patient { id } }', {}, [20_000]],
    ['mutation { order { id } }', {}, [10_000]],
  ] as const)('is what a fetch gets, within what is left of the run: %s %o', async (document, options, times) => {
    await run(document, options);
    expect(durable.calls.map(({ timeoutMs }) => Math.ceil(timeoutMs / 100) * 100)).toEqual([...times]);
  });

  it('longer than a local activity should take makes all fetches of the run regular ones', async () => {
    const connection = await Connection.connect({ address: inject('temporalAddress') });
    const scheduled = async (document: string): Promise<number> => {
      const started = await durable.startRequest(document);
      await started.result();
      const { events } = await new Client({ connection }).workflow.getHandle(started.run.workflowId).fetchHistory();
      return (events ?? []).filter(({ activityTaskScheduledEventAttributes: attributes }) => attributes != null).length;
    };
    expect(await scheduled('{ item { count } }')).toBe(0);
    expect(await scheduled('{ slow { count } }')).toBe(2);
    await connection.close();
  });
});

describe('the deadline of a run', () => {
  it('ends a slow fetch of a caller who waits, with what is finished', async () => {
    durable.intercept = (call, signal) => (call.service === 'stock' ? hang(signal) : undefined);
    const { response } = await run('{ slow { id count } }', { deadlineMs: 1_500 });
    expect(response).toMatchObject({
      data: { slow: { id: 'i1', count: null } },
      errors: [{ extensions: { code: 'DEADLINE_EXCEEDED' } }],
    });
  });

  it('starts nothing that became ready after it', async () => {
    durable.intercept = async (call) => {
      if (call.service === 'shop') await new Promise((resolve) => setTimeout(resolve, 600));
      return services.ask(call);
    };
    // The first answer comes within the grace of its own time-out, and after the deadline.
    const { response } = await run('{ item { id count } }', { deadlineMs: 300 });
    expect(response).toMatchObject({
      data: { item: { id: 'i1', count: null } },
      errors: [{ extensions: { code: 'DEADLINE_EXCEEDED' } }],
    });
    expect(durable.calls).toHaveLength(1);
  });
});
