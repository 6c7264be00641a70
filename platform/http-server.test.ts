import { Agent, get } from 'node:http';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { assertFree, closeServer, createHttpServer, listen } from './http-server.js';

const agent = new Agent({ keepAlive: true });
afterEach(() => agent.destroy());

it('ends as soon as the last answer is out, also while a client keeps its connection open', async () => {
  let answer = (): void => undefined;
  const server = createHttpServer((_, response) => (answer = () => void response.end('done')));
  const asked = once(server, 'request');
  const url = await listen(server, { host: '127.0.0.1', port: 0, name: 'test' });
  const got = once(get(url, { agent }), 'response');
  await asked;

  const startedAt = performance.now();
  const closed = closeServer(server, 60_000);
  answer();
  const [response] = (await got) as [NodeJS.ReadableStream];
  response.resume();
  await closed;
  expect(performance.now() - startedAt).toBeLessThan(30_000);
});

it('knows before anything else whether a port is free, and leaves it so', async () => {
  const server = createHttpServer((_, response) => response.end());
  const port = Number(new URL(await listen(server, { host: '127.0.0.1', port: 0, name: 'test' })).port);
  const at = { host: '127.0.0.1', port, name: 'gateway' };
  await expect(assertFree(at)).rejects.toMatchObject({ code: 'PORT_TAKEN', message: expect.stringContaining(`gateway: port ${port}`) });
  await closeServer(server, 0);
  await assertFree(at);
  await assertFree(at);
});
