import type { GraphQLSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { PrincipalId } from '#schema/contracts/ids';
import { createActiveLabels } from './active-labels.js';

const schema = {} as GraphQLSchema;
const labelsFor = (labels: readonly string[], active: readonly string[] = []) => {
  const activeLabels = createActiveLabels({ active, labelsOf: () => labels });
  return (principal: string, documentHash = 'd') => activeLabels.of(schema, { principal: principal as PrincipalId, documentHash });
};
const thousand = Array.from({ length: 1_000 }, (_, index) => `usr_${index}`);

describe('a percentage', () => {
  it.each([
    ['percent(0)', 0, 0],
    ['percent(0.5)', 0, 20],
    ['percent(25)', 200, 300],
    ['percent(75.25)', 700, 805],
    ['percent(100)', 1_000, 1_000],
  ])('%s holds for about so many callers', (label, least, most) => {
    const labels = labelsFor([label]);
    const count = thousand.filter((caller) => labels(caller).length === 1).length;
    expect(count).toBeGreaterThanOrEqual(least);
    expect(count).toBeLessThanOrEqual(most);
  });

  it('divides one caller by its documents', () => {
    const labels = labelsFor(['percent(50)']);
    const count = thousand.filter((hash) => labels('usr_only', hash).length === 1).length;
    expect(count).toBeGreaterThan(400);
    expect(count).toBeLessThan(600);
  });

  it('keeps its callers, also when it grows', () => {
    const [small, large] = [labelsFor(['percent(10)']), labelsFor(['percent(40)'])];
    for (const caller of thousand) {
      expect(small(caller)).toEqual(small(caller));
      expect(small(caller).length).toBeLessThanOrEqual(large(caller).length);
    }
  });
});

it('another label holds by the settings alone', () => {
  expect(labelsFor(['beta', 'gamma', 'percent(x)'], ['gamma', 'unknown'])('usr_1')).toEqual(['gamma']);
});
