import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import type { ServiceCall } from '#schema/contracts/activities';
import { parseOperationId } from '#schema/contracts/ids';
import { applyOperationEvent, EMPTY_OPERATION_VIEW, type OperationView, type ResolutionChoice } from '#schema/contracts/operations';
import type { ServiceAnswer } from '#schema/contracts/plan';
import type { RecoveryResult } from '#schema/contracts/workflows';
import { askMerged } from '#tests/federation/support/library';
import { createDurableWorld, type DurableWorld } from './durable-world.js';

const QUERY = '{ people { name reviews { stars } } }';
const RATE = 'mutation { rate(book: "b1", stars: 4) { stars author { name } } }';

let durable: DurableWorld;
beforeAll(async () => void (durable = await createDurableWorld()));
afterAll(() => durable.close());
beforeEach(() => {
  durable.calls.length = 0;
  durable.attention.length = 0;
  durable.intercept = () => undefined;
  durable.verdict = 'good';
});

const fail =
  (code: string, extra: object = {}) =>
  ({ node, chunk }: ServiceCall): Promise<ServiceAnswer> =>
    Promise.resolve({ node, chunk, data: null, errors: [{ message: 'no', extensions: { code, ...extra } }] });
const isMutation = ({ operationKind }: ServiceCall): boolean => operationKind === 'mutation';

async function viewOf(id: string): Promise<OperationView> {
  return (await durable.durable.readEvents(id)).reduce<OperationView>(applyOperationEvent, EMPTY_OPERATION_VIEW);
}

async function findRecovery(id: string): Promise<string | undefined> {
  return (await durable.durable.readEvents(id)).find((event) => event.__typename === 'RecoveryStarted')?.recovery;
}

async function recoveryOf(id: string): Promise<string> {
  await expect.poll(() => findRecovery(id)).toBeDefined();
  return (await findRecovery(id)) ?? '';
}

async function untilAsked(recovery: string): Promise<readonly ResolutionChoice[]> {
  await expect.poll(async () => (await viewOf(recovery)).status, { timeout: 10_000 }).toBe('INPUT_REQUIRED');
  return (await viewOf(recovery)).input?.choices ?? [];
}

const decide = (recovery: string, choice: ResolutionChoice, variables: RecoveryVariables = null) =>
  durable.durable.resolve(recovery, { choice, by: 'usr_operator', variables });
type RecoveryVariables = Parameters<DurableWorld['durable']['resolve']>[1]['variables'];
const resultOf = (recovery: string) => durable.durable.attach<RecoveryResult>(recovery).result();

describe('error_recovery_workflow', () => {
  it('tries again by itself what a background run failed at, and fetches nothing twice', async () => {
    let isDown = true;
    durable.intercept = (call) => (isDown && call.service === 'reviews' ? fail('SUBGRAPH_UNREACHABLE')(call) : undefined);
    const started = await durable.startAsync(QUERY);
    await started.result();
    expect(await durable.durable.describe(started.operationId)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'SUBGRAPH_UNREACHABLE' },
    });
    const before = durable.calls.length;
    isDown = false;
    const recovery = await recoveryOf(started.operationId);
    const { data } = await askMerged(QUERY);
    expect(await resultOf(recovery)).toEqual({ outcome: 'RECOVERED', by: null, response: { data } });
    expect(durable.calls.slice(before).map(({ service }) => service)).toEqual(['reviews']);
    expect(durable.attention.map(({ state }) => state)).toEqual(['RECOVERING', 'RESOLVED']);
    expect(durable.attention[0]).toMatchObject({ operationId: started.operationId, recoveryId: recovery, tenant: 'ten_acme' });
  });

  it('never sends a mutation of unknown outcome again unasked; asked to, with the same key', async () => {
    let isLost = true;
    durable.intercept = (call) => (isLost && isMutation(call) ? Promise.reject(new Error('connection lost')) : undefined);
    const started = await durable.startRequest(RATE);
    expect(await started.result()).toMatchObject({ response: { errors: [{ extensions: { code: 'OUTCOME_UNKNOWN' } }] } });
    expect(await durable.durable.describe(started.operationId)).toMatchObject({ status: 'FAILED', failure: { code: 'OUTCOME_UNKNOWN' } });
    const recovery = await recoveryOf(started.operationId);
    expect(await untilAsked(recovery)).toEqual(['RETRY', 'EDIT_VARIABLES', 'SKIP', 'GIVE_UP']);
    expect(durable.calls.filter(isMutation)).toHaveLength(1);
    expect(durable.attention.at(-1)?.state).toBe('INPUT_REQUIRED');

    isLost = false;
    await decide(recovery, 'RETRY');
    expect(await resultOf(recovery)).toMatchObject({
      outcome: 'RECOVERED',
      by: 'usr_operator',
      response: { data: { rate: { stars: 4 } } },
    });
    const keys = durable.calls.filter(isMutation).map(({ idempotencyKey }) => idempotencyKey);
    expect(keys).toEqual([`${started.operationId}.0`, `${started.operationId}.0`]);
    expect(durable.attention.at(-1)?.state).toBe('RESOLVED');
  });

  it('is found by the operation that failed: while it waits, and what became of it', async () => {
    let isLost = true;
    durable.intercept = (call) => (isLost && isMutation(call) ? Promise.reject(new Error('connection lost')) : undefined);
    const started = await durable.startRequest(RATE);
    expect(await durable.durable.findRecovery(started.operationId)).toBeUndefined();
    await started.result();
    const recovery = await recoveryOf(started.operationId);
    await untilAsked(recovery);
    expect(await durable.durable.findRecovery(started.operationId)).toMatchObject({
      id: recovery,
      status: 'INPUT_REQUIRED',
      facts: { recovers: started.operationId },
    });
    isLost = false;
    await decide(recovery, 'RETRY');
    await resultOf(recovery);
    const found = await durable.durable.findRecovery(started.operationId);
    expect(found).toMatchObject({ id: recovery, status: 'COMPLETED', outcome: 'RECOVERED', result: { data: { rate: { stars: 4 } } } });
    expect(await durable.durable.describe(started.operationId)).toMatchObject({ status: 'FAILED', failure: { code: 'OUTCOME_UNKNOWN' } });
  });

  it.each(['RETRY', 'EDIT_VARIABLES'] as const)('sends nothing for a caller who lost their standing meanwhile: %s', async (choice) => {
    let isLost = true;
    durable.intercept = (call) => (isLost && isMutation(call) ? Promise.reject(new Error('connection lost')) : undefined);
    const started = await durable.startRequest(RATE);
    await started.result();
    const recovery = await recoveryOf(started.operationId);
    await untilAsked(recovery);
    isLost = false;
    const sent = durable.calls.length;
    durable.verdict = 'refused';
    await decide(recovery, choice, choice === 'RETRY' ? undefined : {});
    const prompts = async () =>
      (await durable.durable.readEvents(recovery)).flatMap((event) => (event.__typename === 'InputRequired' ? [event.prompt] : []));
    await expect.poll(async () => (await prompts()).length, { timeout: 10_000 }).toBe(2);
    expect((await prompts())[1]).toMatch(/UNAUTHENTICATED.*REVOKED/);
    expect(durable.calls).toHaveLength(sent);

    durable.verdict = 'good';
    await decide(recovery, 'RETRY');
    expect(await resultOf(recovery)).toMatchObject({ outcome: 'RECOVERED', response: { data: { rate: { stars: 4 } } } });
  });

  it('reads the rest of a mutation whose effect is done, and does not repeat the effect', async () => {
    let isDown = true;
    durable.intercept = (call) => (isDown && call.service === 'people' ? fail('SUBGRAPH_TIMEOUT')(call) : undefined);
    const started = await durable.startRequest(RATE);
    await started.result();
    isDown = false;
    const recovery = await recoveryOf(started.operationId);
    await decide(recovery, 'RETRY');
    expect(await resultOf(recovery)).toMatchObject({ outcome: 'RECOVERED', response: { data: { rate: { stars: 4 } } } });
    expect(durable.calls.filter(isMutation)).toHaveLength(1);
  });

  it('leaves the answer that a service gave to its caller', async () => {
    durable.intercept = (call) => (isMutation(call) ? fail('BAD_USER_INPUT')(call) : undefined);
    const started = await durable.startRequest(RATE);
    expect(await started.result()).toMatchObject({ response: { errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] } });
    expect(await findRecovery(started.operationId)).toBeUndefined();
  });

  it('asks for other variables when a service refused a background mutation, and sends them under a key of their own', async () => {
    durable.intercept = (call) => (call.variables['stars'] === 9 ? fail('BAD_USER_INPUT')(call) : undefined);
    const started = await durable.startAsync('mutation($stars: Int!) { rate(book: "b1", stars: $stars) { stars } }', {
      variables: { stars: 9 },
    });
    await started.result();
    const recovery = await recoveryOf(started.operationId);
    await untilAsked(recovery);
    expect(await durable.durable.readVariableRules(recovery)).toEqual({ definitions: '($stars: Int!)', types: '' });
    await decide(recovery, 'EDIT_VARIABLES', { stars: 5 });
    expect(await resultOf(recovery)).toMatchObject({ outcome: 'RECOVERED', response: { data: { rate: { stars: 5 } } } });
    const [first, second] = durable.calls.filter(isMutation).map(({ idempotencyKey }) => idempotencyKey);
    expect(second).toBe(`${started.operationId}~1.0`);
    expect(second).not.toBe(first);
  });

  it.each([
    ['SKIP', 'SKIPPED'],
    ['GIVE_UP', 'GIVEN_UP'],
  ] as const)('ends on %s with the answer that there is', async (choice, outcome) => {
    durable.intercept = (call) => (isMutation(call) ? Promise.reject(new Error('lost')) : undefined);
    const started = await durable.startRequest(RATE);
    await started.result();
    const recovery = await recoveryOf(started.operationId);
    await untilAsked(recovery);
    await decide(recovery, choice);
    expect(await resultOf(recovery)).toMatchObject({ outcome, by: 'usr_operator', response: { data: { rate: null } } });
    expect((await viewOf(recovery)).status).toBe('COMPLETED');
  });

  it('asks again after a decision that did not help, and hears of one that is not offered nothing', async () => {
    durable.intercept = (call) => (isMutation(call) ? Promise.reject(new Error('lost')) : undefined);
    const started = await durable.startRequest(RATE);
    await started.result();
    const recovery = await recoveryOf(started.operationId);
    await untilAsked(recovery);
    await decide(recovery, 'COMPENSATE');
    await decide(recovery, 'RETRY');
    await expect.poll(() => durable.calls.filter(isMutation).length).toBe(2);
    await untilAsked(recovery);
    const events = await durable.durable.readEvents(recovery);
    expect(events.flatMap((event) => (event.__typename === 'InputReceived' ? [event.choice] : []))).toEqual(['RETRY']);
    await decide(recovery, 'GIVE_UP');
    await resultOf(recovery);
    await expect(decide(recovery, 'RETRY')).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it.each(['cancelOperation', "Temporal's UI"])('is given up when it is cancelled by %s', async (how) => {
    durable.intercept = (call) => (isMutation(call) ? Promise.reject(new Error('lost')) : undefined);
    const started = await durable.startRequest(RATE);
    await started.result();
    const recovery = await recoveryOf(started.operationId);
    await untilAsked(recovery);
    if (how === 'cancelOperation') {
      await durable.durable.cancel(recovery, { reason: 'known', by: 'usr_operator' });
      expect(await resultOf(recovery)).toMatchObject({ outcome: 'GIVEN_UP', by: 'usr_operator' });
    } else {
      const connection = await Connection.connect({ address: inject('temporalAddress') });
      await new Client({ connection }).workflow.getHandle(parseOperationId(recovery)?.workflowId ?? '').cancel();
      await connection.close();
      await expect(resultOf(recovery)).rejects.toMatchObject({ status: 'CANCELLED' });
    }
    await expect.poll(() => durable.attention.at(-1)?.state).toBe('RESOLVED');
  });
});
