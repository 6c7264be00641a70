// What an operation may cost, before it runs: IBM's cost specification over the supergraph's `@cost` and `@listSize`. Sizes of lists come
// from literals and from variables. It is an upper bound: fragments on several types of one place are all counted.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  getNullableType,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  isCompositeType,
  isInputObjectType,
  isListType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionNode,
  type SelectionSetNode,
  valueFromASTUntyped,
} from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { JsonObject } from '#schema/contracts/json';
import type { GraphQLErrorJson } from '#schema/contracts/plan';
import type { CostRules, ListSize } from '../supergraph/cost-rules.js';
import { describeLimit, type LimitFacts } from './document-rules.js';
import { toErrorJson } from './error-masking.js';

/** Of each mutation field, beside what it returns. */
const MUTATION_WEIGHT = 10;
/** Of a list that nothing is said about. */
export const DEFAULT_LIST_SIZE = 10;

export interface CostInput {
  schema: GraphQLSchema;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  /** Coerced. */
  variables: JsonObject;
}

export interface CostCheck {
  /** @returns why the operation is refused, or null */
  check(input: CostInput): GraphQLErrorJson | null;
}

/**
 * A supergraph that declares no costs has no limit: its lists could be of any size.
 *
 * @param options.rulesOf - of the generation that a schema object belongs to
 */
export function createCostCheck(options: { maximum: number; rulesOf: (schema: GraphQLSchema) => CostRules }): CostCheck {
  return {
    check(input) {
      const rules = options.rulesOf(input.schema);
      if (!rules.isDeclared) return null;
      const facts: LimitFacts & JsonObject = { limit: 'cost', maximum: options.maximum, actual: costOf(input, rules) };
      return facts.actual > facts.maximum ? toErrorJson('GRAPHQL_VALIDATION_FAILED', describeLimit(facts), facts) : null;
    },
  };
}

/**
 * Objects weigh 1 and leaves 0 unless `@cost` says otherwise; mutation fields 10 more.
 *
 * @throws GRAPHQL_VALIDATION_FAILED where `requireOneSlicingArgument` is not fulfilled
 */
export function costOf({ schema, document, operation, variables }: CostInput, { weights, listSizes }: CostRules): number {
  const fragments = new Map(
    document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
      d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
    ),
  );
  const root = schema.getRootType(operation.operation);
  return root == null ? 0 : costOfSet(operation.selectionSet, root, null);

  /** @param sized - of the connection that stands round this set: which of its fields are the list, and how long it is */
  function costOfSet(
    set: SelectionSetNode,
    parent: GraphQLCompositeType,
    sized: { fields: readonly string[]; size: number } | null,
  ): number {
    let sum = 0;
    for (const selection of set.selections) {
      if (!isSelected(selection, variables)) continue;
      if (selection.kind === Kind.FIELD) {
        const field = isUnionType(parent) ? undefined : parent.getFields()[selection.name.value];
        if (field !== undefined) sum += costOfField(selection, field, parent.name, sized);
        continue;
      }
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
      const type = fragment?.typeCondition === undefined ? parent : schema.getType(fragment.typeCondition.name.value);
      if (fragment !== undefined && isCompositeType(type)) sum += costOfSet(fragment.selectionSet, type, sized);
    }
    return sum;
  }

  function costOfField(
    node: FieldNode,
    field: GraphQLField<unknown, unknown>,
    parentName: string,
    sized: { fields: readonly string[]; size: number } | null,
  ): number {
    const coordinate = `${parentName}.${field.name}`;
    const type = getNamedType(field.type);
    const rule = listSizes.get(coordinate);
    const given = rule === undefined ? null : sizeBy(rule, node, field, coordinate);
    const isList = isListType(getNullableType(field.type));
    const size = sized?.fields.includes(field.name)
      ? sized.size
      : rule !== undefined && rule.sizedFields.length === 0
        ? (given ?? DEFAULT_LIST_SIZE)
        : isList
          ? DEFAULT_LIST_SIZE
          : 1;
    const own = weights.get(coordinate) ?? weights.get(type.name) ?? (isCompositeType(type) ? 1 : 0);
    const inner = { fields: rule?.sizedFields ?? [], size: given ?? DEFAULT_LIST_SIZE };
    const below = node.selectionSet !== undefined && isCompositeType(type) ? costOfSet(node.selectionSet, type, inner) : 0;
    const isMutation = operation.operation === OperationTypeNode.MUTATION && parentName === root?.name;
    return (isMutation ? MUTATION_WEIGHT : 0) + costOfArguments(node, field, coordinate) + size * (own + below);
  }

  /** The largest of what the slicing arguments say; null when they say nothing and no size is assumed. */
  function sizeBy(rule: ListSize, node: FieldNode, field: GraphQLField<unknown, unknown>, coordinate: string): number | null {
    const sizes = rule.slicingArguments.flatMap((path) => {
      const value = readPath(path.split('.'), node, field);
      return typeof value === 'number' ? [Math.max(0, value)] : [];
    });
    if (rule.requireOneSlicingArgument && rule.slicingArguments.length > 0 && sizes.length !== 1)
      throw new CodedError(
        'GRAPHQL_VALIDATION_FAILED',
        `${coordinate}: expected exactly one of the arguments ${rule.slicingArguments.join(', ')}, got ${sizes.length}`,
      );
    return sizes.length > 0 ? Math.max(...sizes) : rule.assumedSize;
  }

  function readPath([name, ...inner]: string[], node: FieldNode, field: GraphQLField<unknown, unknown>): unknown {
    const given = node.arguments?.find((argument) => argument.name.value === name);
    const value = given === undefined ? undefined : valueFromASTUntyped(given.value, variables);
    const effective = value === undefined ? field.args.find((argument) => argument.name === name)?.defaultValue : value;
    return inner.reduce<unknown>((object, key) => (object as Record<string, unknown> | null | undefined)?.[key], effective);
  }

  function costOfArguments(node: FieldNode, field: GraphQLField<unknown, unknown>, coordinate: string): number {
    let sum = 0;
    for (const { name, value } of node.arguments ?? []) {
      const type = field.args.find((argument) => argument.name === name.value)?.type;
      const given = valueFromASTUntyped(value, variables);
      if (type === undefined || given === undefined) continue;
      sum += (weights.get(`${coordinate}(${name.value}:)`) ?? 0) + costOfInput(type, given);
    }
    return sum;
  }

  function costOfInput(type: GraphQLInputType, value: unknown): number {
    if (Array.isArray(value)) {
      const inner = getNullableType(type);
      const element = isListType(inner) ? inner.ofType : type;
      return value.reduce((sum: number, item: unknown) => sum + costOfInput(element, item), 0);
    }
    const named = getNamedType(type);
    if (!isInputObjectType(named) || typeof value !== 'object' || value === null) return 0;
    return Object.entries(value).reduce((sum, [name, item]) => {
      const field = named.getFields()[name];
      return field === undefined ? sum : sum + (weights.get(`${named.name}.${name}`) ?? 0) + costOfInput(field.type, item);
    }, 0);
  }
}

function isSelected({ directives = [] }: SelectionNode, variables: JsonObject): boolean {
  return directives.every(({ name, arguments: [condition] = [] }) => {
    const wanted = name.value === 'include' ? true : name.value === 'skip' ? false : undefined;
    return wanted === undefined || condition === undefined || (valueFromASTUntyped(condition.value, variables) === true) === wanted;
  });
}
