import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { AuthContext } from '#schema/contracts/identity';
import { createLogger } from '#platform/logger';
import { loadTestKeys } from '#tests/support/test-keys';
import { collect } from '../server/tests/collect.js';
import type { EventIterator } from './event-buffer.js';
import { readEvents } from './service-event-stream.js';
import type { ServiceEvent } from './service-stream.js';
import { createServiceStreams, type ServiceStreams } from './service-streams.js';

const auth = { principal: 'usr_a', tenant: 'ten_a', scopes: [], fingerprint: '0'.repeat(64) } as unknown as AuthContext;

async function* chunksOf(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe('server-sent events', () => {
  const text =
    ': hello\n\nevent: next\ndata: {"a":\ndata: "é"}\n\nevent: next\r\ndata: 2\r\n\r\nevent:complete\ndata:\n\nevent: next\ndata: cut';
  it.each([1, 2, 3, 7, 1_000])('are read alike in chunks of %i bytes', async (size) => {
    expect(await collect(readEvents(chunksOf(text, size)))).toEqual([
      { event: 'next', data: '{"a":\n"é"}' },
      { event: 'next', data: '2' },
      { event: 'complete', data: '' },
    ]);
  });

  it('are refused over 1 MiB, with or without a line’s end', async () => {
    const long = `data: ${'x'.repeat(300_000)}`;
    await expect(collect(readEvents(chunksOf(`${long}${long}${long}${long}`, 65_536)))).rejects.toThrow(/over/);
    await expect(collect(readEvents(chunksOf(`${long}\n${long}\n${long}\n${long}\n`, 65_536)))).rejects.toThrow(/over/);
  });
});

describe('a service that does not take WebSockets', () => {
  let server: Server;
  let streams: ServiceStreams;
  let posted: unknown[] = [];
  let upgrades = 0;
  let gone = 0;

  async function start(answer: (...args: Parameters<RequestListener>) => void): Promise<void> {
    [posted, upgrades, gone] = [[], 0, 0];
    server = createServer((request, response) => {
      if (request.method !== 'POST') {
        upgrades++;
        return void response.writeHead(404).end();
      }
      response.on('close', () => gone++);
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        posted.push([request.headers.accept, JSON.parse(body)]);
        answer(request, response);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);
    streams = createServiceStreams({
      resolve: async () => ({ url, signed: false }),
      keys: await loadTestKeys(),
      log: createLogger({ name: 'test', level: 'silent' }),
    });
  }
  afterEach(async () => {
    await streams.close();
    server.closeAllConnections();
    server.close();
  });
  const open = async (operation = 'subscription { a }'): Promise<EventIterator<ServiceEvent>> =>
    (await streams.open({ generation: 1, service: 'ticks', operation, operationName: null, variables: { n: 1 }, auth })).events;
  const events =
    (...parts: string[]): RequestListener =>
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const part of parts) response.write(part);
      response.end();
    };

  it('is asked for server-sent events, from the second time on at once', async () => {
    await start(
      events('event: next\ndata: {"data":{"a":1}}\n\n', ':\n\n', 'event: next\ndata: {"data":{"a":2}}\n\n', 'event: complete\ndata:\n\n'),
    );
    const expected = [1, 2].map((a) => ({ data: { a }, errors: [] }));
    expect(await collect(await open())).toEqual(expected);
    expect(await collect(await open())).toEqual(expected);
    expect(posted[0]).toEqual(['text/event-stream', { query: 'subscription { a }', variables: { n: 1 } }]);
    expect(upgrades).toBe(1);
  });

  it('loses no event by a flaw in its errors', async () => {
    const flawed = ['null', '"boom"', '["boom"]', '[{"message":1,"path":"a"}]'].map(
      (errors, a) => `{"data":{"a":${a}},"errors":${errors}}`,
    );
    await start(events(...flawed.map((text) => `event: next\ndata: ${text}\n\n`), 'event: complete\ndata:\n\n'));
    const came = await collect(await open());
    expect(came.map(({ data }) => data)).toEqual([0, 1, 2, 3].map((a) => ({ a })));
    expect(came.map(({ errors }) => errors.map(({ extensions }) => extensions.code))).toEqual([
      [],
      ['SUBGRAPH_BAD_ANSWER'],
      ['SUBGRAPH_BAD_ANSWER'],
      ['SUBGRAPH_ERROR'],
    ]);
  });

  it.each([
    ['breaks off', events('event: next\ndata: {"data":{"a":1}}\n\n'), 'SUBGRAPH_UNREACHABLE'],
    ['sends what is no result', events('event: next\ndata: [1]\n\n'), 'SUBGRAPH_BAD_ANSWER'],
    ['refuses in a way that cannot be read', events('event: next\ndata: {"errors":["no"]}\n\n'), 'SUBGRAPH_BAD_ANSWER'],
    ['sends no JSON', events('event: next\ndata: {\n\n'), 'SUBGRAPH_BAD_ANSWER'],
    ['refuses', events('event: next\ndata: {"errors":[{"message":"no","extensions":{"code":"NOT_HERE"}}]}\n\n'), 'NOT_HERE'],
    ['answers otherwise', (_, response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(), 'SUBGRAPH_BAD_ANSWER'],
  ])('ends the subscription with a code when it %s', async (_, answer, code) => {
    await start(answer);
    await expect(collect(await open())).rejects.toMatchObject({ errors: [{ extensions: { code, service: 'ticks' } }] });
  });

  it('notices when its subscriber leaves', async () => {
    await start((_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders());
    const stream = await open();
    const next = stream.next();
    while (posted.length === 0) await turn();
    await stream.return();
    expect(await next).toEqual({ done: true, value: undefined });
    while (gone === 0) await turn();
  });

  it('is not asked again in another way when it is only away', async () => {
    await start(() => undefined);
    server.close();
    await expect((await open()).next()).rejects.toMatchObject({ errors: [{ extensions: { code: 'SUBGRAPH_UNREACHABLE' } }] });
    expect(posted).toEqual([]);
  });
});
