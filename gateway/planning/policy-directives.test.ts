import { buildSchema, parse } from 'graphql';
import type { FieldDefinitionNode, ObjectTypeDefinitionNode } from 'graphql';
import { describe, expect, it } from 'vitest';
import { combinePolicies, createPolicyReader, readPolicy } from './policy-directives.js';

function read(directives: string) {
  const [type] = parse(`type Query { field: Int ${directives} }`).definitions as ObjectTypeDefinitionNode[];
  return readPolicy((type?.fields?.[0] as FieldDefinitionNode).directives);
}

describe('what a field declares', () => {
  it.each([
    ['', undefined],
    ['@timeout(ms: 9000)', { timeoutMs: 9_000 }],
    ['@retry', { retry: { attempts: 3, intervalMs: 200, backoff: 2, maxIntervalMs: 10_000 } }],
    [
      '@timeout(ms: 1) @retry(attempts: 5, intervalMs: 1000, backoff: 1.5, maxIntervalMs: 2000)',
      { timeoutMs: 1, retry: { attempts: 5, intervalMs: 1_000, backoff: 1.5, maxIntervalMs: 2_000 } },
    ],
    ['@retry(intervalMs: 30000)', { retry: { attempts: 3, intervalMs: 30_000, backoff: 2, maxIntervalMs: 30_000 } }],
  ])('%s', (directives, policy) => {
    expect(read(directives)?.policy).toEqual(policy);
    expect(read(directives)?.malformed ?? []).toEqual([]);
  });

  it.each([
    ['@timeout(ms: 0)', 'timeout', { timeoutMs: 1 }],
    ['@timeout(ms: 600001)', 'timeout', { timeoutMs: 600_000 }],
    ['@timeout', 'timeout', {}],
    ['@retry(attempts: 21)', 'retry', { retry: { attempts: 20 } }],
    ['@retry(attempts: 2.5)', 'retry', { retry: { attempts: 3 } }],
    ['@retry(backoff: 0.5)', 'retry', { retry: { backoff: 1 } }],
  ])('is brought back to its bounds, and said to be wrong: %s', (directives, directive, policy) => {
    expect(read(directives)?.policy).toMatchObject(policy);
    expect(read(directives)?.malformed).toMatchObject([{ directive }]);
  });
});

describe('what a fetch may take', () => {
  it('is the longest time-out and the most attempts', () => {
    const retry = (attempts: number) => ({ attempts, intervalMs: attempts, backoff: 1, maxIntervalMs: attempts });
    expect(combinePolicies([{ timeoutMs: 5 }, undefined, { timeoutMs: 3, retry: retry(2) }, { retry: retry(4) }])).toEqual({
      timeoutMs: 5,
      retry: retry(4),
    });
    expect(combinePolicies([undefined, {}])).toBeUndefined();
  });

  it('is read from all fields that it asks for, those of entities included', () => {
    const policyOf = createPolicyReader(
      buildSchema(
        `directive @timeout(ms: Int!) on FIELD_DEFINITION
         type Query { item: Item }  type Item { id: ID!  price: Int @timeout(ms: 4000)  weight: Int @timeout(ms: 50) }`,
      ),
    );
    expect(policyOf('{ item { id } }')).toBeUndefined();
    expect(policyOf('{ item { price ...on Item { weight } } }')).toEqual({ timeoutMs: 4_000 });
    expect(policyOf('query($r: [_Any!]!) { _entities(representations: $r) { ...on Item { weight } } }')).toEqual({ timeoutMs: 50 });
  });
});
