// The supergraph's `@requiresScopes` and `@policy` as a table: what a field needs, looked up by its coordinate. Read once a generation.
// A field needs what it declares itself, what the type it stands on declares, and what the type it returns declares. On an interface it
// needs all that for every implementation too: which of them answers is not known before it is asked.
// `@authenticated` needs no row: nobody without a credential comes as far as a document (see graphql-http.ts, graphql-ws.ts).
import {
  type ConstDirectiveNode,
  type ConstValueNode,
  type DocumentNode,
  type FieldDefinitionNode,
  Kind,
  type TypeDefinitionNode,
  type TypeNode,
} from 'graphql';

/** Met by whoever has all of one inner list. */
export interface Need {
  kind: 'scopes' | 'policies';
  anyOf: readonly (readonly string[])[];
}

/** By coordinate, e.g. `Query.files`; all needs of a field must be met. Fields that need nothing are absent. */
export type AccessRules = ReadonlyMap<string, readonly Need[]>;

type Named = Extract<TypeDefinitionNode, { fields?: readonly unknown[] }>;

/** @param supergraph - as composed, not the API schema: that has lost its directives */
export function readAccessRules(supergraph: DocumentNode): AccessRules {
  const names = directiveNames(supergraph);
  const rules = new Map<string, readonly Need[]>();
  if (names.size === 0) return rules;
  const needsOf = (node: { directives?: readonly ConstDirectiveNode[] } | undefined): Need[] => readNeeds(node?.directives ?? [], names);

  const types = new Map<string, TypeDefinitionNode>();
  const implementations = new Map<string, Named[]>();
  for (const node of supergraph.definitions) {
    if (!('name' in node) || node.name === undefined || node.kind === Kind.DIRECTIVE_DEFINITION) continue;
    types.set(node.name.value, node as TypeDefinitionNode);
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION) continue;
    for (const { name } of node.interfaces ?? []) implementations.set(name.value, [...(implementations.get(name.value) ?? []), node]);
  }

  for (const [typeName, type] of types) {
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION && type.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue;
    for (const field of type.fields ?? []) {
      const needs = [type, ...(implementations.get(typeName) ?? [])].flatMap((owner) => {
        const own = fieldOf(owner, field.name.value);
        return own === undefined ? [] : [...needsOf(owner), ...needsOf(own), ...needsOf(types.get(namedType(own.type)))];
      });
      if (needs.length > 0) rules.set(`${typeName}.${field.name.value}`, withoutRepeats(needs));
    }
  }
  return rules;
}

/** What the supergraph calls the two directives: they may be renamed where their specification is linked. */
function directiveNames(supergraph: DocumentNode): ReadonlyMap<string, Need['kind']> {
  const names = new Map<string, Need['kind']>();
  for (const definition of supergraph.definitions) {
    if (definition.kind !== Kind.SCHEMA_DEFINITION && definition.kind !== Kind.SCHEMA_EXTENSION) continue;
    for (const { name, arguments: given = [] } of definition.directives ?? []) {
      const text = (argument: string): string | undefined => {
        const value = given.find((node) => node.name.value === argument)?.value;
        return value?.kind === Kind.STRING ? value.value : undefined;
      };
      const feature = /\/(requiresScopes|policy)\/v/.exec(text('url') ?? '')?.[1];
      if (name.value === 'link' && feature !== undefined) names.set(text('as') ?? feature, feature === 'policy' ? 'policies' : 'scopes');
    }
  }
  return names;
}

function readNeeds(directives: readonly ConstDirectiveNode[], names: ReadonlyMap<string, Need['kind']>): Need[] {
  return directives.flatMap(({ name, arguments: given = [] }) => {
    const kind = names.get(name.value);
    if (kind === undefined) return [];
    return [{ kind, anyOf: items(given.find((node) => node.name.value === kind)?.value).map((all) => items(all).map(toText)) }];
  });
}

/** A single value stands for a list of one. */
function items(value: ConstValueNode | undefined): readonly ConstValueNode[] {
  return value === undefined ? [] : value.kind === Kind.LIST ? value.values : [value];
}

function toText(value: ConstValueNode): string {
  return value.kind === Kind.STRING ? value.value : '';
}

function fieldOf(owner: Named | TypeDefinitionNode, name: string): FieldDefinitionNode | undefined {
  return 'fields' in owner
    ? (owner.fields as readonly FieldDefinitionNode[] | undefined)?.find((field) => field.name.value === name)
    : undefined;
}

function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}

function withoutRepeats(needs: readonly Need[]): Need[] {
  return [...new Map(needs.map((need) => [JSON.stringify(need), need])).values()];
}
