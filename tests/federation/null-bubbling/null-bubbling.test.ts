import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';
import { createOneSchema, expectSameAnswer } from '../support/one-schema.js';

// Each field `fails…` throws, in whatever service it is: the null goes up to the same place, and the error names the same path.
const sentBack = { __resolveReference: (reference: object) => reference };
const fail = (): never => {
  throw new Error('it failed');
};
const BINS = [{ id: 'n1' }, { id: 'n2' }];

const world = createWorld([
  {
    name: 'bins',
    sdl: `
      type Query { bins: [Bin]  strict: [Bin!]  bin: Bin!  grid: [[Bin!]]!  maybe: Bin }
      type Bin @key(fields: "id") { id: ID!  inner: Bin!  loose: Bin  bins: [Bin]! }`,
    resolvers: {
      Query: {
        bins: () => [...BINS, null],
        strict: () => BINS,
        bin: () => BINS[0],
        grid: () => [[BINS[0]], null, [BINS[1], BINS[0]]],
        maybe: () => null,
      },
      Bin: {
        ...sentBack,
        inner: ({ id }: { id: string }) => ({ id: `${id}.i` }),
        loose: ({ id }: { id: string }) => ({ id: `${id}.l` }),
        bins: ({ id }: { id: string }) => [{ id: `${id}.0` }, null],
      },
    },
  },
  {
    name: 'labels',
    sdl: 'type Bin @key(fields: "id") { id: ID!  label: String!  failsLoosely: String  fails: String!  failsForSome: String!  tags: [String!]  failingTags: [String!]!  deep: Deep! } type Deep { fails: Int!  failsLoosely: Int  more: [Deep!] }',
    resolvers: {
      Bin: {
        ...sentBack,
        label: ({ id }: { id: string }) => `label ${id}`,
        failsLoosely: fail,
        fails: fail,
        failsForSome: ({ id }: { id: string }) => (id.includes('1') ? fail() : id),
        tags: () => ['a', 'b'],
        failingTags: fail,
        deep: () => ({ more: [{}, {}] }),
      },
      Deep: { fails: fail, failsLoosely: fail },
    },
  },
]);

const binOf = (id: string): object => ({
  id,
  inner: () => binOf(`${id}.i`),
  loose: () => binOf(`${id}.l`),
  bins: () => [binOf(`${id}.0`), null],
  label: `label ${id}`,
  failsLoosely: fail,
  fails: fail,
  failsForSome: () => (id.includes('1') ? fail() : id),
  tags: ['a', 'b'],
  failingTags: fail,
  deep: { fails: fail, failsLoosely: fail, more: [0, 1].map(() => ({ fails: fail, failsLoosely: fail })) },
});
const one = createOneSchema(
  `type Query { bins: [Bin]  strict: [Bin!]  bin: Bin!  grid: [[Bin!]]!  maybe: Bin }
   type Bin { id: ID!  inner: Bin!  loose: Bin  bins: [Bin]!  label: String!  failsLoosely: String  fails: String!  failsForSome: String!  tags: [String!]  failingTags: [String!]!  deep: Deep! }
   type Deep { fails: Int!  failsLoosely: Int  more: [Deep!] }`,
  () => ({
    bins: () => [binOf('n1'), binOf('n2'), null],
    strict: () => [binOf('n1'), binOf('n2')],
    bin: () => binOf('n1'),
    grid: () => [[binOf('n1')], null, [binOf('n2'), binOf('n1')]],
    maybe: () => null,
  }),
);

describe('an error in a service', () => {
  it.each([
    ['stays where null may stand', '{ bins { id failsLoosely } bin { failsLoosely label } }'],
    ['takes its object along', '{ bins { id fails } }'],
    ['takes the element along, not its neighbours', '{ bins { failsForSome } }'],
    ['takes the list along when elements are required', '{ strict { failsForSome } }'],
    ['takes one row of a grid along', '{ grid { failsForSome label } }'],
    ['goes up through required objects', '{ bins { loose { inner { inner { fails } } id } } }'],
    ['goes up to the answer itself', '{ bin { id fails } }'],
    ['goes up to the answer itself, from far below', '{ maybe { id } bin { inner { inner { failsForSome } } } }'],
    ['stands at aliases', '{ b: bins { x: failsLoosely y: loose { fails: failsLoosely } } }'],
    ['stands in values that the service nests', '{ bins { deep { failsLoosely more { failsLoosely } } } }'],
    ['goes up within values that the service nests', '{ bins { id deep { more { fails } failsLoosely } } }'],
    ['does not touch other branches', '{ bins { bins { failsForSome tags } id } strict { label tags } }'],
    ['explains the fields beside it, which are gone with the entity', '{ bins { label fails tags } loose: maybe { label fails } }'],
    ['of a list', '{ bins { tags failingTags } }'],
  ])('%s', async (_, document) => {
    await expectSameAnswer(world, one, document);
  });

  it('is told once for each place of one entity, each with its own path', async () => {
    const { response } = await expectSameAnswer(world, one, '{ grid { failsLoosely } }');
    expect(response.errors?.map(({ path }) => path)).toEqual([
      ['grid', 0, 0, 'failsLoosely'],
      ['grid', 2, 1, 'failsLoosely'],
      ['grid', 2, 0, 'failsLoosely'],
    ]);
  });
});
