// Fields of one service cannot always share a representation; then their fetch becomes several.
// K1. Fields that require one field of an object with different arguments: a representation holds it once.
// K2. Fields under different `@skip`/`@include` that require something: what only one of them requires is fetched under its conditions,
//     and without it there would be no representation for the others either.
import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
  print,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { type FetchNode, INPUT_PREFIX, type RequiredSelection, type VariableCondition } from '#schema/contracts/plan';
import { readConditions } from './compile-shape.js';

/** Where in the object a service wants a value and by which name → the key that holds it in the merged data. */
type Needs = ReadonlyMap<string, string>;
/** Fields that may share a representation. */
interface Group {
  /** The conditions that they are under. */
  when: string;
  needs: Map<string, string>;
  fields: Set<FieldNode>;
}
const ALWAYS = '[]';

/** What a representation of one group holds. */
interface Part {
  needs: Needs;
  /** The places of what any group needs. */
  others: ReadonlySet<string>;
  isKey: (types: readonly string[], name: string) => boolean;
}
type Fetch = Pick<FetchNode, 'operation' | 'variables' | 'requires'>;

/**
 * @param supergraph - whose required inputs are fields of their own
 * @returns what gives the fetch itself when nothing conflicts. `conditional`: names of the fields that the caller has under conditions
 */
export function createConflictSplitter(
  supergraph: GraphQLSchema,
  toRealName: (name: string) => string,
): (service: string, fetch: Fetch, conditional: ReadonlySet<string>) => readonly Fetch[] {
  const graphs = toGraphNames(supergraph);
  const keys = toKeyFields(supergraph);

  /** What `field` of `type` requires; undefined when it requires nothing. */
  function needsOf(field: FieldNode, type: GraphQLNamedType | undefined, service: string): Needs | undefined {
    const graph = graphs.get(service);
    const definition = isObjectType(type) || isInterfaceType(type) ? type.getFields()[field.name.value]?.astNode : undefined;
    const join = definition?.directives?.find(
      ({ name, arguments: given }) =>
        name.value === 'join__field' && given?.some(({ name, value }) => name.value === 'graph' && print(value) === graph),
    );
    const set = join?.arguments?.find(({ name }) => name.value === 'requires')?.value;
    if (set?.kind !== Kind.STRING) return undefined;
    const needs = new Map<string, string>();
    collect((parse(`{ ${set.value} }`, { noLocation: true }).definitions[0] as OperationDefinitionNode).selectionSet, '');
    return needs;

    function collect({ selections }: SelectionSetNode, at: string): void {
      for (const selection of selections) {
        if (selection.kind === Kind.FRAGMENT_SPREAD) continue;
        if (selection.kind === Kind.INLINE_FRAGMENT) {
          collect(selection.selectionSet, at);
          continue;
        }
        const { value } = selection.name;
        needs.set(`${at}.${toRealName(value)}`, value);
        if (selection.selectionSet !== undefined) collect(selection.selectionSet, `${at}.${value}`);
      }
    }
  }

  return (service, fetch, conditional) => {
    if (fetch.requires === null || !(conditional.size > 0 || hasConflict(fetch.requires))) return [fetch];
    const document = parse(fetch.operation, { noLocation: true });
    const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
    const entities = operation?.selectionSet.selections[0];
    if (operation === undefined || entities?.kind !== Kind.FIELD || entities.selectionSet === undefined) return [fetch];
    const fragments = new Map(document.definitions.flatMap((d) => (d.kind === Kind.FRAGMENT_DEFINITION ? [[d.name.value, d]] : [])));
    const selected = withoutSpreads(entities.selectionSet, fragments);

    const groups: Group[] = [];
    const placeless: FieldNode[] = [];
    forEachField(selected, undefined, [], (field, type, conditions) => {
      const needs = needsOf(field, type, service);
      if (needs === undefined) return void placeless.push(field);
      const known = JSON.stringify(conditions.map(({ variable, equals }) => `${variable}=${equals}`).sort());
      // The planner may have kept the conditions for the inputs only.
      const when = known === ALWAYS && conditional.has(field.name.value) ? `like ${[...needs.values()].join()}` : known;
      let group = groups.find(
        (candidate) => candidate.when === when && [...needs].every(([key, name]) => (candidate.needs.get(key) ?? name) === name),
      );
      if (group === undefined) groups.push((group = { when, needs: new Map(), fields: new Set() }));
      group.fields.add(field);
      for (const [key, name] of needs) group.needs.set(key, name);
    });
    const isMixed = groups.some(({ when }) => when !== ALWAYS);
    if (isMixed && placeless.length > 0 && !groups.some(({ when }) => when === ALWAYS))
      groups.push({ when: ALWAYS, needs: new Map(), fields: new Set() });
    if (groups.length < 2) return [fetch];
    const common = groups.find(({ when }) => when === ALWAYS);
    for (const field of placeless) common?.fields.add(field);
    const needed = new Set(groups.flatMap(({ needs }) => [...needs.keys()]));
    const isKey = (types: readonly string[], name: string): boolean =>
      types.some((type) => keys.has(`${graphs.get(service)} ${type} ${name}`));
    return groups.map(({ needs, fields }) => {
      const kept = keepFields(selected, fields);
      const variables = new Set<string>();
      const spread = new Set<string>();
      collectUses(kept, fragments, { variables, spread });
      const own: OperationDefinitionNode = {
        ...operation,
        variableDefinitions: (operation.variableDefinitions ?? []).filter(
          ({ variable }) => variable.name.value === 'representations' || variables.has(variable.name.value),
        ),
        selectionSet: { ...operation.selectionSet, selections: [{ ...entities, selectionSet: kept }] },
      };
      const definitions = [own, ...[...fragments.values()].filter(({ name }) => spread.has(name.value))];
      return {
        operation: print({ kind: Kind.DOCUMENT, definitions }),
        variables: fetch.variables.filter((name) => variables.has(name)),
        requires: keepNeeded(fetch.requires ?? [], { needs, others: needed, isKey }, [], ''),
      };
    });

    function forEachField(
      { selections }: SelectionSetNode,
      type: GraphQLNamedType | undefined,
      outer: readonly VariableCondition[],
      visitField: (field: FieldNode, type: GraphQLNamedType | undefined, when: readonly VariableCondition[]) => void,
    ): void {
      for (const selection of selections) {
        const when = readConditions(selection, outer);
        if (when === 'never') continue;
        if (selection.kind === Kind.FIELD) {
          if (selection.name.value !== '__typename') visitField(selection, type, when);
        } else if (selection.kind === Kind.INLINE_FRAGMENT) {
          const { typeCondition, selectionSet } = selection;
          forEachField(selectionSet, typeCondition === undefined ? type : supergraph.getType(typeCondition.name.value), when, visitField);
        }
      }
    }
  };
}

/** One object level: does a service want two keys of the merged data by one name? Objects of all types count as one. */
function hasConflict(selections: readonly RequiredSelection[]): boolean {
  const byName = new Map<string, { key: string; inner: RequiredSelection[] }>();
  const isIn = (level: readonly RequiredSelection[]): boolean =>
    level.some((selection) => {
      if (selection.kind === 'fragment') return isIn(selection.selections);
      const name = selection.as ?? selection.name;
      const known = byName.get(name) ?? { key: selection.name, inner: [] };
      byName.set(name, known);
      known.inner.push(...(selection.selections ?? []));
      return known.key !== selection.name;
    });
  return isIn(selections) || [...byName.values()].some(({ inner }) => hasConflict(inner));
}

/** @param types - of the object, as far as `selections` is for some only */
function keepNeeded(selections: readonly RequiredSelection[], part: Part, types: readonly string[], at: string): RequiredSelection[] {
  return selections.flatMap((selection): RequiredSelection[] => {
    if (selection.kind === 'fragment')
      return [{ ...selection, selections: keepNeeded(selection.selections, part, at === '' ? selection.types : types, at) }];
    const { name, as } = selection;
    if (at === '' && part.isKey(types, name)) return [selection];
    const place = `${at}.${as ?? name}`;
    const needed = part.needs.get(place);
    // What nobody requires may be a key; an input with arguments never is.
    if (needed === undefined ? name.startsWith(INPUT_PREFIX) || part.others.has(place) : needed !== name) return [];
    return [
      { ...selection, selections: selection.selections === null ? null : keepNeeded(selection.selections, part, types, `${at}.${name}`) },
    ];
  });
}

/** The fields of `kept`, and `__typename` everywhere. */
function keepFields(set: SelectionSetNode, kept: ReadonlySet<FieldNode>): SelectionSetNode {
  return {
    ...set,
    selections: set.selections.flatMap((selection): SelectionNode[] => {
      if (selection.kind === Kind.FIELD) return kept.has(selection) || selection.name.value === '__typename' ? [selection] : [];
      if (selection.kind === Kind.FRAGMENT_SPREAD) return [selection];
      const selectionSet = keepFields(selection.selectionSet, kept);
      return selectionSet.selections.length === 0 ? [] : [{ ...selection, selectionSet }];
    }),
  };
}

function withoutSpreads(set: SelectionSetNode, fragments: ReadonlyMap<string, FragmentDefinitionNode>): SelectionSetNode {
  return {
    ...set,
    selections: set.selections.map((selection): SelectionNode => {
      if (selection.kind === Kind.FIELD) return selection;
      const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value) : selection;
      if (fragment === undefined) return selection;
      const { typeCondition, selectionSet } = fragment;
      return {
        kind: Kind.INLINE_FRAGMENT,
        ...(typeCondition === undefined ? {} : { typeCondition }),
        directives: selection.directives ?? [],
        selectionSet: withoutSpreads(selectionSet, fragments),
      };
    }),
  };
}

/** Variables and fragments in use below, those of fragments included. */
function collectUses(
  set: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  uses: { variables: Set<string>; spread: Set<string> },
): void {
  visit(set, {
    Variable: ({ name }) => void uses.variables.add(name.value),
    FragmentSpread: ({ name }) => {
      const fragment = fragments.get(name.value);
      if (fragment === undefined || uses.spread.has(name.value)) return;
      uses.spread.add(name.value);
      collectUses(fragment.selectionSet, fragments, uses);
    },
  });
}

/** Service name → its value of the enum `join__Graph`. */
function toGraphNames(supergraph: GraphQLSchema): Map<string, string> {
  const graphs = supergraph.getType('join__Graph');
  const names = new Map<string, string>();
  if (!isEnumType(graphs)) return names;
  for (const { name, astNode } of graphs.getValues()) {
    const given = astNode?.directives?.find((directive) => directive.name.value === 'join__graph')?.arguments ?? [];
    const value = given.find((argument) => argument.name.value === 'name')?.value;
    if (value?.kind === Kind.STRING) names.set(value.value, name);
  }
  return names;
}

/** First fields of every `@key`, as `graph Type field`. */
function toKeyFields(supergraph: GraphQLSchema): Set<string> {
  const keys = new Set<string>();
  for (const type of Object.values(supergraph.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const { name, arguments: given = [] } of type.astNode?.directives ?? []) {
      const [graph, key] = ['graph', 'key'].map((wanted) => given.find((argument) => argument.name.value === wanted)?.value);
      if (name.value !== 'join__type' || graph === undefined || key?.kind !== Kind.STRING) continue;
      const [fields] = parse(`{ ${key.value} }`, { noLocation: true }).definitions as [OperationDefinitionNode];
      for (const field of fields.selectionSet.selections)
        if (field.kind === Kind.FIELD) keys.add(`${print(graph)} ${type.name} ${field.name.value}`);
    }
  }
  return keys;
}

/** Names of the fields that stand under `@skip` or `@include` anywhere in an operation. */
export function findConditionalFields(
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): ReadonlySet<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  collect(operation.selectionSet, false);
  return found;

  function collect({ selections }: SelectionSetNode, outer: boolean): void {
    for (const selection of selections) {
      const when = readConditions(selection, []);
      const isConditional = outer || when === 'never' || when.length > 0;
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const key = `${selection.name.value} ${isConditional}`;
        const fragment = fragments.get(selection.name.value);
        if (fragment === undefined || seen.has(key)) continue;
        seen.add(key);
        collect(fragment.selectionSet, isConditional);
        continue;
      }
      if (selection.kind === Kind.FIELD && isConditional) found.add(selection.name.value);
      if (selection.selectionSet !== undefined) collect(selection.selectionSet, isConditional);
    }
  }
}
