import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '#schema/contracts/json';
import type { PathStep } from '#schema/contracts/plan';
import { applyRewrites, cloneJson, deepMerge, findTargets, toErrorPath } from './json-data.js';
import { toKeys } from './place.js';

const merge = (target: JsonObject, source: JsonObject): JsonObject => {
  deepMerge(target, source);
  return target;
};

describe('deepMerge', () => {
  it.each<[string, JsonObject, JsonObject, JsonObject]>([
    ['objects key by key', { a: { x: 1 } }, { a: { y: 2 }, b: 3 }, { a: { x: 1, y: 2 }, b: 3 }],
    [
      'lists of equal length element by element',
      { a: [{ x: 1 }, [{ x: 2 }]] },
      { a: [{ y: 1 }, [{ y: 2 }]] },
      { a: [{ x: 1, y: 1 }, [{ x: 2, y: 2 }]] },
    ],
    ['no lists of different length: the later one stands', { a: [1, 2] }, { a: [3] }, { a: [3] }],
    ['scalars: the later one stands', { a: 1, b: { c: 1 } }, { a: 2, b: 3 }, { a: 2, b: 3 }],
    ['null into a value: the value stays', { a: { x: 1 }, b: [1], c: 0 }, { a: null, b: [null], c: null }, { a: { x: 1 }, b: [1], c: 0 }],
    ['a value into null', { a: null, b: [null] }, { a: { x: 1 }, b: [2] }, { a: { x: 1 }, b: [2] }],
  ])('merges %s', (_, target, source, expected) => {
    expect(merge(target, source)).toEqual(expected);
  });

  it('takes names of Object.prototype as data and drops `__proto__`', () => {
    const target: JsonObject = {};
    merge(
      target,
      JSON.parse('{"constructor":{"a":1},"toString":"t","__proto__":{"polluted":1},"deep":{"__proto__":{"polluted":1}}}') as JsonObject,
    );
    merge(target, JSON.parse('{"constructor":{"b":2},"deep":{"__proto__":{"polluted":1},"x":1}}') as JsonObject);
    expect(target['constructor']).toEqual({ a: 1, b: 2 });
    expect(Object.entries(target)).toContainEqual(['toString', 't']);
    expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it('gives the same for two answers in either order, when they agree where they meet', () => {
    // Two parts of one value: each key of it is in the one, the other, both or nulled in one.
    const parts = fc.letrec<{ value: [Json, Json] }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.integer().map((n): [Json, Json] => [n, n]),
        fc.integer().map((n): [Json, Json] => [n, null]),
        fc.array(tie('value'), { maxLength: 3 }).map((pairs): [Json, Json] => [pairs.map(([l]) => l), pairs.map(([, r]) => r)]),
        fc
          .dictionary(fc.constantFrom('a', 'b', 'c'), fc.tuple(tie('value'), fc.constantFrom('left', 'right', 'both')))
          .map((entries): [Json, Json] => {
            const side = (which: 'left' | 'right', at: 0 | 1): JsonObject =>
              Object.fromEntries(
                Object.entries(entries).flatMap(([key, [pair, where]]) => (where === which || where === 'both' ? [[key, pair[at]]] : [])),
              );
            return [side('left', 0), side('right', 1)];
          }),
      ),
    })).value;
    fc.assert(
      fc.property(parts, ([left, right]) => {
        const oneWay = merge(merge({}, cloneJson({ it: left })), cloneJson({ it: right }));
        expect(merge(merge({}, cloneJson({ it: right })), cloneJson({ it: left }))).toEqual(oneWay);
      }),
    );
  });
});

describe('cloneJson', () => {
  it('copies every level and leaves `__proto__` out', () => {
    const value = JSON.parse('{"a":[{"b":null}],"__proto__":{"x":1}}') as JsonObject;
    const copy = cloneJson(value);
    expect(copy).toEqual({ a: [{ b: null }] });
    expect((copy['a'] as Json[])[0]).not.toBe((value['a'] as Json[])[0]);
  });
});

describe('findTargets', () => {
  const data: JsonObject = {
    a: [{ __typename: 'X', b: { n: 1 } }, null, { __typename: 'Y', b: { n: 2 } }, { __typename: 'X', b: null }],
    c: [[{ d: 1 }], null],
    s: 'text',
  };

  const find = (path: readonly PathStep[]) => findTargets(data, path).map(({ object, at }) => ({ object, path: toKeys(at) }));

  it('finds the objects below lists, with their paths, and passes over what is null or missing', () => {
    expect(find([{ field: 'a' }, { list: true }, { field: 'b' }])).toEqual([
      { object: { n: 1 }, path: ['a', 0, 'b'] },
      { object: { n: 2 }, path: ['a', 2, 'b'] },
    ]);
    expect(find([{ field: 'c' }, { list: true }, { list: true }])).toEqual([{ object: { d: 1 }, path: ['c', 0, 0] }]);
    expect(find([{ field: 's' }, { list: true }])).toEqual([]);
    expect(find([{ field: 'none' }, { field: 'b' }])).toEqual([]);
    expect(find([])).toEqual([{ object: data, path: [] }]);
  });

  it('keeps to the types of a step', () => {
    expect(find([{ field: 'a' }, { list: true, types: ['Y'] }, { field: 'b' }]).map(({ path }) => path)).toEqual([['a', 2, 'b']]);
  });
});

describe('toErrorPath', () => {
  it('ends before the first list', () => {
    expect(toErrorPath([{ field: 'a' }, { field: 'b' }, { list: true }, { field: 'c' }])).toEqual(['a', 'b']);
  });
});

describe('applyRewrites', () => {
  const rewritten = (value: JsonObject, ...rewrites: Parameters<typeof applyRewrites>[0]): JsonObject => {
    applyRewrites(rewrites, value);
    return value;
  };

  it('sets and renames in every object at the path, through lists', () => {
    expect(rewritten({ a: [{ x: 1 }, { y: 2 }, null] }, { kind: 'rename', path: [{ field: 'a' }, { field: 'x' }], to: 'z' })).toEqual({
      a: [{ z: 1 }, { y: 2 }, null],
    });
    expect(
      rewritten({ a: { b: {} } }, { kind: 'set', path: [{ field: 'a' }, { field: 'b' }, { field: '__typename' }], value: 'T' }),
    ).toEqual({ a: { b: { __typename: 'T' } } });
  });

  it('keeps to the types of the path; an object without a type is taken to fit', () => {
    const path = [{ types: ['T'] }, { field: 'x' }];
    expect(rewritten({ __typename: 'T', x: 1 }, { kind: 'rename', path, to: 'z' })).toEqual({ __typename: 'T', z: 1 });
    expect(rewritten({ __typename: 'U', x: 1 }, { kind: 'rename', path, to: 'z' })).toEqual({ __typename: 'U', x: 1 });
    expect(rewritten({ x: 1 }, { kind: 'rename', path, to: 'z' })).toEqual({ z: 1 });
  });

  it('changes nothing where the path does not exist or names no field', () => {
    expect(
      rewritten(
        { a: 1 },
        { kind: 'rename', path: [{ field: 'a' }, { field: 'x' }], to: 'z' },
        { kind: 'rename', path: [{ types: ['T'] }], to: 'z' },
      ),
    ).toEqual({ a: 1 });
  });
});
