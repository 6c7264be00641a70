// From Apollo's QueryPlan to ExecutablePlan: numbered fetches, paths and type conditions resolved, JSON only.
import type {
  FetchDataKeyRenamer,
  FetchDataRewrite,
  FetchNode as ApolloFetch,
  PlanNode as ApolloNode,
  QueryPlan,
  QueryPlanSelectionNode,
  ResponsePath,
  SubscriptionNode,
} from '@apollo/query-planner';
import { type GraphQLSchema, Kind, parse, type SelectionSetNode } from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import { assertNever, type Json } from '#schema/contracts/json';
import {
  type ContextVariable,
  type DataRewrite,
  type FetchNode,
  type FetchPolicy,
  MAX_PLAN_FETCHES,
  type PathStep,
  type PlanNode,
  type RequiredSelection,
  type RewriteStep,
} from '#schema/contracts/plan';
import { matchingTypes } from './compile-shape.js';

const TYPE_STEP = '... on ';
const PARENT_STEP = '..';

export interface CompiledNodes {
  root: PlanNode | null;
  primary: FetchNode | null;
  services: string[];
}

/** What was changed in the planner's supergraph has to be changed back in its fetches. */
export interface FetchPasses {
  toRealName: (name: string) => string;
  toRealOperation: (operation: string) => string;
  /** One fetch that cannot be sent as one. */
  split(service: string, fetch: SplitFetch): readonly SplitFetch[];
}
export type SplitFetch = Pick<FetchNode, 'operation' | 'variables' | 'requires'>;

export interface FetchRules {
  /** May a root mutation field be sent twice? */
  isIdempotent: (mutationField: string) => boolean;
  /** Of a service's operation. @default none */
  policyOf?: (operation: string) => FetchPolicy | undefined;
}

const NO_PASSES: FetchPasses = { toRealName: (name) => name, toRealOperation: (operation) => operation, split: (_, fetch) => [fetch] };

/**
 * @param supergraph - knows also the types that the API hides
 * @param rules - what the services declare
 * @throws PLAN_TOO_LARGE
 */
export function compileNodes(
  plan: QueryPlan,
  supergraph: GraphQLSchema,
  rules: FetchRules,
  passes: FetchPasses = NO_PASSES,
): CompiledNodes {
  let nextId = 0;
  const services = new Set<string>();

  function compile(node: ApolloNode, path: readonly PathStep[]): PlanNode | null {
    switch (node.kind) {
      case 'Fetch':
        return compileFetches(node, path);
      case 'Flatten':
        return compile(node.node, [...path, ...toPath(node.path, supergraph)]);
      case 'Sequence':
        return group('sequence', node.nodes, path);
      case 'Parallel':
        return group('parallel', node.nodes, path);
      case 'Condition':
        return {
          kind: 'condition',
          variable: node.condition,
          then: node.ifClause === undefined ? null : compile(node.ifClause, path),
          otherwise: node.elseClause === undefined ? null : compile(node.elseClause, path),
        };
      case 'Defer':
        throw new CodedError('PLAN_FAILED', 'the planner made a deferred part, which was not asked for');
      default:
        return assertNever(node);
    }
  }

  function group(kind: 'sequence' | 'parallel', children: readonly ApolloNode[], path: readonly PathStep[]): PlanNode | null {
    const nodes = children.flatMap((child) => compile(child, path) ?? []);
    return nodes.length > 1 ? { kind, nodes } : (nodes[0] ?? null);
  }

  function compileFetches(node: ApolloFetch, path: readonly PathStep[]): PlanNode | null {
    const requires = node.requires?.map((selection) => toRequired(selection, supergraph, passes)) ?? null;
    const planned = { operation: node.operation, variables: node.variableUsages ?? [], requires };
    const fetches = passes.split(node.serviceName, planned).map((fetch) => compileFetch(node, path, fetch));
    return fetches.length > 1 ? { kind: 'parallel', nodes: fetches } : (fetches[0] ?? null);
  }

  function compileFetch(node: ApolloFetch, path: readonly PathStep[], { operation, variables, requires }: SplitFetch): FetchNode {
    if (nextId >= MAX_PLAN_FETCHES) throw new CodedError('PLAN_TOO_LARGE', `the operation needs more than ${MAX_PLAN_FETCHES} fetches`);
    services.add(node.serviceName);
    const contexts = (node.contextRewrites ?? [])
      .flatMap((rewrite) => (rewrite.kind === 'KeyRenamer' ? [toContext(rewrite, supergraph)] : []))
      .filter(({ variable }) => variables.includes(variable));
    const realOperation = passes.toRealOperation(operation);
    const idempotent = (node.operationKind as string) !== 'mutation' || rootFields(node.operation).every(rules.isIdempotent);
    const policy = withoutRetry(rules.policyOf?.(realOperation), idempotent);
    return {
      kind: 'fetch',
      id: nextId++,
      service: node.serviceName,
      operationKind: node.operationKind,
      operation: realOperation,
      operationName: node.operationName ?? null,
      variables: variables.filter((name) => contexts.every(({ variable }) => variable !== name)),
      path,
      requires,
      ...(contexts.length === 0 ? {} : { contexts }),
      inputRewrites: (node.inputRewrites ?? []).map((rewrite) => toRewrite(rewrite, supergraph)),
      outputRewrites: (node.outputRewrites ?? []).map((rewrite) => toRewrite(rewrite, supergraph)),
      idempotent,
      ...(policy === undefined ? {} : { policy }),
    };
  }

  const top: ApolloNode | SubscriptionNode | undefined = plan.node;
  if (top?.kind === 'Subscription') {
    const { operation, variableUsages = [] } = top.primary;
    const primary = compileFetch(top.primary, [], { operation, variables: variableUsages, requires: null });
    return { primary, root: top.rest === undefined ? null : compile(top.rest, []), services: [...services].sort() };
  }
  return { primary: null, root: top === undefined ? null : compile(top, []), services: [...services].sort() };
}

function toPath(path: ResponsePath, schema: GraphQLSchema): PathStep[] {
  const steps: PathStep[] = [];
  for (const element of path) {
    if (typeof element === 'string' && element.startsWith(TYPE_STEP)) {
      const types = matchingTypes(schema, element.slice(TYPE_STEP.length));
      const last = steps.at(-1);
      if (last !== undefined) steps[steps.length - 1] = { ...last, types };
    } else {
      steps.push(element === '@' ? { list: true } : { field: String(element) });
    }
  }
  return steps;
}

function toRequired(selection: QueryPlanSelectionNode, schema: GraphQLSchema, passes: FetchPasses): RequiredSelection {
  if (selection.kind === 'Field') {
    const selections = selection.selections?.map((inner) => toRequired(inner, schema, passes)) ?? null;
    const name = selection.alias ?? selection.name;
    const realName = passes.toRealName(selection.name);
    return { kind: 'field', name, ...(realName === selection.name ? {} : { as: realName }), selections };
  }
  const selections = selection.selections.map((inner) => toRequired(inner, schema, passes));
  return {
    kind: 'fragment',
    types: selection.typeCondition === undefined ? [] : matchingTypes(schema, selection.typeCondition),
    selections,
  };
}

function toRewrite(rewrite: FetchDataRewrite, schema: GraphQLSchema): DataRewrite {
  const path = toSteps(rewrite.path, schema);
  return rewrite.kind === 'ValueSetter'
    ? { kind: 'set', path, value: rewrite.setValueTo as Json }
    : { kind: 'rename', path, to: rewrite.renameKeyTo };
}

function toContext({ path, renameKeyTo }: FetchDataKeyRenamer, schema: GraphQLSchema): ContextVariable {
  const up = path.filter((element) => element === PARENT_STEP).length;
  return { variable: renameKeyTo, up, path: toSteps(path.slice(up), schema) };
}

function toSteps(path: readonly string[], schema: GraphQLSchema): RewriteStep[] {
  return path.map((element) =>
    element.startsWith(TYPE_STEP) ? { types: matchingTypes(schema, element.slice(TYPE_STEP.length)) } : { field: element },
  );
}

/** What must not be sent twice is not, whatever `@retry` says. */
export function withoutRetry(policy: FetchPolicy | undefined, idempotent: boolean): FetchPolicy | undefined {
  if (policy?.retry === undefined || idempotent) return policy;
  return policy.timeoutMs === undefined ? undefined : { timeoutMs: policy.timeoutMs };
}

/** Names of the root fields, those in fragments included. */
function rootFields(operation: string): string[] {
  const names = ({ selections }: SelectionSetNode): string[] =>
    selections.flatMap((selection) => {
      if (selection.kind === Kind.FIELD) return [selection.name.value];
      return selection.kind === Kind.INLINE_FRAGMENT ? names(selection.selectionSet) : [];
    });
  return parse(operation).definitions.flatMap((definition) => ('selectionSet' in definition ? names(definition.selectionSet) : []));
}
