import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { startTestGateway } from './server/tests/test-gateway.js';

it('finishes what runs when it ends, says that it is not ready, and takes nothing new', async () => {
  let release!: () => void;
  const released = new Promise<void>((resolve) => (release = resolve));
  let asked = 0;
  const gateway = await startTestGateway({
    env: { SLUICE_DRAIN_WAIT_MS: '300' },
    services: [
      {
        name: 'slow',
        sdl: 'type Query { a: Int }',
        handler: (request, response) => {
          asked += 1;
          request.resume();
          void released.then(() => response.end('{"data":{"a":1}}'));
        },
      },
    ],
  });
  const running = gateway.query('{ a }');
  await expect.poll(() => asked).toBe(1);
  const closed = gateway.close();
  expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(503);
  expect((await fetch(`${gateway.url}/health/live`)).status).toBe(200);
  await expect
    .poll(() =>
      fetch(`${gateway.url}/health/live`).then(
        (response) => response.status,
        () => 'closed',
      ),
    )
    .toBe('closed');
  release();
  expect((await running).data).toEqual({ a: 1 });
  await closed;
});

it('says in one sentence that its port is taken, and leaves nothing behind', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const starting = startTestGateway({ services: [{ name: 'one', sdl: 'type Query { a: Int }' }], env: { PORT: String(port) } });
  await expect(starting).rejects.toMatchObject({
    code: 'PORT_TAKEN',
    message: expect.stringMatching(new RegExp(`port ${port} on 127.0.0.1 is taken`)),
  });
  other.close();
});
