// What is done to processes, and in which order.
import { pause } from './doors.js';
import { TURN } from './deployment.js';
import type { Victim } from './victims.js';

/**
 * `killed`: SIGKILL. `stopped`: SIGTERM, as a process manager stops it, and started again. `frozen`: SIGSTOP, and SIGCONT later. `rolled`: every
 * process of its kind is stopped and started again, one after another, as for a new release.
 */
export const FAULTS = ['killed', 'stopped', 'frozen', 'rolled'] as const;
export type Fault = (typeof FAULTS)[number];

export interface Turn {
  name: string;
  fault: Fault;
}

/** Every fault as often as any other, and each of them for every process, since their numbers have no common divisor. */
export function scheduleFaults(count: number): Turn[] {
  return Array.from({ length: count }, (_, turn) => ({
    name: TURN[turn % TURN.length] as string,
    fault: FAULTS[turn % FAULTS.length] as Fault,
  }));
}

export interface Suffered extends Turn {
  /** From the signal to its end; null when it did not end. */
  endedMs: number | null;
  /** From its end to being ready again; of a kill, from the signal. */
  readyMs: number | null;
}

/** Resolves when everything is ready again. */
export async function inflict({ name, fault }: Turn, victims: readonly Victim[], freezeMs: number): Promise<Suffered[]> {
  const victim = victims.find((candidate) => candidate.name === name);
  if (victim === undefined) throw new Error(`there is no process '${name}'`);
  switch (fault) {
    case 'killed':
      return [{ name, fault, endedMs: null, readyMs: await victim.kill() }];
    case 'stopped':
      return [{ name, fault, ...(await victim.restart()) }];
    case 'frozen':
      await victim.signal('SIGSTOP');
      await pause(freezeMs).finally(() => victim.signal('SIGCONT'));
      return [{ name, fault, endedMs: null, readyMs: null }];
    case 'rolled': {
      const suffered: Suffered[] = [];
      for (const one of victims) if (kindOf(one.name) === kindOf(name)) suffered.push({ name: one.name, fault, ...(await one.restart()) });
      return suffered;
    }
  }
}

/** `gateway 1` and `gateway 2` are of one kind, and so are all subgraphs. */
export function kindOf(name: string): string {
  return name.split(' ', 1)[0] as string;
}
