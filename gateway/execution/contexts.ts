import type { Json, JsonObject } from '#schema/contracts/json';
import type { ContextVariable, RewriteStep } from '#schema/contracts/plan';
import { isObject, type Target } from './json-data.js';
import { toKeys } from './place.js';

/** Objects for which the context has the same values: they can share a request. */
export interface ContextGroup {
  /** A variable whose value is nowhere is left out. */
  values: JsonObject;
  targets: Target[];
}

/** @param root - the data that the targets stand in */
export function groupByContext(root: JsonObject, contexts: readonly ContextVariable[], targets: readonly Target[]): ContextGroup[] {
  const groups = new Map<string, ContextGroup>();
  for (const target of targets) {
    const values = readContexts(root, contexts, toKeys(target.at));
    const key = JSON.stringify(values);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { values, targets: [target] });
    else group.targets.push(target);
  }
  return [...groups.values()];
}

function readContexts(root: JsonObject, contexts: readonly ContextVariable[], path: readonly (string | number)[]): JsonObject {
  const values: JsonObject = {};
  for (const { variable, up, path: steps } of contexts) {
    // Several types may set one context: the first that fits.
    if (Object.hasOwn(values, variable)) continue;
    const value = readAt(objectAbove(root, path, up), steps);
    if (value !== undefined) values[variable] = value;
  }
  return values;
}

/** A list's elements are as far from its owner as the list. */
function objectAbove(root: JsonObject, path: readonly (string | number)[], up: number): Json | undefined {
  let length = path.length;
  for (let level = 0; level < up; level++) {
    while (length > 0 && typeof path[length - 1] === 'number') length--;
    length = Math.max(0, length - 1);
  }
  let value: Json | undefined = root;
  for (const key of path.slice(0, length)) {
    if (Array.isArray(value)) value = value[key as number];
    else value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

function readAt(value: Json | undefined, steps: readonly RewriteStep[]): Json | undefined {
  const [step, ...rest] = steps;
  if (step === undefined || value === undefined || value === null) return value;
  if (Array.isArray(value)) {
    const elements = value.map((element) => readAt(element, steps));
    return elements.every((element) => element !== undefined) ? elements : undefined;
  }
  if (!isObject(value)) return undefined;
  if ('types' in step)
    return value['__typename'] === undefined || step.types.includes(value['__typename'] as string) ? readAt(value, rest) : undefined;
  return Object.hasOwn(value, step.field) ? readAt(value[step.field], rest) : undefined;
}
