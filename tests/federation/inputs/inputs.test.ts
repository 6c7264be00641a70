import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';
import { createOneSchema, expectSameAnswer } from '../support/one-schema.js';

// An enum that only leaves is the union of what services have; one that also enters, and every input type, is what all of them have.
interface Filter {
  size: string;
  first: number;
  tags: string[] | null;
}
const show = (given: unknown) => JSON.stringify(given);

const world = createWorld([
  {
    name: 'left',
    sdl: `
      type Query { items(filter: Filter, size: Size = SMALL): [Item!]!  sizes(of: [Size!]! = [LARGE]): [Size!]! }
      enum Size { SMALL LARGE }
      enum State { OPEN CLOSED }
      input Filter { size: Size! = LARGE  first: Int = 2  tags: [String!]  inner: Inner  onlyHere: Int }
      input Inner { value: Float = 0.5 }
      type Item @key(fields: "id") { id: ID!  state: State @shareable  asked: String }`,
    resolvers: {
      Query: {
        items: (_: unknown, given: { filter?: Filter }) =>
          [
            { id: 'i1', state: 'OPEN', asked: show(given) },
            { id: 'i2', state: null },
          ].slice(0, given.filter?.first ?? 2),
        sizes: (_: unknown, { of }: { of: string[] }) => of,
      },
      Item: { __resolveReference: (reference: object) => reference },
    },
  },
  {
    name: 'right',
    sdl: `
      type Query { lost: Item }
      enum Size { SMALL LARGE }
      enum State { OPEN CLOSED LOST }
      input Filter { size: Size! = LARGE  first: Int = 2  tags: [String!]  inner: Inner }
      input Inner { value: Float = 0.5 }
      type Item @key(fields: "id") { id: ID!  state: State @shareable  fits(filter: Filter!, representations: Int, size: Size): String  next(state: [[Size]]): Item }`,
    resolvers: {
      Query: { lost: () => ({ id: 'i9', state: 'LOST' }) },
      Item: {
        __resolveReference: (reference: object) => reference,
        fits: ({ id }: { id: string }, given: object) => `${id} ${show(given)}`,
        next: ({ id }: { id: string }) => (id === 'i1' ? { id: 'i2', state: 'CLOSED' } : null),
      },
    },
  },
]);

const toOne = (id: string, state: string | null, asked: string | null = null): object => ({
  id,
  state,
  asked,
  fits: (given: object) => `${id} ${show(given)}`,
  next: () => (id === 'i1' ? toOne('i2', 'CLOSED') : null),
});
const one = createOneSchema(
  `type Query { items(filter: Filter, size: Size = SMALL): [Item!]!  sizes(of: [Size!]! = [LARGE]): [Size!]!  lost: Item }
   enum Size { SMALL LARGE } enum State { OPEN CLOSED LOST }
   input Filter { size: Size! = LARGE  first: Int = 2  tags: [String!]  inner: Inner } input Inner { value: Float = 0.5 }
   type Item { id: ID!  state: State  asked: String  fits(filter: Filter!, representations: Int, size: Size): String  next(state: [[Size]]): Item }`,
  () => ({
    items: (given: { filter?: Filter }) => [toOne('i1', 'OPEN', show(given)), toOne('i2', null)].slice(0, given.filter?.first ?? 2),
    sizes: ({ of }: { of: string[] }) => of,
    lost: () => toOne('i9', 'LOST'),
  }),
);

describe('enums and inputs of several services', () => {
  it.each([
    ['defaults of arguments and input fields', '{ items(filter: { tags: [] }) { asked } }', {}],
    ['nothing given', '{ items { id asked } sizes }', {}],
    ['a value that only one service has', '{ lost { id state } items { state } }', {}],
    ['an enum in lists', 'query($s: [Size!]!) { sizes(of: $s) two: sizes(of: [SMALL, SMALL]) }', { s: ['LARGE', 'SMALL'] }],
    ['a variable that is absent', 'query($f: Filter) { items(filter: $f) { asked } }', {}],
    ['a variable that is null', 'query($f: Filter, $s: Size) { items(filter: $f, size: $s) { asked } }', { f: null, s: null }],
    [
      'a variable with a default, in the second service',
      'query($f: Filter! = { size: SMALL, tags: ["a"] }) { items { fits(filter: $f) next { fits(filter: $f, size: LARGE) } } }',
      {},
    ],
    [
      'variables inside input objects and lists',
      'query($n: Int, $s: Size!, $t: String!) { items(filter: { first: $n, size: $s, tags: [$t, "x"] }) { asked fits(filter: { size: $s, first: $n }) } }',
      { n: 1, s: 'SMALL', t: 't' },
    ],
    [
      'a variable by the name that fetches of entities use',
      'query($representations: Int!) { items { fits(filter: {}, representations: $representations) } }',
      { representations: 5 },
    ],
    [
      'a list value where a list of lists belongs',
      '{ items { next(state: SMALL) { id } again: next(state: [[LARGE, null], null]) { id } } }',
      {},
    ],
    ['a number where a float belongs, one value where a list does', '{ items(filter: { inner: { value: 1 }, tags: "a" }) { asked } }', {}],
  ])('%s', async (_, document, variables) => {
    await expectSameAnswer(world, one, document, variables);
  });

  it('hide an input field that one service lacks', () => {
    expect(world.apiSchema.getType('Filter')?.toString()).toBe('Filter');
    expect(Object.keys((world.apiSchema.getType('Filter') as unknown as { getFields(): object }).getFields())).toEqual([
      'size',
      'first',
      'tags',
      'inner',
    ]);
  });

  it.each([
    ['an enum value that nobody has', 'query($s: [Size!]!) { sizes(of: $s) }', { s: ['HUGE'] }],
    ['a required variable that is absent', 'query($s: [Size!]!) { sizes(of: $s) }', {}],
    ['null in place of a required value', 'query($f: Filter) { items(filter: $f) { id } }', { f: { size: null } }],
    ['an input field that nobody has', 'query($f: Filter) { items(filter: $f) { id } }', { f: { onlyHere: 1 } }],
  ])('refuse %s before anything is sent', async (_, document, variables) => {
    const { response, fetches } = await world.run(document, variables);
    expect(fetches).toEqual([]);
    expect(response.data).toBeUndefined();
    expect(response.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});
