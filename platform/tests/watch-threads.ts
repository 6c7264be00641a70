// For tests that end threads from outside: `vi.mock('#platform/threads', watchThreads)`. The threads are the real ones.
import type { Worker } from 'node:worker_threads';
import type * as Threads from '../threads.js';

const started: { module: string; worker: Worker }[] = [];

export async function watchThreads(importOriginal: () => Promise<unknown>): Promise<object> {
  const original = (await importOriginal()) as typeof Threads;
  return {
    ...original,
    startThread: (...args: Parameters<typeof original.startThread>) => {
      const worker = original.startThread(...args);
      started.push({ module: args[0].pathname.split('/').at(-1) ?? '', worker });
      return worker;
    },
  };
}

/** Ends the newest thread of that module as a crash would. @returns how many were started before */
export async function killThread(module: string): Promise<number> {
  const all = started.filter((one) => one.module === module);
  await all.at(-1)?.worker.terminate();
  return all.length;
}
