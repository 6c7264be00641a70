import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#schema/contracts/json';
import type { VariableRules } from '#schema/contracts/plan';
import { checkVariables } from './check-variables.js';

const rules: VariableRules = {
  definitions: '($part: Part!, $ids: [ID!], $n: Int! = 3)',
  types: 'scalar ByteSize\nenum Kind { A B }\ninput Part { bytes: ByteSize!  kind: Kind = A  parts: [Part!] }',
};

describe('edited variables', () => {
  it.each<[JsonObject, JsonObject]>([
    [{}, {}],
    [{ n: 4 }, { n: 4 }],
    [{ ids: 'one' }, { ids: ['one'] }],
    [{ ids: null }, { ids: null }],
    [{ part: { bytes: '9' } }, { part: { bytes: '9', kind: 'A' } }],
    [{ part: { bytes: 1, parts: [{ bytes: 2, kind: 'B' }] } }, { part: { bytes: 1, kind: 'A', parts: [{ bytes: 2, kind: 'B' }] } }],
  ])("are coerced as a caller's are, those that stay left out: %j", (given, variables) => {
    expect(checkVariables(rules, given)).toEqual({ variables });
  });

  it.each<[JsonObject, RegExp]>([
    [{ m: 1 }, /^m: the operation has \$part, \$ids, \$n only$/],
    [{ n: 'x' }, /"\$n" got invalid value "x"/],
    [{ n: null }, /"\$n" of non-null type "Int!"/],
    [{ part: { bytes: 1, parts: [{ kind: 'C', bytes: 1 }] } }, /at "part\.parts\[0\]\.kind"/],
    [{ part: { kind: 'A' } }, /"bytes" of required type/],
    [{ part: { bytes: 1, more: 1 } }, /"more" is not defined by type "Part"/],
  ])('are refused with their path: %j', (given, problem) => {
    expect(checkVariables(rules, given)).toEqual({ problems: [expect.stringMatching(problem)] });
  });

  it('tell no more than five problems', () => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`v${index}`, 1]));
    expect(checkVariables(rules, many)).toMatchObject({ problems: { length: 5 } });
  });
});
