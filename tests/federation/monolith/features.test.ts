import { describe, expect, it } from 'vitest';
import { askMerged, world } from '../support/library.js';

const FEATURES: Record<string, [string, Record<string, string | number | boolean>?]> = {
  'one service': ['{ books { id title pages tags } }'],
  'an entity from another service': ['{ books { title author { name nick } } }'],
  'entities both ways, several levels': ['{ people { name reviews { stars book { title author { name reviews { text } } } } } }'],
  '@requires': ['{ books { title weight label } }'],
  '@requires with an argument': ['query($e: Int!) { books { weight(extra: $e) other: weight } }', { e: 5 }],
  '@provides': ['{ reviews { author { nick } } }'],
  'a compound key': ['{ parcels { review { key text author { name } } book { title weight } } }'],
  'aliases, also of keys': ['{ b: books { identity: id id: title title: id author { id: name name: id } } }'],
  'aliases that collide with keys': ['{ people { id: name reviews { id: text bookId: id } } }'],
  'an interface over several types': ['{ items { __typename id title ... on Book { author { name } } ... on Map { scale } } }'],
  'a union': [
    'query($k: String!) { any(kind: $k) { __typename ... on Book { title reviews { stars } } ... on Person { nick reviews { id } } ... on Map { scale } } }',
    { k: 'book' },
  ],
  'a union that is null': ['{ any(kind: "none") { __typename } }'],
  'lists of lists with nulls': ['{ shelf { title author { name } reviews { stars } } }'],
  '@skip and @include': [
    'query($y: Boolean!, $n: Boolean!) { books { title @skip(if: $n) pages @include(if: $n) author @include(if: $y) { name @skip(if: $y) nick } } reviews @include(if: $n) { id } }',
    { y: true, n: false },
  ],
  'one field under two conditions': [
    'query($y: Boolean!, $n: Boolean!) { books { author @include(if: $n) { name } author @include(if: $y) { nick } } }',
    { y: true, n: false },
  ],
  'fragments of fragments': [
    'query { ...Q } fragment Q on Query { books(first: 2) { ...B ...B } } fragment B on Book { title author { ...P } ... { tags } } fragment P on Person { name }',
  ],
  '__typename everywhere': ['{ __typename t: __typename books { __typename author { __typename n: __typename } } }'],
  'arguments on entities': ['query($m: Int) { books { reviews(min: $m) { stars } best: reviews(min: 5) { stars } } }', { m: 4 }],
  'a missing entity': ['{ book(id: "none") { title author { name } } }'],
  'mutations in order': [
    'mutation { a: rate(book: "b1", stars: 3) { stars book { title } } b: rate(book: "b3", stars: 2) { key author { name } } }',
  ],
};

describe('the gateway answers as the merged schema does', () => {
  it.each(Object.entries(FEATURES))('%s', async (_, [document, variables = {}]) => {
    const { response } = await world.run(document, variables);
    expect(response.errors).toBeUndefined();
    expect(JSON.stringify(response.data)).toBe(JSON.stringify((await askMerged(document, variables)).data));
  });
});
