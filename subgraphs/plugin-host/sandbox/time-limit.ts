// How long a plugin's call may take. What counts is processor time: on a busy machine the clock runs on while the thread waits its turn.
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * From now on: how many ms may pass before it has to be asked again; none or less: the time is up.
 *
 * @param limit.wallMs - by the clock, however little it has used
 * @param limit.readCpuMs - undefined where the system does not tell: then `cpuMs` is by the clock
 */
export function createTimeLimit(limit: {
  cpuMs: number;
  wallMs: number;
  now: () => number;
  readCpuMs: () => number | undefined;
}): () => number {
  const { cpuMs, wallMs, now, readCpuMs } = limit;
  const startedAtMs = now();
  const usedBeforeMs = readCpuMs();
  return () => {
    const passedMs = now() - startedAtMs;
    const usedMs = usedBeforeMs === undefined ? undefined : readCpuMs();
    if (usedBeforeMs === undefined || usedMs === undefined) return cpuMs - passedMs;
    return Math.min(cpuMs - (usedMs - usedBeforeMs), wallMs - passedMs);
  };
}

/** Names the thread that asks, for {@link readThreadCpuMs}; null where the system has no such names. */
export function nameOwnThread(): string | null {
  try {
    return readlinkSync('/proc/thread-self');
  } catch {
    return null;
  }
}

/** Processor time of a thread of this process; undefined where the system does not tell, or the thread is gone. */
export function readThreadCpuMs(thread: string | null): number | undefined {
  if (thread === null) return undefined;
  try {
    return Number(readFileSync(`/proc/${thread}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e6;
  } catch {
    return undefined;
  }
}
