// What `@defer` takes out of a document, and where it belongs in the answer. Pure.
// D1. A part is what one deferred fragment selects; a `@defer` inside a deferred fragment comes with it.
// D2. A document with too many parts is not deferred at all: the spec lets a server answer at once.
import {
  type DirectiveNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  type InlineFragmentNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import type { Json, JsonObject } from '#schema/contracts/json';

const MAX_PARTS = 50;
const MAX_SELECTIONS = 2_000;
/** Stands where everything beside it was deferred; it never leaves the gateway. */
export const PLACEHOLDER_KEY = '_sluice_deferred';

export interface DeferredPart {
  label: string | null;
  /** Response keys from the root to the objects that the part belongs to; lists are passed through. */
  path: readonly string[];
  selections: SelectionSetNode;
}

export interface DeferredDocument {
  /** Without what is deferred. */
  primary: DocumentNode;
  /** With everything, and without `@defer`. */
  full: DocumentNode;
  parts: readonly DeferredPart[];
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
}

/** @param variables - for `@defer(if: $variable)` */
export function splitDeferred(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): DeferredDocument {
  const definitions = document.definitions.flatMap((node): [string, FragmentDefinitionNode][] =>
    node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [],
  );
  const fragments = new Map(definitions);
  const parts: DeferredPart[] = [];
  let selections = 0;

  function split(set: SelectionSetNode, path: readonly string[]): SelectionSetNode {
    const kept = set.selections.flatMap((selection) => splitSelection(selection, path));
    return { ...set, selections: kept.length > 0 ? kept : [PLACEHOLDER] };
  }
  function splitSelection(selection: SelectionNode, path: readonly string[]): SelectionNode[] {
    selections++;
    // What is over the limits is not looked into: its parts are not used.
    if (selections > MAX_SELECTIONS) return [selection];
    if (selection.kind === Kind.FIELD) {
      const key = selection.alias?.value ?? selection.name.value;
      return [
        selection.selectionSet === undefined ? selection : { ...selection, selectionSet: split(selection.selectionSet, [...path, key]) },
      ];
    }
    const inner = toInline(selection, fragments);
    if (inner === undefined) return [];
    const defer = selection.directives?.find(isDefer);
    if (defer !== undefined && isOn(defer, variables)) {
      parts.push({ label: textOf(defer, 'label'), path, selections: inner.selectionSet });
      return [];
    }
    return [{ ...inner, selectionSet: split(inner.selectionSet, path) }];
  }

  const primaryOperation = { ...operation, selectionSet: split(operation.selectionSet, []) };
  const others = document.definitions.filter((node) => node !== operation && node.kind !== Kind.FRAGMENT_DEFINITION);
  const isTooMuch = parts.length > MAX_PARTS || selections > MAX_SELECTIONS;
  return {
    primary: withoutDefer({ ...document, definitions: [primaryOperation, ...others] }),
    full: withoutDefer(document),
    parts: isTooMuch ? [] : parts,
    fragments,
  };
}

/** What the part selects of each object it belongs to; null where the object is null in the whole answer. */
export function pickPart(
  { path, selections }: DeferredPart,
  { fragments }: Pick<DeferredDocument, 'fragments'>,
  answer: JsonObject | null,
): { path: (string | number)[]; data: JsonObject | null }[] {
  const picked: { path: (string | number)[]; data: JsonObject | null }[] = [];
  descend(answer, [], 0);
  return picked;

  function descend(value: Json | undefined, at: (string | number)[], depth: number): void {
    if (value === undefined) return;
    if (Array.isArray(value)) return value.forEach((element, index) => descend(element, [...at, index], depth));
    if (value === null || typeof value !== 'object') return void picked.push({ path: at, data: null });
    const key = path[depth];
    if (key !== undefined) return descend(value[key], [...at, key], depth + 1);
    const data = pick(value, selections);
    if (Object.keys(data).length > 0) picked.push({ path: at, data });
  }

  /** A key that is not in the object was selected for another type, or is skipped. */
  function pick(object: JsonObject, set: SelectionSetNode): JsonObject {
    const out: JsonObject = {};
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        if (!Object.hasOwn(object, key)) continue;
        const value = selection.selectionSet === undefined ? object[key] : pickValue(object[key] as Json, selection.selectionSet);
        // Two fragments may select parts of one field.
        out[key] = isRecord(out[key]) && isRecord(value) ? { ...out[key], ...value } : (value as Json);
        continue;
      }
      const inner = toInline(selection, fragments);
      if (inner !== undefined) Object.assign(out, pick(object, inner.selectionSet));
    }
    return out;
  }
  function pickValue(value: Json, set: SelectionSetNode): Json {
    if (Array.isArray(value)) return value.map((element) => pickValue(element, set));
    return isRecord(value) ? pick(value, set) : value;
  }
}

const PLACEHOLDER: SelectionNode = {
  kind: Kind.FIELD,
  name: { kind: Kind.NAME, value: '__typename' },
  alias: { kind: Kind.NAME, value: PLACEHOLDER_KEY },
};

function toInline(
  selection: FragmentSpreadNode | InlineFragmentNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
): InlineFragmentNode | undefined {
  if (selection.kind === Kind.INLINE_FRAGMENT) return selection;
  const fragment = fragments.get(selection.name.value);
  if (fragment === undefined) return undefined;
  const { typeCondition, selectionSet } = fragment;
  return { kind: Kind.INLINE_FRAGMENT, typeCondition, selectionSet, ...(selection.directives && { directives: selection.directives }) };
}

function withoutDefer(document: DocumentNode): DocumentNode {
  return visit(document, { Directive: (node) => (isDefer(node) ? null : undefined) });
}

function isDefer({ name }: DirectiveNode): boolean {
  return name.value === 'defer';
}

function isOn(defer: DirectiveNode, variables: Readonly<Record<string, unknown>>): boolean {
  const condition = defer.arguments?.find(({ name }) => name.value === 'if')?.value;
  if (condition?.kind === Kind.VARIABLE) return variables[condition.name.value] !== false;
  return condition?.kind !== Kind.BOOLEAN || condition.value;
}

function textOf(directive: DirectiveNode, argument: string): string | null {
  const value = directive.arguments?.find(({ name }) => name.value === argument)?.value;
  return value?.kind === Kind.STRING ? value.value : null;
}

function isRecord(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
