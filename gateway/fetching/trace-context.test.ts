import { describe, expect, it } from 'vitest';
import { beginTrace, readTrace, traceIdOf } from './trace-context.js';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
const VALID = `00-${ID}-${PARENT}-01`;

describe('a traceparent', () => {
  it.each([
    [VALID, VALID],
    [` ${VALID} `, VALID],
    [`00-${ID}-${PARENT}-00`, `00-${ID}-${PARENT}-00`],
    [`cc-${ID}-${PARENT}-ff-what-comes-next`, `00-${ID}-${PARENT}-03`],
    [`cc-${ID}-${PARENT}-01`, VALID],
  ])('goes on: %s', (given, expected) => {
    expect(readTrace({ traceparent: given })).toEqual({ traceparent: expected, tracestate: null });
  });

  it.each([
    '',
    'x',
    `ff-${ID}-${PARENT}-01`,
    `${VALID}-more`,
    `00-${ID.toUpperCase()}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${ID}-${'0'.repeat(16)}-01`,
    `00-${ID}-${PARENT}-1`,
    `${VALID}, ${VALID}`,
    `${VALID}\r\nx: y`,
  ])('is not taken: %j', (given) => {
    expect(readTrace({ traceparent: given })).toBeUndefined();
  });
});

describe('a tracestate', () => {
  it.each<[string | string[], string | null]>([
    ['a=1,b@c=x y', 'a=1,b@c=x y'],
    [['a=1', 'b=2'], 'a=1,b=2'],
    ['a=1, ,b=2', 'a=1,b=2'],
    ['', null],
    ['a', null],
    ['A=1', null],
    ['a=1,a=2', null],
    ['a=b=c', null],
    ['a=\u0007', null],
    [Array.from({ length: 33 }, (_, index) => `k${index}=v`).join(','), null],
    [`a=${'x'.repeat(255)},b=${'x'.repeat(255)}`, null],
  ])('%j goes on as %j', (given, expected) => {
    expect(readTrace({ traceparent: VALID, tracestate: given })?.tracestate).toBe(expected);
  });
});

it('begins a valid trace, each its own', () => {
  const [one, other] = [beginTrace(), beginTrace()];
  expect(readTrace({ traceparent: one.traceparent })).toEqual(one);
  expect(traceIdOf(one)).not.toBe(traceIdOf(other));
});
