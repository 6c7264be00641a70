import { afterEach, expect, it, vi } from 'vitest';
import { killThread } from '#platform/tests/watch-threads';
import { createComposer } from './composer.js';

vi.mock('#platform/threads', async (original) => (await import('#platform/tests/watch-threads')).watchThreads(original));

const composer = createComposer();
afterEach(() => composer.close());

it('a composer thread that ends by itself is replaced; what it was composing may be tried again', async () => {
  const service = { name: 'a', url: 'http://a', sdl: 'type Query { a: Int }' };
  await composer.compose([service]);
  const underWay = Promise.allSettled([composer.compose([service]), composer.compare('type Query { a: Int }', 'type Query { b: Int }')]);
  await killThread('composer-thread.js');
  for (const settled of await underWay)
    expect(settled).toMatchObject({ status: 'rejected', reason: { code: 'PART_LOST', retryable: true } });
  expect((await composer.compose([service])).supergraphSdl).toContain('a: Int');
});
