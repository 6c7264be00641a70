import { describe, expect, it } from 'vitest';
import { createWorld } from '../support/federated-world.js';
import { createOneSchema, expectSameAnswer } from '../support/one-schema.js';

// Each service knows other members of the union and other types of the interfaces; one interface is of another.
const things = {
  song: { __typename: 'Song', id: 's1', name: 'Blue', seconds: 210, mood: 'calm', by: 'a1' },
  clip: { __typename: 'Clip', id: 'c1', name: 'Wave', seconds: 12, frames: 300, size: 9, by: 'a2' },
  text: { __typename: 'Text', id: 't1', name: 'Ode', words: 99, size: 'large', by: 'a1' },
};
type Key = keyof typeof things;
const all: Key[] = ['song', 'clip', 'text'];
const artists: Record<string, { id: string; name: string; born: number | null; best: Key }> = {
  a1: { id: 'a1', name: 'Ada', born: 1815, best: 'text' },
  a2: { id: 'a2', name: 'Bea', born: null, best: 'clip' },
};
const thingOf = (id: string) => Object.values(things).find((thing) => thing.id === id);
const keyOf = (id: string) => all.find((key) => things[key].id === id) as Key;
const resolved = { __resolveReference: ({ id }: { id: string }) => thingOf(id) };
const sentBack = { __resolveReference: (reference: object) => reference };
const only = (key: Key) => ({ __typename: things[key].__typename, id: things[key].id });

const world = createWorld([
  {
    name: 'library',
    sdl: `
      type Query { all: [Thing]!  named(name: String!): Named  timed: [Timed!]! }
      interface Named { id: ID!  name: String! }
      interface Timed implements Named { id: ID!  name: String!  seconds: Int! }
      union Thing = Song | Clip | Text
      type Song implements Named & Timed @key(fields: "id") { id: ID!  name: String!  seconds: Int!  mood: String }
      type Clip implements Named & Timed @key(fields: "id") { id: ID!  name: String!  seconds: Int!  frames: Int!  size: Int }
      type Text implements Named @key(fields: "id") { id: ID!  name: String!  words: Int!  size: String }`,
    resolvers: {
      Query: {
        all: () => [things.song, null, things.text, things.clip],
        named: (_: unknown, { name }: { name: string }) => Object.values(things).find((thing) => thing.name === name),
        timed: () => [things.clip, things.song],
      },
      Song: resolved,
      Clip: resolved,
      Text: resolved,
    },
  },
  {
    name: 'artists',
    sdl: `
      type Query { artists: [Artist!]! }
      type Artist @key(fields: "id") { id: ID!  name: String!  born: Int  best: Work }
      interface Made { artist: Artist! }
      union Work = Clip | Text
      type Song implements Made @key(fields: "id") { id: ID!  artist: Artist! }
      type Clip implements Made @key(fields: "id") { id: ID!  artist: Artist! }
      type Text implements Made @key(fields: "id") { id: ID!  artist: Artist! }`,
    resolvers: {
      Query: { artists: () => Object.values(artists) },
      Artist: { __resolveReference: ({ id }: { id: string }) => artists[id], best: ({ best }: { best: Key }) => only(best) },
      ...Object.fromEntries(
        ['Song', 'Clip', 'Text'].map((type) => [type, { ...sentBack, artist: ({ id }: { id: string }) => artists[thingOf(id)?.by ?? ''] }]),
      ),
    },
  },
  {
    name: 'charts',
    sdl: `
      type Query { top: Ranked }
      interface Ranked { rank(list: String = "week"): Int }
      type Song implements Ranked @key(fields: "id") { id: ID!  rank(list: String = "week"): Int }
      type Clip implements Ranked @key(fields: "id") { id: ID!  rank(list: String = "week"): Int  seconds: Int! @external  short: Boolean! @requires(fields: "seconds") }`,
    resolvers: {
      Query: { top: () => only('song') },
      Song: { ...sentBack, rank: (_: unknown, { list }: { list: string }) => list.length },
      Clip: { ...sentBack, rank: () => null, short: ({ seconds }: { seconds: number }) => seconds < 60 },
    },
  },
]);

const toOne = (key: Key): object => ({
  ...things[key],
  artist: () => artistOf(things[key].by),
  rank: ({ list }: { list: string }) => (key === 'song' ? list.length : null),
  short: true,
});
const artistOf = (id: string): object => {
  const { best, ...artist } = artists[id] as (typeof artists)[string];
  return { ...artist, best: () => toOne(best) };
};
const one = createOneSchema(
  `type Query { all: [Thing]!  named(name: String!): Named  timed: [Timed!]!  artists: [Artist!]!  top: Ranked }
   interface Named { id: ID!  name: String! } interface Timed implements Named { id: ID!  name: String!  seconds: Int! }
   interface Made { artist: Artist! } interface Ranked { rank(list: String = "week"): Int }
   union Thing = Song | Clip | Text union Work = Clip | Text
   type Song implements Named & Timed & Made & Ranked { id: ID!  name: String!  seconds: Int!  mood: String  artist: Artist!  rank(list: String = "week"): Int }
   type Clip implements Named & Timed & Made & Ranked { id: ID!  name: String!  seconds: Int!  frames: Int!  size: Int  artist: Artist!  rank(list: String = "week"): Int  short: Boolean! }
   type Text implements Named & Made { id: ID!  name: String!  words: Int!  size: String  artist: Artist! }
   type Artist { id: ID!  name: String!  born: Int  best: Work }`,
  () => ({
    all: () => [toOne('song'), null, toOne('text'), toOne('clip')],
    named: ({ name }: { name: string }) => {
      const found = Object.values(things).find((thing) => thing.name === name);
      return found === undefined ? null : toOne(keyOf(found.id));
    },
    timed: () => [toOne('clip'), toOne('song')],
    artists: () => Object.keys(artists).map(artistOf),
    top: () => toOne('song'),
  }),
);

describe('abstract types over several services', () => {
  it.each([
    ['a union with nulls', '{ all { __typename ... on Song { mood } ... on Clip { frames } ... on Text { words } } }'],
    ['members that are not asked for anything', '{ all { ... on Song { mood } } }'],
    ['fields of another service, for each member', '{ all { ... on Song { artist { name } } ... on Text { artist { born } } } }'],
    ['an interface that another service has', '{ all { ... on Made { artist { name } } ... on Ranked { rank } } }'],
    ['an interface of an interface', '{ timed { __typename name seconds ... on Named { id } ... on Made { artist { name } } } }'],
    ['a condition that only some types meet', '{ named(name: "Ode") { name ... on Timed { seconds } ... on Text { words } } }'],
    ['nobody', '{ named(name: "none") { name ... on Made { artist { name } } } }'],
    ['one key for different fields', '{ all { ... on Clip { n: frames } ... on Text { n: words } ... on Song { n: seconds } } }'],
    [
      'arguments of an interface field',
      '{ top { rank a: rank(list: "year") ... on Song { name rank } } timed { ... on Ranked { r: rank(list: null) } } }',
    ],
    ['@requires of one type', '{ all { ... on Clip { short } } timed { ... on Clip { short seconds } } }'],
    ['two unions that meet', '{ artists { name best { ... on Clip { artist { name best { __typename } } } ... on Text { words } } } }'],
    [
      'fragments within fragments',
      `{ all { ...N } artists { best { ...N ...M } } }
       fragment N on Named { ... on Timed { seconds ... on Song { mood } ... on Made { ...M } } ... on Text { ...M words } }
       fragment M on Made { artist { ...A } }
       fragment A on Artist { name best { ... on Named { name ... on Clip { frames } } } }`,
    ],
    ['conditions that exclude each other', '{ all { ... on Song { ... on Named { ... on Text { words } name } } } }'],
  ])('%s', async (_, document) => {
    await expectSameAnswer(world, one, document);
  });

  it('fragments forty levels deep', async () => {
    const depth = 40;
    const fragments = Array.from({ length: depth }, (_, level) =>
      level === depth - 1
        ? `fragment F${level} on Named { name ... on Made { artist { name } } }`
        : `fragment F${level} on Named { ... on Named { ...F${level + 1} } }`,
    );
    await expectSameAnswer(world, one, `{ timed { ...F0 } all { ...F0 } } ${fragments.join('\n')}`);
  });
});

it('what another service needs of one type is told when it fails, also where the caller selects it of another type only', async () => {
  const { response } = await world.run(
    '{ all { ... on Clip { short } ... on Song { seconds } } }',
    {},
    {
      intercept: ({ node, chunk, service }) =>
        service === 'library'
          ? {
              node,
              chunk,
              data: { all: [{ __typename: 'Clip', id: 'c1', seconds: null }] },
              errors: [{ message: 'no clock', path: ['all', 0, 'seconds'], extensions: { code: 'NO_CLOCK' } }],
            }
          : undefined,
    },
  );
  expect(response.errors).toContainEqual(expect.objectContaining({ path: ['all', 0, 'seconds'] }));
});

describe('an entity that objects of two types have under one field', () => {
  const boxes = createWorld([
    {
      name: 'boxes',
      sdl: `
        type Query { boxes: [Box!]! }
        interface Box { owner: Owner! }
        type Red implements Box { owner: Owner! }
        type Blue implements Box { owner: Owner! }
        type Owner @key(fields: "id") { id: ID! }`,
      resolvers: {
        Query: {
          boxes: () => [
            { __typename: 'Red', owner: { id: 'o1' } },
            { __typename: 'Blue', owner: { id: 'o2' } },
          ],
        },
      },
    },
    {
      name: 'owners',
      sdl: `type Owner @key(fields: "id") { id: ID!  nick: String  pet: String  note(loud: Boolean = false): String!  told(by: Telling, loud: Boolean): String!  friend: Owner }
        input Telling { a: Int  b: Int }`,
      resolvers: {
        Owner: {
          ...sentBack,
          friend: () => ({ id: 'o2' }),
          pet: () => 'Rex',
          told: (_: unknown, given: object) => JSON.stringify(given),
          note: ({ id }: { id: string }, { loud }: { loud: boolean }) => `${id}${loud ? '!' : ''}`,
          nick({ id }: { id: string }) {
            if (id === 'o2') throw new Error('o2 has no nick');
            return 'i';
          },
        },
      },
    },
  ]);

  it('has no errors of what only the other type asks of it, at any depth', async () => {
    const { response } = await boxes.run(
      `query ($no: Boolean! = false) {
        boxes { owner { id } ... on Red { owner { nick } } ... on Blue { owner { nick @include(if: $no) friend { id } } } }
        again: boxes { owner { friend { id } } ... on Red { owner { friend { friend { nick } } } } }
      }`,
    );
    expect(response.data).toEqual({
      boxes: [{ owner: { id: 'o1', nick: 'i' } }, { owner: { id: 'o2', friend: { id: 'o2' } } }],
      again: [{ owner: { friend: { id: 'o2', friend: { nick: null } } } }, { owner: { friend: { id: 'o2' } } }],
    });
    expect(response.errors?.map(({ path }) => path)).toEqual([['again', 0, 'owner', 'friend', 'friend', 'nick']]);
  });

  it('may be asked for different fields and arguments under one key', async () => {
    const { response } = await boxes.run(
      '{ boxes { ... on Red { owner { note x: nick } } ... on Blue { owner { note(loud: true) x: pet } } } }',
    );
    expect(response).toEqual({ data: { boxes: [{ owner: { note: 'o1', x: 'i' } }, { owner: { note: 'o2!', x: 'Rex' } }] } });
  });

  it('is asked once for one field, in whatever order its arguments stand', async () => {
    const { response, fetches } = await boxes.run(
      '{ boxes { owner { told(by: { a: 1, b: 2 }, loud: true) friend { id } } ... on Red { owner { told(loud: true, by: { b: 2, a: 1 }) } } } }',
    );
    const told = '{"by":{"a":1,"b":2},"loud":true}';
    expect(response).toEqual({ data: { boxes: ['o2', 'o2'].map((id) => ({ owner: { told, friend: { id } } })) } });
    expect(fetches.flatMap(({ operation }) => operation.match(/told/g) ?? [])).toHaveLength(1);
  });
});
