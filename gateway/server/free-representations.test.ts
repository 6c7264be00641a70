import { parse, print } from 'graphql';
import { describe, expect, it } from 'vitest';
import { freeRepresentations } from './free-representations.js';

describe('a variable named representations', () => {
  it('gets another name wherever it stands, and its value both', () => {
    const document = parse(
      'query($representations: Int, $b: Int) { a(x: $representations, b: $b) ...F } fragment F on Query { c(y: [$representations]) }',
    );
    const freed = freeRepresentations(document, { representations: 1, b: 2 });
    expect(print(freed.document)).not.toMatch(/\$representations/);
    expect(print(freed.document).match(/\$_caller_representations/g)).toHaveLength(3);
    expect(freed.variables).toEqual({ representations: 1, b: 2, _caller_representations: 1 });
  });

  it('stays absent when it was not given', () => {
    expect(freeRepresentations(parse('query($representations: Int) { a(x: $representations) }'), {}).variables).toEqual({});
  });

  it('is the only one: other documents are left as they are', () => {
    const document = parse('query($representation: Int) { a(x: $representation) }');
    expect(freeRepresentations(document, {}).document).toBe(document);
  });
});
