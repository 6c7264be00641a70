import { expect, it } from 'vitest';
import { TURN } from './deployment.js';
import { FAULTS, inflict, scheduleFaults } from './faults.js';
import type { Victim } from './victims.js';

it('gives every process every fault, each as often', () => {
  const turns = scheduleFaults(TURN.length * FAULTS.length).map(({ name, fault }) => `${name} ${fault}`);
  expect(new Set(turns).size).toBe(TURN.length * FAULTS.length);
  for (const count of [15, 60])
    for (const fault of FAULTS)
      expect(scheduleFaults(count).filter((turn) => turn.fault === fault).length).toBeGreaterThanOrEqual(Math.floor(count / FAULTS.length));
});

it('rolls over every process of a kind, one after another, and lets what is frozen go on', async () => {
  const seen: string[] = [];
  const aVictim = (name: string): Victim => ({
    name,
    ownEnds: 0,
    forcedEnds: 0,
    kill: () => Promise.resolve(seen.push(`${name} killed`)),
    restart: async () => {
      seen.push(`${name} stops`);
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(`${name} is back`);
      return { endedMs: 1, readyMs: 2 };
    },
    signal: async (signal) => void seen.push(`${name} ${signal}`),
    stop: () => Promise.resolve(),
  });
  const victims = ['worker 1', 'gateway 1', 'worker 2'].map(aVictim);
  await inflict({ name: 'worker 2', fault: 'rolled' }, victims, 0);
  await inflict({ name: 'gateway 1', fault: 'frozen' }, victims, 0);
  expect(seen).toEqual([
    'worker 1 stops',
    'worker 1 is back',
    'worker 2 stops',
    'worker 2 is back',
    'gateway 1 SIGSTOP',
    'gateway 1 SIGCONT',
  ]);
});
