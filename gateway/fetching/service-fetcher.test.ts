import { once, setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ServiceCall } from '#schema/contracts/activities';
import type { AuthContext } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { ServiceAnswer } from '#schema/contracts/plan';
import { createServiceCallVerifier } from '#platform/identity/service-signature';
import { createKeys, loadKeys, type KeyRing } from '#platform/keys';
import { createLogger } from '#platform/logger';
import { createMemoryClaimStore } from './claim-store.memory.js';
import { createHeaderClaims, type HeaderClaims } from './header-claims.js';
import { createServiceFetcher, type ServiceFetcher } from './service-fetcher.js';

const auth = { principal: 'usr_alice', tenant: 'ten_acme', scopes: [], fingerprint: 'f'.repeat(64) } as unknown as AuthContext;

let keys: KeyRing;
let claims: HeaderClaims;
let nowMs: number;
let server: Server;
let handler: RequestListener;
let fetcher: ServiceFetcher;
let url: URL;
let signed = false;
const outcomes: string[] = [];

beforeAll(async () => {
  keys = await loadKeys({ dataDir: '/nowhere', env: { SLUICE_KEYS: JSON.stringify(await createKeys()) }, shared: true });
});
beforeEach(async () => {
  nowMs = Date.now();
  claims = createHeaderClaims({ keys, store: createMemoryClaimStore({ now: () => nowMs }), now: () => nowMs });
  server = createServer((request, response) => handler(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`);
  signed = false;
  outcomes.length = 0;
  fetcher = createServiceFetcher({
    resolve: () => Promise.resolve({ url, signed }),
    keys,
    claims,
    log: createLogger({ name: 'test', level: 'silent' }),
    limits: { maxAnswerBytes: 64 * 1024 },
    onFetched: (_, outcome) => outcomes.push(outcome),
  });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await fetcher.close();
});
afterAll(() => server.close());

function aCall(over: Partial<ServiceCall> = {}): ServiceCall {
  return {
    node: 3,
    chunk: 1,
    service: 'files',
    operationKind: 'query',
    operation: 'query ($id: ID!) { file(id: $id) { name } }',
    operationName: null,
    variables: { id: 'f1' },
    idempotent: false,
    generation: 1,
    auth,
    operationId: 'op_1',
    idempotencyKey: null,
    timeoutMs: 400,
    ...over,
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function answering(
  body: string | Buffer,
  status = 200,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): RequestListener {
  return (request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  };
}

async function codeFor(call = aCall()): Promise<string | undefined> {
  const answer = await fetcher.fetch(call);
  expect(answer).toMatchObject({ node: 3, chunk: 1 });
  expect(JSON.stringify(answer)).not.toMatch(/127\.0\.0\.1|localhost/);
  return answer.errors[0]?.extensions.code;
}

describe('a service that answers', () => {
  it('gets the operation, its variables and no header but ours', async () => {
    let seen: { body: unknown; headers: string[] } | undefined;
    handler = (request, response) => {
      void readBody(request).then((body) => {
        seen = { body: JSON.parse(body), headers: Object.keys(request.headers) };
        response.end('{"data":{"file":{"name":"a.txt"}}}');
      });
    };
    expect(await fetcher.fetch(aCall())).toEqual({ node: 3, chunk: 1, data: { file: { name: 'a.txt' } }, errors: [] });
    expect(seen?.body).toEqual({ query: aCall().operation, variables: { id: 'f1' } });
    expect(seen?.headers.sort()).toEqual(['accept', 'connection', 'content-length', 'content-type', 'host']);
    expect(outcomes).toEqual(['ok']);
  });

  it('can check who asks when it is signed, and sees the key of a mutation', async () => {
    const verifier = createServiceCallVerifier({ keys, audience: 'files' });
    signed = true;
    handler = (request, response) => {
      void readBody(request).then((body) => {
        const { headers } = request;
        const claims = verifier.verify(headers['x-gateway-auth'] as string, { method: 'POST', path: '/graphql', body, headers });
        response.end(JSON.stringify({ data: { tenant: claims.auth.tenant, run: claims.operationId, key: headers['idempotency-key'] } }));
      });
    };
    const mutation = aCall({ operationKind: 'mutation', idempotencyKey: 'op_1.3' });
    expect((await fetcher.fetch(mutation)).data).toEqual({ tenant: 'ten_acme', run: 'op_1', key: 'op_1.3' });
    // Signed again for each attempt: the first nonce would be refused.
    expect((await fetcher.fetch(mutation)).data).toMatchObject({ run: 'op_1' });
  });

  it('keeps the data, path and code of its own errors, whatever the status', async () => {
    handler = answering(
      JSON.stringify({ data: { a: null }, errors: [{ message: 'no such file', path: ['a'], extensions: { code: 'NOT_FOUND' } }] }),
      400,
    );
    expect(await fetcher.fetch(aCall())).toMatchObject({
      data: { a: null },
      errors: [{ message: 'no such file', path: ['a'], extensions: { code: 'NOT_FOUND', service: 'files' } }],
    });
  });

  it('cannot leak by the text or the extensions of an error without a code of its own', async () => {
    const leak = {
      message: 'connect ECONNREFUSED 10.0.0.7:5432 password=hunter2',
      extensions: { code: 'INTERNAL_SERVER_ERROR', stacktrace: ['at hunter2'], url: 'http://10.0.0.7' },
    };
    handler = answering(JSON.stringify({ data: null, errors: [leak, { message: 'hunter2' }] }));
    const text = JSON.stringify(await fetcher.fetch(aCall()));
    expect(text).not.toMatch(/hunter2|10\.0\.0\.7/);
    expect(text).toContain('INTERNAL_SERVER_ERROR');
    expect(text).toContain('SUBGRAPH_ERROR');
  });
});

describe('a service that misbehaves', () => {
  it.each<[string, string, RequestListener]>([
    ['never answers', 'SUBGRAPH_TIMEOUT', (request) => request.resume()],
    [
      'drips one byte at a time',
      'SUBGRAPH_TIMEOUT',
      (request, response) => {
        request.resume();
        response.writeHead(200);
        const drip = setInterval(() => response.write(' '), 20);
        response.on('close', () => clearInterval(drip));
      },
    ],
    ['hangs up without a word', 'SUBGRAPH_UNREACHABLE', (request) => request.socket.destroy()],
    [
      'hangs up in the middle of the answer',
      'SUBGRAPH_UNREACHABLE',
      (request, response) => {
        request.resume();
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"data":', () => request.socket.destroy());
      },
    ],
    [
      'answers 500 with a page',
      'SUBGRAPH_BAD_ANSWER',
      answering('<html>Error: at Foo (/srv/app.js:1)</html>', 500, { 'content-type': 'text/html' }),
    ],
    ['answers half of a JSON text', 'SUBGRAPH_BAD_ANSWER', answering('{"data":{"file":')],
    ['answers a list', 'SUBGRAPH_BAD_ANSWER', answering('[{"data":{}}]')],
    ['answers data that is no object', 'SUBGRAPH_BAD_ANSWER', answering('{"data":"file"}')],
    ['answers errors that are no list', 'SUBGRAPH_BAD_ANSWER', answering('{"data":{},"errors":"none"}')],
    ['answers null without an error', 'SUBGRAPH_BAD_ANSWER', answering('{"data":null}')],
    ['answers nothing', 'SUBGRAPH_UNREACHABLE', answering('')],
    ['compresses without being asked', 'SUBGRAPH_BAD_ANSWER', answering(gzipSync('{"data":{}}'), 200, { 'content-encoding': 'gzip' })],
    [
      'announces too much',
      'SUBGRAPH_ANSWER_TOO_LARGE',
      (request, response) => (request.resume(), response.writeHead(200, { 'content-length': '50000000' }).write('{')),
    ],
    [
      'streams 50 MB',
      'SUBGRAPH_ANSWER_TOO_LARGE',
      (request, response) => {
        request.resume();
        const block = Buffer.alloc(64 * 1024, ' ');
        let left = 800;
        const pump = (): void => {
          while (left-- > 0) if (!response.write(block)) return void response.once('drain', pump);
          response.end('{"data":{}}');
        };
        pump();
      },
    ],
  ])('is reported when it %s', async (_, code, behave) => {
    handler = behave;
    expect(await codeFor()).toBe(code);
    expect(outcomes).toEqual([code]);
  });

  it('is not followed where it redirects to', async () => {
    let followed = 0;
    handler = (request, response) => {
      request.resume();
      if (request.url !== '/graphql') followed += 1;
      response.writeHead(307, { location: '/internal' }).end();
    };
    expect(await codeFor()).toBe('SUBGRAPH_BAD_ANSWER');
    expect(followed).toBe(0);
  });

  it('is reported within its time when it is down', async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    expect(await codeFor()).toBe('SUBGRAPH_UNREACHABLE');
  });
});

describe('compressed answers', () => {
  const text = JSON.stringify({ data: { file: { name: 'ä'.repeat(20_000) } } });
  const zipped = (body: Buffer): RequestListener => answering(body, 200, { 'content-encoding': 'gzip' });

  function asking(compression: 'auto' | 'on' | 'off'): ServiceFetcher {
    return createServiceFetcher({
      resolve: () => Promise.resolve({ url, signed }),
      keys,
      claims,
      log: createLogger({ name: 'test', level: 'silent' }),
      limits: { maxAnswerBytes: 64 * 1024 },
      compression,
    });
  }
  async function codeOf(body: Buffer): Promise<string | undefined> {
    handler = zipped(body);
    const asks = asking('on');
    const { errors } = await asks.fetch(aCall({ timeoutMs: 60_000 }));
    await asks.close();
    return errors[0]?.extensions.code;
  }

  it('are taken where they were asked for, in whatever pieces they come', async () => {
    const asks = asking('on');
    handler = (request, response) => {
      request.resume();
      expect(request.headers['accept-encoding']).toBe('gzip');
      response.writeHead(200, { 'content-encoding': 'gzip' });
      for (const byte of gzipSync(text)) response.write(Buffer.of(byte));
      response.end();
    };
    expect((await asks.fetch(aCall({ timeoutMs: 60_000 }))).data).toEqual((JSON.parse(text) as { data: unknown }).data);
    await asks.close();
  });

  it('are not asked for on this machine, unless told so', async () => {
    const seen: unknown[] = [];
    handler = (request, response) => {
      seen.push(request.headers['accept-encoding']);
      answering('{"data":{}}')(request, response);
    };
    for (const how of ['auto', 'off', 'on'] as const) {
      const asks = asking(how);
      await asks.fetch(aCall());
      await asks.close();
    }
    expect(seen).toEqual([undefined, undefined, 'gzip']);
  });

  it('are cut at the limit while they unfold', async () => {
    const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, ' '), { level: 9 });
    expect(bomb.length).toBeLessThan(300 * 1024);
    // One block over the socket unfolds into more than the limit by itself.
    const bytesBefore = process.memoryUsage().arrayBuffers;
    expect(await codeOf(bomb.subarray(0, 60 * 1024))).toBe('SUBGRAPH_ANSWER_TOO_LARGE');
    expect(process.memoryUsage().arrayBuffers - bytesBefore).toBeLessThan(8 * 1024 * 1024);
  });

  it('are refused when they are cut short, damaged or no gzip', async () => {
    const whole = gzipSync(text);
    const damaged = Buffer.from(whole);
    damaged[whole.length - 8] = (damaged[whole.length - 8] as number) ^ 0xff;
    expect(await codeOf(whole.subarray(0, -12))).toBe('SUBGRAPH_BAD_ANSWER');
    expect(await codeOf(damaged)).toBe('SUBGRAPH_BAD_ANSWER');
    expect(await codeOf(Buffer.from(text))).toBe('SUBGRAPH_BAD_ANSWER');
  });
});

describe('a service that asks to be called later', () => {
  it.each<[string, number, Record<string, string>, Partial<ServiceCall>, object]>([
    ['429 with seconds', 429, { 'retry-after': '7' }, {}, { code: 'SUBGRAPH_UNAVAILABLE', retryable: true, retryAfterMs: 7_000 }],
    ['503 with nonsense', 503, { 'retry-after': 'soon' }, {}, { code: 'SUBGRAPH_UNAVAILABLE', retryable: true }],
    [
      'a mutation, 429',
      429,
      { 'retry-after': '7' },
      { operationKind: 'mutation' },
      { code: 'SUBGRAPH_UNAVAILABLE', retryable: true, retryAfterMs: 7_000 },
    ],
    ['a mutation, 503: it may have been done', 503, { 'retry-after': '7' }, { operationKind: 'mutation' }, { code: 'OUTCOME_UNKNOWN' }],
    ['500', 500, { 'retry-after': '7' }, {}, { code: 'SUBGRAPH_BAD_ANSWER' }],
  ])('is reported with the time it told: %s', async (_, status, headers, over, extensions) => {
    handler = answering('<html>later</html>', status, headers);
    const { data, errors } = await fetcher.fetch(aCall(over));
    expect(data).toBeNull();
    expect(errors[0]?.extensions).toEqual({ service: 'files', retryable: false, ...extensions });
  });

  it('keeps its own words and gets the time added', async () => {
    handler = answering('{"errors":[{"message":"slow down","extensions":{"code":"RATE_LIMITED"}}]}', 429, { 'retry-after': '2' });
    expect((await fetcher.fetch(aCall())).errors).toEqual([
      { message: 'slow down', extensions: { code: 'RATE_LIMITED', service: 'files', origin: 'service', retryAfterMs: 2_000 } },
    ]);
  });
});

describe('what an intermediary answers for a service', () => {
  const html = '<html>proxy</html>';
  /** Status, body, and what is reported of a query; of a mutation that must not be repeated; whether it may succeed later. */
  it.each<[number, string, string, string, boolean]>([
    [200, '', 'SUBGRAPH_UNREACHABLE', 'OUTCOME_UNKNOWN', true],
    [200, html, 'SUBGRAPH_BAD_ANSWER', 'OUTCOME_UNKNOWN', false],
    [302, '', 'SUBGRAPH_BAD_ANSWER', 'OUTCOME_UNKNOWN', false],
    [404, html, 'SUBGRAPH_BAD_ANSWER', 'SUBGRAPH_BAD_ANSWER', false],
    [408, html, 'SUBGRAPH_TIMEOUT', 'OUTCOME_UNKNOWN', true],
    [429, html, 'SUBGRAPH_UNAVAILABLE', 'SUBGRAPH_UNAVAILABLE', true],
    [500, html, 'SUBGRAPH_BAD_ANSWER', 'OUTCOME_UNKNOWN', false],
    [502, html, 'SUBGRAPH_UNREACHABLE', 'OUTCOME_UNKNOWN', true],
    [503, html, 'SUBGRAPH_UNAVAILABLE', 'OUTCOME_UNKNOWN', true],
    [504, html, 'SUBGRAPH_TIMEOUT', 'OUTCOME_UNKNOWN', true],
    [521, html, 'SUBGRAPH_UNREACHABLE', 'OUTCOME_UNKNOWN', true],
    [524, html, 'SUBGRAPH_TIMEOUT', 'OUTCOME_UNKNOWN', true],
  ])('is told from what the service says: %i %s', async (status, body, code, mutationCode, retryable) => {
    handler = answering(body, status, { 'content-type': 'text/html', 'retry-after': new Date(Date.now() + 60_000).toUTCString() });
    const patient = { timeoutMs: 60_000 };
    const { errors } = await fetcher.fetch(aCall(patient));
    expect(errors).toMatchObject([{ extensions: { code, retryable } }]);
    expect(typeof errors[0]?.extensions['retryAfterMs']).toBe(retryable && status >= 400 ? 'number' : 'undefined');
    expect(await codeFor(aCall({ ...patient, operationKind: 'mutation' }))).toBe(mutationCode);
    expect(await codeFor(aCall({ ...patient, operationKind: 'mutation', idempotent: true }))).toBe(code);
  });

  it('is lost when it breaks off after early hints or after its head', async () => {
    const patient = { timeoutMs: 60_000, operationKind: 'mutation' } as const;
    handler = (request, response) => response.writeEarlyHints({ link: '</a.js>; rel=preload' }, () => request.socket.destroy());
    expect(await codeFor(aCall(patient))).toBe('OUTCOME_UNKNOWN');
    handler = (request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"data":', () => request.socket.destroy());
    };
    expect(await codeFor(aCall(patient))).toBe('OUTCOME_UNKNOWN');
  });

  it('is waited for after early hints', async () => {
    handler = (_, response) => response.writeEarlyHints({ link: '</a.js>; rel=preload' }, () => void response.end('{"data":{"a":1}}'));
    expect((await fetcher.fetch(aCall({ timeoutMs: 60_000 }))).data).toEqual({ a: 1 });
  });
});

describe('headers of the caller', () => {
  const HEADERS = {
    files: { authorization: 'Bearer files' },
    '*': { 'x-team': 'red', authorization: 'Bearer any' },
    other: { 'x-a': '1' },
  };

  /** Answers with the headers that it got. */
  const echoing: RequestListener = (request, response) => {
    request.resume();
    response.end(
      JSON.stringify({ data: { authorization: request.headers.authorization ?? null, team: request.headers['x-team'] ?? null } }),
    );
  };

  it('reach the unsigned service that they are for, its own before those for all', async () => {
    handler = echoing;
    expect((await fetcher.fetch(aCall(), undefined, HEADERS)).data).toEqual({ authorization: 'Bearer files', team: 'red' });
    expect((await fetcher.fetch(aCall(), undefined, { other: HEADERS.other })).data).toEqual({ authorization: null, team: null });
  });

  it('never reach a signed service', async () => {
    signed = true;
    handler = echoing;
    const headerClaim = { ref: 'gone', services: ['files'] };
    expect((await fetcher.fetch(aCall({ headerClaim }), undefined, HEADERS)).data).toEqual({ authorization: null, team: null });
  });

  it('cannot take the place of those that are written here', async () => {
    let type: string | undefined;
    handler = (request, response) => {
      type = request.headers['content-type'];
      answering('{"data":{}}')(request, response);
    };
    await fetcher.fetch(aCall(), undefined, { files: { 'content-type': 'text/plain' } });
    expect(type).toBe('application/json');
  });

  it('keep fetches of one principal apart when they differ', async () => {
    handler = echoing;
    const both = await Promise.all([
      fetcher.fetch(aCall(), undefined, { files: { 'x-team': 'red' } }),
      fetcher.fetch(aCall(), undefined, { files: { 'x-team': 'blue' } }),
    ]);
    expect(both.map(({ data }) => data?.['team'])).toEqual(['red', 'blue']);
  });

  it('come from the claim of a run, until its end', async () => {
    handler = echoing;
    const headerClaim = { ref: await claims.put(HEADERS, 1_000), services: ['files'] };
    expect((await fetcher.fetch(aCall({ headerClaim }))).data).toEqual({ authorization: 'Bearer files', team: 'red' });
    nowMs += 1_000;
    expect(await codeFor(aCall({ headerClaim }))).toBe('CREDENTIAL_EXPIRED');
    // Those who get none do not miss it.
    expect(await codeFor(aCall({ headerClaim: { ...headerClaim, services: ['other'] } }))).toBeUndefined();
  });
});

describe('a mutation whose answer is lost', () => {
  it('has an unknown outcome, unless it may be repeated', async () => {
    handler = (request) => request.socket.destroy();
    expect(await codeFor(aCall({ operationKind: 'mutation' }))).toBe('OUTCOME_UNKNOWN');
    expect(await codeFor(aCall({ operationKind: 'mutation', idempotent: true }))).toBe('SUBGRAPH_UNREACHABLE');
  });

  it('has simply failed when it was never sent', async () => {
    server.close();
    await once(server, 'close');
    expect(await codeFor(aCall({ operationKind: 'mutation' }))).toBe('SUBGRAPH_UNREACHABLE');
  });
});

it('ends a call that its caller gave up, and frees the socket', async () => {
  const gaveUp = new AbortController();
  handler = (request) => {
    request.resume();
    gaveUp.abort();
  };
  const closed = new Promise<void>((resolve) => server.once('connection', (socket) => socket.once('close', () => resolve())));
  const answer = await fetcher.fetch(aCall({ timeoutMs: 60_000 }), gaveUp.signal);
  expect(answer.errors[0]?.extensions.code).toBe('OPERATION_CANCELLED');
  await closed;
});

describe('equal query fetches on their way', () => {
  /** Answers when told to, with what it has counted by the time of the call; a call with a key is answered at once. */
  function holding(): { calls: () => number; arrived: (count: number) => Promise<void>; release: () => void; cut: Promise<void> } {
    let wasCut: () => void;
    const cut = new Promise<void>((resolve) => (wasCut = resolve));
    const open: (() => void)[] = [];
    const arrivals: (() => void)[] = [];
    let calls = 0;
    handler = (request, response) => {
      request.resume();
      if (request.headers['idempotency-key'] !== undefined) return void response.end('{"data":{}}');
      response.once('close', () => {
        if (!response.writableFinished) wasCut();
      });
      const read = ++calls;
      open.push(() => void response.end(JSON.stringify({ data: { file: { read } } })));
      arrivals.splice(0).forEach((wake) => wake());
    };
    return {
      calls: () => calls,
      arrived: async (count) => {
        while (calls < count) await new Promise<void>((resolve) => arrivals.push(resolve));
      },
      cut,
      release: () => open.splice(0).forEach((answer) => answer()),
    };
  }
  const patient = (over: Partial<ServiceCall> = {}): ServiceCall => aCall({ timeoutMs: 60_000, ...over });
  const readOf = ({ data }: ServiceAnswer): unknown => (data as { file: { read: number } } | null)?.file.read;

  it('are one call, and each gets an answer of its own', async () => {
    const service = holding();
    const first = fetcher.fetch(patient());
    const others = [1, 2, 3].map((node) => fetcher.fetch(patient({ node, generation: 2 })));
    await service.arrived(1);
    service.release();
    const answers = await Promise.all([first, ...others]);
    expect(service.calls()).toBe(1);
    expect(answers.map(({ node }) => node)).toEqual([3, 1, 2, 3]);
    expect(answers.map(readOf)).toEqual([1, 1, 1, 1]);
    expect(new Set(answers.map(({ data }) => data?.['file'])).size).toBe(4);
  });

  it.each<[string, Partial<ServiceCall>]>([
    ['other variables', { variables: { id: 'f2' } }],
    ['another operation', { operation: '{ other }' }],
    ['another caller', { auth: { ...auth, principal: 'usr_bob' as PrincipalId } }],
    ['another tenant', { auth: { ...auth, tenant: 'ten_globex' as TenantId } }],
    ['mutations', { operationKind: 'mutation' }],
  ])('are several calls for %s', async (_, over) => {
    const service = holding();
    // The same twice where the kind forbids to share.
    const both = Promise.all([fetcher.fetch(patient(over.operationKind === 'mutation' ? over : {})), fetcher.fetch(patient(over))]);
    await service.arrived(2);
    service.release();
    await both;
  });

  it('are several calls where a signed service is told of other scopes or another run', async () => {
    signed = true;
    const service = holding();
    const all = Promise.all([
      fetcher.fetch(patient()),
      fetcher.fetch(patient({ auth: { ...auth, scopes: ['files:write'] } })),
      fetcher.fetch(patient({ operationId: 'op_2' })),
      fetcher.fetch(patient()),
    ]);
    await service.arrived(3);
    service.release();
    await all;
    expect(service.calls()).toBe(3);
  });

  it('go on for the others when one leaves or has no more time, and end with the last', async () => {
    const service = holding();
    const leaving = new AbortController();
    const staying = new AbortController();
    const left = fetcher.fetch(patient(), leaving.signal);
    const late = fetcher.fetch(patient({ timeoutMs: 1 }));
    const stays = fetcher.fetch(patient(), staying.signal);
    await service.arrived(1);
    leaving.abort();
    expect((await left).errors[0]?.extensions.code).toBe('OPERATION_CANCELLED');
    expect((await late).errors[0]?.extensions.code).toBe('SUBGRAPH_TIMEOUT');
    const joins = fetcher.fetch(patient());
    service.release();
    expect([readOf(await stays), readOf(await joins)]).toEqual([1, 1]);

    const last = fetcher.fetch(patient({ variables: {} }), staying.signal);
    await service.arrived(2);
    staying.abort();
    await last;
    await service.cut;
  });

  it('never show what was read before a mutation that has ended, or before a change that was told', async () => {
    const service = holding();
    const before = fetcher.fetch(patient());
    await service.arrived(1);
    await fetcher.fetch(patient({ operationKind: 'mutation', idempotencyKey: 'op_1.1' }));
    const after = fetcher.fetch(patient());
    await service.arrived(2);
    fetcher.noteChange();
    const latest = fetcher.fetch(patient());
    await service.arrived(3);
    service.release();
    const reads = [readOf(await before), readOf(await after), readOf(await latest)];
    expect(new Set(reads).size).toBe(3);
  });

  it('join another call when so many wait for the first that their copies would be a burden', async () => {
    const service = holding();
    const all = Array.from({ length: 65 }, () => fetcher.fetch(patient()));
    await service.arrived(2);
    service.release();
    expect((await Promise.all(all)).map(readOf).filter((read) => read === 2)).toHaveLength(1);
  });
});

it('refuses at once what is over the limit of a service that hangs, while others answer', async () => {
  const limited = createServiceFetcher({
    resolve: (_, service) => Promise.resolve({ url: new URL(service === 'hangs' ? '/hangs' : '/graphql', url), signed: false }),
    keys,
    claims,
    log: createLogger({ name: 'test', level: 'silent' }),
    limits: { maxCalls: 300 },
  });
  let hanging = 0;
  let wake: () => void;
  const allHang = new Promise<void>((resolve) => (wake = resolve));
  handler = (request, response) => {
    request.resume();
    if (request.url !== '/hangs') return void response.end('{"data":{}}');
    if (++hanging === 256) wake();
  };
  const leaving = new AbortController();
  setMaxListeners(0, leaving.signal);
  // More than the sockets of one service: what waits for one counts as well.
  const waiting = Array.from({ length: 300 }, (_, index) =>
    limited.fetch(aCall({ service: 'hangs', variables: { index }, timeoutMs: 60_000 }), leaving.signal),
  );
  await allHang;
  const refusal = await limited.fetch(aCall({ service: 'hangs', operationKind: 'mutation', timeoutMs: 60_000 }));
  expect(refusal.errors[0]?.extensions).toMatchObject({ code: 'SUBGRAPH_BUSY', service: 'hangs', retryable: true });
  // The same origin, another service.
  expect((await limited.fetch(aCall({ timeoutMs: 60_000 }))).errors).toEqual([]);

  leaving.abort();
  await Promise.all(waiting);
  handler = answering('{"data":{}}');
  expect((await limited.fetch(aCall({ service: 'hangs', timeoutMs: 60_000 }))).errors).toEqual([]);
  await limited.close();
});

it('reuses its connections', async () => {
  let connections = 0;
  server.on('connection', () => connections++);
  handler = answering('{"data":{}}');
  for (let i = 0; i < 20; i++) await fetcher.fetch(aCall());
  // The next call may start before the last answer has freed its socket.
  expect(connections).toBeLessThanOrEqual(2);
});

it('answers calls after its end as well', async () => {
  await fetcher.close();
  expect(await codeFor()).toBe('SUBGRAPH_UNREACHABLE');
});
