import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger } from '#platform/logger';
import type { Json } from '#schema/contracts/json';
import { parseErrorRules, toErrorView } from './error-rules.js';
import { parseAnswer } from './parse-answer.js';
import { toServiceFacts } from './service-error.js';

const SECRET = 'hunter2Hunter2';
const TEXT = `quantity must be below 5, says postgres://app:${SECRET}@db/shop`;
const CLEAN = 'quantity must be below 5, says postgres://[redacted]@db/shop';

type Kind = 'unsigned' | 'plugin' | 'built-in';
const SETTINGS = ['full', 'codes', 'masked', 'codes:OUT_OF_STOCK', undefined] as const;
/** By what a service gives: the code that callers see under `full` and `codes`, and whether it is for callers by itself. */
const CODES: readonly [given: Json | undefined, shown: string, isForCallers: boolean][] = [
  ['OUT_OF_STOCK', 'OUT_OF_STOCK', false],
  ['out_of_stock', 'out_of_stock', false],
  ['outOfStock', 'outOfStock', false],
  ['shop/out-of-stock', 'shop/out-of-stock', false],
  [4711, '4711', false],
  ['BAD_USER_INPUT', 'BAD_USER_INPUT', true],
  ['not-found', 'not-found', true],
  ['INTERNAL', 'INTERNAL', false],
  ['UNKNOWN', 'UNKNOWN', false],
  ['INTERNAL_SERVER_ERROR', 'INTERNAL_SERVER_ERROR', false],
  ['SUBGRAPH_UNREACHABLE', 'SUBGRAPH_UNREACHABLE', false],
  ['GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_VALIDATION_FAILED', false],
  [undefined, 'SUBGRAPH_ERROR', false],
  ['no table of that name, sorry', 'SUBGRAPH_ERROR', false],
  [`api_key=${SECRET}`, 'SUBGRAPH_ERROR', false],
  [{ toString: 1 }, 'SUBGRAPH_ERROR', false],
  ['', 'SUBGRAPH_ERROR', false],
];

function read(kind: Kind, setting: string | undefined, error: object, status = 200) {
  const destination = new PassThrough();
  const rules = setting === undefined ? new Map() : parseErrorRules(`shop=${setting}`);
  if (typeof rules === 'string') throw new Error(rules);
  const signed = kind !== 'unsigned';
  const errors = toErrorView(
    { name: 'shop', signed, plugin: kind === 'plugin' ? { name: 'p', version: '1.0.0', digest: '' } : null },
    rules,
  );
  const facts = toServiceFacts('shop', { signed, errors }, createLogger({ name: 'test', destination }));
  const found = parseAnswer(JSON.stringify({ data: null, errors: [error] }), facts, status)?.errors[0];
  if (found === undefined) throw new Error('no error came');
  const logged = (destination.read() as Buffer | null)?.toString('utf8') ?? '';
  return { ...found, logged };
}

describe.each<Kind>(['unsigned', 'plugin', 'built-in'])('an error of a service that is %s', (kind) => {
  const cases = SETTINGS.flatMap((setting) => CODES.map((code) => ({ setting, code })));

  it.each(cases)('with errors $setting and code $code.0', ({ setting, code: [given, shown, isForCallers] }) => {
    const extensions = { ...(given === undefined ? {} : { code: given }), left: 3, hints: [{ password: SECRET, try: 4 }] };
    const { message, extensions: got, logged } = read(kind, setting, { message: TEXT, path: ['a', 0], extensions });
    const show = setting?.split(':')[0] ?? (kind === 'built-in' ? 'full' : 'codes');
    const isListed = setting?.includes(':') === true && /^out_?of_?stock$/i.test(typeof given === 'string' ? given : '');
    const isOurs = kind !== 'unsigned' && /^[A-Z_]+$/.test(shown) && !/^(OUT|UNKNOWN|INTERNAL$)/.test(shown);
    const isMaskedByItself = kind !== 'unsigned' && shown === 'INTERNAL_SERVER_ERROR';

    expect(got).toMatchObject({ service: 'shop', code: show === 'masked' && !isOurs ? 'SUBGRAPH_ERROR' : shown });
    if ((show === 'full' && !isMaskedByItself) || (show === 'codes' && (isForCallers || isListed))) expect(message).toBe(CLEAN);
    else expect(message).not.toContain('quantity');
    expect(got['left']).toBe(show === 'full' ? 3 : undefined);
    expect(got['hints']).toEqual(show === 'full' ? [{ password: '[redacted]', try: 4 }] : undefined);

    // What is not shown is in the log, under the reference that is.
    if (show === 'full' && !isMaskedByItself) {
      expect(got['reference']).toBeUndefined();
      expect(logged).toBe('');
    } else {
      const line = JSON.parse(logged) as { errors: { message: string; path: string; extensions: string }[] };
      expect(line).toMatchObject({ service: 'shop', reference: got['reference'], errors: [{ message: CLEAN, path: 'a.0' }] });
      expect(JSON.parse(line.errors[0]?.extensions ?? '')).toMatchObject({ left: 3 });
    }
    expect(JSON.stringify(got) + message + logged).not.toContain(SECRET);
  });
});

describe('a service', () => {
  it('cannot set what the gateway says to its callers', () => {
    const extensions = {
      ...{ code: 'X', service: 'billing', origin: 'gateway', retryable: true, retryAfterMs: 1, reference: 'r', serviceStatus: 1 },
      ...{ http: { status: 302 }, operationId: 'op', ['__proto__']: 1 },
    };
    const { extensions: got } = read('unsigned', 'full', { message: 'm', extensions }, 409);
    expect(got).toEqual({ code: 'X', service: 'shop', origin: 'service', serviceStatus: 409 });
  });

  it('tells its HTTP status where all is shown, and to the log where it is not', () => {
    for (const setting of ['codes', 'masked']) {
      const { extensions, logged } = read('unsigned', setting, { message: 'm' }, 409);
      expect(extensions['serviceStatus']).toBeUndefined();
      expect(JSON.parse(logged)).toMatchObject({ status: 409 });
    }
  });

  it.each([
    ['large', { a: 'x'.repeat(20_000) }],
    ['deep', JSON.parse('{"a":'.repeat(20) + '1' + '}'.repeat(20)) as object],
  ])('with %s extensions keeps its code and text, and what was withheld is logged', (_, more) => {
    const { message, extensions, logged } = read('unsigned', 'full', { message: 'm', extensions: { code: 'X', ...more } });
    expect(message).toBe('m');
    expect(extensions).toEqual({ code: 'X', service: 'shop', origin: 'service', reference: expect.stringMatching(/-/) as string });
    expect(JSON.parse(logged)).toMatchObject({ reference: extensions['reference'] });
  });

  it('of ours that has logged a text itself is believed its reference', () => {
    const reference = '0e4c1f9a-1111-4222-8333-444455556666';
    const error = { message: 'Internal error', extensions: { code: 'INTERNAL_SERVER_ERROR', reference } };
    expect(read('built-in', undefined, error)).toMatchObject({ extensions: { reference }, logged: '' });
    expect(read('plugin', 'masked', error)).toMatchObject({ extensions: { reference }, logged: '' });
    expect(read('unsigned', undefined, error).extensions['reference']).not.toBe(reference);
  });

  it('has one reference for all errors of an answer', () => {
    const destination = new PassThrough();
    const facts = toServiceFacts('shop', { signed: false }, createLogger({ name: 'test', destination }));
    const errors = Array.from({ length: 150 }, (_, index) => ({ message: `m${index}` }));
    const found = parseAnswer(JSON.stringify({ data: null, errors }), facts)?.errors ?? [];
    expect(new Set(found.map(({ extensions }) => extensions['reference'])).size).toBe(1);
    expect((destination.read() as Buffer).toString('utf8').trim().split('\n')).toHaveLength(1);
  });
});

describe('the setting', () => {
  it.each(['shop', 'shop=some', 'shop=full:A', 'shop=codes:', 'shop=codes:A,,B', '=full', 'shop=full;shop=masked', 'shop=codes:A:B', ''])(
    '%j is refused in a sentence',
    (text) => expect(parseErrorRules(text)).toEqual(expect.any(String)),
  );

  it("is the deployment's word for a service, then the list's, then the deployment's for all", () => {
    const rules = parseErrorRules('a=full; *=masked') as ReadonlyMap<string, never>;
    const show = (name: string, more: object = {}) => toErrorView({ name, signed: false, plugin: null, ...more }, rules).show;
    expect([show('a', { errors: { show: 'codes' } }), show('b', { errors: { show: 'codes' } }), show('c')]).toEqual([
      'full',
      'codes',
      'masked',
    ]);
    expect(show('files', { signed: true })).toBe('full');
  });
});
