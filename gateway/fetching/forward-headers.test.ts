import { describe, expect, it } from 'vitest';
import { type ForwardRules, headersFor, parseForwardRules, pickHeaders } from './forward-headers.js';

const rules = parseForwardRules('products=Authorization, x-team; *=x-request-id,cookie') as ForwardRules;

describe('the rules', () => {
  it('are read by service', () => {
    expect([...rules]).toEqual([
      ['products', ['authorization', 'x-team']],
      ['*', ['x-request-id', 'cookie']],
    ]);
  });

  it.each([
    ...['connection', 'Keep-Alive', 'te', 'transfer-encoding', 'upgrade', 'host', 'content-length', 'content-type', 'accept-encoding'],
    ...['traceparent', 'idempotency-key', 'x-gateway-auth', 'proxy-authorization', 'x y', ''],
  ])('refuse %j', (name) => {
    expect(parseForwardRules(`products=${name}`)).toMatch(/is not a header that can go on/);
  });

  it.each(['', 'products', '=x-a', 'products=x-a=b', '9=x-a', 'products=x-a;'])('refuse the form of %j', (text) => {
    expect(parseForwardRules(text)).toMatch(/^expected services/);
  });
});

it('takes what is listed and nothing else, nor what the caller says is of its connection alone', () => {
  const headers = { authorization: 'Bearer a', 'x-team': 'red', 'x-other': '1', cookie: 'c=1', connection: 'close, X-Team' };
  expect(pickHeaders(rules, headers)).toEqual({ products: { authorization: 'Bearer a' }, '*': { cookie: 'c=1' } });
  expect(pickHeaders(rules, { 'x-other': '1' })).toBeUndefined();
  expect(pickHeaders(parseForwardRules('products=x-team') as ForwardRules, { cookie: 'c=1' })).toBeUndefined();
});

it('gives a service its own before what all get, and none by the name of an inherited property', () => {
  const headers = { '*': { a: 'all', b: 'all' }, products: { a: 'own' } };
  expect(headersFor('products', headers)).toEqual({ a: 'own', b: 'all' });
  expect(headersFor('reviews', headers)).toEqual({ a: 'all', b: 'all' });
  expect(headersFor('constructor', { products: headers.products })).toEqual({});
});
