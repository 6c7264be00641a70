import { request as httpRequest } from 'node:http';
import { getIntrospectionQuery } from 'graphql';
import { auditServer } from 'graphql-http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from './tests/test-gateway.js';

const authors = { a1: { id: 'a1', name: 'Ada' }, a2: { id: 'a2', name: 'Bo' } };

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    env: { SLUICE_EXECUTION: 'direct' },
    services: [
      {
        name: 'books',
        sdl: `type Query { books(first: Int = 2): [Book!]! book(id: ID!): Book fails(code: String): String shaky: String! }
              type Mutation { addBook(title: String!): Book! }
              type Subscription { x: Int }
              type Book @key(fields: "id") { id: ID! title: String! author: Author! }
              type Author @key(fields: "id") { id: ID! }`,
        resolvers: {
          Query: {
            books: (_: unknown, { first }: { first: number }) =>
              [1, 2, 3].slice(0, first).map((n) => ({ id: `b${n}`, title: `Book ${n}`, author: { id: `a${n}` } })),
            book: (_: unknown, { id }: { id: string }) => ({ id, title: 'One', author: { id: 'a1' } }),
            fails: (_: unknown, { code }: { code: string | null }) => {
              throw Object.assign(new Error('secret: postgres://db/internal'), { extensions: code === null ? {} : { code } });
            },
            shaky: () => null,
          },
          Mutation: { addBook: (_: unknown, { title }: { title: string }) => ({ id: 'b9', title, author: { id: 'a1' } }) },
        },
      },
      {
        name: 'authors',
        sdl: `type Query { author(id: ID!): Author } type Author @key(fields: "id") { id: ID! name: String! }`,
        resolvers: {
          Query: { author: (_: unknown, { id }: { id: keyof typeof authors }) => authors[id] ?? null },
          Author: { __resolveReference: ({ id }: { id: keyof typeof authors }) => authors[id] ?? null },
        },
      },
    ],
  });
});
afterAll(() => gateway.close());

describe('an operation', () => {
  it('is answered out of several services in the order of the query', async () => {
    const answer = await gateway.query('query ($n: Int) { list: books(first: $n) { author { name id } title __typename } }', { n: 2 });
    expect(JSON.stringify(answer.data)).toBe(
      JSON.stringify({
        list: [
          { author: { name: 'Ada', id: 'a1' }, title: 'Book 1', __typename: 'Book' },
          { author: { name: 'Bo', id: 'a2' }, title: 'Book 2', __typename: 'Book' },
        ],
      }),
    );
    expect(answer.errors).toBeUndefined();
    expect(answer.extensions?.operation).toEqual({ path: 'direct', reason: 'forced-direct' });
  });

  it('says how it was planned to callers who ask and may know the schema', async () => {
    const query = '{ books { author { name } } more: books { author { id name } } }';
    const ask = async (body: object, headers?: Record<string, string>) =>
      ((await (await gateway.post({ query, ...body }, headers)).json()) as { extensions: { plan?: object } }).extensions.plan;
    expect(await ask({ extensions: { plan: true } })).toMatchObject({
      services: ['authors', 'books'],
      fetches: 2,
      root: {
        kind: 'sequence',
        nodes: [
          { kind: 'fetch', service: 'books' },
          { kind: 'parallel', nodes: [{ kind: 'merged', service: 'authors', places: 2 }, { kind: 'place' }] },
        ],
      },
    });
    expect(await ask({})).toBeUndefined();
    const others = { authorization: `Bearer ${await gateway.tokenWith('files:read')}` };
    expect(await ask({ extensions: { plan: true } }, others)).toBeUndefined();
  });

  it('keeps what other services answered when one has nothing', async () => {
    const answer = await gateway.query('{ books(first: 3) { title author { id name } } }');
    expect(answer.data).toBeNull();
    expect(answer.errors?.[0]).toMatchObject({ path: ['books', 2, 'author', 'name'] });
  });

  it('is selected by name, and refused with 400 when that is impossible', async () => {
    const query = 'query One { book(id: 1) { id } } query Two { book(id: 2) { id } }';
    expect(await (await gateway.post({ query, operationName: 'Two' })).json()).toMatchObject({ data: { book: { id: '2' } } });
    for (const operationName of [undefined, 'Three']) {
      const response = await gateway.post({ query, operationName });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } }] });
    }
  });

  it('runs mutations by POST and never by GET', async () => {
    expect((await gateway.query('mutation { addBook(title: "New") { title } }')).data).toEqual({ addBook: { title: 'New' } });
    const url = `${gateway.url}/graphql?query=${encodeURIComponent('mutation { addBook(title: "x") { id } }')}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${await gateway.token()}` } });
    expect(response.status).toBe(405);
  });

  it('that subscribes is told where subscriptions are served', async () => {
    expect((await gateway.query('subscription { x }')).errors?.[0]).toMatchObject({
      message: expect.stringContaining('WebSocket'),
      extensions: { code: 'BAD_REQUEST' },
    });
  });
});

describe('introspection', () => {
  it('is answered from the API schema, beside data', async () => {
    const answer = await gateway.query(
      '{ b: book(id: 1) { id } ...F } fragment F on Query { __type(name: "Author") { name fields { name } } __typename }',
    );
    expect(JSON.stringify(answer.data)).toBe(
      JSON.stringify({ b: { id: '1' }, __type: { name: 'Author', fields: [{ name: 'id' }, { name: 'name' }] }, __typename: 'Query' }),
    );
  });

  it('in full fits the limits and hides what belongs to the services', async () => {
    const { data, errors } = await gateway.query(
      getIntrospectionQuery({ descriptions: true, directiveIsRepeatable: true, schemaDescription: true }),
    );
    expect(errors).toBeUndefined();
    const names = (data?.['__schema'] as { types: { name: string }[] }).types.map(({ name }) => name);
    expect(names).toContain('Book');
    expect(names.filter((name) => /^(_Any|_Entity|join__)/.test(name))).toEqual([]);
  });
});

describe('the door', () => {
  const ask = { query: '{ book(id: 1) { id } }' };

  it.each([
    ['no token', {}],
    ['a forged token', { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' }],
    ['another scheme', { authorization: 'Basic YTpi' }],
  ])('answers 401 to %s before it reads the document', async (_, headers) => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"query":"{',
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
  });

  it.each([
    [400, 'BAD_REQUEST', '{"query":', {}],
    [400, 'BAD_REQUEST', '[{"query":"{ book(id: 1) { id } }"}]', {}],
    [400, 'BAD_REQUEST', '{"query":7}', {}],
    [415, 'BAD_REQUEST', JSON.stringify(ask), { 'content-type': 'text/plain' }],
    [415, 'BAD_REQUEST', JSON.stringify(ask), { 'content-type': 'application/json; charset=utf-16' }],
    [415, 'BAD_REQUEST', JSON.stringify(ask), { 'content-encoding': 'gzip' }],
    [413, 'REQUEST_TOO_LARGE', `{"query":"${' '.repeat(3 * 1024 * 1024)}"}`, {}],
  ])('answers %i %s to a bad body', async (status, code, body, headers) => {
    const response = await gateway.post(body, headers);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code } }] });
  });

  it('stops reading a body without a length once it is too large', async () => {
    const token = await gateway.token();
    const status = await new Promise<number | undefined>((resolve) => {
      const sending = httpRequest(`${gateway.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      });
      sending.on('response', (response) => resolve(response.resume().statusCode));
      sending.on('error', () => undefined);
      const block = Buffer.alloc(256 * 1024, ' ');
      const pump = (): void => void (sending.write(block) ? setImmediate(pump) : sending.once('drain', pump));
      pump();
    });
    expect(status).toBe(413);
  });

  it.each([
    ['a foreign page', { origin: 'https://evil.example' }],
    ['a page that hides its origin', { origin: 'null' }],
    ['another site without an origin', { 'sec-fetch-site': 'cross-site' }],
  ])('refuses %s', async (_, headers) => {
    const response = await gateway.post(ask, headers);
    expect(response.status).toBe(403);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('lets pages of its own origin in, with a preflight', async () => {
    const headers = { origin: gateway.url };
    const response = await gateway.post(ask, headers);
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBe(gateway.url);
    const preflight = await fetch(`${gateway.url}/graphql`, { method: 'OPTIONS', headers });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
  });

  it('tells a balancer that it is ready, and a scraper how it does', async () => {
    expect(await (await fetch(`${gateway.url}/health/live`)).json()).toEqual({ status: 'live' });
    expect(await (await fetch(`${gateway.url}/health/ready`)).json()).toEqual({ ready: true, generation: 1, temporal: 'none' });
    expect(await (await fetch(`${gateway.adminUrl}/metrics`)).text()).toMatch(
      /sluice_requests_total\{transport="http",outcome="answered"\} \d/,
    );
    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404);
  });
});

describe('limits', () => {
  const many = (count: number, make: (n: number) => string): string => Array.from({ length: count }, (_, n) => make(n)).join(' ');

  it.each([
    ['tokens', `{ ${many(700, () => 'book(id: 1) { id }')} }`, 'GRAPHQL_PARSE_FAILED'],
    ['aliases', `{ book(id: 1) { ${many(31, (n) => `a${n}: id`)} } }`, 'GRAPHQL_VALIDATION_FAILED'],
    ['aliases of __typename', `{ ${many(31, (n) => `a${n}: __typename`)} }`, 'GRAPHQL_VALIDATION_FAILED'],
    ['root fields', `{ ${many(21, (n) => `a${n}: book(id: ${n}) { id }`)} }`, 'GRAPHQL_VALIDATION_FAILED'],
    ['directives', `{ book(id: 1) { id ${many(21, () => '@include(if: true)')} } }`, 'GRAPHQL_VALIDATION_FAILED'],
    ['depth', `{ __schema { types { ${'ofType { '.repeat(14)} name ${'}'.repeat(14)} } } }`, 'GRAPHQL_VALIDATION_FAILED'],
    [
      'selections by nested fragments',
      `{ book(id: 1) { ...F0 } } ${many(12, (n) => `fragment F${n} on Book { ...F${n + 1} ...F${n + 1} }`)} fragment F12 on Book { id }`,
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['fragment cycles', '{ book(id: 1) { ...A } } fragment A on Book { ...B } fragment B on Book { ...A }', 'GRAPHQL_VALIDATION_FAILED'],
  ])('refuse too many %s', async (what, query, code) => {
    const before = gateway.services['books']?.calls.length;
    const [error] = (await gateway.query(query)).errors ?? [];
    expect(error?.extensions.code).toBe(code);
    if (what !== 'fragment cycles') {
      const { limit, maximum, actual } = (error?.extensions ?? {}) as Record<string, unknown>;
      expect([what.split(' ')[0], what]).toContain(String(limit).replace('rootFields', 'root fields'));
      expect(actual).toBeGreaterThan(maximum as number);
      expect(error?.message).toContain(`at most ${maximum as number} `);
    }
    expect(gateway.services['books']?.calls.length).toBe(before);
  });
});

describe('errors', () => {
  it('keep a code that a service gave, and hide a text that is not for callers', async () => {
    expect((await gateway.query('{ fails(code: "OUT_OF_PAPER") }')).errors?.[0]).toMatchObject({
      message: expect.not.stringContaining('secret') as string,
      path: ['fails'],
      extensions: { code: 'OUT_OF_PAPER', service: 'books' },
    });
    for (const code of [null, 'INTERNAL_SERVER_ERROR', 'INTERNAL', 'OUT_OF_PAPER', 'lower case']) {
      const response = await gateway.post({ query: 'query ($code: String) { fails(code: $code) }', variables: { code } });
      expect(response.status).toBe(200);
      expect(await response.text()).not.toMatch(/postgres|secret|127\.0\.0\.1/);
    }
  });

  it('about variables are 200 in the old media type and 400 in the new one', async () => {
    const body = { query: 'query ($id: ID!) { book(id: $id) { id } }', variables: {} };
    const old = await gateway.post(body, { accept: 'application/json' });
    const modern = await gateway.post(body, { accept: 'application/graphql-response+json' });
    expect([old.status, modern.status]).toEqual([200, 400]);
    expect(await modern.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_USER_INPUT' } }] });
  });
});

it('passes all 61 audits of GraphQL over HTTP', async () => {
  const authorization = `Bearer ${await gateway.token()}`;
  const results = await auditServer({
    url: `${gateway.url}/graphql`,
    fetchFn: (url: string, init: RequestInit = {}) =>
      fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), authorization } }),
  });
  expect(
    results
      .filter(({ status }) => status !== 'ok')
      .map((result) => `${result.id} ${result.name}: ${'reason' in result ? result.reason : ''}`),
  ).toEqual([]);
  expect(results).toHaveLength(61);
});
