import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#schema/contracts/json';
import { createWorld } from '../support/federated-world.js';
import { createOneSchema, expectSameAnswer } from '../support/one-schema.js';
import { runs } from '../support/runtime.js';

const sentBack = { __resolveReference: (reference: object) => reference };
const world = createWorld([
  {
    name: 'users',
    sdl: 'type Query { me: User!  all: [User!]! } type User @key(fields: "id") { id: ID!  name: String!  friend: User }',
    resolvers: {
      Query: { me: () => ({ id: 'u1' }), all: () => [{ id: 'u1' }, { id: 'u2' }] },
      User: {
        ...sentBack,
        name: ({ id }: { id: string }) => `name of ${id}`,
        friend: ({ id }: { id: string }) => (id === 'u1' ? { id: 'u2' } : null),
      },
    },
  },
  {
    name: 'posts',
    sdl: 'type Query { posts: [Post!]! } type Post @key(fields: "id") { id: ID!  by: User! } type User @key(fields: "id") { id: ID!  posts: [Post!]!  count: Int! }',
    resolvers: {
      Query: { posts: () => [{ id: 'p1' }, { id: 'p2' }] },
      Post: { ...sentBack, by: ({ id }: { id: string }) => ({ id: id.replace('p', 'u') }) },
      User: { ...sentBack, posts: ({ id }: { id: string }) => [{ id: id.replace('u', 'p') }], count: () => 1 },
    },
  },
  {
    name: 'likes',
    sdl: 'type Post @key(fields: "id") { id: ID!  likes(min: Int = 0): Int! }',
    resolvers: { Post: { ...sentBack, likes: (_: unknown, { min }: { min: number }) => min + 1 } },
  },
]);

const userOf = (id: string): object => ({
  id,
  name: `name of ${id}`,
  friend: () => (id === 'u1' ? userOf('u2') : null),
  posts: () => [postOf(id.replace('u', 'p'))],
  count: 1,
});
const postOf = (id: string): object => ({ id, by: () => userOf(id.replace('p', 'u')), likes: ({ min }: { min: number }) => min + 1 });
const one = createOneSchema(
  `type Query { me: User!  all: [User!]!  posts: [Post!]! } type User { id: ID!  name: String!  friend: User  posts: [Post!]!  count: Int! }
   type Post { id: ID!  by: User!  likes(min: Int = 0): Int! }`,
  () => ({ me: () => userOf('u1'), all: () => [userOf('u1'), userOf('u2')], posts: () => [postOf('p1'), postOf('p2')] }),
);

const DOCUMENTS: Record<string, string> = {
  'a whole service': 'query($a: Boolean!, $b: Boolean!) { me { name posts @include(if: $a) { id likes @skip(if: $b) } } }',
  'a root field': 'query($a: Boolean!, $b: Boolean!) { me { id } posts @include(if: $a) @skip(if: $b) { id by { name } } }',
  'one field in two places':
    'query($a: Boolean!, $b: Boolean!) { me { posts @include(if: $a) { id } } me { posts @skip(if: $b) { likes } name } }',
  'one key, each place with its own fields':
    'query($a: Boolean!, $b: Boolean!) { me { x: posts @include(if: $a) { id likes } ... @include(if: $b) { x: posts { by { count } } } } }',
  fragments:
    'query($a: Boolean!, $b: Boolean!) { all { ...F @include(if: $a) ...F @skip(if: $b) id } } fragment F on User { name ...G @include(if: $b) } fragment G on User { posts { likes } }',
  'conditions within conditions':
    'query($a: Boolean!, $b: Boolean!) { me { ... @include(if: $a) { friend { ... @skip(if: $b) { posts { likes by @include(if: $b) { id } } } name } } id } }',
  'the same condition twice':
    'query($a: Boolean!, $b: Boolean!) { me { ... @include(if: $a) { ... @skip(if: $a) { posts { id } } count } name @include(if: $b) } posts { id } }',
  literals:
    'query($a: Boolean!, $b: Boolean!) { me { id posts @include(if: true) { likes @skip(if: false) } friend @skip(if: true) { count } count @include(if: $a) @skip(if: $b) } }',
  'everything but the name of the type':
    'query($a: Boolean!, $b: Boolean!) { me { __typename ... @include(if: $a) { posts { likes @include(if: $b) __typename } } } }',
};

describe('@skip and @include, whatever the variables say, on', () => {
  it.each(Object.entries(DOCUMENTS))('%s', async (_, document) => {
    for (const variables of [
      { a: true, b: true },
      { a: true, b: false },
      { a: false, b: true },
      { a: false, b: false },
    ])
      await expectSameAnswer(world, one, document, variables);
  });
});

describe('a default of a condition', () => {
  const document =
    'query($yes: Boolean! = true, $no: Boolean = false, $n: Int = 4) { me { name posts @include(if: $yes) { likes(min: $n) id @skip(if: $no) } } }';

  it.each<[string, JsonObject]>([
    ['stands when nothing is given', {}],
    ['gives way', { yes: false }],
    ['gives way to the other value as well', { no: true, n: 1 }],
  ])('%s', async (_, variables) => {
    await expectSameAnswer(world, one, document, variables);
  });
});

describe('conditions at random places', () => {
  const condition = fc.constantFrom('', '', '@include(if: $a)', '@skip(if: $b)', '@include(if: $b)', '@include(if: $a) @skip(if: $b)');
  const { user, post } = fc.letrec<{ user: string; post: string }>((tie) => {
    const set = (leaves: string[], nodes: [string, 'user' | 'post'][]) =>
      fc
        .tuple(
          fc.array(fc.tuple(fc.constantFrom(...leaves), condition), { maxLength: 3 }),
          fc.array(
            fc
              .constantFrom(...nodes)
              .chain(([field, type]) =>
                fc.tuple(
                  fc.constant(field),
                  condition,
                  fc.oneof({ maxDepth: 3, depthIdentifier: 'selections' }, fc.constant('{ __typename }'), tie(type)),
                ),
              ),
            { maxLength: 2 },
          ),
          fc.option(condition),
        )
        .map(([plain, nested, wrapped]) => {
          const leaves = plain.map(([field, on]) => `${field} ${on}`).join(' ');
          const inner = `${leaves} ${nested.map((part) => part.join(' ')).join(' ')}`;
          return `{ __typename ${wrapped === null || inner.trim() === '' ? inner : `... ${wrapped} { ${inner} } ${leaves}`} }`;
        });
    return {
      user: set(
        ['id', 'name', 'count'],
        [
          ['friend', 'user'],
          ['posts', 'post'],
        ],
      ),
      post: set(['id', 'likes', 'x: likes(min: 3)'], [['by', 'user']]),
    };
  });

  it('are those of the query, wherever the planner puts them', async () => {
    await fc.assert(
      fc.asyncProperty(user, post, fc.boolean(), fc.boolean(), async (users, posts, a, b) => {
        const document = `query($a: Boolean!, $b: Boolean!) { k: __typename @include(if: $a) @skip(if: $b) me ${users} posts ${posts} }`;
        const { response } = await world.run(document, { a, b });
        expect(response.errors).toBeUndefined();
        // One field under several conditions stands where its first place is, also when only another of them holds.
        expect(JSON.parse(JSON.stringify(response.data))).toEqual(JSON.parse((await one.ask(document, { a, b })).data));
      }),
      { numRuns: runs(100) },
    );
  }, 60_000);
});
