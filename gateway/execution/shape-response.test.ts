import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '#schema/contracts/json';
import type { FieldShape, GraphQLErrorJson, ObjectShape, TypeShape } from '#schema/contracts/plan';
import { shapeResponse } from './shape-response.js';

const leaf = (name: string): TypeShape => ({ kind: 'leaf', name });
const nonNull = (of: TypeShape): TypeShape => ({ kind: 'nonNull', of });
const list = (of: TypeShape): TypeShape => ({ kind: 'list', of });
const object = (types: string | string[], ...fields: FieldShape[]): TypeShape => ({
  kind: 'object',
  name: 'Named',
  shape: shapeOf(types, ...fields),
});
const shapeOf = (types: string | string[], ...fields: FieldShape[]): ObjectShape => ({ types: [types].flat(), fields });
const field = (key: string, type: TypeShape, more: Partial<FieldShape> = {}): FieldShape => ({
  responseKey: key,
  dataKey: key,
  type,
  ...more,
});
const TYPENAME: FieldShape = { responseKey: '__typename', dataKey: '__typename', typename: true, type: nonNull(leaf('String')) };

/** The answer to `{ a }` where `a` is of this type. */
const shapeValue = (type: TypeShape, value: Json, errors: GraphQLErrorJson[] = []) =>
  shapeResponse(shapeOf('Query', field('a', type)), { a: value }, errors, {});
const invalid = (...path: (string | number)[]) => ({ path, extensions: { code: 'INVALID_RESPONSE' } });

describe('leaves', () => {
  it.each<[string, Json[], Json[]]>([
    ['Int', [0, -2_147_483_648, 2_147_483_647], [1.5, 2_147_483_648, -2_147_483_649, '1', true, {}, []]],
    ['Float', [0, 1.5, 1e300], ['1.5', false]],
    ['String', ['', 'text'], [1, true, {}, ['text']]],
    ['Boolean', [true, false], [0, 'true']],
    ['JSON', [{ any: [1] }, 1, 'text', []], []],
  ])('of the type %s are checked', (name, good, bad) => {
    for (const value of good) expect(shapeValue(leaf(name), value)).toEqual({ data: { a: value } });
    for (const value of bad)
      expect(shapeValue(leaf(name), value)).toMatchObject({
        data: { a: null },
        errors: [{ message: `expected a value of the type ${name}`, ...invalid('a') }],
      });
  });

  it('of the type ID are texts, also when a service answers a number', () => {
    expect(shapeValue(leaf('ID'), 7)).toEqual({ data: { a: '7' } });
    expect(shapeValue(leaf('ID'), true).errors).toMatchObject([invalid('a')]);
  });

  it('of an enum are its public values', () => {
    const size: TypeShape = { kind: 'enum', name: 'Size', values: ['SMALL'] };
    expect(shapeValue(size, 'SMALL')).toEqual({ data: { a: 'SMALL' } });
    const hidden = shapeValue(size, 'SECRET');
    expect(hidden).toMatchObject({ data: { a: null }, errors: [invalid('a')] });
    expect(JSON.stringify(hidden)).not.toContain('SECRET');
  });
});

describe('selections', () => {
  it('have the order and the names of the query, whatever the order of the data', () => {
    const shape = shapeOf('Query', field('b', leaf('Int')), field('x', leaf('Int'), { dataKey: '_alias_x' }), field('a', leaf('Int')));
    expect(JSON.stringify(shapeResponse(shape, { a: 1, b: 2, _alias_x: 3, extra: 4 }, [], {}).data)).toBe('{"b":2,"x":3,"a":1}');
  });

  it('leave out what is answered elsewhere and what the conditions exclude', () => {
    const when = (...lists: [string, boolean][][]): Partial<FieldShape> => ({
      when: lists.map((all) => all.map(([variable, equals]) => ({ variable, equals }))),
    });
    const shape = shapeOf(
      'Query',
      field('__schema', leaf('JSON'), { introspection: true }),
      field(
        'both',
        leaf('Int'),
        when([
          ['x', true],
          ['y', false],
        ]),
      ),
      field('either', leaf('Int'), when([['x', false]], [['y', false]])),
      field('absent', leaf('Int'), when([['z', true]])),
    );
    const keys = (variables: JsonObject) => Object.keys(shapeResponse(shape, { both: 1, either: 2, absent: 3 }, [], variables).data ?? {});
    expect(keys({ x: true, y: false })).toEqual(['both', 'either']);
    expect(keys({ x: true, y: true })).toEqual([]);
    expect(keys({ x: false, y: true })).toEqual(['either']);
  });

  it('do not take inherited names for data', () => {
    expect(shapeResponse(shapeOf('Query', field('toString', leaf('JSON')), field('constructor', leaf('JSON'))), {}, [], {})).toEqual({
      data: { toString: null, constructor: null },
    });
  });

  it('may have the alias `__proto__`, which is a key like any other', () => {
    const { data } = shapeResponse(
      shapeOf('Query', field('__proto__', object('T', field('id', leaf('ID'))), { dataKey: 'a' })),
      { a: { id: 1 } },
      [],
      {},
    );
    expect(JSON.stringify(data)).toBe('{"__proto__":{"id":"1"}}');
  });

  it('leave the merged data as it is', () => {
    const data = { a: [{ id: 1 }] };
    shapeResponse(shapeOf('Query', field('a', list(object('T', field('id', leaf('ID')))))), data, [], {});
    expect(data).toEqual({ a: [{ id: 1 }] });
  });
});

describe('types', () => {
  const thing = object(
    ['Book', 'Map'],
    TYPENAME,
    field('pages', leaf('Int'), { onTypes: ['Book'] }),
    field('scale', leaf('Int'), { onTypes: ['Map'] }),
  );

  it('decide which fields an object has', () => {
    expect(
      shapeValue(list(thing), [
        { __typename: 'Map', scale: 5, pages: 1 },
        { __typename: 'Book', pages: 2 },
      ]),
    ).toEqual({
      data: {
        a: [
          { __typename: 'Map', scale: 5 },
          { __typename: 'Book', pages: 2 },
        ],
      },
    });
  });

  it('that the API hides make an object null and are not named', () => {
    const answer = shapeValue(list(thing), [
      { __typename: 'Hidden', pages: 1 },
      { __typename: 'Book', pages: 2 },
    ]);
    expect(answer).toMatchObject({ data: { a: [null, { pages: 2 }] }, errors: [invalid('a', 0)] });
    expect(JSON.stringify(answer)).not.toContain('Hidden');
  });

  it('need not be asked for when there is one', () => {
    expect(shapeValue(object('Book', TYPENAME), {})).toEqual({ data: { a: { __typename: 'Book' } } });
  });
});

describe('values of the wrong kind', () => {
  it.each<[string, TypeShape, Json]>([
    ['expected a list', list(leaf('Int')), { 0: 1 }],
    ['expected an object', object('T'), 'text'],
    ['expected an object', object('T'), []],
  ])('become null: %s', (message, type, value) => {
    expect(shapeValue(type, value)).toMatchObject({ data: { a: null }, errors: [{ message, ...invalid('a') }] });
  });
});

describe('null where a value is required', () => {
  const deep = object('T', field('list', list(nonNull(object('U', field('n', nonNull(leaf('Int'))))))));

  it('moves up to the nearest place that may be null, with one error where it was', () => {
    expect(shapeValue(deep, { list: [{ n: 1 }, { n: null }] })).toMatchObject({
      data: { a: { list: null } },
      errors: [invalid('a', 'list', 1, 'n')],
    });
    expect(shapeValue(deep, { list: [{ n: 1 }, null] })).toMatchObject({ data: { a: { list: null } }, errors: [invalid('a', 'list', 1)] });
    expect(shapeValue(list(object('U', field('n', nonNull(leaf('Int'))))), [{ n: 1 }, {}])).toMatchObject({
      data: { a: [{ n: 1 }, null] },
      errors: [invalid('a', 1, 'n')],
    });
  });

  it('takes the whole data when nothing above may be null', () => {
    expect(shapeValue(nonNull(leaf('Int')), null)).toMatchObject({ data: null, errors: [invalid('a')] });
  });

  it('has one error also when the value was there but wrong', () => {
    expect(shapeValue(nonNull(leaf('Int')), 'text')).toMatchObject({
      data: null,
      errors: [{ message: 'expected a value of the type Int', ...invalid('a') }],
    });
  });

  const service = (...path: (string | number)[]): GraphQLErrorJson => ({
    message: 'down',
    path,
    extensions: { code: 'SUBGRAPH_UNREACHABLE' },
  });
  it.each([
    ['at it', service('a', 'list', 1, 'n'), true],
    ['above it', service('a', 'list'), true],
    ['without a path', { message: 'down', extensions: { code: 'SUBGRAPH_UNREACHABLE' } }, true],
    ['below it', service('a', 'list', 1, 'n', 'deeper'), true],
    ['at its neighbour', service('a', 'list', 0, 'n'), false],
  ])('is explained once when a service reported an error %s', (_, error, isExplained) => {
    const { data, errors } = shapeValue(deep, { list: [{ n: 1 }, { n: null }] }, [error]);
    expect(data).toEqual({ a: { list: null } });
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual([
      'SUBGRAPH_UNREACHABLE',
      ...(isExplained ? [] : ['INVALID_RESPONSE']),
    ]);
  });
});

describe('a nullable place', () => {
  it('is null without an error', () => {
    expect(shapeResponse(shapeOf('Query', field('a', leaf('Int')), field('b', object('T'))), { a: null }, [], {})).toEqual({
      data: { a: null, b: null },
    });
  });
});

it('explains each denied field of a long list, at its place or for the whole list', () => {
  const denied = (name: string) => field(name, leaf('String'), { denied: `no ${name}` });
  const things = Array.from({ length: 1_000 }, () => ({}));
  const { data, errors } = shapeValue(list(object('Thing', denied('size'), denied('weight'))), things);
  expect((data?.['a'] as Json[]).every((thing) => JSON.stringify(thing) === '{"size":null,"weight":null}')).toBe(true);
  const places = (errors ?? []).map(({ message, path }) => `${message} at ${path?.join('.')}`);
  expect(places).toHaveLength(102);
  expect(places.slice(0, 3)).toEqual(['no size at a.0.size', 'no weight at a.0.weight', 'no size at a.1.size']);
  expect(places.slice(-2)).toEqual(['no size at a', 'no weight at a']);
});
