import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '#schema/contracts/json';
import type { ExecutablePlan, FetchNode, PlanNode, ServiceAnswer } from '#schema/contracts/plan';
import { answer, randomPlans } from '#tests/chaos/executor-crash/random-plan';
import { startExecution } from '../execution/start-execution.js';
import { mergeFetches } from './merge-fetches.js';

const KEY = [{ kind: 'field' as const, name: 'id', selections: null }];

const anEntityFetch = (id: number, overrides: Partial<FetchNode> = {}): FetchNode => ({
  kind: 'fetch',
  id,
  service: 's',
  operationKind: 'query',
  operation: 'query($representations:[_Any!]!){_entities(representations:$representations){...on Item{name}}}',
  operationName: null,
  variables: [],
  path: [{ field: `at${id}` }],
  requires: KEY,
  inputRewrites: [],
  outputRewrites: [],
  idempotent: true,
  ...overrides,
});
const price = (id: number, overrides: Partial<FetchNode> = {}): FetchNode =>
  anEntityFetch(id, {
    operation:
      'query($representations:[_Any!]!$in:String="EUR"){_entities(representations:$representations){...on Item{price(in:$in)@include(if:true)}}}',
    variables: ['in'],
    ...overrides,
  });
const sequence = (...nodes: PlanNode[]): PlanNode => ({ kind: 'sequence', nodes });
const parallel = (...nodes: PlanNode[]): PlanNode => ({ kind: 'parallel', nodes });
const under = (variable: string, holds: boolean, node: PlanNode): PlanNode => ({
  kind: 'condition',
  variable,
  then: holds ? node : null,
  otherwise: holds ? null : node,
});
const place = (of: number, at: number): PlanNode => ({ kind: 'place', of, place: at });

describe('fetches that differ in their place alone', () => {
  it('become one, whose first place is that of the first', () => {
    const merged = mergeFetches(parallel(anEntityFetch(0), anEntityFetch(1), anEntityFetch(2, { service: 'other' })));
    expect(merged).toMatchObject({
      nodes: [
        {
          kind: 'merged',
          id: 0,
          places: 2,
          operation: anEntityFetch(0).operation,
          lookups: [{ key: '_entities', variable: 'representations', paths: [[{ field: 'at0' }], [{ field: 'at1' }]] }],
        },
        place(0, 1),
        { kind: 'fetch', id: 2 },
      ],
    });
  });

  it('are alike whatever number the planner gave their names', () => {
    const named = (id: number) => {
      const operationName = `Q__s__${id}`;
      return anEntityFetch(id, { operationName, operation: anEntityFetch(id).operation.replace('query', `query ${operationName}`) });
    };
    expect(mergeFetches(parallel(named(0), named(1)))).toMatchObject({
      nodes: [{ operationName: 'Q__s__0', operation: named(0).operation, lookups: { length: 1 } }, place(0, 1)],
    });
  });
});

describe('fetches of different selections', () => {
  it('become fields of one operation, with representations of their own and the variables of the caller', () => {
    const merged = {
      variables: ['in'],
      places: 3,
      operation:
        'query($_r0:[_Any!]!$_r1:[_Any!]!$in:String="EUR"){_e0:_entities(representations:$_r0){...on Item{name}}' +
        '_e1:_entities(representations:$_r1){...on Item{price(in:$in)@include(if:true)}}}',
      lookups: [
        { key: '_e0', variable: '_r0', paths: [[{ field: 'at0' }]] },
        { key: '_e1', variable: '_r1', paths: [[{ field: 'at1' }], [{ field: 'at2' }]] },
      ],
    };
    expect(mergeFetches(parallel(anEntityFetch(0), price(1), price(2)))).toMatchObject({ nodes: [merged, place(0, 1), place(0, 2)] });
  });

  it('keep their fragments, though two have one name', () => {
    const withFragment = (id: number, field: string) =>
      anEntityFetch(id, {
        operation: `query($representations:[_Any!]!){_entities(representations:$representations){...F}}fragment F on Item{...G}fragment G on Item{${field}}`,
      });
    expect(mergeFetches(parallel(withFragment(0, 'a'), withFragment(1, 'b')))).toMatchObject({
      nodes: [
        {
          operation:
            'query($_r0:[_Any!]!$_r1:[_Any!]!){_e0:_entities(representations:$_r0){..._e0_F}_e1:_entities(representations:$_r1){..._e1_F}}' +
            'fragment _e0_F on Item{..._e0_G}fragment _e0_G on Item{a}fragment _e1_F on Item{..._e1_G}fragment _e1_G on Item{b}',
        },
        place(0, 1),
      ],
    });
  });

  it('never take a variable of the caller for representations', () => {
    const taken = price(1, { operation: price(1).operation.replaceAll('$in', '$_r0'), variables: ['_r0'] });
    expect(mergeFetches(parallel(anEntityFetch(0), taken))).toMatchObject({
      nodes: [{ variables: ['_r0'], lookups: [{ variable: '__r0' }, { variable: '__r1' }] }, place(0, 1)],
    });
  });

  it('are at most ten to a request', () => {
    const many = Array.from({ length: 12 }, (_, id) => anEntityFetch(id, { operation: `{_entities{...on Item{f${id}}}}` }));
    expect(mergeFetches(parallel(...many))).toMatchObject({
      nodes: { 0: { kind: 'merged', places: 10 }, 9: place(0, 9), 10: { kind: 'merged', id: 10, places: 2 }, 11: place(10, 1) },
    });
  });
});

describe('fetches stay apart', () => {
  it.each<[string, PlanNode]>([
    ['that are at different distances from the start', sequence(anEntityFetch(0), anEntityFetch(1))],
    ['of which one is under a condition', parallel(anEntityFetch(0), under('x', true, anEntityFetch(1)))],
    ['that are under opposite conditions', parallel(under('x', true, anEntityFetch(0)), under('x', false, anEntityFetch(1)))],
    ['that are not of entities', parallel(anEntityFetch(0, { requires: null }), anEntityFetch(1, { requires: null }))],
    ['of mutations', parallel(anEntityFetch(0, { operationKind: 'mutation' }), anEntityFetch(1, { operationKind: 'mutation' }))],
    ['of different services', parallel(anEntityFetch(0), anEntityFetch(1, { service: 'other' }))],
  ])('%s', (_, root) => {
    expect(mergeFetches(root)).toBe(root);
  });
});

describe('fetches go together', () => {
  it('for the same entities, one later than the other, when nothing waits for the earlier one', () => {
    const [early, late] = [anEntityFetch(0), price(2, { path: anEntityFetch(0).path })];
    const beside = (first: PlanNode) => parallel(first, sequence(anEntityFetch(1, { service: 'other' }), late));
    expect(mergeFetches(beside(early))).toMatchObject({ nodes: [{ kind: 'merged', id: 0, places: 2 }, { nodes: [{}, place(0, 1)] }] });
    const awaited = beside(sequence(early, anEntityFetch(3, { service: 'other' })));
    expect(mergeFetches(awaited)).toBe(awaited);
  });

  it('also out of parts that run beside each other', () => {
    const root = parallel(
      sequence(anEntityFetch(0, { service: 'a' }), anEntityFetch(1)),
      sequence(anEntityFetch(2, { service: 'b' }), parallel(anEntityFetch(3), anEntityFetch(4, { service: 'c' }))),
    );
    expect(mergeFetches(root)).toMatchObject({
      nodes: [{ nodes: [{}, { kind: 'merged', id: 1 }] }, { nodes: [{}, { nodes: [place(1, 1), {}] }] }],
    });
  });

  it('under equal conditions, in whatever order these stand', () => {
    const root = parallel(under('x', true, under('y', false, anEntityFetch(0))), under('y', false, under('x', true, anEntityFetch(1))));
    expect(mergeFetches(root)).toMatchObject({
      nodes: [{ then: { otherwise: { kind: 'merged' } } }, { otherwise: { then: place(0, 1) } }],
    });
  });
});

it('a merged plan ends, asks less and answers the same, whatever its form and the order of answers', async () => {
  const run = async (plan: ExecutablePlan, variables: JsonObject, numbers: Iterator<number>) => {
    const waiting: (() => void)[] = [];
    let fetches = 0;
    const { answer: answered } = startExecution({
      plan,
      variables,
      port: {
        fetch: (fetch) => {
          fetches += 1;
          return new Promise<ServiceAnswer>((resolve) => waiting.push(() => resolve(answer(fetch))));
        },
      },
    });
    while (waiting.length > 0) {
      waiting.splice(((numbers.next().value as number | undefined) ?? 0) % waiting.length, 1)[0]?.();
      await Promise.resolve();
    }
    return { ...(await answered), fetches };
  };
  let [before, after] = [0, 0];
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.record({ x: fc.boolean(), y: fc.boolean() }),
      fc.infiniteStream(fc.nat()),
      async (seed, variables, numbers) => {
        const [plan] = randomPlans(seed, 1) as [ExecutablePlan];
        const apart = await run(plan, variables, numbers);
        const merged = await run({ ...plan, root: mergeFetches(plan.root as PlanNode) }, variables, numbers);
        expect(merged.response).toEqual(apart.response);
        before += apart.fetches;
        after += merged.fetches;
      },
    ),
    { numRuns: 500 },
  );
  expect(after).toBeLessThan(before);
});
