import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#schema/contracts/json';
import type { RequiredSelection } from '#schema/contracts/plan';
import { buildRepresentations } from './representations.js';

const field = (name: string, selections: RequiredSelection[] | null = null): RequiredSelection => ({ kind: 'field', name, selections });
const on = (types: string[], ...selections: RequiredSelection[]): RequiredSelection => ({ kind: 'fragment', types, selections });
const TYPE = field('__typename');

function build(requires: RequiredSelection[], ...objects: JsonObject[]): JsonObject[] {
  return buildRepresentations(
    { requires, inputRewrites: [] },
    objects.map((object, index) => ({ object, at: { key: index, up: null } })),
  ).map(({ value }) => value);
}

describe('representations', () => {
  it('hold the required fields and nothing else', () => {
    expect(build([on(['T'], TYPE, field('id'))], { __typename: 'T', id: 1, other: 2 })).toEqual([{ __typename: 'T', id: 1 }]);
  });

  it('are left out when a required field is absent; a null one is sent', () => {
    expect(
      build([on(['T'], TYPE, field('id'), field('size'))], { __typename: 'T', id: 1 }, { __typename: 'T', id: 2, size: null }),
    ).toEqual([{ __typename: 'T', id: 2, size: null }]);
  });

  it('do not take inherited names for fields', () => {
    expect(build([on(['T'], TYPE, field('constructor'))], { __typename: 'T' })).toEqual([]);
  });

  it('are left out for objects of another type or of none', () => {
    expect(build([on(['T'], TYPE, field('id'))], { __typename: 'U', id: 1 }, { id: 2 })).toEqual([]);
  });

  it('take from each object the parts for its own type', () => {
    expect(
      build([on([], TYPE), on(['T'], field('t')), on(['U'], field('u'))], { __typename: 'T', t: 1, u: 1 }, { __typename: 'U', t: 2, u: 2 }),
    ).toEqual([
      { __typename: 'T', t: 1 },
      { __typename: 'U', u: 2 },
    ]);
  });

  it('join what several parts require of one nested object', () => {
    expect(
      build([on(['T'], TYPE, field('size', [field('w')])), on(['T', 'I'], field('size', [field('h')]))], {
        __typename: 'T',
        size: { w: 1, h: 2, d: 3 },
      }),
    ).toEqual([{ __typename: 'T', size: { w: 1, h: 2 } }]);
  });

  it('reach into lists and nested objects; nulls in them stay', () => {
    const requires = [on(['T'], TYPE, field('parts', [field('id')]), field('box', [field('id')]))];
    expect(build(requires, { __typename: 'T', parts: [{ id: 1, x: 1 }, null, [{ id: 2 }]], box: null })).toEqual([
      { __typename: 'T', parts: [{ id: 1 }, null, [{ id: 2 }]], box: null },
    ]);
    expect(build(requires, { __typename: 'T', parts: [{ x: 1 }], box: null })).toEqual([]);
    expect(build(requires, { __typename: 'T', parts: [], box: { x: 1 } })).toEqual([]);
  });

  it('share nothing with the data', () => {
    const list = [{ x: 1 }];
    const [value] = build([on(['T'], TYPE, field('list'))], { __typename: 'T', list });
    expect(value?.['list']).toEqual(list);
    expect(value?.['list']).not.toBe(list);
  });
});
