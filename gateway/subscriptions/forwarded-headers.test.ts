// Headers of a caller on the stream itself, over both transports.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buildSchema, subscribe } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { ServiceHeaders } from '#schema/contracts/headers';
import type { AuthContext } from '#schema/contracts/identity';
import { createLogger } from '#platform/logger';
import { loadTestKeys } from '#tests/support/test-keys';
import { collect } from '../server/tests/collect.js';
import { createServiceStreams, type ServiceStreams } from './service-streams.js';

const auth = { principal: 'usr_a', tenant: 'ten_a', scopes: [], fingerprint: '0'.repeat(64) } as unknown as AuthContext;
const schema = buildSchema('type Query { a: Int } type Subscription { a: Int }');

describe.each(['graphql-ws', 'server-sent events'])('over %s', (transport) => {
  let server: Server;
  let streams: ServiceStreams;
  let seen: IncomingHttpHeaders[];
  let isSigned: boolean;

  beforeEach(async () => {
    seen = [];
    isSigned = false;
    server = createServer((request, response) => {
      if (request.method !== 'POST') return void response.writeHead(404).end();
      seen.push(request.headers);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('event: next\ndata: {"data":{"a":1}}\n\nevent: complete\ndata:\n\n');
    });
    if (transport === 'graphql-ws') {
      const sockets = new WebSocketServer({ server });
      sockets.on('connection', (_, request) => seen.push(request.headers));
      async function* once(): AsyncGenerator<{ a: number }> {
        yield { a: 1 };
      }
      useServer({ schema, roots: { subscription: { a: once } }, subscribe: (args) => subscribe(args) }, sockets);
    }
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);
    streams = createServiceStreams({
      resolve: async () => ({ url, signed: isSigned }),
      keys: await loadTestKeys(),
      log: createLogger({ name: 'test', level: 'silent' }),
    });
  });
  afterEach(async () => {
    await streams.close();
    server.closeAllConnections();
    server.close();
  });

  async function read(headers?: ServiceHeaders): Promise<unknown[]> {
    const request = { generation: 1, service: 'one', operation: 'subscription { a }', operationName: null, variables: {}, auth, headers };
    return collect((await streams.open(request)).events);
  }

  it('they go to their service, and no other’s do', async () => {
    expect(await read({ one: { 'x-team': 'red' }, two: { authorization: 'secret' } })).toEqual([{ data: { a: 1 }, errors: [] }]);
    expect(seen).toEqual([expect.objectContaining({ 'x-team': 'red' })]);
    expect(seen[0]).not.toHaveProperty('authorization');
  });

  it('they never reach somebody with other headers', async () => {
    await Promise.all([read({ '*': { 'x-team': 'red' } }), read({ '*': { 'x-team': 'blue' } }), read()]);
    expect(seen.map((headers) => headers['x-team'])).toEqual(expect.arrayContaining(['red', 'blue', undefined]));
    expect(seen).toHaveLength(3);
  });

  it('none goes to a signed service', async () => {
    isSigned = true;
    await read({ '*': { 'x-team': 'red' } }).catch(() => undefined);
    expect(seen.map((headers) => headers['x-team']).filter((value) => value !== undefined)).toEqual([]);
  });
});
