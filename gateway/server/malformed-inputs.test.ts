// What no client should send, over HTTP and WebSocket: the exact status and code for each, nothing reaches a service, no 5xx.
import { request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

let gateway: TestGateway;
let token: string;
beforeAll(async () => {
  gateway = await startTestGateway({
    env: { SLUICE_EXECUTION: 'direct' },
    services: [
      {
        name: 'books',
        sdl: `
          type Query { book(id: ID!): Book  books(first: Int = 2): [Book!]! @listSize(slicingArguments: ["first"], assumedSize: 5)
                       sum(of: [Int!]!, how: How): Int  find(by: By!): Book  thing: Thing  either: Either  yes(really: Boolean!): Boolean }
          type Mutation { addBook(title: String!): Book }
          type Subscription { added: Book  removed: Book }
          interface Thing { id: ID! }  union Either = Book | Author  enum How { FAST SLOW }
          input By { id: ID  title: String!  in: [By!]  page: Int }
          type Book implements Thing @key(fields: "id") { id: ID!  title(max: Int): String!  author: Author! }
          type Author implements Thing @key(fields: "id") { id: ID!  name: String }`,
      },
    ],
  });
  token = await gateway.token();
});
afterAll(() => gateway.close());

const callsOf = (): number => gateway.services['books']?.calls.length ?? -1;

interface Sent {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** Not fetch: that refuses to send half of this. */
async function send({
  method = 'POST',
  path = '/graphql',
  headers = {},
  body = '',
}: Sent): Promise<{ status: number; code: unknown; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(gateway.url);
    const defaults = { authorization: `Bearer ${token}`, ...(method === 'POST' ? { 'content-type': 'application/json' } : {}) };
    const sending = httpRequest({ hostname, port, path, method, headers: { ...defaults, ...headers }, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => {
        const parsed = /^\{/.test(text) ? (JSON.parse(text) as { errors?: { extensions?: { code?: unknown } }[] }) : {};
        resolve({ status: response.statusCode ?? 0, code: parsed.errors?.[0]?.extensions?.code, text });
      });
      response.on('error', reject);
    });
    sending.on('error', reject);
    sending.end(body);
  });
}

const accept = 'application/graphql-response+json';
const json = (value: unknown): Sent => ({ body: JSON.stringify(value), headers: { accept } });
const query = (text: string, variables?: unknown): Sent => json({ query: text, ...(variables === undefined ? {} : { variables }) });
const get = (search: string, headers: Record<string, string> = {}): Sent => ({
  method: 'GET',
  path: `/graphql?${search}`,
  headers: { accept, ...headers },
});
const ok = '{ __typename }';

type Row = [what: string, sent: Sent, status: number, code: string];

const BODIES: Row[] = [
  '',
  ' ',
  '{',
  '}',
  '{"query"',
  '{"query":',
  '{"query":"{ a }"',
  "{'query':'{ a }'}",
  '{query:"{ a }"}',
  '{"query":"{ a }",}',
  '{"query":"\u0001"}',
  'null',
  'true',
  '7',
  '"{ a }"',
  '[]',
  '[{}]',
  '[[]]',
  '[null]',
  '{ __typename }',
  'query=%7Ba%7D',
  'NaN',
  'undefined',
  '{"a":1}{"b":2}',
  '\u0000',
  '<xml/>',
  '\ufeff{"query":"{ a }"}',
  '{}',
  '{"Query":"{ __typename }"}',
  '{"data":{}}',
  '{"id":"x"}',
].map((body): Row => [`the body ${JSON.stringify(body)}`, { body, headers: { accept } }, 400, 'BAD_REQUEST']);

const FIELDS: Row[] = [
  ...[null, 7, true, {}, [], ['{ a }'], ''].map((value): Row => [
    `query ${JSON.stringify(value)}`,
    json({ query: value }),
    400,
    'BAD_REQUEST',
  ]),
  ...['x', 7, true, [], [1]].map((value): Row => [
    `variables ${JSON.stringify(value)}`,
    json({ query: ok, variables: value }),
    400,
    'BAD_REQUEST',
  ]),
  ...[7, true, {}, []].map((value): Row => [
    `operationName ${JSON.stringify(value)}`,
    json({ query: ok, operationName: value }),
    400,
    'BAD_REQUEST',
  ]),
  ...['x', 7, true, []].map((value): Row => [
    `extensions ${JSON.stringify(value)}`,
    json({ query: ok, extensions: value }),
    400,
    'BAD_REQUEST',
  ]),
  ['a batch', json([{ query: ok }, { query: ok }]), 400, 'BAD_REQUEST'],
  [
    'an automatic persisted query',
    json({ extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } }),
    200,
    'PERSISTED_QUERY_NOT_SUPPORTED',
  ],
];

const HEADERS: Row[] = [
  ...[
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'text/html',
    'application/graphql',
    'application/json-patch+json',
    'application',
    '*/*',
    'application/json; charset=utf-16',
    'application/json; charset=latin1',
    'application/json; charset="x"',
  ].map((type): Row => [`the content type ${type}`, { ...query(ok), headers: { 'content-type': type } }, 415, 'BAD_REQUEST']),
  ...['gzip', 'br', 'deflate', 'identity, gzip', 'x'].map((encoding): Row => [
    `the content encoding ${encoding}`,
    { ...query(ok), headers: { 'content-encoding': encoding } },
    415,
    'BAD_REQUEST',
  ]),
  ...['https://evil.example', 'null', 'http://127.0.0.1', 'http://localhost:1', 'file://', 'http://127.0.0.1.evil.example', 'x'].map(
    (origin): Row => [`a page of the origin ${origin}`, { ...query(ok), headers: { origin } }, 403, 'FORBIDDEN'],
  ),
  ...['cross-site', 'same-site', 'x', 'none, cross-site'].map((site): Row => [
    `a fetch from ${site}`,
    { ...query(ok), headers: { 'sec-fetch-site': site } },
    403,
    'FORBIDDEN',
  ]),
  [
    'a navigation from another site',
    get(`query=${encodeURIComponent(ok)}`, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
    403,
    'FORBIDDEN',
  ],
  ['an empty key', { ...query('mutation { addBook(title: "x") { id } }'), headers: { 'idempotency-key': '' } }, 400, 'BAD_REQUEST'],
  ['a blank key', { ...query('mutation { addBook(title: "x") { id } }'), headers: { 'idempotency-key': '  ' } }, 400, 'BAD_REQUEST'],
  [
    'a key that is too long',
    { ...query('mutation { addBook(title: "x") { id } }'), headers: { 'idempotency-key': 'k'.repeat(257) } },
    400,
    'BAD_REQUEST',
  ],
  ['a body of 4 MiB', { body: `{"query":"${' '.repeat(4 * 1024 * 1024)}"}`, headers: { connection: 'close' } }, 413, 'REQUEST_TOO_LARGE'],
];

const GETS: Row[] = [
  ['no query', get(''), 400, 'BAD_REQUEST'],
  ['an empty query', get('query='), 400, 'BAD_REQUEST'],
  ['two queries', get('query=%7B__typename%7D&query=%7B__typename%7D'), 400, 'BAD_REQUEST'],
  ['variables that are no JSON', get('query=%7B__typename%7D&variables=%7B'), 400, 'BAD_REQUEST'],
  ['variables that are a list', get('query=%7B__typename%7D&variables=%5B%5D'), 400, 'BAD_REQUEST'],
  ['extensions that are no JSON', get('query=%7B__typename%7D&extensions=x'), 400, 'BAD_REQUEST'],
  ['a mutation', get(`query=${encodeURIComponent('mutation { addBook(title: "x") { id } }')}`), 405, 'BAD_REQUEST'],
  [
    'a mutation by its name',
    get(`query=${encodeURIComponent('query A { __typename } mutation B { addBook(title: "x") { id } }')}&operationName=B`),
    405,
    'BAD_REQUEST',
  ],
  ['a query of 9,000 characters', get(`query=${'x'.repeat(9_000)}`), 413, 'REQUEST_TOO_LARGE'],
  ['a broken escape', get('query=%E0%A4%A'), 400, 'GRAPHQL_PARSE_FAILED'],
  ...['PUT', 'PATCH', 'DELETE'].map((method): Row => [method, { method }, 405, 'BAD_REQUEST']),
];

const SYNTAX = [
  '{',
  '}',
  '{}',
  '{ }',
  'x',
  '{ a',
  '{ a } }',
  '{ a: }',
  '{ : a }',
  '{ a( }',
  '{ a() }',
  '{ a(b) }',
  '{ a(b:) }',
  '{ a(b: ) }',
  '{ a(b: 1, ) c',
  '{ ... }',
  '{ ...on }',
  '{ ... on }',
  '{ ...on { a }',
  '{ a @ }',
  '{ a @x( }',
  '{ a @x() }',
  'query',
  'query {',
  'query A',
  'query A( { a }',
  'query A() { a }',
  'query ($) { a }',
  'query ($a) { a }',
  'query ($a:) { a }',
  'query ($a: [Int) { a }',
  'query ($a: Int!!) { a }',
  'query ($a: Int = $b) { a }',
  'mutation {}',
  'subscription {}',
  'fragment',
  'fragment F',
  'fragment on on Query { a }',
  'fragment F on { a }',
  'fragment F on Query',
  'fragment F on Query {}',
  '{ a(b: "x) }',
  '{ a(b: "\n") }',
  '{ a(b: "\\x") }',
  '{ a(b: "\\u12") }',
  '{ a(b: """x) }',
  '{ a(b: 01) }',
  '{ a(b: 1.) }',
  '{ a(b: .1) }',
  '{ a(b: 1e) }',
  '{ a(b: -) }',
  '{ a(b: 1a) }',
  '{ a(b: [1) }',
  '{ a(b: {c}) }',
  '{ a(b: {c:}) }',
  '{ a(b: {1: 2}) }',
  '{ a; b }',
  '{ a? }',
  '{ a.b }',
  '{ a->b }',
  '{ é }',
  '{ a \u0007 }',
  '{ a } # \n {',
  '{{ a }}',
  '{ a { } }',
  '{ 1 }',
  '{ "a" }',
  '{ $a }',
  '{ a: b: c }',
  'query query query',
  '# only a comment',
  '{ a } query',
  '[ a ]',
  '( a )',
  '...',
  '{ a !}',
  '{ a(b: !) }',
  '{ a(b: $) }',
  '{ a(b: @x) }',
  '\\',
  '{ a(b: "\\u{110000}") }',
  `{ ${'a '.repeat(2_001)} }`,
  '{'.repeat(500),
  '['.repeat(100),
].map((text): Row => [`the document ${JSON.stringify(text.slice(0, 40))}`, query(text), 400, 'GRAPHQL_PARSE_FAILED']);

const many = (count: number, make: (n: number) => string): string => Array.from({ length: count }, (_, n) => make(n)).join(' ');

const INVALID = [
  '{ nothing }',
  '{ Book }',
  '{ book }',
  '{ book { id } }',
  '{ book(id: 1) }',
  '{ book(id: 1) { } nothing }'.replace('{ } ', ''),
  '{ book(id: 1) { nothing } }',
  '{ book(id: 1, no: 2) { id } }',
  '{ book(id: 1, id: 2) { id } }',
  '{ book(id: null) { id } }',
  '{ book(id: true) { id } }',
  '{ book(id: [1, 2]) { id } }',
  '{ book(id: {}) { id } }',
  '{ book(id: 1.5) { id } }',
  '{ book(id: 1) { id { x } } }',
  '{ book(id: 1) { title(max: "x") } }',
  '{ book(id: 1) { title(max: 9999999999) } }',
  '{ book(id: 1) { author } }',
  '{ books { id } books(first: 1) { id } }',
  '{ a: book(id: 1) { id } a: books { id } }',
  '{ sum }',
  '{ sum(of: [null]) }',
  '{ sum(of: "x") }',
  '{ sum(of: [[1]]) }',
  '{ sum(of: [1], how: MIDDLING) }',
  '{ sum(of: [1], how: "FAST") }',
  '{ sum(of: [1], how: fast) }',
  '{ find(by: {}) { id } }',
  '{ find(by: { title: 1 }) { id } }',
  '{ find(by: { title: "x", no: 1 }) { id } }',
  '{ find(by: { title: "x", title: "y" }) { id } }',
  '{ find(by: { title: "x", in: [{}] }) { id } }',
  '{ yes }',
  '{ yes(really: "true") }',
  '{ yes(really: 1) }',
  '{ thing { name } }',
  '{ either { id } }',
  '{ either { ... on Query { books { id } } } }',
  '{ book(id: 1) { ... on Author { id } } }',
  '{ ...F }',
  '{ ...F } fragment F on Nothing { id }',
  '{ ...F } fragment F on Int { id }',
  '{ ...F } fragment F on Book { id }',
  'fragment F on Query { __typename } { __typename }',
  '{ ...F } fragment F on Query { ...F }',
  '{ ...F ...G } fragment F on Query { ...G } fragment G on Query { ...F }',
  '{ ...F } fragment F on Query { __typename } fragment F on Query { __typename }',
  '{ ... on Nothing { id } }',
  '{ ... on How { id } }',
  '{ __typename @nothing }',
  '{ __typename @include }',
  '{ __typename @include(if: "x") }',
  '{ __typename @skip(no: true) }',
  '{ __typename @include(if: true) @include(if: true) }',
  'query @skip(if: true) { __typename }',
  '{ __typename @deprecated }',
  '{ __typename @sluice__denied(reason: "x") }',
  '{ __typename @key(fields: "id") }',
  'query ($a: Int) { __typename }',
  '{ books(first: $n) { id } }',
  'query ($n: String) { books(first: $n) { id } }',
  'query ($n: Int, $n: Int) { books(first: $n) { id } }',
  'query ($n: Nothing) { books(first: $n) { id } }',
  'query ($n: Book) { books(first: $n) { id } }',
  'query ($n: Int = "x") { books(first: $n) { id } }',
  'query ($i: ID) { book(id: $i) { id } }',
  'query ($n: [Int]) { sum(of: $n) }',
  'query A { __typename } query A { __typename }',
  '{ __typename } { __typename }',
  '{ __typename } query A { __typename }',
  'type Query { a: Int }',
  '{ __typename } type X { a: Int }',
  'schema { query: Query }',
  'extend type Query { a: Int }',
  'directive @x on FIELD',
  '{ _service { sdl } }',
  '{ _entities(representations: []) { __typename } }',
  'mutation { book(id: 1) { id } }',
  'mutation { addBook { id } }',
  'mutation { addBook(title: null) { id } }',
  'mutation { addBook(title: 1) { id } }',
  '{ addBook(title: "x") { id } }',
  'subscription { added { id } removed { id } }',
  'subscription { nothing }',
  '{ __schema { nothing } }',
  '{ __type { name } }',
  '{ __type(name: 1) { name } }',
  '{ __typename { x } }',
  '{ book(id: 1) { __schema { types { name } } } }',
  `{ ${many(31, (n) => `a${n}: __typename`)} }`,
  `{ __typename ${many(21, () => '@skip(if: false)')} }`,
  `{ ${many(21, () => '__typename')} }`,
  `{ __schema { types { ${'ofType { '.repeat(15)} name ${'}'.repeat(15)} } } }`,
  `{ ...F0 } ${many(12, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`)} fragment F12 on Query { __typename }`,
  '{ books(first: 1001) { id } }',
  '{ books(first: 100) { id author { id } } a: books(first: 1000) { id } }',
  `{ ${many(20, (n) => `a${n}: books(first: 51) { id }`)} }`,
].map((text): Row => [`the document ${JSON.stringify(text.slice(0, 90))}`, query(text), 400, 'GRAPHQL_VALIDATION_FAILED']);

const VARIABLES = (
  [
    ['$i: ID!', 'book(id: $i) { id }', [undefined, {}, { i: null }, { i: true }, { i: [] }, { i: {} }, { i: 1.5 }, { I: '1' }]],
    ['$n: Int', 'books(first: $n) { id }', [{ n: '1' }, { n: 1.5 }, { n: 2 ** 31 }, { n: [] }, { n: {} }, { n: true }]],
    [
      '$of: [Int!]!, $how: How',
      'sum(of: $of, how: $how)',
      [
        { of: null },
        { of: [null] },
        { of: ['1'] },
        { of: [[1]] },
        { of: [1], how: 'NO' },
        { of: [1], how: 1 },
        { of: [1], how: null, x: 1 },
      ].slice(0, 6),
    ],
    [
      '$by: By!',
      'find(by: $by) { id }',
      [
        { by: {} },
        { by: 'x' },
        { by: [] },
        { by: { title: 1 } },
        { by: { title: 'x', no: 1 } },
        { by: { title: 'x', in: [{}] } },
        { by: { title: 'x', in: [{ title: 'y', page: 'z' }] } },
        { by: { title: 'x', __proto__x: 1 } },
      ],
    ],
    ['$y: Boolean!', 'yes(really: $y)', [{ y: null }, { y: 'true' }, { y: 0 }, { y: {} }]],
  ] as const
).flatMap(([declared, field, wrong]) =>
  wrong.map((variables): Row => [
    `${declared} = ${JSON.stringify(variables) ?? 'nothing'}`,
    query(`query (${declared}) { ${field} }`, variables),
    400,
    'BAD_USER_INPUT',
  ]),
);

const CHOICES: Row[] = [
  ['none of two operations', json({ query: 'query A { __typename } query B { __typename }' }), 400, 'OPERATION_RESOLUTION_FAILURE'],
  ['an operation that is not there', json({ query: 'query A { __typename }', operationName: 'B' }), 400, 'OPERATION_RESOLUTION_FAILURE'],
  ['fragments only', json({ query: 'fragment F on Query { __typename }' }), 400, 'GRAPHQL_VALIDATION_FAILED'],
  ['a subscription', json({ query: 'subscription { added { id } }' }), 400, 'BAD_REQUEST'],
  [
    'a cost over the limit by a variable',
    query('query ($n: Int) { books(first: $n) { id } }', { n: 1_001 }),
    400,
    'GRAPHQL_VALIDATION_FAILED',
  ],
];

const ROWS = [...BODIES, ...FIELDS, ...HEADERS, ...GETS, ...SYNTAX, ...INVALID, ...VARIABLES, ...CHOICES];

describe('over HTTP', () => {
  it.each(ROWS)('%s', async (_, sent, status, code) => {
    const before = callsOf();
    const answer = await send(sent);
    expect([answer.status, answer.code, answer.text.slice(0, 300)]).toEqual([status, code, expect.anything()]);
    expect(callsOf()).toBe(before);
  });
});

describe('over a socket', () => {
  interface Spoken {
    closed?: number;
    messages: { type: string; id?: string; payload?: { extensions?: { code?: string } }[] }[];
  }

  /** Says what is to be said once the socket is open; ends with the close or the first message that is no greeting. */
  async function speak(lines: (string | Buffer | object)[]): Promise<Spoken> {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    const messages: Spoken['messages'] = [];
    const heard = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as Spoken['messages'][number];
        if (message.type === 'connection_ack' || message.type === 'ping') return;
        messages.push(message);
        resolve();
      });
    });
    const closed = once(socket, 'close').then(([code]) => code as number);
    await once(socket, 'open');
    const say = (line: string | Buffer | object): void =>
      socket.send(typeof line === 'string' || Buffer.isBuffer(line) ? line : JSON.stringify(line));
    const [first, ...rest] = lines;
    if (first !== undefined) say(first);
    // What follows a greeting waits for its answer.
    if (rest.length > 0) await once(socket, 'message');
    rest.forEach(say);
    const code = await Promise.race([closed, heard.then(() => undefined)]);
    socket.terminate();
    return { messages, ...(code === undefined ? {} : { closed: code }) };
  }

  const init = (): object => ({ type: 'connection_init', payload: { token } });
  const subscribe = (payload: unknown, id: unknown = '1'): object => ({ type: 'subscribe', id, payload });

  it.each<[string, () => (string | Buffer | object)[], number]>([
    ['no JSON', () => ['{'], 4400],
    ['an empty message', () => [''], 4400],
    ['null', () => ['null'], 4400],
    ['a list', () => ['[]'], 4400],
    ['a message without a type', () => [{}], 4400],
    ['a message of an unknown type', () => [{ type: 'start' }], 4400],
    ['a type that is no string', () => [{ type: 7 }], 4400],
    ['bytes', () => [Buffer.from([0, 1, 2, 255])], 4400],
    ['an init without a token', () => [{ type: 'connection_init' }], 4403],
    ['an init with a payload that is no object', () => [{ type: 'connection_init', payload: 'x' }], 4400],
    ['a token that is no string', () => [{ type: 'connection_init', payload: { token: {} } }], 4403],
    ['a token that is none', () => [{ type: 'connection_init', payload: { token: 'x' } }], 4403],
    ['two inits', () => [init(), init()], 4429],
    ['an operation before the init', () => [subscribe({ query: ok })], 4401],
    ['an operation without an id', () => [init(), { type: 'subscribe', payload: { query: ok } }], 4400],
    ['an operation with a number as its id', () => [init(), subscribe({ query: ok }, 7)], 4400],
    ['an operation with an empty id', () => [init(), subscribe({ query: ok }, '')], 4400],
    ['an operation without a payload', () => [init(), { type: 'subscribe', id: '1' }], 4400],
    ['an operation without a query', () => [init(), subscribe({})], 4400],
    ['a query that is no string', () => [init(), subscribe({ query: 7 })], 4400],
    ['variables that are no object', () => [init(), subscribe({ query: ok, variables: 'x' })], 4400],
    ['a name that is no string', () => [init(), subscribe({ query: ok, operationName: 7 })], 4400],
    ['extensions that are no object', () => [init(), subscribe({ query: ok, extensions: 'x' })], 4400],
    ['a complete without an id', () => [init(), { type: 'complete' }], 4400],
    ['a server’s message', () => [init(), { type: 'next', id: '1', payload: {} }], 4400],
    ['a message of 100 KiB', () => ['x'.repeat(100 * 1024)], 1009],
  ])('%s closes it', async (_, lines, code) => {
    const before = callsOf();
    expect((await speak(lines())).closed).toBe(code);
    expect(callsOf()).toBe(before);
  });

  const documents = [
    ...SYNTAX.filter((_, index) => index % 4 === 0),
    ...INVALID.filter((_, index) => index % 3 === 0),
    ...VARIABLES.filter((_, index) => index % 4 === 0),
    ...CHOICES.filter(([what]) => what !== 'a subscription'),
  ];
  it.each(documents)('%s is refused with the same code', async (_, sent, __, code) => {
    const before = callsOf();
    const { messages, closed } = await speak([init(), subscribe(JSON.parse(sent.body as string))]);
    expect(closed).toBeUndefined();
    const errors =
      messages[0]?.type === 'error'
        ? messages[0].payload
        : (messages[0]?.payload as unknown as { errors: { extensions: { code: string } }[] }).errors;
    expect(errors?.[0]?.extensions?.code).toBe(code);
    expect(callsOf()).toBe(before);
  });
});

it('are 300 and more', () => {
  expect(ROWS.length).toBeGreaterThanOrEqual(300);
});
