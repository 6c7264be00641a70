import { expect, it } from 'vitest';
import { createLogger } from '#platform/logger';
import { parseAnswer } from './parse-answer.js';
import { toServiceFacts } from './service-error.js';

const log = createLogger({ name: 'test', level: 'silent' });
const shop = toServiceFacts('shop', { signed: false, errors: { show: 'full', texts: new Set() } }, log);
const GOOD = { message: 'sold out', path: ['item', 0], extensions: { code: 'OUT_OF_STOCK' } };
const DATA = { buy: { id: 'o1' } };

/** Each is `errors` of an answer, how many errors can be made of it, and what they are called. */
const FLAWED: [name: string, errors: unknown, told: number, code?: string][] = [
  ['null', null, 0],
  ['an empty list', [], 0],
  ['a text', 'boom', 1, 'SUBGRAPH_BAD_ANSWER'],
  ['a number', 7, 1, 'SUBGRAPH_BAD_ANSWER'],
  ['an object', { message: 'boom' }, 1, 'SUBGRAPH_BAD_ANSWER'],
  ['a list of null', [null], 1, 'SUBGRAPH_BAD_ANSWER'],
  ['a list of texts', ['boom', 'bang'], 1, 'SUBGRAPH_BAD_ANSWER'],
  ['a list in a list', [[GOOD]], 1, 'SUBGRAPH_BAD_ANSWER'],
  ['an error without anything', [{}], 1],
  ['a message that is no text', [{ message: { text: 'boom' } }], 1],
  ['a path that is no list', [{ message: 'boom', path: 'item' }], 1],
  ['a path with null', [{ message: 'boom', path: ['item', null] }], 1],
  ['a path with an object', [{ message: 'boom', path: [{}] }], 1],
  ['extensions that are a text', [{ message: 'boom', extensions: 'OUT_OF_STOCK' }], 1],
  ['extensions that are a list', [{ message: 'boom', extensions: ['OUT_OF_STOCK'] }], 1],
  ['a code that is no text', [{ message: 'boom', extensions: { code: { of: 404 } } }], 1],
  ['locations that are none', [{ message: 'boom', locations: 'line 1' }], 1],
  ['members that nobody knows', [{ message: 'boom', status: 500, stack: ['at /srv'] }], 1],
];

it.each(FLAWED)('`errors` that are or hold %s cost no data', (_, errors, told, code = 'SUBGRAPH_ERROR') => {
  const parsed = parseAnswer(JSON.stringify({ data: DATA, errors }), shop);
  expect(parsed?.data).toEqual(DATA);
  expect(parsed?.errors).toHaveLength(told);
  for (const error of parsed?.errors ?? []) {
    expect(error).toMatchObject({ message: expect.stringMatching(/./) as string, extensions: { code, service: 'shop' } });
    expect(error).not.toHaveProperty('path');
  }
});

it.each(FLAWED.filter(([, errors]) => Array.isArray(errors)))('%s costs no other error, with data or without', (_, errors, told) => {
  for (const data of [DATA, null]) {
    const parsed = parseAnswer(JSON.stringify({ data, errors: [...(errors as unknown[]), GOOD] }), shop);
    expect(parsed?.data).toEqual(data);
    expect(parsed?.errors).toContainEqual({ ...GOOD, extensions: { code: 'OUT_OF_STOCK', service: 'shop', origin: 'service' } });
    expect(parsed?.errors).toHaveLength(told + 1);
  }
});

it.each([
  ['extensions of the wrong type', { extensions: 'slow' }],
  ['members that nobody knows', { status: 200, hasNext: 'yes', incremental: {} }],
])('%s beside the data cost nothing', (_, more) => {
  expect(parseAnswer(JSON.stringify({ data: DATA, ...more }), shop)).toEqual({ data: DATA, errors: [] });
});

it.each([['a text'], [[]], [7], [true]])('data that are no object cost no error: %j', (data) => {
  expect(parseAnswer(JSON.stringify({ data, errors: [GOOD] }), shop)).toMatchObject({
    data: null,
    errors: [{ extensions: { code: 'SUBGRAPH_BAD_ANSWER', retryable: false } }, { path: GOOD.path }],
  });
});

it.each([
  '',
  'null',
  '[]',
  '{}',
  '{"message":"Not found"}',
  '{"data":null}',
  '{"data":null,"errors":null}',
  '{"data":null,"errors":[]}',
  '{"data":null,"errors":["boom"]}',
  '{"errors":{}}',
  '{"data":"x","errors":"y"}',
])('nothing can be read from %s', (text) => expect(parseAnswer(text, shop)).toBeUndefined());

it.each([1, 199, 200, 201, 1_000, 10_000, 10_001, 25_000])('%i errors are all told, or the last says how many more there are', (count) => {
  const errors = Array.from({ length: count }, (_, index) => ({ ...GOOD, message: 'm'.repeat(500), path: ['item', index] }));
  const found = parseAnswer(JSON.stringify({ data: DATA, errors }), shop)?.errors ?? [];
  const whole = found.filter(({ path }) => path !== undefined);
  expect(whole.map(({ path }) => path?.[1])).toEqual(Array.from({ length: Math.min(count, 10_000) }, (_, index) => index));
  const rest = found.slice(whole.length).map(({ message }) => message);
  expect(rest).toEqual(count > 10_000 ? [`service 'shop': it reported ${count - 10_000} more errors`] : []);
});
