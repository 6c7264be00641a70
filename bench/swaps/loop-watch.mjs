// Loaded into the gateway by --import: writes a line for each turn of its event loop that took long, `end ms, length, of it on the CPU`.
// On a shared machine a turn is also long when others had the processor; only what it spent on the CPU is the gateway's own doing.
import { appendFileSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setInterval } from 'node:timers';
import { isMainThread } from 'node:worker_threads';

const TICK_MS = 5;
const LONG_MS = 20;

if (isMainThread && process.env.LOOP_WATCH !== undefined) {
  const file = process.env.LOOP_WATCH;
  const readCpuMs = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ', 1)[0]) / 1e6;
  let last = performance.now();
  let lastCpu = readCpuMs();
  setInterval(() => {
    const now = performance.now();
    const cpu = readCpuMs();
    if (now - last - TICK_MS > LONG_MS) appendFileSync(file, `${Date.now()} ${(now - last).toFixed(1)} ${(cpu - lastCpu).toFixed(1)}\n`);
    last = now;
    lastCpu = cpu;
  }, TICK_MS).unref();
}
