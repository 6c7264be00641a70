// What may grow goes on as a new run, and is the same operation all along. The server's own threshold (4,096 events) is lowered.
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseOperationId } from '#schema/contracts/ids';
import {
  applyOperationEvent,
  EMPTY_OPERATION_VIEW,
  type OperationEvent,
  type OperationView,
  type ResolutionChoice,
} from '#schema/contracts/operations';
import { MAX_PLAN_FETCHES } from '#schema/contracts/plan';
import type { PublishGeneration, RecoveryResult } from '#schema/contracts/workflows';
import { createDurableWorld, type DurableWorld } from './durable-world.js';
import { addSearchAttributes, startForgetfulServer } from './own-server.js';
import { scan } from './scan.js';

const SUGGESTED_AT_EVENTS = 60;
/** A run is left between two decisions, so that it may get somewhat longer. */
const LONGEST_EVENTS = 2 * SUGGESTED_AT_EVENTS;
/** Of Temporal: a longer history is ended by force. */
const HISTORY_LIMIT_EVENTS = 51_200;
const FORGETFUL = 'forgetful';
const RATE = 'mutation { rate(book: "b1", stars: 4) { stars author { name } } }';

let server: TestWorkflowEnvironment;
let lasting: DurableWorld;
let forgetful: DurableWorld;
const published: PublishGeneration[] = [];
beforeAll(async () => {
  server = await startForgetfulServer(FORGETFUL, 2, [`limit.historyCount.suggestContinueAsNew=${SUGGESTED_AT_EVENTS}`]);
  await addSearchAttributes(server, 'default');
  const activities = {
    compose_and_publish_activity: (request: PublishGeneration) => Promise.resolve({ generation: published.push(request) }),
  };
  lasting = await createDurableWorld(undefined, { address: server.address, activities });
  forgetful = await createDurableWorld(undefined, { address: server.address, namespace: FORGETFUL });
});
afterAll(async () => {
  await lasting.close();
  await forgetful.close();
  await server.teardown();
});
beforeEach(() => {
  published.length = 0;
  lasting.intercept = () => undefined;
  forgetful.intercept = () => undefined;
});

async function firstRunOf(workflowId: string): Promise<string> {
  const asked = { namespace: 'default', execution: { workflowId } };
  const { workflowExecutionInfo } = await server.connection.workflowService.describeWorkflowExecution(asked);
  return workflowExecutionInfo?.firstRunId ?? '';
}

/** Of all runs of a workflow id, the first one first: how many events each has. */
async function lengthsOf(workflowId: string, firstRunId: string): Promise<number[]> {
  const lengths: number[] = [];
  for (let runId: string | null | undefined = firstRunId; runId != null;) {
    const execution: { workflowId: string; runId: string } = { workflowId, runId };
    const { history } = await server.connection.workflowService.getWorkflowExecutionHistory({ namespace: 'default', execution });
    lengths.push(history?.events?.length ?? 0);
    runId = history?.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return lengths;
}

describe('error_recovery_workflow', () => {
  const viewOf = async ({ durable }: DurableWorld, id: string): Promise<OperationView> =>
    (await durable.readEvents(id)).reduce<OperationView>(applyOperationEvent, EMPTY_OPERATION_VIEW);

  async function failMutation(world: DurableWorld): Promise<string> {
    world.intercept = ({ operationKind }) => (operationKind === 'mutation' ? Promise.reject(new Error('lost')) : undefined);
    const started = await world.startRequest(RATE);
    await started.result();
    return (await world.durable.readEvents(started.operationId)).find((event) => event.__typename === 'RecoveryStarted')?.recovery ?? '';
  }
  const untilAsked = (world: DurableWorld, id: string, times: number) =>
    expect
      .poll(async () => (await world.durable.readEvents(id)).filter(({ __typename }) => __typename === 'InputRequired').length, {
        timeout: 20_000,
      })
      .toBe(times);
  const decide = (world: DurableWorld, id: string, choice: ResolutionChoice) =>
    world.durable.resolve(id, { choice, by: 'usr_operator', variables: null });

  it('is one operation over all its runs: its events, its state, its place in lists, decisions, its result', async () => {
    const id = await failMutation(lasting);
    const seen: OperationEvent[] = [];
    const watching = (async () => {
      for await (const event of lasting.durable.watch(id, { after: null, signal: new AbortController().signal })) seen.push(event);
    })();
    for (let attempt = 1; attempt <= 6; attempt += 1) {
      await untilAsked(lasting, id, attempt);
      expect(await lasting.durable.describe(id)).toMatchObject({
        id,
        status: 'INPUT_REQUIRED',
        facts: { kind: 'RECOVERY' },
        closedAt: null,
      });
      await decide(lasting, id, 'RETRY');
    }
    await untilAsked(lasting, id, 7);
    const { workflowId = '', runId = '' } = parseOperationId(id) ?? {};
    const lengths = await lengthsOf(workflowId, runId);
    expect(lengths.length).toBeGreaterThan(2);
    expect(Math.max(...lengths)).toBeLessThan(LONGEST_EVENTS);
    await expect
      .poll(async () => (await scan(lasting.durable)).filter(({ facts }) => facts.kind === 'RECOVERY').map((row) => [row.id, row.status]), {
        timeout: 10_000,
      })
      .toEqual([[id, 'INPUT_REQUIRED']]);

    lasting.intercept = () => undefined;
    await decide(lasting, id, 'RETRY');
    expect(await lasting.durable.attach<RecoveryResult>(id).result()).toMatchObject({ outcome: 'RECOVERED' });
    expect(await lasting.durable.describe(id)).toMatchObject({ id, status: 'COMPLETED', result: { data: { rate: { stars: 4 } } } });
    await watching;

    const events = await lasting.durable.readEvents(id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const isDurable = ({ __typename }: OperationEvent): boolean => __typename !== 'StepRetrying' && __typename !== 'StepProgressed';
    expect(seen.filter(isDurable)).toEqual(events);
    // Whoever comes back with a cursor of an early run misses nothing and gets nothing twice.
    const rest: OperationEvent[] = [];
    for await (const event of lasting.durable.watch(id, { after: events[3]?.cursor ?? null, signal: new AbortController().signal }))
      rest.push(event);
    expect(rest).toEqual(events.slice(4));
  });

  it('is reached after the run that its id names is not kept any more', async () => {
    const id = await failMutation(forgetful);
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await untilAsked(forgetful, id, attempt);
      await decide(forgetful, id, 'RETRY');
    }
    await untilAsked(forgetful, id, 4);
    const { workflowId = '', runId = '' } = parseOperationId(id) ?? {};
    const first = { namespace: FORGETFUL, execution: { workflowId, runId } };
    await expect
      .poll(
        () =>
          server.connection.workflowService.describeWorkflowExecution(first).then(
            () => 'kept',
            () => 'gone',
          ),
        { timeout: 40_000 },
      )
      .toBe('gone');
    expect(await forgetful.durable.describe(id)).toMatchObject({ id, status: 'INPUT_REQUIRED', facts: { kind: 'RECOVERY' } });
    expect((await viewOf(forgetful, id)).status).toBe('INPUT_REQUIRED');
    await forgetful.durable.cancel(id, { reason: 'known', by: 'usr_operator' });
    expect(await forgetful.durable.attach<RecoveryResult>(id).result()).toMatchObject({ outcome: 'GIVEN_UP', by: 'usr_operator' });
  });
});

describe('supergraph_coordinator_workflow', () => {
  it('publishes each change once and in order, whichever run it meets', async () => {
    const at = { workflowId: 'coordinator', taskQueue: lasting.taskQueue };
    const aChange = (requestId: string): PublishGeneration => ({ requestId, change: { kind: 'remove', name: 'x' } });
    const names = Array.from({ length: 40 }, (_, index) => `op.${index}`);
    const generations: number[] = [];
    for (let from = 0; from < names.length; from += 5) {
      const answers = await Promise.all(names.slice(from, from + 5).map((name) => lasting.durable.publishGeneration(aChange(name), at)));
      generations.push(...answers.map(({ generation }) => generation));
    }
    expect(published.map(({ requestId }) => requestId).sort()).toEqual([...names].sort());
    expect(names.map((name, index) => published[(generations[index] ?? 0) - 1]?.requestId === name)).toEqual(names.map(() => true));
    const again = await lasting.durable.publishGeneration(aChange('op.30'), at);
    expect([again.generation, published.length]).toEqual([generations[30], names.length]);

    const lengths = await lengthsOf('coordinator', await firstRunOf('coordinator'));
    expect(lengths.length).toBeGreaterThan(2);
    expect(Math.max(...lengths)).toBeLessThan(LONGEST_EVENTS);
    await server.client.workflow.getHandle('coordinator').terminate();
  });
});

describe('what never continues as new', () => {
  it('stays within what a history may have, with the longest plan that there is', async () => {
    const started = await lasting.startAsync('{ people { name reviews { stars book { title weight author { name } } } } }');
    await started.result();
    const { workflowId, runId } = started.run;
    const child = `${workflowId}/run`;
    for (const lengths of [await lengthsOf(workflowId, runId), await lengthsOf(child, await firstRunOf(child))]) {
      const [length = 0] = lengths;
      expect((length / lasting.calls.length) * MAX_PLAN_FETCHES).toBeLessThan(HISTORY_LIMIT_EVENTS / 2);
    }
  });
});
