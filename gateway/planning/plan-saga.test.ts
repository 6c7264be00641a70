import { describe, expect, it } from 'vitest';
import type { FetchNode, PlanNode } from '#schema/contracts/plan';
import { createShop } from '#tests/federation/support/shop';

const shop = createShop();

const BUY = `mutation Buy($sku: ID!) @saga {
  reserve(input: { sku: $sku }) { name }
  bought: place(sku: $sku) { note order { item { name } } }
  ship(sku: $sku)
}`;

function fetchesOf(node: PlanNode | null): FetchNode[] {
  if (node === null) return [];
  if (node.kind === 'fetch') return [node];
  if (node.kind === 'condition') return [...fetchesOf(node.then), ...fetchesOf(node.otherwise)];
  return 'nodes' in node ? node.nodes.flatMap(fetchesOf) : [];
}

describe('a mutation with @saga', () => {
  const plan = shop.plan(BUY);

  it('is a sequence of its fields, each with a fetch of its own and ids that count through', () => {
    expect(plan.saga?.steps.map(({ responseKey, service, fetch }) => [responseKey, service, fetch])).toEqual([
      ['reserve', 'stock', 0],
      ['bought', 'orders', 1],
      ['ship', 'parcels', 3],
    ]);
    expect(fetchesOf(plan.root).map(({ id }) => id)).toEqual([0, 1, 2, 3]);
    expect(plan.services).toEqual(['orders', 'parcels', 'stock']);
  });

  it('does not show the directive to services', () => {
    expect(
      fetchesOf(plan.root)
        .map(({ operation }) => operation)
        .join(),
    ).not.toContain('@saga');
  });

  it('fetches what an undo needs under keys that the answer does not show', () => {
    const [, place] = fetchesOf(plan.root);
    expect(place?.operation.replace(/\s+/g, ' ')).toContain('_undo_0: order { id }');
    expect(JSON.stringify(plan.shape)).not.toContain('_undo_');
  });

  it('says where each argument of an undo comes from: variables, defaults, the answer', () => {
    expect(plan.saga?.steps[0]?.undo).toMatchObject({
      field: 'release',
      operation: 'mutation Buy__undo__reserve($sku: ID!, $amount: Int!) { release(sku: $sku, amount: $amount) }',
      idempotent: true,
      arguments: [
        { name: 'sku', value: { kind: 'variable', name: 'sku', path: [] } },
        { name: 'amount', value: { kind: 'constant', value: 1 } },
      ],
    });
    expect(plan.saga?.steps[1]?.undo).toMatchObject({
      operation: 'mutation Buy__undo__place($id: ID!) { cancel(id: $id) { __typename } }',
      arguments: [{ name: 'id', value: { kind: 'result', path: ['_undo_0', 'id'] } }],
    });
    expect(plan.saga?.steps[2]?.undo).toBeNull();
  });

  it('reads arguments out of whole variables and nested literals', () => {
    const [first] = shop.plan('mutation ($in: ReserveInput!) @saga { reserve(input: $in) { sku } ship(sku: "s") }').saga?.steps ?? [];
    expect(first?.undo?.arguments[1]).toEqual({ name: 'amount', value: { kind: 'variable', name: 'in', path: ['amount'] } });
  });

  it('splits fields of one service, which would be one fetch otherwise', () => {
    const document = (directive: string) => `mutation ${directive} { a: place(sku: "1") { note } b: place(sku: "2") { note } }`;
    expect(fetchesOf(shop.plan(document('')).root)).toHaveLength(1);
    expect(fetchesOf(shop.plan(document('@saga')).root)).toHaveLength(2);
  });

  it('takes fields out of fragments, with their conditions', () => {
    const plan = shop.plan(
      'mutation ($x: Boolean!) @saga { ...F place(sku: "s") { note } } fragment F on Mutation { reserve(input: { sku: "s" }) @include(if: $x) { sku } }',
    );
    expect(plan.saga?.steps.map(({ field }) => field)).toEqual(['reserve', 'place']);
    expect(plan.saga?.steps[0]?.node).toMatchObject({ kind: 'condition', variable: 'x' });
  });

  it('is refused when something without an undo would be followed by something else', () => {
    expect(() => shop.plan('mutation @saga { ship(sku: "s") reserve(input: { sku: "s" }) { sku } }')).toThrow(
      expect.objectContaining({ code: 'SAGA_NOT_COMPENSABLE' }) as Error,
    );
  });
});
