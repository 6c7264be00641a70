import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it, vi } from 'vitest';
import { heartbeatDuring } from './heartbeat.js';

it.each([
  ['succeeds', () => Promise.resolve('done'), 'done'],
  ['fails', () => Promise.reject(new Error('no')), new Error('no')],
] as const)('tells that the process is there until the work %s', async (_, end, expected) => {
  vi.useFakeTimers();
  try {
    const environment = new MockActivityEnvironment();
    let beats = 0;
    environment.on('heartbeat', () => (beats += 1));
    let finish: () => void = () => undefined;
    const working = new Promise<void>((resolve) => (finish = resolve));
    const running = environment.run(() => heartbeatDuring(() => working.then(end))).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(beats).toBe(4);
    finish();
    expect(await running).toEqual(expected);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(beats).toBe(4);
  } finally {
    vi.useRealTimers();
  }
});
