import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createTimeLimit, nameOwnThread, readThreadCpuMs } from './time-limit.js';

function aLimit(knowsCpu = true) {
  const clock = { now: 1_000, cpu: 70 };
  const leftMs = createTimeLimit({
    cpuMs: 50,
    wallMs: 5_000,
    now: () => clock.now,
    readCpuMs: () => (knowsCpu ? clock.cpu : undefined),
  });
  return { clock, leftMs };
}

describe('the time that a plugin may take', () => {
  it('is its own processor time: waiting for the processor is not held against it', () => {
    const { clock, leftMs } = aLimit();
    clock.now += 4_000;
    clock.cpu += 20;
    expect(leftMs()).toBe(30);
    clock.cpu += 30;
    expect(leftMs()).toBe(0);
  });

  it('has a bound by the clock as well', () => {
    const { clock, leftMs } = aLimit();
    clock.now += 4_990;
    expect(leftMs()).toBe(10);
    clock.now += 10;
    expect(leftMs()).toBe(0);
  });

  it('is by the clock where the system does not tell', () => {
    const { clock, leftMs } = aLimit(false);
    clock.now += 49;
    expect(leftMs()).toBe(1);
    clock.now += 1;
    expect(leftMs()).toBe(0);
  });

  it.runIf(process.platform === 'linux')('is read of another thread of the process', async () => {
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       parentPort.postMessage(require('node:fs').readlinkSync('/proc/thread-self'));
       parentPort.once('message', () => { let n = 0; for (let i = 0; i < 2e8; i++) n += i % 7; parentPort.postMessage(n); });`,
      { eval: true },
    );
    const [name] = (await once(worker, 'message')) as [string];
    const before = readThreadCpuMs(name) ?? 0;
    worker.postMessage('work');
    await once(worker, 'message');
    expect(readThreadCpuMs(name) ?? 0).toBeGreaterThan(before);
    await worker.terminate();
    expect(readThreadCpuMs(name)).toBeUndefined();
    expect(readThreadCpuMs(nameOwnThread())).toBeGreaterThan(0);
  });
});
