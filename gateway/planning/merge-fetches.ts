// Apollo's plan asks one service several times at once: for each place of the answer at which its entities stand. Those that are
// as many steps away from the start go as one request, which is sent when all of their places have been reached.
// M1. Only entity fetches, which read, so that their order does not matter; none whose variables depend on the entity.
// M2. Only under the same `@skip`/`@include` branches, or a place could be one that is never reached.
// M3. Only of equal distance from the start. Whatever else waits for a merged fetch is further away, so none waits for itself.
// M4. What nothing waits for goes with a later fetch for the same entities, as it comes of fields with and without `@requires`.
import { type DocumentNode, Kind, type NameNode, type OperationDefinitionNode, parse, print, stripIgnoredCharacters, visit } from 'graphql';
import { assertNever } from '#schema/contracts/json';
import { type EntityLookup, type FetchNode, MAX_LOOKUPS, type MergedFetchNode, type PathStep, type PlanNode } from '#schema/contracts/plan';
import { combinePolicies } from './policy-directives.js';

type EntityFetch = FetchNode & { requires: NonNullable<FetchNode['requires']> };

export function mergeFetches(root: PlanNode): PlanNode {
  const replaced = new Map<PlanNode, PlanNode>();
  for (const group of groupByTurn(root)) {
    const alike = [...groupBy(group, toLookupKey).values()];
    for (let from = 0; from < alike.length; from += MAX_LOOKUPS) {
      const lookups = alike.slice(from, from + MAX_LOOKUPS);
      // In plan order again.
      const fetches = lookups.flat().sort((a, b) => a.id - b.id);
      if (fetches.length === 1) continue;
      const [first, ...others] = fetches as [EntityFetch, ...EntityFetch[]];
      replaced.set(first, toMergedFetch(fetches, lookups));
      others.forEach((fetch, index) => replaced.set(fetch, { kind: 'place', of: first.id, place: index + 1 }));
    }
  }
  return replaced.size === 0 ? root : replace(root, replaced);
}

interface Found {
  fetch: EntityFetch;
  /** Fetches on the longest way to it. */
  step: number;
  /** The branches that it is in: equal for fetches that are reached in the same executions. */
  when: readonly string[];
  /** Nothing waits for it. */
  isLast: boolean;
}

/** Entity fetches that may go together, in plan order. */
function groupByTurn(root: PlanNode): EntityFetch[][] {
  const found: Found[] = [];

  /** @returns how many steps are done after `node` */
  function walk(node: PlanNode, step: number, when: readonly string[], isLast: boolean): number {
    switch (node.kind) {
      case 'fetch':
        if (isEntityFetch(node)) found.push({ fetch: node, step, when, isLast });
        return step + 1;
      case 'sequence':
        return node.nodes.reduce((reached, child, index) => walk(child, reached, when, isLast && index === node.nodes.length - 1), step);
      case 'parallel':
        return node.nodes.reduce((furthest, child) => Math.max(furthest, walk(child, step, when, isLast)), step);
      case 'condition': {
        const [then, otherwise] = [node.then, node.otherwise].map((branch, index) =>
          branch === null ? step : walk(branch, step, [...new Set([...when, `${node.variable}=${index === 0}`])].sort(), isLast),
        );
        return Math.max(then ?? step, otherwise ?? step);
      }
      case 'merged':
      case 'place':
        return step + 1;
      default:
        return assertNever(node);
    }
  }

  walk(root, 0, [], true);
  const toPlace = ({ fetch, when }: Found): string => JSON.stringify([fetch.service, when, fetch.path]);
  const steps = new Map<string, number>();
  for (const each of found) steps.set(toPlace(each), Math.max(each.step, steps.get(toPlace(each)) ?? 0));
  const turns = groupBy(found, (each) => {
    const { fetch, step, when, isLast } = each;
    return JSON.stringify([isLast ? steps.get(toPlace(each)) : step, fetch.service, when]);
  });
  return [...turns.values()].map((group) => group.map(({ fetch }) => fetch));
}

function isEntityFetch(node: FetchNode): node is EntityFetch {
  return node.requires !== null && node.operationKind === 'query' && node.contexts === undefined;
}

/** Equal for fetches that differ in their path alone. */
function toLookupKey({ operation, operationName, requires, inputRewrites, outputRewrites }: EntityFetch): string {
  // Apollo numbers the names of a caller's operation.
  const unnamed = operationName === null ? operation : operation.replace(operationName, '');
  return JSON.stringify([unnamed, requires, inputRewrites, outputRewrites]);
}

/** @param alike - the same fetches by lookup */
function toMergedFetch(fetches: readonly EntityFetch[], alike: readonly EntityFetch[][]): MergedFetchNode {
  const { id, service, operationKind, operationName, idempotent } = fetches[0] as EntityFetch;
  const kinds = alike.map((same) => same[0] as EntityFetch);
  const variables = [...new Set(fetches.flatMap((fetch) => fetch.variables))];
  const policy = combinePolicies(kinds.map((kind) => kind.policy));
  // One that no variable of the caller begins with.
  let prefix = '_r';
  while (variables.some((name) => name.startsWith(prefix))) prefix = `_${prefix}`;
  const names = kinds.map((_, index) =>
    kinds.length === 1 ? { key: '_entities', variable: 'representations' } : { key: `_e${index}`, variable: `${prefix}${index}` },
  );
  return {
    kind: 'merged',
    id,
    service,
    operationKind,
    operation: kinds.length === 1 ? (kinds[0] as EntityFetch).operation : combine(kinds, operationName, names),
    operationName,
    variables,
    idempotent,
    ...(policy === undefined ? {} : { policy }),
    places: fetches.length,
    lookups: kinds.map(({ requires, inputRewrites, outputRewrites }, index): EntityLookup => ({
      ...(names[index] as (typeof names)[number]),
      paths: distinctPaths(alike[index] ?? []),
      requires,
      inputRewrites,
      outputRewrites,
    })),
  };
}

/** One operation with the `_entities` field of each, which is the only one that Apollo's have, and their fragments by other names. */
function combine(
  fetches: readonly EntityFetch[],
  operationName: string | null,
  names: readonly Pick<EntityLookup, 'key' | 'variable'>[],
): string {
  const documents = fetches.map(({ operation }, index): DocumentNode => {
    const { key, variable } = names[index] as (typeof names)[number];
    const rename = <N extends { name: NameNode }>(node: N): N => ({ ...node, name: toName(`${key}_${node.name.value}`) });
    return visit(parse(operation, { noLocation: true }), {
      Variable: (node) => (node.name.value === 'representations' ? { ...node, name: toName(variable) } : undefined),
      FragmentDefinition: { leave: rename },
      FragmentSpread: rename,
      OperationDefinition: {
        leave: ({ selectionSet, ...definition }) => ({
          ...definition,
          selectionSet: { ...selectionSet, selections: selectionSet.selections.map((field) => ({ ...field, alias: toName(key) })) },
        }),
      },
    });
  });
  const operations = documents.flatMap(({ definitions }) => definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION));
  const fragments = documents.flatMap(({ definitions }) => definitions.filter((node) => node.kind === Kind.FRAGMENT_DEFINITION));
  const variables = operations.flatMap(({ variableDefinitions = [] }) => variableDefinitions);
  const combined: OperationDefinitionNode = {
    ...(operations[0] as OperationDefinitionNode),
    ...(operationName === null ? {} : { name: toName(operationName) }),
    variableDefinitions: [...new Map(variables.map((definition) => [definition.variable.name.value, definition])).values()],
    selectionSet: { kind: Kind.SELECTION_SET, selections: operations.flatMap(({ selectionSet }) => selectionSet.selections) },
  };
  return stripIgnoredCharacters(print({ kind: Kind.DOCUMENT, definitions: [combined, ...fragments] }));
}

function toName(value: string): NameNode {
  return { kind: Kind.NAME, value };
}

function distinctPaths(fetches: readonly EntityFetch[]): (readonly PathStep[])[] {
  return [...new Map(fetches.map(({ path }) => [JSON.stringify(path), path])).values()];
}

function replace(node: PlanNode, replaced: ReadonlyMap<PlanNode, PlanNode>): PlanNode {
  switch (node.kind) {
    case 'sequence':
    case 'parallel':
      return { kind: node.kind, nodes: node.nodes.map((child) => replace(child, replaced)) };
    case 'condition':
      return {
        ...node,
        then: node.then === null ? null : replace(node.then, replaced),
        otherwise: node.otherwise === null ? null : replace(node.otherwise, replaced),
      };
    default:
      return replaced.get(node) ?? node;
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
