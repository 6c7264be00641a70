import { describe, expect, it } from 'vitest';
import type { ExecutablePlan, FetchNode, PlanNode } from '#schema/contracts/plan';
import { firstFetches } from './first-fetches.js';

const aFetch = (id: number): FetchNode => ({
  kind: 'fetch',
  id,
  service: `s${id}`,
  operationKind: 'query',
  operation: `{f${id}}`,
  operationName: null,
  variables: ['x'],
  path: [],
  requires: null,
  inputRewrites: [],
  outputRewrites: [],
  idempotent: true,
});
const planOf = (root: PlanNode | null): ExecutablePlan => ({
  version: 1,
  kind: 'query',
  root,
  primary: null,
  services: [],
  rootFields: [],
  shape: { types: ['Query'], fields: [] },
});

describe('the first fetches of a plan', () => {
  it('are those that wait for no other', () => {
    const root: PlanNode = {
      kind: 'sequence',
      nodes: [
        {
          kind: 'parallel',
          nodes: [
            { kind: 'sequence', nodes: [aFetch(1), aFetch(2)] },
            aFetch(3),
            { kind: 'condition', variable: 'wanted', then: aFetch(4), otherwise: aFetch(5) },
          ],
        },
        aFetch(6),
      ],
    };
    const first = firstFetches(planOf(root), { wanted: true, x: 7 });
    expect(first.map(({ node }) => node)).toEqual([1, 3, 4]);
    expect(first[0]).toMatchObject({ service: 's1', chunk: 0, operation: '{f1}', variables: { x: 7 } });
  });

  it('are none where nothing is asked', () => {
    expect(firstFetches(planOf(null), {})).toEqual([]);
  });
});
