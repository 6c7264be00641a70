import type { FetchNode as ApolloFetch, PlanNode as ApolloNode } from '@apollo/query-planner';
import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { MAX_PLAN_FETCHES } from '#schema/contracts/plan';
import { compileNodes } from './compile-plan.js';

const schema = buildSchema(`
  type Query { nodes: [Node!]! }
  interface Node { id: ID! }
  interface Named implements Node { id: ID!  name: String }
  type A implements Node & Named { id: ID!  name: String }
  type B implements Node { id: ID! }`);

const aFetch = (overrides: Pick<ApolloFetch, 'requires' | 'inputRewrites' | 'outputRewrites'> = {}): ApolloFetch => ({
  kind: 'Fetch',
  serviceName: 's',
  operation: '{ nodes { id } }',
  operationKind: 'query' as never,
  operationName: undefined,
  ...overrides,
});
const compile = (node?: ApolloNode) =>
  compileNodes({ kind: 'QueryPlan', ...(node === undefined ? {} : { node }) }, schema, { isIdempotent: () => false });

describe('compiling a plan', () => {
  it('gives nothing for an empty one', () => {
    expect(compile()).toEqual({ root: null, primary: null, services: [] });
    expect(compile({ kind: 'Sequence', nodes: [{ kind: 'Parallel', nodes: [] }] }).root).toBeNull();
  });

  it('dissolves parts that hold one fetch', () => {
    expect(compile({ kind: 'Sequence', nodes: [{ kind: 'Parallel', nodes: [aFetch()] }] }).root).toMatchObject({ kind: 'fetch', id: 0 });
  });

  it('adds up paths, and expands type conditions into names, abstract ones included', () => {
    const inner: ApolloNode = { kind: 'Flatten', path: ['name', '@'], node: aFetch() };
    expect(compile({ kind: 'Flatten', path: ['nodes', '@', '... on Named'], node: inner }).root).toMatchObject({
      path: [{ field: 'nodes' }, { list: true, types: ['Named', 'A'] }, { field: 'name' }, { list: true }],
    });
  });

  it('expands the conditions of rewrites and requirements alike', () => {
    const { root } = compile(
      aFetch({
        requires: [
          { kind: 'InlineFragment', typeCondition: 'Node', selections: [{ kind: 'Field', name: 'id' }] },
          { kind: 'InlineFragment', selections: [{ kind: 'Field', name: 'x', alias: 'y', selections: [{ kind: 'Field', name: 'z' }] }] },
        ],
        inputRewrites: [{ kind: 'ValueSetter', path: ['... on Named', '__typename'], setValueTo: 'Named' }],
        outputRewrites: [{ kind: 'KeyRenamer', path: ['... on B', 'a'], renameKeyTo: 'b' }],
      }),
    );
    expect(root).toMatchObject({
      requires: [
        { kind: 'fragment', types: ['Node', 'Named', 'A', 'B'], selections: [{ kind: 'field', name: 'id', selections: null }] },
        { kind: 'fragment', types: [], selections: [{ kind: 'field', name: 'y', selections: [{ name: 'z' }] }] },
      ],
      inputRewrites: [{ kind: 'set', path: [{ types: ['Named', 'A'] }, { field: '__typename' }], value: 'Named' }],
      outputRewrites: [{ kind: 'rename', path: [{ types: ['B'] }, { field: 'a' }], to: 'b' }],
    });
  });

  it('keeps a type that the schema does not know as it is', () => {
    expect(compile({ kind: 'Flatten', path: ['nodes', '... on Nobody'], node: aFetch() }).root).toMatchObject({
      path: [{ field: 'nodes', types: ['Nobody'] }],
    });
  });

  it('refuses deferred parts, which nobody asked for', () => {
    expect(() => compile({ kind: 'Defer', primary: {}, deferred: [] })).toThrow(expect.objectContaining({ code: 'PLAN_FAILED' }));
  });

  it('allows as many fetches as one run may make, not one more', () => {
    const parts = (count: number): ApolloNode => ({ kind: 'Parallel', nodes: Array.from({ length: count }, () => aFetch()) });
    expect(compile(parts(MAX_PLAN_FETCHES)).root).toMatchObject({ nodes: { length: MAX_PLAN_FETCHES } });
    expect(() => compile(parts(MAX_PLAN_FETCHES + 1))).toThrow(expect.objectContaining({ code: 'PLAN_TOO_LARGE' }));
  });
});
