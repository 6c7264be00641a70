import { afterEach, describe, expect, it } from 'vitest';
import type { CodedError } from '#schema/contracts/errors';
import { keepRunning, type KeptRunning } from './keep-running.js';
import { createLogger } from './logger.js';
import type { EchoMethods } from './tests/echo-thread.js';
import { createThreadClient, startThread, type ThreadClient } from './threads.js';

const log = createLogger({ name: 'test', level: 'silent' });
let started: number;
let reasons: CodedError[];
let kept: KeptRunning<ThreadClient<EchoMethods>>;

/** @param mayStart - which of its starts succeed, counted from 1 */
function keepEcho(
  limits: { deaths: number; firstWaitMs?: number; maxWaitMs?: number },
  mayStart: (nth: number) => boolean = () => true,
): void {
  [started, reasons] = [0, []];
  kept = keepRunning({
    name: 'echo',
    start: async () => {
      started += 1;
      if (!mayStart(started)) throw new Error('it does not start');
      return Promise.resolve(createThreadClient<EchoMethods>(startThread(new URL('./tests/echo-thread.js', import.meta.url))));
    },
    log,
    giveUp: (reason) => reasons.push(reason),
    limits: { firstWaitMs: 1, ...limits },
  });
}
const crash = async (): Promise<void> => {
  const thread = await kept.current();
  await expect(thread.call('crash', null, 5_000)).rejects.toMatchObject({ code: 'PART_LOST', retryable: true });
  expect(await thread.ended).toBe('died');
};
const echo = async (text: string): Promise<string> => (await kept.current()).call('echo', text, 5_000);
afterEach(() => kept.close());

describe('what is kept running', () => {
  it('is started with the first question, and again after each death', async () => {
    keepEcho({ deaths: 3 });
    expect(started).toBe(0);
    for (const text of ['a', 'b', 'c']) {
      expect(await echo(text)).toBe(text);
      await crash();
    }
    expect(await echo('d')).toBe('d');
    expect([started, reasons]).toEqual([4, []]);
  });

  it('is given up after too many deaths, with a reason that is told once and to everybody who asks', async () => {
    keepEcho({ deaths: 2 });
    for (let death = 0; death < 3; death += 1) await crash();
    await expect(echo('x')).rejects.toMatchObject({ code: 'PART_LOST' });
    expect(reasons.map(({ message }) => message)).toEqual([expect.stringContaining('echo ended 3 times')]);
    expect(started).toBe(3);
  });

  it('may be ended by us as often as we like: a call over its time is no death', async () => {
    keepEcho({ deaths: 0 });
    for (let turn = 0; turn < 3; turn += 1) {
      const thread = await kept.current();
      await expect(thread.call('spin', 60_000, 50)).rejects.toMatchObject({ code: 'PART_LOST' });
      expect(await thread.ended).toBe('ended by us');
    }
    expect(await echo('still there')).toBe('still there');
    expect(reasons).toEqual([]);
  });

  it('tells the first asker of a start that fails, and tries again by itself later on', async () => {
    keepEcho({ deaths: 5 }, (nth) => nth !== 1 && nth !== 3);
    await expect(echo('x')).rejects.toThrow('it does not start');
    expect(await echo('y')).toBe('y');
    await crash();
    // The third start fails; the fourth is there for whoever asks afterwards.
    await expect.poll(() => echo('z').catch(() => null)).toBe('z');
    expect(started).toBe(4);
  });

  it('is left alone when it is closed, while it waits for its next start too', async () => {
    keepEcho({ deaths: 5, firstWaitMs: 60_000, maxWaitMs: 60_000 });
    await crash();
    await kept.close();
    expect(started).toBe(1);
  });
});
