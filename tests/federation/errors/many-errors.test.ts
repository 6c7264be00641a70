// However many errors a service reports, each null of the answer is explained by one of them, at its place, above or below it.
import { describe, expect, it } from 'vitest';
import { parseAnswer } from '#gateway/fetching/parse-answer';
import { toServiceFacts } from '#gateway/fetching/service-error';
import { createLogger } from '#platform/logger';
import type { Json } from '#schema/contracts/json';
import type { GraphQLErrorJson, ServiceAnswer, ServiceFetch } from '#schema/contracts/plan';
import { world } from '../support/library.js';

const BOOKS = 1_200;
const log = createLogger({ name: 'test', level: 'silent' });

/** Services that answer `BOOKS` books, each by somebody else whom nobody can be asked about. */
function answering(errorOf: (index: number) => object, data: (count: number) => Json) {
  return ({ node, chunk, service, variables }: ServiceFetch): ServiceAnswer => {
    const { representations } = variables;
    const body = Array.isArray(representations)
      ? { data: data(representations.length), errors: representations.map((_, index) => errorOf(index)) }
      : { data: { books: Array.from({ length: BOOKS }, (_, id) => ({ author: { __typename: 'Person', id: `p${id}` } })) } };
    const parsed = parseAnswer(JSON.stringify(body), toServiceFacts(service, { signed: false }, log));
    if (parsed === undefined) throw new Error('the answer cannot be read');
    return { node, chunk, data: parsed.data, errors: parsed.errors };
  };
}

function unexplained(data: Json | undefined, errors: readonly GraphQLErrorJson[]): string[] {
  const told = new Set(errors.flatMap(({ path = [] }) => [JSON.stringify(path), ...path.map((_, n) => JSON.stringify(path.slice(0, n)))]));
  const above = new Set(errors.map(({ path = [] }) => JSON.stringify(path)));
  const nulls: string[] = [];
  (function walk(value: Json | undefined, path: (string | number)[]): void {
    const isTold = told.has(JSON.stringify(path)) || path.some((_, n) => above.has(JSON.stringify(path.slice(0, n))));
    if (value === null && !isTold) nulls.push(JSON.stringify(path));
    if (typeof value === 'object' && value !== null)
      for (const [key, one] of Object.entries(value)) walk(one, [...path, Array.isArray(value) ? Number(key) : key]);
  })(data, []);
  return nulls;
}

describe.each<[string, string, object[]]>([
  ['a nullable field', '{ books(first: 2000) { author { nick } } }', []],
  ['a non-null field', '{ books(first: 2000) { author { name } } }', []],
])('%s of 1,200 entities', (_, query) => {
  it.each<[string, (index: number) => object, (count: number) => Json]>([
    [
      'fails at each entity',
      (index) => ({ message: 'no', path: ['_entities', index], extensions: { code: 'GONE' } }),
      (count) => ({ _entities: Array(count).fill(null) as null[] }),
    ],
    [
      'fails at each field',
      (index) => ({ message: 'no', path: ['_entities', index, query.includes('nick') ? 'nick' : 'name'], extensions: { code: 'GONE' } }),
      (count) => ({ _entities: Array.from({ length: count }, () => ({ nick: null, name: null })) }),
    ],
    ['fails as a whole', () => ({ message: 'no', extensions: { code: 'GONE' } }), () => null],
  ])('that %s has no null without its cause', async (__, errorOf, data) => {
    const { response } = await world.run(query, {}, { intercept: answering(errorOf, data) });
    const errors = response.errors ?? [];
    expect(unexplained(response.data, errors)).toEqual([]);
    expect(new Set(errors.map(({ extensions }) => extensions.code))).toEqual(new Set(['GONE']));
    if (response.data != null) expect(JSON.stringify(response.data).match(/null/g)?.length).toBe(BOOKS);
  });
});
