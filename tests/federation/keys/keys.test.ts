import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';

const users = [
  { id: 'u1', email: 'ada@example.com', name: 'Ada', team: { id: 't1', region: { code: 'eu' } } },
  { id: 'u2', email: 'bob@example.com', name: 'Bob', team: { id: 't2', region: null } },
];
const by = (key: 'id' | 'email') => (reference: Partial<Record<'id' | 'email', string>>) =>
  users.find((user) => user[key] === reference[key]) ?? null;

describe('a type with several keys', () => {
  // `accounts` finds a user by email only, though it can name both keys.
  const world = createWorld([
    {
      name: 'accounts',
      sdl: 'type Query { users: [User!]! } type User @key(fields: "id", resolvable: false) @key(fields: "email") { id: ID!  email: ID!  name: String! }',
      resolvers: { Query: { users: () => users }, User: { __resolveReference: by('email') } },
    },
    {
      name: 'audit',
      sdl: 'type Query { lastLogin: User } type User @key(fields: "id") @key(fields: "email") { id: ID!  email: ID!  logins: Int! }',
      resolvers: {
        Query: { lastLogin: () => ({ id: 'u2', email: 'bob@example.com' }) },
        User: {
          __resolveReference: (reference: object) => reference,
          logins: ({ id, email }: { id?: string; email?: string }) => (id ?? email ?? '').length,
        },
      },
    },
  ]);

  it('is entered by the one that the service can resolve', async () => {
    const { response, fetches } = await world.run('{ lastLogin { name logins } }');
    expect(response).toEqual({ data: { lastLogin: { name: 'Bob', logins: 2 } } });
    expect(fetches.at(-1)?.variables).toEqual({ representations: [{ __typename: 'User', email: 'bob@example.com' }] });
  });

  it('is left by any', async () => {
    expect((await world.run('{ users { name logins } }')).response.errors).toBeUndefined();
  });
});

describe('a service that comes back to its own object for a @requires', () => {
  const world = createWorld([
    {
      name: 'rewards',
      sdl: `
        type Query { member: User }
        type User @key(fields: "id", resolvable: false) @key(fields: "email") { id: ID!  email: ID!  logins: Int! @external  bonus: Int! @requires(fields: "logins") }`,
      resolvers: {
        Query: { member: () => users[0] },
        User: {
          __resolveReference: (reference: { email?: string }) => (reference.email === undefined ? null : reference),
          bonus: ({ logins }: { logins: number }) => logins * 2,
        },
      },
    },
    {
      name: 'audit',
      sdl: 'type User @key(fields: "id") @key(fields: "email") { id: ID!  email: ID!  logins: Int! }',
      resolvers: { User: { __resolveReference: (reference: object) => reference, logins: () => 21 } },
    },
  ]);

  it('takes a key that it can resolve', async () => {
    const { response, fetches } = await world.run('{ member { bonus } }');
    expect(response).toEqual({ data: { member: { bonus: 42 } } });
    expect(fetches.at(-1)?.variables).toEqual({ representations: [{ __typename: 'User', email: 'ada@example.com', logins: 21 }] });
  });
});

describe('a key with nested fields', () => {
  const world = createWorld([
    {
      name: 'accounts',
      sdl: 'type Query { users: [User!]! } type User @key(fields: "team { id region { code } }") { team: Team!  name: String! } type Team { id: ID! @shareable  region: Region @shareable } type Region { code: String! @shareable }',
      resolvers: { Query: { users: () => users } },
    },
    {
      name: 'sports',
      sdl: 'type User @key(fields: "team { id region { code } }") { team: Team!  motto: String! } type Team { id: ID! @shareable  region: Region @shareable } type Region { code: String! @shareable }',
      resolvers: {
        User: {
          __resolveReference: (reference: object) => reference,
          motto: ({ team }: { team: { id: string; region: { code: string } | null } }) => `${team.id} of ${team.region?.code ?? 'nowhere'}`,
        },
      },
    },
  ]);

  it('is sent whole; a null inside it stays null', async () => {
    const { response } = await world.run('{ users { name motto } }');
    expect(response).toEqual({
      data: {
        users: [
          { name: 'Ada', motto: 't1 of eu' },
          { name: 'Bob', motto: 't2 of nowhere' },
        ],
      },
    });
  });
});
