import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditServer } from 'graphql-http';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from '#tests/support/eventually';
import { createLogger } from '#platform/logger';
import { readEvents } from '../subscriptions/service-event-stream.js';
import { followManifests } from './follow-manifests.js';
import { startTestGateway, type TestAnswer, type TestGateway } from './tests/test-gateway.js';

const BOOK = 'query Book($id: ID!) { book(id: $id) { id } }';
const COUNT = 'subscription Count { count }';
const DEFERRED = 'query Deferred { book(id: 1) { id ... @defer { id } } }';
const OWN = 'query Own { book(id: 7) { id } }';
const FREE = 'query Book($id: ID!) { book(id: $id) { id secret } }';
const START = 'mutation Start($document: String!) { startOperation(document: $document) { id } }';
const HASH = 'b'.repeat(64);

let folder: string;
let manifest: string;
let gateway: TestGateway;
/** By client. */
const tokens: Record<string, string> = {};
const publish = async (documents: unknown): Promise<void> => {
  await writeFile(`${manifest}.new`, typeof documents === 'string' ? documents : JSON.stringify(documents));
  await rename(`${manifest}.new`, manifest);
};
const DOCUMENTS = { [HASH]: BOOK, count: COUNT, deferred: DEFERRED, start: START };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-documents-'));
  manifest = join(folder, 'manifest.json');
  await publish(DOCUMENTS);
  gateway = await startTestGateway({
    env: {
      SLUICE_TRUSTED_DOCUMENTS: 'require',
      SLUICE_TRUSTED_DOCUMENTS_CLIENTS: 'logged=log,open=off',
      SLUICE_TRUSTED_DOCUMENTS_FILES: manifest,
      SLUICE_EXECUTION: 'direct',
    },
    console: { 'trusted-documents.json': JSON.stringify({ own: OWN }) },
    services: [
      {
        name: 'books',
        sdl: `type Query { book(id: ID!): Book } type Mutation { touch: Int startOperation(document: String!): StartOperationPayload }
              type StartOperationPayload { id: ID } type Subscription { count: Int }
              type Book { id: ID! secret: String }`,
        resolvers: {
          Query: { book: (_: unknown, { id }: { id: string }) => ({ id, secret: 'x' }) },
          Mutation: { touch: () => 1 },
          Subscription: {
            count: {
              subscribe: async function* () {
                yield { count: 1 };
              },
            },
          },
        },
      },
    ],
  });
  for (const [name, scope, claims] of [
    ['plain', '', {}],
    ['reader', 'schema:read', {}],
    ['logged', 'schema:read', { client_id: 'logged' }],
    ['open', 'schema:read', { azp: 'open' }],
    ['ignorant', 'documents:any', {}],
    ['tool', 'schema:read documents:any', {}],
    // What is no claim of a client's name.
    ['impostor', '', { client: 'open', aud2: 'open', client_id: ['open'] }],
  ] as const)
    tokens[name] = await gateway.tokenWith(scope, claims);
});
afterAll(async () => {
  await gateway.close();
  await rm(folder, { recursive: true, force: true });
});

type Ask = (who: string, payload: Record<string, unknown>) => Promise<TestAnswer>;
const auth = (who: string) => ({ authorization: `Bearer ${tokens[who]}` });
const post: Ask = async (who, payload) => (await (await gateway.post(payload, auth(who))).json()) as TestAnswer;
const get: Ask = async (who, payload) => {
  const search = new URLSearchParams(
    Object.entries(payload).map(([name, value]): [string, string] => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
  return (await (await fetch(`${gateway.url}/graphql?${search.toString()}`, { headers: auth(who) })).json()) as TestAnswer;
};
const sse: Ask = async (who, payload) => {
  const response = await gateway.post(payload, { ...auth(who), accept: 'text/event-stream' });
  for await (const { data } of readEvents(response.body as unknown as AsyncIterable<Buffer>)) return JSON.parse(data) as TestAnswer;
  throw new Error('no event came');
};
const ws: Ask = async (who, payload) => {
  const client = createClient({
    url: `${gateway.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: { token: tokens[who] },
  });
  try {
    return await new Promise<TestAnswer>((resolve, reject) =>
      client.subscribe(
        { query: '', ...payload },
        {
          next: (answer) => resolve(answer as TestAnswer),
          error: (errors) => (Array.isArray(errors) ? resolve({ errors }) : reject(errors as Error)),
          complete: () => undefined,
        },
      ),
    );
  } finally {
    await client.dispose();
  }
};
const DOORS: [string, Ask][] = [
  ['POST', post],
  ['GET', get],
  ['server-sent events', sse],
  ['WebSocket', ws],
];
const byHash = (sha256Hash: unknown) => ({ extensions: { persistedQuery: { version: 1, sha256Hash } } });
const codeOf = ({ errors }: TestAnswer) => errors?.[0]?.extensions.code;
const variables = { id: '5' };
const five = { data: { book: { id: '5' } } };

describe.each(DOORS)('over %s', (door, ask) => {
  it('a document runs by its id, in either form', async () => {
    for (const who of ['plain', 'logged', 'open']) {
      expect(await ask(who, { ...byHash(HASH), variables })).toMatchObject(five);
      expect(await ask(who, { documentId: HASH, variables })).toMatchObject(five);
    }
    if (door !== 'GET' && door !== 'POST') expect(await ask('plain', { documentId: 'count' })).toMatchObject({ data: { count: 1 } });
  });

  it('a document runs as text when it means a trusted one, also one of this release', async () => {
    expect(await ask('plain', { query: BOOK.replace('{ id }', '{ __typename id }'), variables })).toMatchObject(five);
    expect(await ask('plain', { query: OWN })).toMatchObject({ data: { book: { id: '7' } } });
  });

  it('any other is refused, with whatever id it comes', async () => {
    for (const who of ['plain', 'reader', 'impostor'])
      for (const id of [{}, byHash(HASH), byHash('c'.repeat(64))])
        expect(codeOf(await ask(who, { query: FREE, variables, ...id }))).toBe('DOCUMENT_NOT_TRUSTED');
    expect(codeOf(await ask('plain', { query: 'not GraphQL' }))).toBe('DOCUMENT_NOT_TRUSTED');
    expect(codeOf(await ask('reader', { query: '{ __schema { queryType { name } } }' }))).toBe('DOCUMENT_NOT_TRUSTED');
  });

  it('any other runs for a client that may send it, and for tools with the scope', async () => {
    for (const who of ['logged', 'open', 'tool']) expect(await ask(who, { query: FREE, variables })).toMatchObject(five);
    expect(codeOf(await ask('tool', { query: '{ __schema { queryType { name } } }' }))).toBeUndefined();
    expect(codeOf(await ask('ignorant', { query: '{ __schema { queryType { name } } }' }))).toBe('FORBIDDEN');
  });

  it('an unknown id is told as such, and sending the document with it registers nothing', async () => {
    const id = byHash('d'.repeat(64));
    expect(await ask('logged', { query: FREE, variables, ...id })).toMatchObject(five);
    expect(codeOf(await ask('logged', { variables, ...id }))).toBe('PERSISTED_QUERY_NOT_FOUND');
    expect(codeOf(await ask('plain', { documentId: 'd' }))).toBe('PERSISTED_QUERY_NOT_FOUND');
    expect(codeOf(await ask('open', id))).toBe('PERSISTED_QUERY_NOT_SUPPORTED');
  });

  it('a request that names a document in no way or in two is refused', async () => {
    const odd: Record<string, unknown>[] = [
      { query: BOOK, documentId: HASH, variables },
      byHash(7),
      { extensions: { persistedQuery: 'x' } },
      {},
    ];
    for (const payload of odd) expect(codeOf(await ask('tool', payload))).toBe('BAD_REQUEST');
  });
});

it('a client is not another one because a header says so', async () => {
  const headers = { ...auth('plain'), 'apollographql-client-name': 'open', 'graphql-client-name': 'open', 'x-client-id': 'open' };
  expect(codeOf((await (await gateway.post({ query: FREE, variables }, headers)).json()) as TestAnswer)).toBe('DOCUMENT_NOT_TRUSTED');
});

it('a mutation by id never runs by GET', async () => {
  await publish({ ...DOCUMENTS, touch: 'mutation { touch }' });
  await eventually(
    () => post('plain', { documentId: 'touch' }),
    (answer) => answer.errors === undefined,
  );
  const response = await fetch(`${gateway.url}/graphql?documentId=touch`, { headers: auth('plain') });
  expect(response.status).toBe(405);
});

it('a trusted document does not let in another one as its argument', async () => {
  const start = (document: string) => post('plain', { documentId: 'start', variables: { document } });
  expect(codeOf(await start(FREE))).toBe('DOCUMENT_NOT_TRUSTED');
  // Here there is no Temporal to run it.
  expect(codeOf(await start(OWN))).toBe('TEMPORAL_UNAVAILABLE');
});

it('a document with @defer by id is answered in parts', async () => {
  const response = await gateway.post({ documentId: 'deferred' }, { ...auth('plain'), accept: 'multipart/mixed, application/json' });
  expect(response.headers.get('content-type')).toMatch(/^multipart\/mixed/);
  expect(await response.text()).toContain('"data":{"book":{"id":"1"}}');
});

describe('a manifest that changes', () => {
  const asked = { documentId: 'later' };

  it('is read again, and one that is wrong leaves the one before', async () => {
    expect(codeOf(await post('plain', asked))).toBe('PERSISTED_QUERY_NOT_FOUND');
    await publish({ ...DOCUMENTS, later: OWN });
    await eventually(
      () => post('plain', asked),
      (answer) => answer.errors === undefined,
    );
    await publish('{');
    await eventually(
      async () => gateway.log.join('\n'),
      (log) => log.includes('trusted documents could not be read again'),
    );
    expect(await post('plain', asked)).toMatchObject({ data: { book: { id: '7' } } });
    await publish(DOCUMENTS);
    await eventually(
      () => post('plain', asked),
      (answer) => codeOf(answer) === 'PERSISTED_QUERY_NOT_FOUND',
    );
    // Texts are judged anew as well.
    expect(codeOf(await post('plain', { query: FREE, variables }))).toBe('DOCUMENT_NOT_TRUSTED');
    await publish({ ...DOCUMENTS, free: FREE });
    await eventually(
      () => post('plain', { query: FREE, variables }),
      (answer) => answer.errors === undefined,
    );
    await publish(DOCUMENTS);
    await eventually(
      () => post('plain', { query: FREE, variables }),
      (answer) => codeOf(answer) === 'DOCUMENT_NOT_TRUSTED',
    );
  });

  it('that is wrong at the start ends it', async () => {
    const log = createLogger({ name: 'test', level: 'silent' });
    const start = followManifests({ files: [join(folder, 'none.json')], ownFile: manifest, log });
    await expect(start).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('none.json cannot be read') });
  });
});

it('what is sent is counted, and a document that is not trusted is logged once without its text', async () => {
  for (let n = 0; n < 3; n++) await post('logged', { query: 'query Noted { book(id: 99) { id } }' });
  const said = gateway.log.filter((line) => line.includes('document is not trusted') && line.includes('"client":"logged"'));
  expect(new Set(said).size).toBe(said.length);
  expect(said.join('')).not.toContain('99');
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  for (const document of ['trusted', 'free', 'refused', 'unknown_id'])
    expect(metrics).toMatch(new RegExp(`sluice_documents_total\\{document="${document}"\\} [1-9]`));
});

it.each(['logged', 'open'])('GraphQL over HTTP holds for %s clients: 61 audits', async (who) => {
  const results = await auditServer({
    url: `${gateway.url}/graphql`,
    fetchFn: (url: string, init: RequestInit = {}) =>
      fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), ...auth(who) } }),
  });
  expect(results.filter(({ status }) => status !== 'ok').map(({ name }) => name)).toEqual([]);
  expect(results).toHaveLength(61);
});
