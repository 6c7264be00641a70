import { afterEach, describe, expect, it } from 'vitest';
import type { EchoMethods } from './tests/echo-thread.js';
import { createThreadClient, startThread, type ThreadClient } from './threads.js';

let client: ThreadClient<EchoMethods>;
const start = () => (client = createThreadClient<EchoMethods>(startThread(new URL('./tests/echo-thread.js', import.meta.url))));
afterEach(() => client.close());

describe('a thread', () => {
  it('answers requests in order', async () => {
    start();
    expect(await Promise.all(['a', 'b', 'c'].map((text) => client.call('echo', text, 5_000)))).toEqual(['a', 'b', 'c']);
  });

  it('hands a coded error over with its code', async () => {
    start();
    await expect(client.call('fail', 'NOT_FOUND', 5_000)).rejects.toMatchObject({ code: 'NOT_FOUND', message: 'there is none' });
  });

  it('is ended when a call is over its time, and rejects everything that waits', async () => {
    start();
    await client.call('echo', 'up', 5_000);
    const behind = client.call('echo', 'behind', 5_000);
    const hanging = client.call('spin', 60_000, 50);
    await behind;
    await expect(hanging).rejects.toMatchObject({ code: 'PART_LOST' });
    await client.ended;
    await expect(client.call('echo', 'late', 5_000)).rejects.toMatchObject({ code: 'PART_LOST' });
  });

  it('is waited for as long as there is more time for the call, and ended when there is none', async () => {
    start();
    let asked = 0;
    await client.call('spin', 200, 50, () => ((asked += 1), 20));
    expect(asked).toBeGreaterThan(0);
    let left = 2;
    await expect(client.call('spin', 60_000, 50, () => left--)).rejects.toMatchObject({ code: 'PART_LOST' });
    expect(left).toBe(-1);
  });
});
