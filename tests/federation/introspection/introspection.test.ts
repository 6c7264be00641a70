import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery, lexicographicSortSchema, printSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';
import { createOneSchema, expectSameAnswer } from '../support/one-schema.js';

const sentBack = { __resolveReference: (reference: object) => reference };
const world = createWorld([
  {
    name: 'a',
    sdl: `
      type Query { pin: Pin  secret: Int @inaccessible }
      "What is pinned." type Pin @key(fields: "id") @tag(name: "public") { id: ID! @tag(name: "key")  x: Int! @deprecated(reason: "old")  hidden: Hidden @inaccessible }
      type Hidden @inaccessible { a: Int }`,
    resolvers: { Query: { pin: () => ({ id: 'p1', x: 1 }) } },
  },
  {
    name: 'b',
    sdl: 'type Pin @key(fields: "id") { id: ID!  y(of: Kind = B): Kind } enum Kind { A B C @inaccessible }',
    resolvers: { Pin: { ...sentBack, y: (_: unknown, { of }: { of: string }) => of } },
  },
]);
const SDL = `type Query { pin: Pin } "What is pinned." type Pin { id: ID!  x: Int! @deprecated(reason: "old")  y(of: Kind = B): Kind } enum Kind { A B }`;
const one = createOneSchema(SDL, () => ({ pin: { id: 'p1', x: 1, y: ({ of }: { of: string }) => of } }));

describe('introspection', () => {
  it.each([
    ['alone', '{ __schema { queryType { name } } }'],
    [
      'before, between and after data',
      '{ __schema { queryType { name } } pin { x } __type(name: "Pin") { fields(includeDeprecated: true) { name isDeprecated } } __typename two: pin { y } }',
    ],
    [
      'in fragments, under aliases',
      '{ ...Q pin { y(of: A) } } fragment Q on Query { t: __type(name: "Kind") { enumValues { name } } ... { pin { id } u: __type(name: "Pin") { description } } }',
    ],
    ['of what is hidden', '{ __type(name: "Hidden") { name } pin { id } }'],
    ['of nothing', '{ __type(name: "None") { name } }'],
  ])('%s', async (_, document) => {
    await expectSameAnswer(world, one, document);
  });

  it('under conditions and with variables', async () => {
    const document =
      'query($name: String!, $yes: Boolean = true, $no: Boolean!) { __type(name: $name) @include(if: $yes) { name } pin @skip(if: $no) { y } t: __schema @include(if: $no) { queryType { name } } }';
    for (const no of [true, false]) await expectSameAnswer(world, one, document, { name: 'Pin', no });
  });

  it('shows the one schema, without directives of federation', async () => {
    const { response } = await world.run(getIntrospectionQuery());
    const shown = printSchema(lexicographicSortSchema(buildClientSchema(response.data as unknown as IntrospectionQuery)));
    expect(shown).toBe(printSchema(lexicographicSortSchema(one.schema)));
  });

  it('asks no service', async () => {
    expect((await world.run('{ __schema { types { name } } __typename }')).fetches).toEqual([]);
  });
});
