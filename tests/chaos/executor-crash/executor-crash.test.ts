// The executor's promise (start-execution.ts, E1): whatever worker a run is on, however often it is replayed, data is right.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { startExecution } from '#gateway/execution/start-execution';
import { mergeFetches } from '#gateway/planning/merge-fetches';
import { createDataConverter } from '#platform/payload-codec';
import type { AuthContext } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { ExecutablePlan, GraphQLResponse } from '#schema/contracts/plan';
import { buildWorkflowBundle } from '#workers/bundle';
import { connectDurable } from '#workers/client/connect-durable';
import type { DurableClient } from '#workers/client/durable-client';
import { makeDataFolder } from '#tests/support/sluice-process';
import { log } from '#workers/tests/test-runtime';
import { loadTestKeys } from '#tests/support/test-keys';
import { answer, randomPlans } from './random-plan.js';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));
const AUTH: AuthContext = {
  principal: 'usr_alice' as PrincipalId,
  tenant: 'ten_acme' as TenantId,
  scopes: [],
  fingerprint: 'f'.repeat(64),
};

let folder: Awaited<ReturnType<typeof makeDataFolder>>;
let bundle: string;
let durable: DurableClient;
const workers = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await makeDataFolder();
  bundle = join(folder.path, 'workflows.js');
  await buildWorkflowBundle({ outFile: bundle });
  const dataConverter = createDataConverter(await loadTestKeys(), { namespace: 'default' });
  durable = await connectDurable({ address: inject('temporalAddress'), namespace: 'default', dataConverter, log });
});
afterAll(async () => {
  await Promise.all([...workers].map(kill));
  await durable.close();
  await folder.remove();
});

async function startWorker(taskQueue: string, { cached, longestMs }: { cached: number; longestMs: number }): Promise<ChildProcess> {
  const args = [inject('temporalAddress'), taskQueue, bundle, String(cached), String(longestMs)];
  const worker = spawn(process.execPath, ['--import', 'tsx', WORKER, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  workers.add(worker);
  await Promise.race([
    once(worker.stdout as NodeJS.ReadableStream, 'data'),
    once(worker, 'exit').then(() => Promise.reject(new Error('the worker ended before it was ready'))),
  ]);
  return worker;
}

async function kill(worker: ChildProcess): Promise<void> {
  workers.delete(worker);
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  worker.kill('SIGKILL');
  await once(worker, 'exit');
}

/** Runs the plan with its fetches merged, as the planner gives it. */
async function startRun(plan: ExecutablePlan, taskQueue: string, synchronous: boolean): Promise<() => Promise<GraphQLResponse>> {
  const request = {
    plan: { ...plan, root: plan.root === null ? null : mergeFetches(plan.root) },
    variables: {},
    generation: 1,
    operationName: null,
    documentHash: '',
    deadlineMs: 60_000,
    synchronous,
  };
  const run = await durable.start('multi_service_orchestration_workflow', [request, AUTH], {
    workflowId: `request/ten_acme/${randomUUID()}`,
    taskQueue,
    facts: { kind: 'ORCHESTRATION', title: 'crash test', tenant: AUTH.tenant, startedBy: AUTH.principal },
  });
  return async () => (await run.result()).response;
}

async function askInProcess(plan: ExecutablePlan): Promise<GraphQLResponse> {
  const { response } = await startExecution({ plan, variables: {}, port: { fetch: (fetch) => Promise.resolve(answer(fetch)) } }).answer;
  return response;
}

async function expectRightData(plan: ExecutablePlan, result: () => Promise<GraphQLResponse>, which: string): Promise<void> {
  expect(await result(), which).toEqual(await askInProcess(plan));
}

describe('the executor in a workflow gives the data that it gives in process', () => {
  const seed = randomInt(2 ** 31);

  it('while worker processes are killed with SIGKILL and others go on', async () => {
    const taskQueue = `crash-${randomUUID()}`;
    // Most runs take longer than a workflow task may: their local activities are in the history when a worker dies, and are replayed.
    const options = { cached: 1_000, longestMs: 1_200 };
    const plans = randomPlans(seed, 60);
    let killed = 0;
    let over = false;
    const alive = await Promise.all([startWorker(taskQueue, options), startWorker(taskQueue, options)]);
    const killing = (async () => {
      while (!over && killed < 5) {
        await delay(500 + Math.random() * 1_500);
        const [victim] = alive.splice(0, 1) as [ChildProcess];
        await kill(victim);
        killed += 1;
        alive.push(await startWorker(taskQueue, options));
      }
    })();
    const runs = await Promise.all(plans.map(async (plan, index) => ({ plan, result: await startRun(plan, taskQueue, index % 3 !== 0) })));
    for (const [index, { plan, result }] of runs.entries()) await expectRightData(plan, result, `plan ${index} of seed ${seed}`);
    over = true;
    await killing;
    expect(killed).toBeGreaterThanOrEqual(3);
    await Promise.all(alive.map(kill));
  }, 60_000);

  it('while every workflow task is a replay, for nothing is cached', async () => {
    const taskQueue = `replay-${randomUUID()}`;
    const worker = await startWorker(taskQueue, { cached: 0, longestMs: 800 });
    const [regular, local] = [randomPlans(seed + 1, 15), randomPlans(seed + 2, 4)];
    const runs = await Promise.all(regular.map(async (plan) => ({ plan, result: await startRun(plan, taskQueue, false) })));
    for (const [index, { plan, result }] of runs.entries()) await expectRightData(plan, result, `plan ${index} of seed ${seed + 1}`);
    // Without a cache the SDK holds one open workflow task at a time: runs on local activities come one after the other.
    for (const [index, plan] of local.entries())
      await expectRightData(plan, await startRun(plan, taskQueue, true), `plan ${index} of seed ${seed + 2}`);
    await kill(worker);
  }, 60_000);
});
