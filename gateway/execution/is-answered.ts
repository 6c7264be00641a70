import type { Json, JsonObject } from '#schema/contracts/json';
import type { ExecutablePlan, ObjectShape, PlanNode, RequiredSelection, TypeShape } from '#schema/contracts/plan';
import { isSelected } from './is-complete.js';
import { isObject } from './json-data.js';

type Keys = readonly (string | number)[];

/**
 * Is what stands at these keys of the merged data a part of the answer? The planner's paths know no types: a service is asked for a
 * field of all objects at a path, also where the caller wants it of those of one type only. What goes wrong with the others concerns
 * nobody, unless another fetch needs it. What is selected of no type, and what stands below a null, is taken for a part of the answer.
 */
export function createAnswerTest({ root, shape }: Pick<ExecutablePlan, 'root' | 'shape'>, data: JsonObject, variables: JsonObject) {
  let inputs: ReadonlySet<string> | undefined;
  return function isAnswered(keys: Keys): boolean {
    let value: Json | undefined = data;
    let answered: ObjectShape | undefined = shape;
    /** What the caller wants at this place of objects of other types. */
    let elsewhere: readonly ObjectShape[] = [];
    for (const key of keys) {
      if (typeof key === 'number') {
        value = Array.isArray(value) ? value[key] : undefined;
        continue;
      }
      if (answered === undefined || !isObject(value)) return true;
      const type = value['__typename'];
      const candidates = answered.fields.filter(({ dataKey }) => dataKey === key);
      const field = candidates.find((candidate) => isSelected(candidate, type, variables));
      const others = [...candidates, ...elsewhere.flatMap(({ fields }) => fields.filter(({ dataKey }) => dataKey === key))];
      if (field === undefined) return others.length === 0 || (inputs ??= inputsOf(root)).has(key);
      elsewhere = others.flatMap((other) => (other === field ? [] : (shapeBelow(other.type) ?? [])));
      answered = shapeBelow(field.type);
      value = value[key];
    }
    return true;
  };
}

/** Keys of the merged data that representations and contexts are made of. */
function inputsOf(root: PlanNode | null): ReadonlySet<string> {
  const names = new Set<string>();
  if (root !== null) collectInputs(root, names);
  return names;
}

function collectInputs(node: PlanNode, into: Set<string>): void {
  switch (node.kind) {
    case 'fetch':
      collectNames(node.requires ?? [], into);
      for (const { path } of node.contexts ?? []) for (const step of path) if ('field' in step) into.add(step.field);
      return;
    case 'merged':
      for (const { requires } of node.lookups) collectNames(requires, into);
      return;
    case 'place':
      return;
    case 'sequence':
    case 'parallel':
      for (const child of node.nodes) collectInputs(child, into);
      return;
    case 'condition':
      for (const branch of [node.then, node.otherwise]) if (branch !== null) collectInputs(branch, into);
  }
}

function collectNames(selections: readonly RequiredSelection[], into: Set<string>): void {
  for (const selection of selections) {
    if (selection.kind === 'field') into.add(selection.name);
    collectNames(selection.selections ?? [], into);
  }
}

function shapeBelow(type: TypeShape): ObjectShape | undefined {
  if (type.kind === 'nonNull' || type.kind === 'list') return shapeBelow(type.of);
  return type.kind === 'object' ? type.shape : undefined;
}
