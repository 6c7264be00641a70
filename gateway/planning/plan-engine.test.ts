import { composeServices } from '@apollo/composition';
import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import type { FetchNode, PlanNode } from '#schema/contracts/plan';
import { createPlanEngine, type PlanEngine } from './plan-engine.js';

const LINK = `
  extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable", "@inaccessible", "@composeDirective"])
    @link(url: "https://sluice.dev/directives/v1.0", import: ["@idempotent", "@durable", "@timeout", "@retry", "@compensate"])
    @composeDirective(name: "@idempotent") @composeDirective(name: "@durable") @composeDirective(name: "@timeout") @composeDirective(name: "@retry")
    @composeDirective(name: "@compensate")
  directive @idempotent on FIELD_DEFINITION
  directive @timeout(ms: Int!) on FIELD_DEFINITION
  directive @retry(attempts: Int! = 3, intervalMs: Int! = 200, backoff: Float! = 2, maxIntervalMs: Int! = 10000) on FIELD_DEFINITION
  directive @compensate(with: String!, arguments: [String!]! = []) on FIELD_DEFINITION
  directive @durable(mode: DurableMode! = AUTO) on FIELD_DEFINITION
  enum DurableMode { AUTO ALWAYS NEVER }
`;

function engineOf(services: Record<string, string>, options: { runSatisfiability?: boolean } = {}): PlanEngine {
  const { supergraphSdl, errors } = composeServices(
    Object.entries(services).map(([name, sdl]) => ({ name, url: `http://${name}`, typeDefs: parse(LINK + sdl) })),
    options,
  );
  if (supergraphSdl === undefined) throw new Error((errors ?? []).map(({ message }) => message).join('\n'));
  return createPlanEngine(supergraphSdl);
}

const engine = engineOf({
  shop: `
    type Query { item: Item  items: [Item!]!  slow: Item @timeout(ms: 9000)  report: Int @durable(mode: ALWAYS)  ping: Int @durable(mode: NEVER)  things: [Thing!]! }
    type Mutation { order(count: Int): Item  cancel: Item @idempotent  refund: Item @idempotent @durable }
    type Subscription { sold: Item }
    type Item @key(fields: "id") { id: ID!  name: String!  size: Size  cost: Int @inaccessible  next: Item }
    enum Size { SMALL LARGE SECRET @inaccessible }
    union Thing = Item | Box | Vault
    type Box { lid: Item }
    type Vault @inaccessible { code: Int }`,
  stock: 'type Item @key(fields: "id") { id: ID!  count: Int! }',
});

const plan = (document: string, operationName: string | null = null) => engine.plan(document, operationName);

function fetchesOf(node: PlanNode | null): FetchNode[] {
  if (node === null) return [];
  switch (node.kind) {
    case 'fetch':
      return [node];
    case 'condition':
      return [...fetchesOf(node.then), ...fetchesOf(node.otherwise)];
    case 'merged':
    case 'place':
      return [];
    default:
      return node.nodes.flatMap(fetchesOf);
  }
}

describe('root fields', () => {
  it('are named with what the directives of the services say of them', () => {
    expect(plan('{ r: report ping slow { id } }').rootFields).toEqual([
      { name: 'report', responseKey: 'r', durable: 'ALWAYS', idempotent: false },
      { name: 'ping', responseKey: 'ping', durable: 'NEVER', idempotent: false },
      { name: 'slow', responseKey: 'slow', durable: 'AUTO', idempotent: false },
    ]);
    expect(plan('mutation { refund { id } }').rootFields).toMatchObject([{ durable: 'AUTO', idempotent: true }]);
  });

  it('stand once, though several fragments select them', () => {
    const { rootFields } = plan(
      'mutation { ...A ...B } fragment A on Mutation { order { id } } fragment B on Mutation { order { name } other: order { id } }',
    );
    expect(rootFields.map(({ responseKey }) => responseKey)).toEqual(['order', 'other']);
  });

  it('leave out what is never selected and what the gateway answers itself', () => {
    const { rootFields } = plan(
      'query($x: Boolean!) { __typename __schema { queryType { name } } item @skip(if: true) { id } items @include(if: $x) @skip(if: $x) { id } ping @include(if: true) }',
    );
    expect(rootFields.map(({ name }) => name)).toEqual(['ping']);
  });

  it.each([
    '{ __typename }',
    '{ __schema { queryType { name } } }',
    'query($x: Boolean!) { ... @include(if: $x) { item @skip(if: $x) { id } } }',
  ])('need no service in %s', (document) => {
    expect(plan(document)).toMatchObject({ rootFields: [], services: [], root: null, primary: null });
  });
});

describe('fetches', () => {
  it('are numbered in plan order and say what their representations are made of', () => {
    const { root, services } = plan('{ items { name count } }');
    expect(services).toEqual(['shop', 'stock']);
    expect(fetchesOf(root)).toMatchObject([
      { id: 0, service: 'shop', path: [], requires: null, operationKind: 'query' },
      {
        id: 1,
        service: 'stock',
        path: [{ field: 'items' }, { list: true }],
        requires: [{ kind: 'fragment', types: ['Item'], selections: [{ name: '__typename' }, { name: 'id' }] }],
      },
    ]);
  });

  it.each([
    ['mutation { order { id } }', [false]],
    ['mutation { cancel { id } refund { id } }', [true]],
    ['mutation { cancel { id } order { id } }', [false]],
    ['mutation($x: Boolean!) { ... @include(if: $x) { cancel { id } order { id } } }', [false]],
    ['mutation($x: Boolean!) { ... @include(if: $x) { cancel { id } refund { id } } }', [true]],
    ['mutation { __typename cancel { id } }', [true]],
    ['mutation { order { count } }', [false, true]],
  ])('may be sent twice only when every field of them may: %s', (document, idempotent) => {
    expect(fetchesOf(plan(document).root).map((fetch) => fetch.idempotent)).toEqual(idempotent);
  });

  describe('carry what their fields declare', () => {
    const flaky = engineOf({
      shop: `
        type Query { item: Item @timeout(ms: 4000)  other: Item @retry(attempts: 5, intervalMs: 50)  items: [Item!]! }
        type Mutation {
          pay: Item @idempotent @retry @timeout(ms: 12000)
          order: Item @retry @timeout(ms: 700) @compensate(with: "drop")
          drop: Int @idempotent @timeout(ms: 30000)
        }
        type Item @key(fields: "id") { id: ID!  name: String! }`,
      stock: `type Item @key(fields: "id") { id: ID!  count: Int! @retry(attempts: 2)  size: Int @timeout(ms: 9000) }`,
    });
    const retry = (change: object = {}) => ({ attempts: 3, intervalMs: 200, backoff: 2, maxIntervalMs: 10_000, ...change });
    const policiesOf = (document: string) => fetchesOf(flaky.plan(document, null).root).map(({ policy }) => policy);

    it.each([
      ['{ items { id } }', [undefined]],
      ['{ item { id } }', [{ timeoutMs: 4_000 }]],
      ['{ item { id } other { name } }', [{ timeoutMs: 4_000, retry: retry({ attempts: 5, intervalMs: 50 }) }]],
      ['{ items { count } }', [undefined, { retry: retry({ attempts: 2 }) }]],
      ['mutation { pay { id } }', [{ timeoutMs: 12_000, retry: retry() }]],
    ])('%s', (document, policies) => expect(policiesOf(document)).toEqual(policies));

    it('but never that a mutation is sent twice that must not be', () => {
      expect(policiesOf('mutation { order { id } }')).toEqual([{ timeoutMs: 700 }]);
      expect(policiesOf('mutation { pay { id } order { id } }')).toEqual([{ timeoutMs: 12_000 }]);
    });

    it('and the plan sums them up, undos included', () => {
      expect(flaky.plan('{ items { count size } item { id } }', null)).toMatchObject({ longestTimeoutMs: 9_000, retries: true });
      const saga = flaky.plan('mutation @saga { order { id } pay { id } }', null);
      expect(saga).toMatchObject({ longestTimeoutMs: 30_000, retries: true });
      expect(saga.saga?.steps[0]?.undo?.policy).toEqual({ timeoutMs: 30_000 });
      expect(plan('{ item { id } }')).not.toHaveProperty('longestTimeoutMs');
      expect(plan('{ item { id } }')).not.toHaveProperty('retries');
    });

    it('also where fetches were merged', () => {
      const merged = flaky.plan('{ items { count } item { size } other { count } }', null);
      expect(JSON.stringify(merged.root)).toContain('"kind":"merged"');
      expect(merged).toMatchObject({ longestTimeoutMs: 9_000, retries: true });
    });
  });

  it('under a condition stand in a branch of their own', () => {
    const { root } = plan('query($x: Boolean!) { item @include(if: $x) { count } items @skip(if: $x) { count } }');
    expect(root).toMatchObject({
      kind: 'sequence',
      nodes: [
        { kind: 'fetch', variables: ['x'] },
        {
          kind: 'parallel',
          nodes: [
            { kind: 'condition', variable: 'x', otherwise: null },
            { kind: 'condition', variable: 'x', then: null },
          ],
        },
      ],
    });
  });

  it('of a subscription are its stream and the rest for each event', () => {
    expect(plan('subscription { sold { id count } }')).toMatchObject({
      kind: 'subscription',
      services: ['shop', 'stock'],
      primary: { id: 0, service: 'shop', operationKind: 'subscription' },
      root: { id: 1, service: 'stock', path: [{ field: 'sold' }] },
    });
    expect(plan('subscription { sold { id } }')).toMatchObject({ services: ['shop'], root: null });
  });

  it('of one operation are planned, whatever else the document holds', () => {
    expect(plan('query A { item { id } } query B { items { count } }', 'A').services).toEqual(['shop']);
  });
});

describe('the shape', () => {
  it('has the order of the query, with fragments and aliases dissolved', () => {
    const { shape } = plan('{ b: items { ...F id } } fragment F on Item { name ... { n: name } }');
    expect(shape).toMatchObject({
      types: ['Query'],
      fields: [
        {
          responseKey: 'b',
          type: { kind: 'nonNull', of: { kind: 'list', of: { kind: 'nonNull', of: { kind: 'object', name: 'Item' } } } },
        },
      ],
    });
    expect(JSON.stringify(shape).match(/"responseKey":"\w+"/g)).toEqual([
      '"responseKey":"b"',
      '"responseKey":"name"',
      '"responseKey":"n"',
      '"responseKey":"id"',
    ]);
  });

  it('does not name what the API hides', () => {
    const text = JSON.stringify(plan('{ things { __typename ... on Item { size } } }').shape);
    expect(text).toContain('LARGE');
    expect(text).not.toMatch(/SECRET|Vault/);
  });

  it('narrows fields to types and conditions', () => {
    const { shape } = plan(
      'query($x: Boolean!) { things { ... on Item { name @include(if: $x) id id @skip(if: $x) } ... on Box @skip(if: $x) { lid { id } } } }',
    );
    expect(shape.fields[0]?.type).toMatchObject({
      of: {
        of: {
          of: {
            shape: {
              types: ['Item', 'Box'],
              fields: [
                { responseKey: 'name', onTypes: ['Item'], when: [[{ variable: 'x', equals: true }]] },
                { responseKey: 'id', onTypes: ['Item'] },
                { responseKey: 'lid', onTypes: ['Box'], when: [[{ variable: 'x', equals: false }]] },
              ],
            },
          },
        },
      },
    });
  });

  it('keeps apart what two types select under one key', () => {
    const { shape } = plan('{ things { ... on Box { x: lid { id } } ... on Item { x: next { name } } } }');
    expect(JSON.stringify(shape)).toMatch(
      /"responseKey":"x".*"responseKey":"name".*"onTypes":\["Item"\].*"responseKey":"x".*"responseKey":"id".*"onTypes":\["Box"\]/,
    );
  });
});

describe('an operation is refused', () => {
  it('with OPERATION_RESOLUTION_FAILURE when the document does not say which one', () => {
    const document = 'query A { item { id } } query B { item { id } }';
    expect(() => plan(document)).toThrow(
      expect.objectContaining({
        code: 'OPERATION_RESOLUTION_FAILURE',
        message: 'the document holds several operations and none was named',
      }),
    );
    expect(() => plan(document, 'C')).toThrow(
      expect.objectContaining({ code: 'OPERATION_RESOLUTION_FAILURE', message: "the document holds no operation 'C'" }),
    );
    expect(() => plan('fragment F on Item { id }')).toThrow(
      expect.objectContaining({ code: 'OPERATION_RESOLUTION_FAILURE', message: 'the document holds no operation' }),
    );
  });

  it('with PLAN_TOO_LARGE when one run cannot make its fetches', () => {
    const next = (depth: number): string =>
      depth === 0 ? 'count' : `a${depth}: next { ${next(depth - 1)} } b${depth}: next { ${next(depth - 1)} }`;
    expect(() => plan(`{ item { ${next(9)} } }`)).toThrow(expect.objectContaining({ code: 'PLAN_TOO_LARGE' }));
  });

  it('with PLAN_FAILED when no service can answer a field', () => {
    const broken = engineOf(
      { a: 'type Query { island: Island } type Island { id: ID! @shareable }', b: 'type Island { id: ID! @shareable  palms: Int }' },
      { runSatisfiability: false },
    );
    expect(() => broken.plan('{ island { palms } }', null)).toThrow(expect.objectContaining({ code: 'PLAN_FAILED' }));
  });
});
