import { getOperationAST, parse, print } from 'graphql';
import { describe, expect, it } from 'vitest';
import { pickPart, splitDeferred } from './deferred-parts.js';

function split(text: string, variables = {}) {
  const document = parse(text);
  const operation = getOperationAST(document);
  if (operation == null) throw new Error('one operation was expected');
  return splitDeferred(document, operation, variables);
}
const flat = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

describe('a document with @defer', () => {
  it('is split into what is wanted now and what may come later', () => {
    const { primary, full, parts } = split(
      'query Q($x: Int) { a { id ...F @defer(label: "l") } } fragment F on A { b(x: $x) { c ... @defer { d } } }',
    );
    expect(flat(print(primary))).toBe('query Q($x: Int) { a { id } }');
    expect(flat(print(full))).toBe('query Q($x: Int) { a { id ...F } } fragment F on A { b(x: $x) { c ... { d } } }');
    expect(parts.map(({ path, label }) => ({ path, label }))).toEqual([{ path: ['a'], label: 'l' }]);
  });

  it('finds each place of a fragment that is spread several times', () => {
    const { parts } = split('{ one: a { ...F } two: a { list { ...F } } } fragment F on A { id ... @defer { b } }');
    expect(parts.map(({ path }) => path)).toEqual([['one'], ['two', 'list']]);
  });

  it('is not deferred at all when that would be too many parts', () => {
    const text = Array.from({ length: 51 }, (_, n) => `a${n}: a { ... @defer { b } }`).join(' ');
    expect(split(`{ ${text} }`).parts).toEqual([]);
  });
});

it('a part is picked for each object of its path, without what another type would have', () => {
  const document = split('{ list { id ... @defer { same: b ... on X { c { d } } } } }');
  const [part] = document.parts;
  if (part === undefined) throw new Error('one part was expected');
  const answer = { list: [{ id: 1, same: 'x', c: { d: 2, e: 3 } }, null, { id: 2, same: null }] };
  expect(pickPart(part, document, answer)).toEqual([
    { path: ['list', 0], data: { same: 'x', c: { d: 2 } } },
    { path: ['list', 1], data: null },
    { path: ['list', 2], data: { same: null } },
  ]);
});
