import { isDeepStrictEqual } from 'node:util';
import { execute, parse } from 'graphql';
import { type RandomOperation, randomOperations } from './random-operation.js';
import { merged, rootValue } from './universe.js';

export const operations = randomOperations(merged, {
  known: {
    id: ['b1', 'b2', 'b3', 'f1', 't1', 'm1', 'm3', 'none'],
    item: ['b1', 'b3', 'f1', 'none'],
    of: ['b1', 'b2', 'f2', 't1'],
    text: ['good', '', 'none'],
  },
});

/** Codes that no operation of the corpus may meet: they say that the gateway, not a service, failed. */
const OWN_FAULTS = new Set([
  'INTERNAL_SERVER_ERROR',
  'PLAN_FAILED',
  'PLAN_TIMEOUT',
  'INVALID_RESPONSE',
  'SUBGRAPH_BAD_ANSWER',
  'BAD_USER_INPUT',
]);

interface Answer {
  data?: unknown;
  errors?: readonly { message: string; path?: readonly unknown[]; extensions?: { code?: string } }[];
}

/** @returns what is wrong with a gateway's answer, or null when it is that of the merged schema */
export async function compareWithMerged({ document, variables }: RandomOperation, answer: Answer): Promise<string | null> {
  const expected = await execute({ schema: merged, document: parse(document), rootValue, variableValues: variables });
  const { data = null, errors = [] } = answer;
  const wanted = JSON.parse(JSON.stringify(expected.data ?? null)) as unknown;
  if (!isDeepStrictEqual(data, wanted))
    return `data: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(data)} ${JSON.stringify(errors)}`;
  // Which errors inside a place that became null are told, the spec leaves open; that there is one, it does not.
  if ((expected.errors ?? []).length > 0 ? errors.length === 0 : errors.length > 0)
    return `errors: expected ${JSON.stringify(expected.errors ?? [])}, got ${JSON.stringify(errors)}`;
  const fault = errors.find(({ extensions }) => OWN_FAULTS.has(extensions?.code ?? 'INTERNAL_SERVER_ERROR'));
  return fault === undefined ? null : `fault: ${JSON.stringify(fault)}`;
}
