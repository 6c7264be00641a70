import { expect, it } from 'vitest';
import type { Trouble } from '#schema/contracts/workflows';
import { classify } from '../workflows/shared/classify-failure.js';

const fetch = (code: string, operationKind: 'query' | 'mutation' = 'query'): Trouble['unfinished'][number] => ({
  node: 0,
  chunk: 0,
  service: 's',
  operationKind,
  idempotent: operationKind === 'query',
  code,
});

it.each([
  ['nothing failed', [], true, null],
  ['a service away', [fetch('SUBGRAPH_UNREACHABLE')], false, 'service_down'],
  ['a lost mutation, though a service is away too', [fetch('SUBGRAPH_TIMEOUT'), fetch('OUTCOME_UNKNOWN', 'mutation')], false, 'unsure'],
  ['a deadline', [fetch('DEADLINE_EXCEEDED')], true, 'retryable'],
  ['headers that are gone, of a query too', [fetch('CREDENTIAL_EXPIRED'), fetch('SUBGRAPH_TIMEOUT')], true, 'auth'],
  ['a refusal that its caller is told', [fetch('FORBIDDEN', 'mutation')], false, null],
  ['a refusal that nobody is told', [fetch('FORBIDDEN', 'mutation')], true, 'auth'],
  ['wrong variables that nobody is told', [fetch('BAD_USER_INPUT', 'mutation')], true, 'validation'],
  ["a query's own errors", [fetch('BAD_USER_INPUT')], true, null],
] as const)('%s', (_, unfinished, isBackground, expected) => expect(classify(unfinished, isBackground)).toBe(expected));
