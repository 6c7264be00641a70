// Every guarded field × {no token, wrong scope, right scope} × every way to select it, over HTTP and WebSocket.
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestGateway, type TestAnswer, type TestGateway } from './tests/test-gateway.js';

const once = (tick: object) =>
  async function* () {
    yield await Promise.resolve(tick);
  };

const SHOP = {
  name: 'shop',
  sdl: `
    type Query {
      open: Int  secret: Int @requiresScopes(scopes: [["read"]])  either: Int @requiresScopes(scopes: [["a", "b"], ["c"]])
      policed: Int @policy(policies: [["adult"]])  known: Int @authenticated
      vault: Vault  gem: Gem  books: [Book!]!  thing: Thing  mood: Mood  any(vault: Boolean): Any  self: Query
    }
    type Mutation { keep: Int  burn: Int @requiresScopes(scopes: [["burn"]]) }
    type Subscription { ticks: Tick  watched: Tick @requiresScopes(scopes: [["watch"]]) }
    type Tick { n: Int  inside: Int @requiresScopes(scopes: [["inside"]])  must: Int! @requiresScopes(scopes: [["must"]]) }
    interface Thing { id: ID!  price: Int }
    type Book implements Thing @key(fields: "id") { id: ID!  price: Int }
    type Gem implements Thing { id: ID!  price: Int @requiresScopes(scopes: [["price"]])  weight: Int! @requiresScopes(scopes: [["weight"]]) }
    type Vault @requiresScopes(scopes: [["vault"]]) { code: Int }
    enum Mood @requiresScopes(scopes: [["mood"]]) { GOOD }
    union Any = Book | Vault`,
  resolvers: {
    Query: {
      open: () => 1,
      secret: () => 2,
      either: () => 3,
      policed: () => 4,
      known: () => 5,
      vault: () => ({ code: 6 }),
      gem: () => ({ id: 'g1', price: 7, weight: 8 }),
      books: () => [1, 2].map((n) => ({ id: `b${n}`, price: n })),
      thing: () => ({ __typename: 'Book', id: 'b1', price: 1 }),
      mood: () => 'GOOD',
      any: (_: unknown, { vault }: { vault?: boolean }) =>
        vault === true ? { __typename: 'Vault', code: 6 } : { __typename: 'Book', id: 'b1' },
      self: () => ({}),
    },
    Mutation: { keep: () => 1, burn: () => 2 },
    Subscription: {
      ticks: { subscribe: once({ ticks: { n: 1, inside: 2, must: 3 } }) },
      watched: { subscribe: once({ watched: { n: 1, inside: 2, must: 3 } }) },
    },
  },
};
const MARGINS = {
  name: 'margins',
  sdl: 'type Query { nothing: Int } type Book @key(fields: "id") { id: ID!  margin: Int @requiresScopes(scopes: [["margin"]]) }',
  resolvers: { Book: { __resolveReference: ({ id }: { id: string }) => ({ id, margin: 9 }) } },
};

interface Guarded {
  coordinate: string;
  kind?: 'mutation' | 'subscription';
  /** How the caller comes from the root to the field. */
  at?: (field: string) => string;
  selection?: string;
  right: string;
  wrong?: string;
}

const GUARDED: readonly Guarded[] = [
  { coordinate: 'Query.secret', right: 'read' },
  { coordinate: 'Query.secret', right: 'read', at: (field) => `self { self { ${field} } }` },
  { coordinate: 'Query.either', right: 'a b', wrong: 'a' },
  { coordinate: 'Query.either', right: 'c', wrong: 'b' },
  { coordinate: 'Query.policed', right: 'policy:adult', wrong: 'adult' },
  { coordinate: 'Query.vault', selection: 'vault { code }', right: 'vault' },
  { coordinate: 'Query.vault', selection: 'vault { __typename }', right: 'vault' },
  { coordinate: 'Query.mood', right: 'mood' },
  { coordinate: 'Gem.price', right: 'price', at: (field) => `gem { id ${field} }` },
  { coordinate: 'Gem.weight', right: 'weight', at: (field) => `gem { ${field} }` },
  { coordinate: 'Thing.price', right: 'price', at: (field) => `thing { id ${field} }` },
  { coordinate: 'Gem.price', right: 'price', at: (field) => `thing { ... on Gem { ${field} } }` },
  { coordinate: 'Vault.code', right: 'vault', at: (field) => `any(vault: true) { ... on Vault { ${field} } }` },
  { coordinate: 'Book.margin', right: 'margin', at: (field) => `books { ${field} }` },
  { coordinate: 'Mutation.burn', kind: 'mutation', right: 'burn' },
  { coordinate: 'Subscription.watched', kind: 'subscription', selection: 'watched { n }', right: 'watch' },
  { coordinate: 'Tick.inside', kind: 'subscription', right: 'inside', at: (field) => `ticks { n ${field} }` },
];

/** Each way to write one selection; the type is the one that the field is of. */
const FORMS: Record<string, (field: string, type: string) => { selection: string; fragments?: string }> = {
  plain: (field) => ({ selection: field }),
  'an alias': (field) => ({ selection: `other: ${field}` }),
  'an inline fragment': (field) => ({ selection: `... { ${field} }` }),
  'an inline fragment on the type': (field, type) => ({ selection: `... on ${type} { ${field} }` }),
  'a fragment': (field, type) => ({ selection: '...F', fragments: `fragment F on ${type} { ${field} }` }),
  'a fragment in a fragment': (field, type) => ({
    selection: '...F',
    fragments: `fragment F on ${type} { ...G } fragment G on ${type} { ... @include(if: true) { ${field} } }`,
  }),
};

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ env: { SLUICE_EXECUTION: 'direct' }, services: [SHOP, MARGINS] });
});
afterAll(() => gateway.close());

const calls = (of: TestGateway): number => Object.values(of.services).reduce((sum, service) => sum + service.calls.length, 0);

async function overHttp(of: TestGateway, query: string, token: string | null, variables = {}): Promise<TestAnswer & { status: number }> {
  const response = await fetch(`${of.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, ...((await response.json()) as TestAnswer) };
}

/** The first message; a refusal's errors, or the code that the socket was closed with. */
async function overSocket(of: TestGateway, query: string, token: string | null): Promise<TestAnswer & { closed?: number }> {
  const client = createClient({
    url: `${of.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { token },
  });
  try {
    for await (const answer of client.iterate({ query })) return answer as unknown as TestAnswer;
    return {};
  } catch (error) {
    if (Array.isArray(error)) return { errors: error as NonNullable<TestAnswer['errors']> };
    return { closed: (error as { code: number }).code };
  } finally {
    await client.dispose();
  }
}

function documentsOf({
  coordinate,
  kind = 'query' as never,
  at = (field) => field,
  selection,
}: Guarded): { form: string; query: string }[] {
  const [type, field] = coordinate.split('.') as [string, string];
  return Object.entries(FORMS).map(([form, write]) => {
    const { selection: inside, fragments = '' } = write(selection ?? field, type);
    return { form, query: `${kind as string} { ${at(inside)} } ${fragments}` };
  });
}

describe.each(GUARDED)('$coordinate (needs $right)', (guarded) => {
  const { coordinate, kind, right, wrong = 'other schema:read' } = guarded;

  it.each(documentsOf(guarded))('selected by $form is for nobody else: $query', async ({ query }) => {
    const before = calls(gateway);
    if (kind !== 'subscription') {
      expect((await overHttp(gateway, query, null)).status).toBe(401);
      const refused = await overHttp(gateway, query, await gateway.tokenWith(wrong));
      expect(refused.status).toBe(403);
      expect(refused.data).toBeUndefined();
      expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', coordinate });
    }
    expect((await overSocket(gateway, query, null)).closed).toBe(4403);
    const refused = await overSocket(gateway, query, await gateway.tokenWith(wrong));
    expect(refused.data).toBeUndefined();
    expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', coordinate });
    expect(calls(gateway)).toBe(before);

    const granted = [await overSocket(gateway, query, await gateway.tokenWith(right))];
    if (kind !== 'subscription') granted.push(await overHttp(gateway, query, await gateway.tokenWith(right)));
    for (const { data, errors } of granted) {
      expect(errors).toBeUndefined();
      expect(data).toBeTruthy();
    }
  });
});

describe('what has no rule', () => {
  it('is for every caller with a credential, @authenticated included', async () => {
    expect((await overHttp(gateway, '{ known open }', null)).status).toBe(401);
    expect(
      (await overHttp(gateway, '{ known open thing { id __typename } any { __typename } }', await gateway.tokenWith('x'))).data,
    ).toEqual({
      known: 5,
      open: 1,
      thing: { id: 'b1', __typename: 'Book' },
      any: { __typename: 'Book' },
    });
  });

  it('is refused with what has one, a mutation before its first field runs', async () => {
    const before = calls(gateway);
    expect((await overHttp(gateway, 'mutation { keep burn }', await gateway.tokenWith('x'))).status).toBe(403);
    expect(calls(gateway)).toBe(before);
  });

  it('is answered when variables exclude the rest', async () => {
    const query = 'query ($mine: Boolean!) { open secret @include(if: $mine) }';
    expect((await overHttp(gateway, query, await gateway.tokenWith('x'), { mine: false })).data).toEqual({ open: 1 });
    expect((await overHttp(gateway, query, await gateway.tokenWith('x'), { mine: true })).status).toBe(403);
  });

  it('stands beside introspection, which has its own scope', async () => {
    const query = '{ __type(name: "Vault") { name } secret }';
    expect((await overHttp(gateway, query, await gateway.tokenWith('read'))).errors?.[0]?.message).toContain('schema:read');
    expect((await overHttp(gateway, query, await gateway.tokenWith('schema:read'))).errors?.[0]?.message).toBe(
      'Query.secret needs the scope read',
    );
    expect((await overHttp(gateway, query, await gateway.tokenWith('schema:read read'))).data).toEqual({
      __type: { name: 'Vault' },
      secret: 2,
    });
  });
});

describe('mode filter', () => {
  let filtering: TestGateway;
  beforeAll(async () => {
    filtering = await startTestGateway({ env: { SLUICE_EXECUTION: 'direct', SLUICE_ACCESS_RULES: 'filter' }, services: [SHOP, MARGINS] });
  });
  afterAll(() => filtering.close());

  it('makes denied fields null with an error at their paths and fetches the rest only', async () => {
    const query = '{ open n: secret books { id margin } thing { id price } }';
    const before = filtering.services['margins']?.calls.length;
    const { status, data, errors } = await overHttp(filtering, query, await filtering.tokenWith('x'));
    expect(status).toBe(200);
    expect(JSON.stringify(data)).toBe(
      '{"open":1,"n":null,"books":[{"id":"b1","margin":null},{"id":"b2","margin":null}],"thing":{"id":"b1","price":null}}',
    );
    expect(errors?.map(({ path, extensions }) => [path?.join('.'), extensions.code])).toEqual([
      ['n', 'FORBIDDEN'],
      ['books.0.margin', 'FORBIDDEN'],
      ['books.1.margin', 'FORBIDDEN'],
      ['thing.price', 'FORBIDDEN'],
    ]);
    expect(filtering.services['margins']?.calls.length).toBe(before);
    const sent = filtering.services['shop']?.calls.at(-1)?.body.query ?? '';
    expect(sent).not.toMatch(/secret|price|sluice/);
    expect((await overHttp(filtering, query, await filtering.tokenWith('read margin price'))).errors).toBeUndefined();
  });

  it('lets a null go up where none may stand, and keeps objects that lost all their fields', async () => {
    const token = await filtering.tokenWith('x');
    expect(await overHttp(filtering, '{ open gem { weight } }', token)).toMatchObject({
      data: { open: 1, gem: null },
      errors: [{ path: ['gem', 'weight'] }],
    });
    expect((await overHttp(filtering, '{ gem { price } any(vault: true) { ... on Vault { code } } }', token)).data).toEqual({
      gem: { price: null },
      any: { code: null },
    });
    expect((await overHttp(filtering, '{ secret }', token)).data).toEqual({ secret: null });
  });

  it('keeps what one type grants where the interface does not', async () => {
    const { data } = await overHttp(filtering, '{ thing { price ... on Book { price } } }', await filtering.tokenWith('x'));
    expect(data).toEqual({ thing: { price: 1 } });
  });

  it('runs the granted mutations only', async () => {
    const { data, errors } = await overHttp(filtering, 'mutation { burn keep }', await filtering.tokenWith('x'));
    expect([data, errors?.[0]?.path]).toEqual([{ burn: null, keep: 1 }, ['burn']]);
    expect(filtering.services['shop']?.calls.at(-1)?.body.query).not.toContain('burn');
  });

  it('filters every event, and refuses a subscription to a denied field', async () => {
    const token = await filtering.tokenWith('x');
    expect(await overSocket(filtering, 'subscription { ticks { n inside } }', token)).toMatchObject({
      data: { ticks: { n: 1, inside: null } },
      errors: [{ path: ['ticks', 'inside'] }],
    });
    expect(await overSocket(filtering, 'subscription { ticks { n must } }', token)).toMatchObject({ data: { ticks: null } });
    expect(await overSocket(filtering, 'subscription { watched { n } }', token)).toMatchObject({
      errors: [{ extensions: { code: 'FORBIDDEN', coordinate: 'Subscription.watched' } }],
    });
  });
});
