import { request as sendRequest } from 'node:http';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toOperationId, toRecoveryId, toRequestId, type TenantId } from '#schema/contracts/ids';
import { createPayloadCodec } from '#platform/payload-codec';
import { createKeys, loadKeys } from '#platform/keys';
import type { HistoryAuditEntry } from './temporal-codec.js';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

const UI = 'http://127.0.0.1:8233';
const CAPABILITY = 'a-secret-of-this-start';
const MINE = toRequestId('ten_acme' as TenantId, '1');
const THEIRS = toRequestId('ten_globex' as TenantId, '1');
const SERVICES = [{ name: 'one', sdl: 'type Query { a: Int }' }];

let gateway: TestGateway;
let audited: HistoryAuditEntry[] = [];
let auditFails = false;
const histories = {
  namespace: 'default',
  uiUrl: `${UI}/`,
  uiCapability: CAPABILITY,
  audit: (entry: HistoryAuditEntry): Promise<void> => {
    if (auditFails) return Promise.reject(new Error('the database is away'));
    audited.push(entry);
    return Promise.resolve();
  },
};
beforeAll(async () => {
  gateway = await startTestGateway({ services: SERVICES, deps: { histories } });
});
afterAll(() => gateway.close());
beforeEach(() => {
  audited = [];
  auditFails = false;
});

interface PayloadJson {
  metadata: Record<string, string>;
  data: string;
}
const toJson = ({ metadata, data }: Payload): PayloadJson => ({
  metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')])),
  data: Buffer.from(data ?? []).toString('base64'),
});
const plain = (value: unknown): PayloadJson => toJson(defaultPayloadConverter.toPayload(value));
async function seal(value: unknown, workflowId: string, { namespace = 'default', keys = gateway.keys } = {}): Promise<PayloadJson> {
  const codec = createPayloadCodec(keys, { namespace });
  const [sealed] = await codec.encode([defaultPayloadConverter.toPayload(value)], { type: 'workflow', namespace, workflowId } as never);
  return toJson(sealed as Payload);
}
const readText = ({ data }: PayloadJson): unknown => JSON.parse(Buffer.from(data, 'base64').toString('utf8'));

interface Asking {
  token?: string | null;
  headers?: Record<string, string>;
  path?: string;
  method?: string;
  url?: string;
}
const tokenOf = {
  operator: () => gateway.token('operator'),
  tenantAdmin: () => gateway.tokenWith('operations:read tenants:write history:decode'),
};
async function ask(body: unknown, { token, headers = {}, path = 'default/decode', method = 'POST', url = gateway.url }: Asking = {}) {
  const bearer = token === undefined ? await tokenOf.operator() : token;
  return fetch(`${url}/temporal-codec/${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      'x-namespace': 'default',
      ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
      ...headers,
    },
    ...(method === 'POST' ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}),
  });
}
async function decode(payloads: PayloadJson[], asking?: Asking): Promise<PayloadJson[]> {
  const response = await ask({ payloads }, asking);
  expect(response.status).toBe(200);
  return ((await response.json()) as { payloads: PayloadJson[] }).payloads;
}
async function refusalOf(response: Response): Promise<{ status: number; code: string | undefined }> {
  const { errors } = (await response.json()) as { errors: { extensions: { code: string } }[] };
  return { status: response.status, code: errors[0]?.extensions.code };
}

describe('what is decoded', () => {
  it('is what a run has sealed, as Temporal asks for it', async () => {
    const [opened] = await decode([await seal('Rename a folder', MINE)], { path: 'default/decode?preserveStorageRefs=true' });
    expect(opened).toEqual(plain('Rename a folder'));
  });

  it('is everything for who looks after the deployment', async () => {
    const sealed = await Promise.all([MINE, THEIRS, 'plugin/@sluice/qr-code', ''].map((place) => seal(place, place)));
    expect((await decode(sealed)).map(readText)).toEqual([MINE, THEIRS, 'plugin/@sluice/qr-code', '']);
  });

  it("is, for a tenant's admin, what its tenant's requests, their parts and their recoveries have sealed", async () => {
    const recovery = toRecoveryId(toOperationId({ workflowId: MINE, runId: 'r' }));
    const theirs = toRecoveryId(toOperationId({ workflowId: THEIRS, runId: 'r' }));
    const may = [MINE, `${MINE}/run`, `${MINE}/webhook`, recovery, `${recovery}/attempt-1`];
    const mayNot = [THEIRS, theirs, 'request/ten_acme2/1', 'recovery/op_nonsense', 'plugin/ten_acme', 'ten_acme', ''];
    const sealed = await Promise.all([...may, ...mayNot].map((place) => seal(place, place)));
    const answered = await decode(sealed, { token: await tokenOf.tenantAdmin() });
    expect(answered.slice(0, may.length).map(readText)).toEqual(may);
    expect(answered.slice(may.length)).toEqual(sealed.slice(may.length));
  });

  it('is nothing by a place that was written over the one under the seal', async () => {
    const sealed = await seal('secret', THEIRS);
    const moved = { ...sealed, metadata: { ...sealed.metadata, 'encryption-place': Buffer.from(`default/${MINE}`).toString('base64') } };
    const response = await ask({ payloads: [moved] }, { token: await tokenOf.tenantAdmin() });
    expect(await refusalOf(response)).toEqual({ status: 400, code: 'BAD_REQUEST' });
  });

  it('is nothing of another namespace, of a key that is gone, or that nobody has sealed: these stay as they came', async () => {
    const others = await loadKeys({ dataDir: '/nowhere', env: { SLUICE_KEYS: JSON.stringify(await createKeys()) }, shared: true });
    const closed = [
      await seal('a', MINE, { namespace: 'other' }),
      await seal('b', MINE, { namespace: 'default2' }),
      await seal('c', MINE, { keys: others }),
      plain('d'),
      { metadata: {}, data: '' },
      { ...plain({ driverName: 'sluice-database' }), externalPayloads: [{ sizeBytes: '100000' }] },
    ];
    expect(await decode([...closed, await seal('mine', MINE)])).toEqual([...closed, plain('mine')]);
  });

  it.each<[string, (data: Buffer) => Buffer]>([
    ['altered', (data) => data.fill(0, 20, 21)],
    ['cut', (data) => data.subarray(0, 9)],
    ['emptied', () => Buffer.alloc(0)],
  ])('is nothing that was %s', async (_, change) => {
    const sealed = await seal('secret', MINE);
    const changed = { ...sealed, data: change(Buffer.from(sealed.data, 'base64')).toString('base64') };
    expect(await refusalOf(await ask({ payloads: [changed] }))).toEqual({ status: 400, code: 'BAD_REQUEST' });
  });
});

describe('who may not', () => {
  it.each<[string, () => Promise<string> | null, { status: number; code: string }]>([
    ['nobody', () => null, { status: 401, code: 'UNAUTHENTICATED' }],
    ['a forged token', () => Promise.resolve('a.b.c'), { status: 401, code: 'UNAUTHENTICATED' }],
    ['a member', () => gateway.token('alice'), { status: 403, code: 'FORBIDDEN' }],
    ["a tenant's admin without the scope", () => gateway.tokenWith('tenants:write'), { status: 403, code: 'FORBIDDEN' }],
    [
      'the scope of somebody who sees own operations only',
      () => gateway.tokenWith('history:decode operations:read'),
      { status: 403, code: 'FORBIDDEN' },
    ],
    ['an operator without the scope', () => gateway.tokenWith('deployment:read'), { status: 403, code: 'FORBIDDEN' }],
  ])('%s', async (_, token, refusal) => {
    const response = await ask({ payloads: [await seal('secret', MINE)] }, { token: await token() });
    expect(await refusalOf(response)).toEqual(refusal);
  });

  it('another namespace, an encoder and other methods are not there', async () => {
    for (const path of [
      'other/decode',
      'default/encode',
      'default',
      'decode',
      'default/decode/x',
      'a/b/default/decode',
      '%64efault/decode',
    ])
      expect([path, (await ask({ payloads: [] }, { path })).status]).toEqual([path, 404]);
    expect((await ask(null, { method: 'GET' })).status).toBe(405);
  });

  it('a gateway without histories', async () => {
    const other = await startTestGateway({ services: SERVICES });
    expect((await ask({ payloads: [] }, { url: other.url, token: await other.token('operator') })).status).toBe(404);
    await other.close();
  });
});

describe('the audit log', () => {
  it('names who has read of which runs, and nothing of what they read', async () => {
    await decode([await seal('secret', MINE), await seal('secret', `${MINE}/run`)], { token: await tokenOf.tenantAdmin() });
    await decode([await seal('secret', THEIRS)]);
    expect(audited).toEqual([
      { actor: 'usr_somebody', tenant: 'ten_acme', action: 'history_decoded:granted', object: `${MINE} ${MINE}/run` },
      { actor: 'usr_operator', tenant: 'ten_globex', action: 'history_decoded:granted', object: THEIRS },
    ]);
  });

  it('names a few of many runs', async () => {
    await decode(await Promise.all(Array.from({ length: 20 }, (_, index) => seal('x', toRequestId('ten_acme' as TenantId, `${index}`)))));
    expect(audited[0]?.object).toMatch(/^request\/ten_acme\/0 .* and 15 more$/);
  });

  it('knows who was refused, and no anonymous caller', async () => {
    await ask({ payloads: [] }, { token: await gateway.token('alice') });
    await ask({ payloads: [] }, { token: null });
    expect(audited).toEqual([{ actor: 'usr_alice', tenant: 'ten_acme', action: 'history_decoded:refused', object: 'default' }]);
  });

  it('comes first: without an entry there is no answer', async () => {
    auditFails = true;
    const response = await ask({ payloads: [await seal('secret', MINE)] });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain(plain('secret').data);
  });

  it('is not shown in the log of the process, nor what was read', async () => {
    await decode([await seal('canary-51c2', MINE)]);
    expect(gateway.log.some((line) => line.includes('history decoded') && line.includes(MINE))).toBe(true);
    expect(gateway.log.join('\n')).not.toContain('canary-51c2');
  });
});

describe('pages', () => {
  it.each([UI, 'http://localhost:8233'])("of Temporal's UI (%s) may ask, by name only", async (origin) => {
    const preflight = await ask(null, { method: 'OPTIONS', token: null, headers: { origin, 'access-control-request-method': 'POST' } });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin]);
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization.*content-type.*x-namespace/);
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
    const response = await ask({ payloads: [await seal('x', MINE)] }, { headers: { origin } });
    expect([response.status, response.headers.get('access-control-allow-origin'), response.headers.get('vary')]).toEqual([
      200,
      origin,
      'Origin',
    ]);
  });

  it.each<[string, Record<string, string>]>([
    ['of a foreign site', { origin: 'https://evil.example' }],
    ['of no site', { origin: 'null' }],
    ['of another port', { origin: 'http://127.0.0.1:8234' }],
    ['of the gateway itself, which has no use for it', { origin: 'self' }],
    ['that hide where they are from', { 'sec-fetch-site': 'cross-site' }],
  ])('%s may not, whatever they bring', async (_, headers) => {
    const named = headers['origin'] === 'self' ? { origin: gateway.url } : headers;
    for (const path of ['default/decode', `${CAPABILITY}/default/decode`])
      for (const method of ['OPTIONS', 'POST']) {
        const response = await ask({ payloads: [] }, { headers: named, path, method });
        expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([403, null]);
      }
  });

  it('cannot send a body without asking first', async () => {
    const response = await ask(JSON.stringify({ payloads: [] }), { headers: { 'content-type': 'text/plain' } });
    expect(await refusalOf(response)).toEqual({ status: 400, code: 'BAD_REQUEST' });
  });
});

describe('a UI without sign-in', () => {
  const path = `${CAPABILITY}/default/decode`;

  it('comes with the secret of this start in the address', async () => {
    expect(await decode([await seal('readable', THEIRS)], { token: null, path, headers: { origin: UI } })).toEqual([plain('readable')]);
    expect(audited).toMatchObject([{ actor: 'usr_temporal-ui', tenant: 'ten_globex' }]);
  });

  it('is refused with another one, and the secret is with no page', async () => {
    for (const asking of [
      { path: 'a-guess/default/decode', headers: { origin: UI } },
      { path: '/default/decode', headers: { origin: UI } },
      { path },
    ])
      expect(await refusalOf(await ask({ payloads: [] }, { token: null, ...asking }))).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
  });

  it('has no such way in where tokens come from an identity provider', async () => {
    const env = { SLUICE_AUTH: 'jwt', SLUICE_JWKS_URL: 'http://127.0.0.1:9/jwks', SLUICE_JWT_ISSUER: 'issuer' };
    const other = await startTestGateway({ services: SERVICES, env, deps: { histories } });
    const response = await ask({ payloads: [] }, { token: null, path, headers: { origin: UI }, url: other.url });
    expect(await refusalOf(response)).toEqual({ status: 401, code: 'UNAUTHENTICATED' });
    await other.close();
  });
});

describe('bounds', () => {
  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['no payloads', {}],
    ['payloads of another shape', { payloads: [{ metadata: { encoding: 1 } }] }],
    ['too many payloads', { payloads: Array.from({ length: 1_001 }, () => ({})) }],
  ])('%s', async (_, body) => {
    expect(await refusalOf(await ask(body))).toEqual({ status: 400, code: 'BAD_REQUEST' });
  });

  it('a body over the limit is refused before it has come', async () => {
    const authorization = `Bearer ${await tokenOf.operator()}`;
    const status = await new Promise((resolve, reject) => {
      const request = sendRequest(`${gateway.url}/temporal-codec/default/decode`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', 'content-length': 7 * 1024 * 1024 },
      });
      request.once('response', (response) => {
        resolve(response.statusCode);
        request.destroy();
      });
      request.once('error', reject);
      request.flushHeaders();
    });
    expect(status).toBe(413);
  });
});
