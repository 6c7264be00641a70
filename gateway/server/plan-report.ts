// `extensions.plan` of an answer: how the gateway planned it, for callers who ask with `extensions: { plan: true }` and may know the
// schema. A plan names services, never their addresses.
import type { AuthContext } from '#schema/contracts/identity';
import type { ExecutablePlan, PlanNode } from '#schema/contracts/plan';

export interface PlanReport {
  services: readonly string[];
  /** Of both branches of a condition; one fetch can be several requests. */
  fetches: number;
  root: PlanNode | null;
}

/** @param extensions - of the request */
export function wantsPlan(extensions: unknown, { scopes }: AuthContext): boolean {
  return (
    typeof extensions === 'object' &&
    extensions !== null &&
    (extensions as Record<string, unknown>)['plan'] === true &&
    scopes.includes('schema:read')
  );
}

export function toPlanReport({ services, root }: ExecutablePlan): PlanReport {
  return { services, fetches: root === null ? 0 : countFetches(root), root };
}

function countFetches(node: PlanNode): number {
  const sum = (nodes: readonly PlanNode[]): number => nodes.reduce((total, inner) => total + countFetches(inner), 0);
  switch (node.kind) {
    case 'fetch':
    case 'merged':
      return 1;
    case 'place':
      return 0;
    case 'sequence':
    case 'parallel':
      return sum(node.nodes);
    case 'condition':
      return sum([node.then, node.otherwise].filter((branch) => branch !== null));
  }
}
