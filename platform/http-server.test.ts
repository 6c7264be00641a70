import { Agent, get } from 'node:http';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { closeServer, createHttpServer, listen } from './http-server.js';

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
