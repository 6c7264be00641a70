import { describe, expect, it } from 'vitest';
import { MAX_CONTEXT_GROUPS } from '#schema/contracts/plan';
import { createWorld } from '../support/federated-world.js';

// `bank` writes amounts as the person above them likes it: its locale is known to `people`, as is the currency of its settings.
const people = [
  { id: 'u1', locale: 'de', settings: { currency: 'EUR' }, kind: 'one' },
  { id: 'u2', locale: 'en', settings: { currency: null }, kind: 'one' },
  { id: 'u3', locale: 'de', settings: { currency: 'EUR' }, kind: 'one' },
];
const personOf = (id: string) => people.find((person) => person.id === id) as (typeof people)[number];
const accountsOf = (id: string) => [`${id}-a`, `${id}-b`].map((account) => ({ id: account, owner: { id } }));

interface Account {
  id: string;
}
const services = [
  {
    name: 'people',
    sdl: `
      type Query { people: [Person!]!  person(id: ID!): Person  many(count: Int!): [Person!]!  team: Team! }
      type Person @key(fields: "id") { id: ID!  locale(long: Boolean): String!  settings: Settings! }
      type Team @key(fields: "id") { id: ID!  tongue: String }
      type Settings { currency: String }`,
    resolvers: {
      Query: {
        people: () => people,
        person: (_: unknown, { id }: { id: string }) => personOf(id),
        many: (_: unknown, { count }: { count: number }) =>
          Array.from({ length: count }, (_each, index) => ({ id: `n${index}`, locale: `l${index}`, settings: {} })),
        team: () => ({ id: 't1', tongue: 'fr' }),
      },
      Person: {
        __resolveReference: ({ id }: { id: string }) => personOf(id),
        locale: ({ locale }: { locale: string }, { long }: { long?: boolean }) => (long === true ? `${locale}-long` : locale),
      },
      Team: { __resolveReference: ({ id }: { id: string }) => ({ id, tongue: 'fr' }) },
    },
  },
  {
    name: 'bank',
    sdl: `
      type Person @key(fields: "id") @context(name: "reader") @context(name: "person") {
        id: ID!  locale(long: Boolean): String! @external  settings: Settings! @external  accounts: [Account!]!  first: Account  badge: Badge!
      }
      type Team @key(fields: "id") @context(name: "reader") { id: ID!  tongue: String @external  badges: [Badge!]! }
      type Badge @key(fields: "id") { id: ID!  greeting(by: String @fromContext(field: "$reader ... on Person { locale } ... on Team { tongue }")): String! }
      type Settings { currency: String @external }
      type Account @key(fields: "id") {
        id: ID!
        owner: Person!
        next: Account
        total(locale: String @fromContext(field: "$person { locale }"), digits: Int = 2): String!
        price(locale: String @fromContext(field: "$person { locale }"), in: String @fromContext(field: "$person { settings { currency } }")): String!
      }`,
    resolvers: {
      Person: {
        accounts: ({ id }: { id: string }) => accountsOf(id),
        first: ({ id }: { id: string }) => accountsOf(id)[0],
        badge: ({ id }: { id: string }) => ({ id }),
      },
      Team: { badges: () => [{ id: 'x' }, { id: 'y' }] },
      Badge: { __resolveReference: (reference: object) => reference, greeting: (_: unknown, { by }: { by?: string }) => `salut ${by}` },
      Account: {
        __resolveReference: ({ id }: Account) => ({ id, owner: { id: id.split('-')[0] } }),
        next: ({ id }: Account) => ({ id: `${id}+`, owner: { id: id.split('-')[0] } }),
        total: ({ id }: Account, { locale, digits }: { locale?: string; digits: number }) => `${id} in ${locale} by ${digits}`,
        price: ({ id }: Account, args: { locale?: string; in?: string }) => `${id} in ${args.locale} for ${args.in}`,
      },
    },
  },
  { name: 'notes', sdl: 'type Account @key(fields: "id") { id: ID!  note: String! }', resolvers: { Account: { note: () => 'noted' } } },
];
const world = createWorld(services);
const plain = (data: unknown): unknown => JSON.parse(JSON.stringify(data));
const ask = async (document: string, variables = {}) => {
  const { response, fetches } = await world.run(document, variables);
  expect(response.errors).toBeUndefined();
  return { data: plain(response.data) as Record<string, unknown>, bank: fetches.filter(({ service }) => service === 'bank') };
};

describe('an argument from the context', () => {
  it('has the value of the object above, whatever else the caller selects of it', async () => {
    const { data } = await ask('{ people { accounts { total } } }');
    expect(data).toEqual({
      people: people.map(({ id, locale }) => ({
        accounts: ['a', 'b'].map((account) => ({ total: `${id}-${account} in ${locale} by 2` })),
      })),
    });
  });

  it('goes in one request for all objects with the same values', async () => {
    const { bank } = await ask('{ people { accounts { total } } }');
    const asked = bank.map(({ variables: { representations, ...rest } }) => [
      Object.values(rest),
      (representations as { id: string }[]).map(({ id }) => id),
    ]);
    expect(asked).toEqual([
      [['de'], ['u1', 'u3']],
      [['en'], ['u2']],
    ]);
    expect(bank.map(({ chunk }) => chunk)).toEqual([0, 1]);
  });

  it('stands beside the arguments of the caller', async () => {
    const { data } = await ask('query($digits: Int) { person(id: "u2") { first { total(digits: $digits) } } }', { digits: 7 });
    expect(data).toEqual({ person: { first: { total: 'u2-a in en by 7' } } });
  });

  it('may be several, at any depth, null among them', async () => {
    const { data } = await ask('{ people { first { price } } }');
    expect(data).toEqual({
      people: [
        { first: { price: 'u1-a in de for EUR' } },
        { first: { price: 'u2-a in en for null' } },
        { first: { price: 'u3-a in de for EUR' } },
      ],
    });
  });

  it('comes from the nearest object that sets it', async () => {
    const { data } = await ask('{ person(id: "u2") { accounts { next { total } owner { first { total next { total note } } } } } }');
    const account = (suffix: string) => ({
      next: { total: `u2-${suffix}+ in en by 2` },
      owner: { first: { total: 'u2-a in en by 2', next: { total: 'u2-a+ in en by 2', note: 'noted' } } },
    });
    expect(data).toEqual({ person: { accounts: [account('a'), account('b')] } });
  });

  it('comes from objects of several types', async () => {
    const { data } = await ask('{ person(id: "u1") { badge { greeting } } team { badges { greeting } } }');
    expect(data).toEqual({
      person: { badge: { greeting: 'salut de' } },
      team: { badges: [{ greeting: 'salut fr' }, { greeting: 'salut fr' }] },
    });
  });

  it('is not what the caller calls by that name', async () => {
    const { data } = await ask(
      '{ person(id: "u1") { locale: id first { total } } other: person(id: "u1") { locale(long: true) first { total } } }',
    );
    expect(data).toEqual({
      person: { locale: 'u1', first: { total: 'u1-a in de by 2' } },
      other: { locale: 'de-long', first: { total: 'u1-a in de by 2' } },
    });
  });

  it('is no argument of the API', async () => {
    await expect(world.run('{ person(id: "u1") { first { total(locale: "xx") } } }')).rejects.toThrow('Unknown argument "locale"');
  });
});

it('errors of one group of contexts stand at its objects', async () => {
  const { response } = await world.run(
    '{ people { first { total } } }',
    {},
    {
      intercept: (fetch) =>
        fetch.service === 'bank' && fetch.chunk === 1
          ? {
              node: fetch.node,
              chunk: 1,
              data: { _entities: [null] },
              errors: [{ message: 'no', path: ['_entities', 0], extensions: { code: 'C' } }],
            }
          : undefined,
    },
  );
  expect(response.errors).toMatchObject([{ path: ['people', 1], extensions: { code: 'C' } }]);
  expect(plain(response.data)).toMatchObject({ people: [{ first: { total: 'u1-a in de by 2' } }, { first: null }, {}] });
});

it('a fetch has a limit on different contexts, and says so', async () => {
  const { response, fetches } = await world.run('query($count: Int!) { many(count: $count) { first { total } } }', {
    count: MAX_CONTEXT_GROUPS + 1,
  });
  expect(fetches).toHaveLength(1 + MAX_CONTEXT_GROUPS);
  expect(response.errors).toMatchObject([{ path: ['many'], extensions: { code: 'PLAN_TOO_LARGE' } }]);
  expect((response.data?.['many'] as unknown[]).at(-1)).toMatchObject({ first: null });
});
