import { expect, it } from 'vitest';
import { parseRetryAfter } from './retry-after.js';

const NOW = Date.UTC(2030, 0, 1, 12, 0, 0);

it.each<[string | undefined, number | undefined]>([
  ['0', 0],
  ['7', 7_000],
  [' 7 ', 7_000],
  ['86400', 3_600_000],
  ['9999999999', 3_600_000],
  ['Tue, 01 Jan 2030 12:00:30 GMT', 30_000],
  ['Tue, 01 Jan 2030 11:00:00 GMT', 0],
  ['Wed, 01 Jan 2031 12:00:00 GMT', 3_600_000],
  [undefined, undefined],
  ['', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['99999999999999999999', undefined],
  ['2030-01-01T12:00:30Z', undefined],
  ['Tue, 99 Foo 2030 12:00:30 GMT', undefined],
])('reads Retry-After: %s as %s ms', (value, expected) => {
  expect(parseRetryAfter(value, NOW)).toBe(expected);
});
