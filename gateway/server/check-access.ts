// May the caller select what the operation selects? Decided before planning, from the supergraph's own rules (access-rules.ts).
// Mode `reject`: one field too many refuses the operation. Mode `filter`: such fields are not fetched; they are null with an error.
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  type GraphQLCompositeType,
  type GraphQLSchema,
  isCompositeType,
  isUnionType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import type { AuthContext } from '#schema/contracts/identity';
import type { JsonObject } from '#schema/contracts/json';
import { DENIED_DIRECTIVE, type GraphQLErrorJson, type VariableCondition } from '#schema/contracts/plan';
import { readConditions } from '../planning/compile-shape.js';
import type { AccessRules, Need } from '../supergraph/access-rules.js';
import { toErrorJson } from './error-masking.js';

const MAX_ERRORS = 5;
/** Filtered forms of one operation that are kept: one for each set of scopes that makes a difference. */
const MAX_FORMS = 20;
/** A scope of this prefix grants the policy of the name behind it. */
export const POLICY_SCOPE = 'policy:';

export interface AccessRequest {
  /** The schema object that the document was validated on. */
  schema: GraphQLSchema;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  auth: AuthContext;
}

/** The operation as far as it may be planned, or why it may not. */
export type AccessDecision = Pick<AccessRequest, 'document' | 'operation'> | { errors: readonly GraphQLErrorJson[] };

export interface AccessCheck {
  /** @param variables - coerced: what they exclude by `@skip` and `@include` needs no right in mode `reject` */
  check(request: AccessRequest, variables: JsonObject): AccessDecision;
  /** For what the gateway itself selects in the caller's name. @param coordinate - e.g. `Mutation.deleteFile` */
  allows(coordinate: string, request: Pick<AccessRequest, 'schema' | 'auth'>): boolean;
}

/** A selection of a field that has rules. */
interface GuardedSelection {
  node: FieldNode;
  coordinate: string;
  needs: readonly Need[];
  when: readonly VariableCondition[];
  isRoot: boolean;
}

interface Known {
  guarded: readonly GuardedSelection[];
  /** The distinct needs of all guarded selections: most fields of a service need the same. */
  needs: readonly Need[];
  forms: Map<string, Pick<AccessRequest, 'document' | 'operation'>>;
}

/**
 * @param options.mode - `off` only where everyone has every right
 * @param options.rulesOf - of the generation that a schema object belongs to
 */
export function createAccessCheck(options: {
  mode: 'off' | 'reject' | 'filter';
  rulesOf: (schema: GraphQLSchema) => AccessRules;
}): AccessCheck {
  const known = new WeakMap<OperationDefinitionNode, { schema: GraphQLSchema } & Known>();

  function look({ schema, document, operation }: AccessRequest, rules: AccessRules): Known {
    let found = known.get(operation);
    if (found?.schema !== schema) {
      const guarded = collectGuarded(schema, rules, document, operation);
      const needs = new Map(guarded.flatMap((selection) => selection.needs.map((need) => [JSON.stringify(need), need])));
      found = { schema, guarded, needs: [...needs.values()], forms: new Map() };
      known.set(operation, found);
    }
    return found;
  }

  const rulesFor = (schema: GraphQLSchema): AccessRules | undefined => (options.mode === 'off' ? undefined : options.rulesOf(schema));

  return {
    allows: (coordinate, { schema, auth }) => (rulesFor(schema)?.get(coordinate) ?? []).every((need) => isMet(need, auth)),
    check(request, variables) {
      const { schema, document, operation, auth } = request;
      const rules = rulesFor(schema);
      if (rules === undefined || rules.size === 0) return { document, operation };
      const { guarded, needs: all, forms } = look(request, rules);
      if (all.every((need) => isMet(need, auth))) return { document, operation };
      const denied = guarded.filter(({ needs }) => !needs.every((need) => isMet(need, auth)));

      const selected = denied.filter(({ when }) => when.every(({ variable, equals }) => (variables[variable] === true) === equals));
      // A subscription without its root field has nothing to stream.
      const refused =
        options.mode === 'reject'
          ? selected
          : selected.filter(({ isRoot }) => isRoot && operation.operation === OperationTypeNode.SUBSCRIPTION);
      if (refused.length > 0) return { errors: toErrors(refused) };
      if (options.mode === 'reject') return { document, operation };

      const key = [...new Set(denied.map(({ coordinate }) => coordinate))].join();
      let form = forms.get(key);
      if (form === undefined) {
        if (forms.size >= MAX_FORMS) forms.clear();
        form = markDenied(document, operation, denied);
        forms.set(key, form);
      }
      return form;
    },
  };
}

function isMet({ kind, anyOf }: Need, { scopes }: AuthContext): boolean {
  return anyOf.some((all) => all.every((name) => scopes.includes(kind === 'policies' ? `${POLICY_SCOPE}${name}` : name)));
}

function toErrors(denied: readonly GuardedSelection[]): GraphQLErrorJson[] {
  const byCoordinate = new Map(denied.map((selection) => [selection.coordinate, selection]));
  return [...byCoordinate.values()].slice(0, MAX_ERRORS).map(({ coordinate, needs }) => {
    return toErrorJson('FORBIDDEN', describe(coordinate, needs), { coordinate, needed: needs.map(toText) });
  });
}

function describe(coordinate: string, needs: readonly Need[]): string {
  return `${coordinate} needs ${needs.map(toText).join(', and ')}`;
}

/** `the scopes a and b, or c` */
function toText({ kind, anyOf }: Need): string {
  const count = anyOf.flat().length;
  const what = kind === 'scopes' ? (count === 1 ? 'scope' : 'scopes') : count === 1 ? 'policy' : 'policies';
  return `the ${what} ${anyOf.map((all) => all.join(' and ')).join(', or ')}`;
}

/** Every place of the operation that selects a field with rules; `__typename` says no more than the field that leads to it. */
function collectGuarded(
  schema: GraphQLSchema,
  rules: AccessRules,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): GuardedSelection[] {
  const fragments = new Map(
    document.definitions.flatMap((d): [string, FragmentDefinitionNode][] =>
      d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [],
    ),
  );
  const found: GuardedSelection[] = [];
  const root = schema.getRootType(operation.operation);
  if (root != null) walk(operation.selectionSet, root, []);
  return found;

  function walk(set: SelectionSetNode, parent: GraphQLCompositeType, outer: readonly VariableCondition[]): void {
    for (const selection of set.selections) {
      const when = readConditions(selection, outer);
      if (when === 'never') continue;
      if (selection.kind !== Kind.FIELD) {
        const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
        const condition = fragment?.typeCondition === undefined ? parent : schema.getType(fragment.typeCondition.name.value);
        if (fragment !== undefined && isCompositeType(condition)) walk(fragment.selectionSet, condition, when);
        continue;
      }
      const field = isUnionType(parent) ? undefined : parent.getFields()[selection.name.value];
      if (field === undefined) continue;
      const coordinate = `${parent.name}.${field.name}`;
      const needs = rules.get(coordinate);
      if (needs !== undefined) found.push({ node: selection, coordinate, needs, when, isRoot: parent === root });
      const type = getNamedType(field.type);
      if (selection.selectionSet !== undefined && isCompositeType(type)) walk(selection.selectionSet, type, when);
    }
  }
}

/** The planner leaves marked fields out and the response shape makes them null (contract: {@link DENIED_DIRECTIVE}). */
function markDenied(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  denied: readonly GuardedSelection[],
): Pick<AccessRequest, 'document' | 'operation'> {
  const marks = new Map(denied.map(({ node, coordinate, needs }) => [node, toMark(describe(coordinate, needs))]));
  const marked: DocumentNode = visit(document, {
    Field(node) {
      const mark = marks.get(node);
      return mark === undefined ? undefined : { ...node, directives: [...(node.directives ?? []), mark] };
    },
  });
  const index = document.definitions.indexOf(operation);
  return { document: marked, operation: marked.definitions[index] as OperationDefinitionNode };
}

function toMark(reason: string): DirectiveNode {
  return {
    kind: Kind.DIRECTIVE,
    name: { kind: Kind.NAME, value: DENIED_DIRECTIVE },
    arguments: [{ kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: 'reason' }, value: { kind: Kind.STRING, value: reason } }],
  };
}
