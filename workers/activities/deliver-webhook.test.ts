import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deriveWebhookSecret } from '#platform/webhook-signature';
import { loadTestKeys } from '#tests/support/test-keys';
import type { WebhookDelivery } from '#schema/contracts/workflows';
import { deliverWebhook, type WebhookOptions } from './deliver-webhook.js';

let server: Server;
let url: string;
let keys: Awaited<ReturnType<typeof loadTestKeys>>;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let received: { headers: IncomingMessage['headers']; body: string; path: string }[];
beforeAll(async () => {
  keys = await loadTestKeys();
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      received.push({ headers: request.headers, body, path: request.url ?? '' });
      answer(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  received = [];
  answer = (_, response) => response.writeHead(204).end();
});

const AT = new Date('2026-06-01T12:00:00Z');
const deliver = (change: Partial<WebhookDelivery> = {}, options: Partial<WebhookOptions> = {}) =>
  deliverWebhook(
    {
      url,
      tenant: 'ten_acme',
      messageId: 'msg_op_1',
      message: {
        type: 'operation.completed',
        timestamp: AT.toISOString(),
        data: { id: 'op_1', status: 'COMPLETED', code: null },
      },
      ...change,
    },
    { keys, allowsPrivate: true, now: () => AT, ...options },
    new AbortController().signal,
  );

describe('a message', () => {
  it("is signed as Standard Webhooks say, with the tenant's own secret", async () => {
    expect(await deliver()).toEqual({ kind: 'delivered' });
    const [{ headers, body } = { headers: {}, body: '' }] = received;
    expect(JSON.parse(body)).toEqual({
      type: 'operation.completed',
      timestamp: '2026-06-01T12:00:00.000Z',
      data: { id: 'op_1', status: 'COMPLETED', code: null },
    });
    // As a receiver checks it, who knows the configured secret only.
    const secret = Buffer.from(deriveWebhookSecret(keys, 'ten_acme').slice('whsec_'.length), 'base64');
    const expected = createHmac('sha256', secret)
      .update(`msg_op_1.${AT.getTime() / 1_000}.${body}`)
      .digest('base64');
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': 'msg_op_1',
      'webhook-timestamp': String(AT.getTime() / 1_000),
      'webhook-signature': `v1,${expected}`,
    });
    expect(deriveWebhookSecret(keys, 'ten_globex')).not.toBe(deriveWebhookSecret(keys, 'ten_acme'));
  });

  it.each([
    [500, {}, { kind: 'failed', reason: 'status 500', retryAfterMs: 0 }],
    [429, { 'retry-after': '7' }, { kind: 'failed', reason: 'status 429', retryAfterMs: 7_000 }],
    [503, { 'retry-after': '99999999' }, { kind: 'failed', reason: 'status 503', retryAfterMs: 86_400_000 }],
    [503, { 'retry-after': 'Mon, 01 Jun 2026 12:00:30 GMT' }, { kind: 'failed', reason: 'status 503', retryAfterMs: 30_000 }],
    [503, { 'retry-after': 'Mon, 01 Jun 2026 11:00:00 GMT' }, { kind: 'failed', reason: 'status 503', retryAfterMs: 0 }],
    [503, { 'retry-after': 'soon' }, { kind: 'failed', reason: 'status 503', retryAfterMs: 0 }],
    [410, {}, { kind: 'refused', reason: 'status 410' }],
  ])('answered with %i is %j %j', async (status, headers, outcome) => {
    answer = (_, response) => response.writeHead(status, headers).end('no');
    expect(await deliver()).toEqual(outcome);
  });

  it('follows no redirect', async () => {
    answer = (_, response) => response.writeHead(307, { location: `${url}/elsewhere` }).end();
    expect(await deliver()).toMatchObject({ kind: 'failed', reason: 'status 307' });
    expect(received).toHaveLength(1);
  });

  it('does not read an answer without end', async () => {
    let sent = 0;
    answer = (_, response) => {
      const more = (): void => {
        if (response.destroyed) return;
        sent += 65_536;
        response.write('x'.repeat(65_536), () => setImmediate(more));
      };
      response.writeHead(200);
      more();
    };
    await deliver();
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it('without a receiver is to be tried again', async () => {
    expect(await deliver({ url: 'http://127.0.0.1:1/' })).toEqual({ kind: 'failed', reason: 'no answer', retryAfterMs: 0 });
  });
});

describe('an address', () => {
  const guarded = (to: string, addresses: readonly string[] = []) =>
    deliver({ url: to }, { allowsPrivate: false, resolve: () => Promise.resolve(addresses) });
  const port = (): string => new URL(url).port;

  it.each([
    ['127.0.0.1', () => `https://127.0.0.1:${port()}/`],
    ['a decimal 127.0.0.1', () => `https://2130706433:${port()}/`],
    ['a hexadecimal 127.0.0.1', () => `https://0x7f.1:${port()}/`],
    ['::1', () => `https://[::1]:${port()}/`],
    ['a mapped 127.0.0.1', () => `https://[::ffff:127.0.0.1]:${port()}/`],
    ['the metadata service', () => 'https://169.254.169.254/latest'],
  ])('that is %s is not called', async (_, to) => {
    expect(await guarded(to())).toEqual({ kind: 'refused', reason: 'the address is not on the public internet' });
  });

  it('is not called when any address of its name is private', async () => {
    expect(await guarded('https://hooks.example.com/', ['8.8.8.8', '10.0.0.1'])).toMatchObject({ kind: 'refused' });
  });

  it('is not called over http', async () => {
    expect(await guarded('http://hooks.example.com/', ['8.8.8.8'])).toEqual({ kind: 'refused', reason: 'expected https' });
  });

  it('is the one that was judged: the name is resolved once', async () => {
    let lookups = 0;
    const { port: at } = new URL(url);
    const outcome = await deliver(
      { url: `http://hooks.example.com:${at}/judged` },
      { resolve: () => Promise.resolve(++lookups === 1 ? ['127.0.0.1'] : ['203.0.113.1']) },
    );
    expect([outcome.kind, lookups, received[0]?.path]).toEqual(['delivered', 1, '/judged']);
  });

  it.each([
    [['::1', '127.0.0.1']],
    [['127.0.0.1', '::1']],
    [['127.0.0.2', '127.0.0.3', '127.0.0.1']],
    [['::1', '127.0.0.2', '127.0.0.1', '127.0.0.3']],
  ])('that is dead does not hide a living one of the same name: %j', async (addresses) => {
    const to = `http://hooks.example.com:${new URL(url).port}/living`;
    expect(await deliver({ url: to }, { resolve: () => Promise.resolve(addresses) })).toEqual({ kind: 'delivered' });
    expect(received).toHaveLength(1);
  });

  it('that its name does not have now may come later', async () => {
    expect(await guarded('https://hooks.example.com/')).toEqual({ kind: 'failed', reason: 'the name has no address', retryAfterMs: 0 });
  });
});
