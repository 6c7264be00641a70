import { expect, it } from 'vitest';
import { parsePrefer, toPreferenceApplied } from './prefer-header.js';

it.each([
  [null, { respondAsync: false, waitMs: null }],
  ['respond-async', { respondAsync: true, waitMs: null }],
  ['Respond-Async, wait=10', { respondAsync: true, waitMs: 10_000 }],
  ['wait="5"; strict, return=minimal', { respondAsync: false, waitMs: 5_000 }],
  ['wait=3, wait=9', { respondAsync: false, waitMs: 3_000 }],
  ['wait=soon, handling=lenient', { respondAsync: false, waitMs: null }],
  ['wait=100000000', { respondAsync: false, waitMs: 600_000 }],
  ['wait=0', { respondAsync: false, waitMs: 0 }],
])('reads %s', (header, expected) => expect(parsePrefer(header)).toEqual(expected));

it('says what made a difference only', () => {
  expect(toPreferenceApplied({ respondAsync: true, waitMs: 2_000 }, 'async')).toBe('respond-async, wait=2');
  expect(toPreferenceApplied({ respondAsync: true, waitMs: 2_000 }, 'direct')).toBeNull();
  expect(toPreferenceApplied({ respondAsync: false, waitMs: 2_000 }, 'durable')).toBe('wait=2');
  expect(toPreferenceApplied({ respondAsync: false, waitMs: null }, 'durable')).toBeNull();
});
