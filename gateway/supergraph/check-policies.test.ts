import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { checkPolicies } from './check-policies.js';

const check = (sdl: string) => {
  const { problems, hints } = checkPolicies('shop', parse(sdl));
  return [...problems, ...hints].map(({ code, coordinate, service }) => `${code} ${coordinate} ${service}`);
};

describe('@timeout and @retry', () => {
  it.each([
    'type Query { a: Int @timeout(ms: 9000) @retry(attempts: 5) }',
    'type Mutation { pay: Int @idempotent @retry }',
    'type Mutation { pay: Int @retry(attempts: 1) @timeout(ms: 20000) }',
    'type Item { price: Int @retry }',
  ])('are accepted: %s', (sdl) => expect(check(sdl)).toEqual([]));

  it.each([
    ['type Query { a: Int @timeout(ms: 0) }', 'TIMEOUT_MALFORMED Query.a shop'],
    ['extend type Query { a: Int @retry(attempts: 0) }', 'RETRY_MALFORMED Query.a shop'],
    ['type Mutation { pay: Int @retry }', 'RETRY_NOT_IDEMPOTENT Mutation.pay shop'],
    ['schema { mutation: Changes } type Changes { pay: Int @retry }', 'RETRY_NOT_IDEMPOTENT Changes.pay shop'],
    ['type Query { a: Int @retry @durable(mode: NEVER) }', 'RETRY_WITHOUT_RUN Query.a shop'],
  ])('are told what they cannot do: %s', (sdl, told) => expect(check(sdl)).toEqual([told]));
});
