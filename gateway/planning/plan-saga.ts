// `mutation @saga { … }`: each root field is planned by itself, so that it is a step that can fail alone, and what its undo needs is
// fetched with it, under keys that no answer shows.
import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isInputObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
  type ValueNode,
  visit,
} from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { Json } from '#schema/contracts/json';
import {
  type FetchNode,
  type FetchPolicy,
  MAX_PLAN_FETCHES,
  type PlanNode,
  type PlannedUndo,
  SAGA_DIRECTIVE,
  type SagaPlan,
  type SagaStep,
  type UndoValue,
} from '#schema/contracts/plan';
import { type CompiledNodes, withoutRetry } from './compile-plan.js';
import { readCompensation } from './compensate-directive.js';

/** Before what only an undo needs; field names of services do not begin so. */
const UNDO_PREFIX = '_undo_';

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

export function isSaga({ directives = [] }: OperationDefinitionNode): boolean {
  return directives.some(({ name }) => name.value === SAGA_DIRECTIVE);
}

/** Services must not see it, and Apollo's planner would pass it on. */
export function withoutSaga(operation: OperationDefinitionNode): OperationDefinitionNode {
  return { ...operation, directives: (operation.directives ?? []).filter(({ name }) => name.value !== SAGA_DIRECTIVE) };
}

/**
 * @param options.rootFields - each response key once, in document order
 * @param options.compile - plans an operation of one root field
 * @throws SAGA_NOT_COMPENSABLE, PLAN_TOO_LARGE
 */
export function planSaga(options: {
  operation: OperationDefinitionNode;
  fragments: Fragments;
  rootFields: readonly FieldNode[];
  supergraph: GraphQLSchema;
  toDataKey: (field: FieldNode) => string;
  compile: (operation: OperationDefinitionNode) => CompiledNodes;
  policyOf: (operation: string) => FetchPolicy | undefined;
}): Pick<CompiledNodes, 'root' | 'services'> & { saga: SagaPlan } {
  const { operation, fragments, rootFields, supergraph, toDataKey, compile, policyOf } = options;
  const services = new Set<string>();
  const steps: SagaStep[] = [];
  let nextId = 0;

  for (const [index, field] of rootFields.entries()) {
    const responseKey = field.alias?.value ?? field.name.value;
    const compiled = compile({ ...operation, selectionSet: onlyRootField(operation.selectionSet, fragments, responseKey) });
    const effect = compiled.root === null ? undefined : findEffect(compiled.root);
    if (compiled.root === null || effect === undefined) throw new CodedError('PLAN_FAILED', 'no service can answer this operation');
    for (const service of compiled.services) services.add(service);

    const dataKey = toDataKey(field);
    const undo = planUndo(supergraph, field, operation, policyOf);
    if (undo === null && index < rootFields.length - 1)
      throw new CodedError('SAGA_NOT_COMPENSABLE', `'${field.name.value}' has no @compensate, so that nothing may follow it in a saga`);
    const fetched = undo === null ? effect : { ...effect, operation: withSelections(effect.operation, dataKey, undo.selections) };
    const count = countFetches(compiled.root);
    if (nextId + count > MAX_PLAN_FETCHES)
      throw new CodedError('PLAN_TOO_LARGE', `the operation needs more than ${MAX_PLAN_FETCHES} fetches`);
    const node = mapFetches(compiled.root, (fetch) => ({ ...(fetch === effect ? fetched : fetch), id: fetch.id + nextId }));
    steps.push({
      responseKey,
      dataKey,
      field: field.name.value,
      service: effect.service,
      fetch: effect.id + nextId,
      node,
      undo: undo?.planned ?? null,
    });
    nextId += count;
  }
  return { root: { kind: 'sequence', nodes: steps.map(({ node }) => node) }, services: [...services].sort(), saga: { steps } };
}

/** The root selections of one response key, spreads taken apart, conditions kept. */
function onlyRootField(set: SelectionSetNode, fragments: Fragments, responseKey: string): SelectionSetNode {
  const selections = set.selections.flatMap((selection): SelectionNode[] => {
    if (selection.kind === Kind.FIELD) return (selection.alias?.value ?? selection.name.value) === responseKey ? [selection] : [];
    const inner = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
    if (inner === undefined) return [];
    const selectionSet = onlyRootField(inner.selectionSet, fragments, responseKey);
    if (selectionSet.selections.length === 0) return [];
    return [
      {
        kind: Kind.INLINE_FRAGMENT,
        ...(inner.typeCondition === undefined ? {} : { typeCondition: inner.typeCondition }),
        directives: selection.directives ?? [],
        selectionSet,
      },
    ];
  });
  return { kind: Kind.SELECTION_SET, selections };
}

function planUndo(
  supergraph: GraphQLSchema,
  field: FieldNode,
  operation: OperationDefinitionNode,
  policyOf: (operation: string) => FetchPolicy | undefined,
): { planned: PlannedUndo; selections: readonly FieldNode[] } | null {
  const mutations = (supergraph.getMutationType() as GraphQLObjectType).getFields();
  const definition = mutations[field.name.value];
  const compensation = readCompensation(definition?.astNode?.directives);
  const undo = compensation === undefined ? undefined : mutations[compensation.with];
  if (definition === undefined || compensation === undefined || undo === undefined || compensation.malformed.length > 0) return null;

  const selections: FieldNode[] = [];
  const sources = compensation.arguments.map(({ name, from, path }): { name: string; value: UndoValue } => {
    if (from === 'args') return { name, value: readArgument(definition, field, path) };
    const [first, ...rest] = path;
    if (first === undefined) return { name, value: { kind: 'result', path: [] } };
    const key = `${UNDO_PREFIX}${selections.length}`;
    selections.push(toSelection(first, rest, key));
    return { name, value: { kind: 'result', path: [key, ...rest] } };
  });
  const operationName = `${operation.name?.value ?? 'saga'}__undo__${field.name.value}`;
  const text = writeUndo(
    operationName,
    undo,
    compensation.arguments.map(({ name }) => name),
  );
  const idempotent = undo.astNode?.directives?.some(({ name }) => name.value === 'idempotent') ?? false;
  const policy = withoutRetry(policyOf(text), idempotent);
  return {
    selections,
    planned: {
      field: undo.name,
      operation: text,
      operationName,
      arguments: sources,
      idempotent,
      ...(policy === undefined ? {} : { policy }),
    },
  };
}

function writeUndo(operationName: string, undo: GraphQLField<unknown, unknown>, given: readonly string[]): string {
  const known = undo.args.filter(({ name }) => given.includes(name));
  const variables = known.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
  const passed = known.map(({ name }) => `${name}: $${name}`).join(', ');
  const selection = isCompositeType(getNamedType(undo.type)) ? ' { __typename }' : '';
  return `mutation ${operationName}${variables === '' ? '' : `(${variables})`} { ${undo.name}${passed === '' ? '' : `(${passed})`}${selection} }`;
}

function readArgument(definition: GraphQLField<unknown, unknown>, field: FieldNode, path: readonly string[]): UndoValue {
  const [name, ...rest] = path;
  const given = field.arguments?.find((argument) => argument.name.value === name)?.value;
  const declared = definition.args.find((argument) => argument.name === name);
  return readValue(given ?? declared?.astNode?.defaultValue, rest, declared?.type);
}

/** @param type - tells the defaults of what a literal leaves out; variables come with theirs */
function readValue(node: ValueNode | undefined, path: readonly string[], type: GraphQLInputType | undefined): UndoValue {
  if (node === undefined) return { kind: 'constant', value: null };
  if (node.kind === Kind.VARIABLE) return { kind: 'variable', name: node.name.value, path };
  const [first, ...rest] = path;
  if (first !== undefined) {
    const inner = node.kind === Kind.OBJECT ? node.fields.find(({ name }) => name.value === first)?.value : undefined;
    const named = getNamedType(type);
    const declared = isInputObjectType(named) ? named.getFields()[first] : undefined;
    return readValue(inner ?? declared?.astNode?.defaultValue, rest, declared?.type);
  }
  return toUndoValue(node);
}

function toUndoValue(node: ValueNode): UndoValue {
  switch (node.kind) {
    case Kind.VARIABLE:
      return { kind: 'variable', name: node.name.value, path: [] };
    case Kind.LIST:
      return { kind: 'list', values: node.values.map(toUndoValue) };
    case Kind.OBJECT:
      return { kind: 'object', fields: node.fields.map(({ name, value }) => ({ name: name.value, value: toUndoValue(value) })) };
    default:
      return { kind: 'constant', value: valueFromASTUntyped(node) as Json };
  }
}

function toSelection(name: string, rest: readonly string[], alias?: string): FieldNode {
  const [next, ...further] = rest;
  return {
    kind: Kind.FIELD,
    name: { kind: Kind.NAME, value: name },
    ...(alias === undefined ? {} : { alias: { kind: Kind.NAME, value: alias } }),
    ...(next === undefined ? {} : { selectionSet: { kind: Kind.SELECTION_SET, selections: [toSelection(next, further)] } }),
  };
}

/** Adds selections to the root field of a service's operation. */
function withSelections(operation: string, dataKey: string, selections: readonly FieldNode[]): string {
  if (selections.length === 0) return operation;
  let depth = 0;
  return print(
    visit(parse(operation, { noLocation: true }), {
      Field: {
        enter: (node) => {
          depth++;
          const isEffect = depth === 1 && (node.alias?.value ?? node.name.value) === dataKey;
          if (!isEffect || node.selectionSet === undefined) return undefined;
          return { ...node, selectionSet: { ...node.selectionSet, selections: [...node.selectionSet.selections, ...selections] } };
        },
        leave: () => void depth--,
      },
    }),
  );
}

function findEffect(node: PlanNode): FetchNode | undefined {
  switch (node.kind) {
    case 'fetch':
      return node.operationKind === 'mutation' ? node : undefined;
    case 'condition':
      return (node.then === null ? undefined : findEffect(node.then)) ?? (node.otherwise === null ? undefined : findEffect(node.otherwise));
    case 'merged':
    case 'place':
      return undefined;
    default:
      for (const child of node.nodes) {
        const found = findEffect(child);
        if (found !== undefined) return found;
      }
      return undefined;
  }
}

function mapFetches(node: PlanNode, change: (fetch: FetchNode) => FetchNode): PlanNode {
  switch (node.kind) {
    case 'fetch':
      return change(node);
    case 'condition':
      return {
        ...node,
        then: node.then === null ? null : mapFetches(node.then, change),
        otherwise: node.otherwise === null ? null : mapFetches(node.otherwise, change),
      };
    case 'merged':
    case 'place':
      throw new Error('the fetches of a saga are not merged');
    default:
      return { ...node, nodes: node.nodes.map((child) => mapFetches(child, change)) };
  }
}

function countFetches(node: PlanNode): number {
  let count = 0;
  mapFetches(node, (fetch) => {
    count++;
    return fetch;
  });
  return count;
}
