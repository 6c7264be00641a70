import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '#schema/contracts/json';
import { createWorld } from '../support/federated-world.js';
import { createOneSchema, type OneSchema } from '../support/one-schema.js';

// Root fields of two services change one ledger, in the order of the document; a third service reads what they left. Neighbours of one
// service go in one request, so what others add to them is read after the last of them.
interface Ledger {
  log: string[];
  sum: number;
}
const change = (ledger: Ledger, what: string, by: number): { id: string; sum: number } => {
  ledger.log.push(what);
  if (by > 100) throw new Error('too much');
  ledger.sum += by;
  return { id: 'a1', sum: ledger.sum };
};

let ledger: Ledger;
beforeEach(() => void (ledger = { log: [], sum: 0 }));
const sentBack = { __resolveReference: (reference: object) => reference };

const world = createWorld([
  {
    name: 'bank',
    sdl: 'type Query { account: Account } type Mutation { add(n: Int!): Account  addTimes(n: Int!, times: Int!): Account  mustAdd(n: Int!): Account! } type Account @key(fields: "id") { id: ID!  sum: Int! }',
    resolvers: {
      Query: { account: () => ({ id: 'a1', sum: ledger.sum }) },
      Mutation: {
        add: (_: unknown, { n }: { n: number }) => change(ledger, `add ${n}`, n),
        addTimes: (_: unknown, { n, times }: { n: number; times: number }) => change(ledger, `add ${n} × ${times}`, n * times),
        mustAdd: (_: unknown, { n }: { n: number }) => change(ledger, `mustAdd ${n}`, n),
      },
      Account: { ...sentBack, sum: ({ sum }: { sum?: number }) => sum ?? ledger.sum },
    },
  },
  {
    name: 'shop',
    sdl: 'type Mutation { buy(n: Int!): Order } type Order { id: ID!  account: Account } type Account @key(fields: "id", resolvable: false) { id: ID! }',
    resolvers: {
      Mutation: {
        buy: (_: unknown, { n }: { n: number }) => {
          change(ledger, `buy ${n}`, -n);
          return { id: `o${n}`, account: { id: 'a1' } };
        },
      },
    },
  },
  {
    name: 'audit',
    sdl: 'type Account @key(fields: "id") { id: ID!  seen: Int! }',
    resolvers: { Account: { ...sentBack, seen: () => ledger.log.length } },
  },
]);

const accountOf = (own: Ledger, { id, sum }: { id: string; sum: number }): object => ({ id, sum, seen: () => own.log.length });

function oneSchema(own: Ledger): OneSchema {
  return createOneSchema(
    `type Query { account: Account } type Mutation { add(n: Int!): Account  mustAdd(n: Int!): Account!  buy(n: Int!): Order }
     type Account { id: ID!  sum: Int!  seen: Int! } type Order { id: ID!  account: Account }`,
    () => ({
      add: ({ n }: { n: number }) => accountOf(own, change(own, `add ${n}`, n)),
      mustAdd: ({ n }: { n: number }) => accountOf(own, change(own, `mustAdd ${n}`, n)),
      buy: ({ n }: { n: number }) => {
        change(own, `buy ${n}`, -n);
        return { id: `o${n}`, account: () => accountOf(own, { id: 'a1', sum: own.sum }) };
      },
    }),
  );
}

const CASES: Record<string, [string, JsonObject?]> = {
  'one after the other in one service': ['mutation { a: add(n: 1) { sum } b: add(n: 10) { sum } c: add(n: 5) { sum } }'],
  'services in turn': [
    'mutation { a: add(n: 7) { sum } buy(n: 2) { id } b: add(n: 1) { sum } c: buy(n: 3) { id } d: mustAdd(n: 4) { sum } }',
  ],
  'the rest of one before the next': ['mutation { add(n: 7) { sum seen } buy(n: 2) { account { sum seen } } b: add(n: 1) { seen } }'],
  'one that fails, and those after it': [
    'mutation { a: add(n: 1) { sum } b: add(n: 500) { sum } c: buy(n: 1) { id account { sum } } d: add(n: 3) { sum } }',
  ],
  'one that must not fail, and those after it': [
    'mutation { a: add(n: 1) { sum } buy(n: 1) { id } b: mustAdd(n: 500) { sum } c: add(n: 3) { sum } }',
  ],
  'fragments and aliases': [
    'mutation { ...M x: buy(n: 1) { id } } fragment M on Mutation { a: add(n: 1) { ...A } ... { b: add(n: 2) { ...A } } } fragment A on Account { sum id }',
  ],
  'one field selected twice, sent once': ['mutation { add(n: 2) { sum } ...M } fragment M on Mutation { add(n: 2) { id } }'],
  conditions: [
    'mutation($no: Boolean!, $n: Int!) { a: add(n: $n) @skip(if: $no) { sum } b: buy(n: $n) @include(if: $no) { id } c: add(n: 1) { sum } }',
    { no: true, n: 4 },
  ],
  'nothing but the name of the type': ['mutation { __typename add(n: 3) { __typename } }'],
};

describe('mutations run in the order of the document:', () => {
  it.each(Object.entries(CASES))('%s', async (_, [document, variables = {}]) => {
    const own: Ledger = { log: [], sum: 0 };
    const expected = await oneSchema(own).ask(document, variables);
    const { response, fetches } = await world.run(document, variables);
    expect(ledger).toEqual(own);
    expect(JSON.stringify(response.data ?? null)).toBe(expected.data);
    expect(response.errors?.map(({ path = [] }) => path.join('.')).sort() ?? []).toEqual(expected.paths);
    // Each field once, whatever failed.
    expect(fetches.filter(({ operationKind }) => operationKind === 'mutation').length).toBeLessThanOrEqual(own.log.length);
  });
});

it('a field that is selected twice takes effect once, in whatever order its arguments stand', async () => {
  const { response } = await world.run('mutation { addTimes(n: 2, times: 3) { id } addTimes(times: 3, n: 2) { sum } }');
  expect(response).toEqual({ data: { addTimes: { id: 'a1', sum: 6 } } });
  expect(ledger.log).toEqual(['add 2 × 3']);
});
