// Plans operations against one supergraph. Runs in the planner's thread; wraps Apollo's planner with the cures for its
// known wrong answers.
import { operationFromDocument } from '@apollo/federation-internals';
import { QueryPlanner } from '@apollo/query-planner';
import {
  buildASTSchema,
  type DefinitionNode,
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionSetNode,
  validate,
  visit,
} from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { ExecutablePlan, FetchPolicy, PlanNode, PlannedRootField, VariableCondition } from '#schema/contracts/plan';
import { createAliasPass } from './alias-pass.js';
import { buildSupergraph } from './build-supergraph.js';
import { type CompiledNodes, compileNodes, type FetchPasses } from './compile-plan.js';
import { createConflictSplitter, findConditionalFields } from './split-conflicts.js';
import { separateRequiredInputs } from './required-inputs.js';
import { withoutImpossibleConditions } from './impossible-conditions.js';
import { createInterfaceConditionPass } from './interface-condition-pass.js';
import { compileShape, deniedBecause, readConditions } from './compile-shape.js';
import { mergeFetches } from './merge-fetches.js';
import { createPolicyReader } from './policy-directives.js';
import { withTypelessInterfacesAsObjects } from './typeless-interfaces.js';
import { directiveArgument, withoutUnresolvableKeys } from './unresolvable-keys.js';
import { isSaga, planSaga, withoutSaga } from './plan-saga.js';
import { withPresence } from './presence-pass.js';
import { toVariableRules } from './variable-rules.js';

/**
 * Ways that are compared for one operation. Of 150 random operations over six services the default of 10,000 took 25 s for the slowest,
 * 1,000 took 0.6 s, and the plans had as many fetches.
 */
const MAX_EVALUATED_PLANS = 1_000;

export interface PlanEngine {
  /** @throws PLAN_FAILED, PLAN_TOO_LARGE, OPERATION_RESOLUTION_FAILURE; the document is expected to be valid */
  plan(document: string, operationName: string | null, options?: PlanOptions): ExecutablePlan;
}

export interface PlanOptions {
  /** Parts of the answer leave before the whole is there: no fetch waits for another's sake. @default false */
  inParts?: boolean;
  /** The document was valid on another supergraph; where it is not on this one, it is refused with PLAN_FAILED. @default false */
  onlyIfValid?: boolean;
  /** Labels of `@override(from:, label:)` that hold, sorted. @default none */
  activeLabels?: readonly string[];
}

export function createPlanEngine(supergraphSdl: string): PlanEngine {
  const inputs = separateRequiredInputs(withTypelessInterfacesAsObjects(parse(supergraphSdl)));
  const supergraphAst = inputs.supergraph;
  const supergraph = buildSupergraph(print(withoutUnresolvableKeys(supergraphAst)));
  const planner = new QueryPlanner(supergraph, { debug: { maxEvaluatedPlans: MAX_EVALUATED_PLANS } });
  const apiSchema = supergraph.apiSchema();
  /** What callers see, but for interfaces that no type implements. */
  const publicSchema = apiSchema.toGraphQLJSSchema();
  const fullSchema = buildASTSchema(supergraphAst, { assumeValid: true, assumeValidSDL: true });

  const toAliasPass = createAliasPass(fullSchema);
  const underTypes = createInterfaceConditionPass(supergraphAst, publicSchema);
  const split = createConflictSplitter(fullSchema, inputs.toRealName);
  const policyOf = createPolicyReader(fullSchema);

  return {
    plan(text, operationName, { inParts = false, activeLabels = [], onlyIfValid = false } = {}) {
      const document = parse(text);
      const [problem] = onlyIfValid ? validate(publicSchema, document) : [];
      if (problem !== undefined) throw new CodedError('PLAN_FAILED', problem.message);
      const operation = findOperation(document, operationName);
      if (publicSchema.getRootType(operation.operation) == null)
        throw new CodedError('PLAN_FAILED', `the supergraph has no ${operation.operation} type`);
      const fragments = new Map(
        document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
          d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
        ),
      );
      const selected = collectRootFields(operation, fragments);
      const rootFields = selected.map((node) => describeRootField(node, operation, fullSchema));
      const aliases = toAliasPass(document);
      const { toDataKey } = aliases;
      const shape = compileShape(publicSchema, operation, fragments, toDataKey);
      const conditional = findConditionalFields(operation, fragments);
      const passes: FetchPasses = { ...inputs, split: (service, fetch) => split(service, fetch, conditional) };
      const compile = (part: OperationDefinitionNode) =>
        compileNodes(buildApolloPlan(part), fullSchema, { isIdempotent, policyOf }, passes);
      const merge = (compiled: CompiledNodes): CompiledNodes =>
        compiled.root === null || inParts ? compiled : { ...compiled, root: mergeFetches(compiled.root) };
      const nodes =
        rootFields.length === 0
          ? { root: null, primary: null, services: [] }
          : isSaga(operation)
            ? {
                primary: null,
                ...planSaga({
                  operation: withoutSaga(operation),
                  fragments,
                  rootFields: selected,
                  supergraph: fullSchema,
                  toDataKey,
                  compile,
                  policyOf,
                }),
              }
            : merge(compile(operation));
      if (rootFields.length > 0 && nodes.root === null && nodes.primary === null) {
        throw new CodedError('PLAN_FAILED', 'no service can answer this operation');
      }
      const variableRules = toVariableRules(operation, publicSchema);
      return {
        version: 1,
        kind: operation.operation,
        rootFields,
        shape,
        ...nodes,
        ...sumPolicies(nodes),
        ...(variableRules === undefined ? {} : { variableRules }),
      };

      function buildApolloPlan(part: OperationDefinitionNode) {
        // Introspection is answered by the gateway; the planner would refuse it.
        const planned = {
          ...document,
          definitions: document.definitions.map((definition) =>
            withoutDenied(definition === operation ? withoutIntrospection(part) : definition),
          ),
        };
        try {
          return planner.buildQueryPlan(
            operationFromDocument(
              apiSchema,
              withPresence(aliases.apply(underTypes(withoutImpossibleConditions(planned, publicSchema))), fragments),
              operationName === null ? {} : { operationName },
            ),
            { overrideConditions: new Map(activeLabels.map((label) => [label, true])) },
          );
        } catch (cause) {
          throw new CodedError('PLAN_FAILED', 'the planner found no way to answer this operation', { cause });
        }
      }
      function isIdempotent(field: string): boolean {
        return hasDirective(fullSchema.getMutationType()?.getFields()[field]?.astNode?.directives, 'idempotent');
      }
    },
  };
}

function findOperation(document: DocumentNode, name: string | null): OperationDefinitionNode {
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const [operation, ...others] = name === null ? operations : operations.filter((definition) => definition.name?.value === name);
  if (operation === undefined) {
    throw new CodedError('OPERATION_RESOLUTION_FAILURE', `the document holds no operation${name === null ? '' : ` '${name}'`}`);
  }
  if (others.length > 0) throw new CodedError('OPERATION_RESOLUTION_FAILURE', 'the document holds several operations and none was named');
  return operation;
}

/** Each response key once: fragments of several components may select one mutation field, which runs once. */
function collectRootFields(operation: OperationDefinitionNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>): FieldNode[] {
  const byKey = new Map<string, FieldNode>();
  collect(operation.selectionSet, []);
  return [...byKey.values()];

  function collect(set: SelectionSetNode, when: readonly VariableCondition[]): void {
    for (const selection of set.selections) {
      const conditions = readConditions(selection, when);
      if (conditions === 'never') continue;
      if (selection.kind === Kind.FIELD) {
        const key = toResponseKey(selection);
        if (!selection.name.value.startsWith('__') && deniedBecause(selection) === undefined) byKey.set(key, selection);
        continue;
      }
      const inner = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
      if (inner !== undefined) collect(inner.selectionSet, conditions);
    }
  }
}

function toResponseKey({ alias, name }: FieldNode): string {
  return alias?.value ?? name.value;
}

function withoutIntrospection(operation: OperationDefinitionNode): OperationDefinitionNode {
  return visit(operation, { Field: (node) => (node.name.value === '__schema' || node.name.value === '__type' ? null : undefined) });
}

/** What has lost all its fields still has to be there: its object may be null, and its place in the answer says so. */
function withoutDenied<N extends DefinitionNode>(definition: N): N {
  return visit(definition, {
    Field: { enter: (node) => (deniedBecause(node) === undefined ? undefined : null) },
    SelectionSet: { leave: (node) => (node.selections.length > 0 ? undefined : { ...node, selections: [TYPENAME] }) },
  });
}

const TYPENAME: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: '__typename' } };

function describeRootField(node: FieldNode, operation: OperationDefinitionNode, schema: GraphQLSchema): PlannedRootField {
  const directives = schema.getRootType(operation.operation)?.getFields()[node.name.value]?.astNode?.directives ?? [];
  const durable = directives.find(({ name }) => name.value === 'durable');
  return {
    name: node.name.value,
    responseKey: toResponseKey(node),
    durable: durable === undefined ? 'AUTO' : ((directiveArgument(durable, 'mode') ?? 'AUTO') as PlannedRootField['durable']),
    idempotent: hasDirective(directives, 'idempotent'),
  };
}

function hasDirective(directives: readonly DirectiveNode[] | undefined, name: string): boolean {
  return directives?.some((directive) => directive.name.value === name) ?? false;
}

/** What the whole plan has to know of its fetches' policies. */
function sumPolicies({ root, saga }: Pick<ExecutablePlan, 'root' | 'saga'>): Pick<ExecutablePlan, 'longestTimeoutMs' | 'retries'> {
  const policies = [...(root === null ? [] : policiesOf(root)), ...(saga?.steps ?? []).flatMap(({ undo }) => undo?.policy ?? [])];
  const longestTimeoutMs = Math.max(0, ...policies.map(({ timeoutMs }) => timeoutMs ?? 0));
  return {
    ...(longestTimeoutMs === 0 ? {} : { longestTimeoutMs }),
    ...(policies.some(({ retry }) => (retry?.attempts ?? 1) > 1) ? { retries: true } : {}),
  };
}

function policiesOf(node: PlanNode): FetchPolicy[] {
  switch (node.kind) {
    case 'fetch':
    case 'merged':
      return node.policy === undefined ? [] : [node.policy];
    case 'place':
      return [];
    case 'sequence':
    case 'parallel':
      return node.nodes.flatMap(policiesOf);
    case 'condition':
      return [node.then, node.otherwise].flatMap((branch) => (branch === null ? [] : policiesOf(branch)));
  }
}
