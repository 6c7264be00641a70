// Interface objects that can only be left, not entered (`resolvable: false`), interfaces that nothing implements, and objects whose own
// type nobody tells.
import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createPlanEngine } from '#gateway/planning/plan-engine';
import { createWorld, LINK, type World } from '../support/federated-world.js';

const known = (id: string) => (id === 'lost' ? null : { __typename: 'Loaf', id, name: 'rye' });

/** Each service has one of the interfaces, and knows the other as an object that it cannot look up. */
const world = createWorld([
  {
    name: 'a',
    sdl: `
      type Query { thing: Thing  good(id: ID! = "g1"): Good!  goods: [Good!]! }
      interface Thing @key(fields: "id") { id: ID! }
      type Good @key(fields: "id", resolvable: false) @interfaceObject { id: ID!  price: Int }`,
    resolvers: {
      Query: {
        thing: () => null,
        good: (_: unknown, { id }: { id: string }) => ({ id, price: 3 }),
        goods: () => [
          { id: 'g1', price: 1 },
          { id: 'lost', price: 2 },
        ],
      },
      Thing: { __resolveType: () => 'Thing' },
    },
  },
  {
    name: 'b',
    sdl: `
      type Query { other: Thing  others: [Thing!]! }
      type Thing @key(fields: "id", resolvable: false) @interfaceObject { id: ID!  note: String  inner: Thing  same(add: Int = 0): Int }
      interface Good @key(fields: "id") { id: ID!  name: String }
      type Loaf implements Good @key(fields: "id") { id: ID!  name: String }
      type Brick implements Good @key(fields: "id") { id: ID!  name: String  edge: Int }`,
    resolvers: {
      Query: {
        other: () => ({ id: 't1', note: 'foo' }),
        others: () => [
          { id: 't1', note: null },
          { id: 't2', note: 'bar' },
        ],
      },
      Thing: { inner: ({ id }: { id: string }) => ({ id: `${id}/in` }), same: (_: unknown, { add }: { add: number }) => 1 + add },
      Good: { __resolveReference: ({ id }: { id: string }) => known(id) },
      Loaf: { __resolveReference: ({ id }: { id: string }) => known(id) },
    },
  },
]);

async function ask(document: string, variables = {}, of: World = world): Promise<unknown> {
  const { response } = await of.run(document, variables);
  expect(response.errors).toBeUndefined();
  return JSON.parse(JSON.stringify(response.data));
}

describe('an interface that no type implements', () => {
  it('answers the fields of the service that knows it as an object', async () => {
    expect(await ask('{ other { id note } }')).toEqual({ other: { id: 't1', note: 'foo' } });
    expect(await ask('{ others { n: note } other { inner { id } x: same(add: 2) same } }')).toEqual({
      others: [{ n: null }, { n: 'bar' }],
      other: { inner: { id: 't1/in' }, x: 3, same: 1 },
    });
  });

  it('names itself as the type of its objects', async () => {
    expect(await ask('{ other { __typename id t: __typename inner { __typename } } }')).toEqual({
      other: { __typename: 'Thing', id: 't1', t: 'Thing', inner: { __typename: 'Thing' } },
    });
    expect(await ask('{ other { ...T ... on Thing { note } } } fragment T on Thing { __typename }')).toEqual({
      other: { __typename: 'Thing', note: 'foo' },
    });
  });

  it('has objects whose every field is left out by conditions', async () => {
    const document = 'query ($no: Boolean!) { other { id @skip(if: $no) __typename @skip(if: $no) } }';
    expect(await ask(document, { no: true })).toEqual({ other: {} });
    expect(await ask(document, { no: false })).toEqual({ other: { id: 't1', __typename: 'Thing' } });
  });

  it('is refused where a field can be reached from nowhere, in place of a null without an error', async () => {
    for (const document of ['{ thing { id note } }', '{ thing { x: note } }', '{ other { id } thing { inner { id } } }'])
      expect((await world.run(document)).response.errors, document).toEqual([
        expect.objectContaining({ extensions: expect.objectContaining({ code: 'PLAN_FAILED' }) as unknown }),
      ]);
    expect(await ask('{ thing { id } }')).toEqual({ thing: null });
  });
});

describe('an interface object that cannot be looked up', () => {
  it('is left for the service that knows its types', async () => {
    expect(await ask('{ good { id } }')).toEqual({ good: { id: 'g1' } });
    expect(await ask('{ good { ... on Loaf { id } } }')).toEqual({ good: { id: 'g1' } });
    expect(await ask('{ good { __typename price name ... on Brick { edge } } }')).toEqual({
      good: { __typename: 'Loaf', price: 3, name: 'rye' },
    });
  });

  it('keeps its fields and tells an error when nobody knows its type and fields of certain types are selected', async () => {
    const { response } = await world.run('{ goods { price ... on Loaf { name } } }');
    expect(JSON.parse(JSON.stringify(response.data))).toEqual({ goods: [{ price: 1, name: 'rye' }, { price: 2 }] });
    expect(response.errors).toEqual([
      expect.objectContaining({ path: ['goods', 1], extensions: expect.objectContaining({ code: 'INVALID_RESPONSE' }) as unknown }),
    ]);
    const { response: alone } = await world.run('{ good(id: "lost") { ... on Loaf { id } } }');
    expect(alone.errors).toEqual([expect.objectContaining({ path: ['good'] })]);
    const skipped = 'query ($no: Boolean!) { good(id: "lost") { price ... on Loaf @skip(if: $no) { id } } }';
    expect(await ask(skipped, { no: true })).toEqual({ good: { price: 3 } });
  });
});

describe('supergraphs that compose', () => {
  const keys = ['id', 'code in { id }'];
  const fields = 'id: ID! code: String! in: In!';
  const resolvable = [true, false];
  const variants = keys.flatMap((key) =>
    resolvable.flatMap((object) =>
      resolvable.flatMap((owner) =>
        ['', 'type Kind implements Trait @key(fields: "id") { id: ID! code: String! in: In! own: Int }'].flatMap((kind) =>
          ['', ' @key(fields: "code", resolvable: false)', ' @key(fields: "code")'].map((second) => ({
            key,
            object,
            owner,
            kind: kind === '' ? 'no type' : 'a type',
            second: second === '' ? 'one key' : `also${second}`,
            sdls: [
              `type Query { some: Trait } type In @shareable { id: ID! }
               type Trait @interfaceObject @key(fields: "${key}", resolvable: ${object})${second} { ${fields} extra: Int }`.replaceAll(
                /(id|code|in): (\S+)/g,
                '$1: $2 @shareable',
              ),
              `type Query { more: Trait } type In @shareable { id: ID! }
               interface Trait @key(fields: "${key}", resolvable: ${owner}) { ${fields} }
               ${kind.replace('"id"', `"${key}"`).replaceAll(/(id|code|in): (\S+)/g, '$1: $2 @shareable')}`,
            ],
          })),
        ),
      ),
    ),
  );

  it('are loaded by the planner, whatever the keys of their interface objects', () => {
    let composed = 0;
    for (const { sdls, ...variant } of variants) {
      const services = sdls.map((sdl, index) => ({ name: `s${index}`, url: `http://s${index}`, typeDefs: parse(LINK + sdl) }));
      const { supergraphSdl } = composeServices(services);
      if (supergraphSdl === undefined) continue;
      composed++;
      expect(() => createPlanEngine(supergraphSdl).plan('{ some { id extra } }', null), JSON.stringify(variant)).not.toThrow();
    }
    expect(composed).toBeGreaterThan(variants.length / 4);
  });
});
