// Merging and walking of plain JSON. Answers come from foreign services: a key `__proto__` must stay data or vanish, never
// reach a prototype.
import type { DataRewrite, PathStep, RewriteStep } from '#schema/contracts/plan';
import type { Json, JsonObject } from '#schema/contracts/json';
import type { Place } from './place.js';

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Merges `source` into `target`: objects key by key, lists of equal length element by element, anything else replaces. Null never
 * replaces a value, so that the order in which services answer does not decide whether there is one.
 *
 * @param take - what becomes of a part of `source` that `target` gets whole: itself, or a copy when others get it too
 */
export function deepMerge(target: JsonObject, source: JsonObject, take: (value: Json) => Json = asItIs): void {
  for (const key of Object.keys(source)) {
    if (key === '__proto__') continue;
    const value = source[key] as Json;
    const known = Object.hasOwn(target, key) ? target[key] : undefined;
    target[key] = known === undefined ? take(value) : merged(known, value, take);
  }
}

const asItIs = (value: Json): Json => value;

function merged(known: Json, value: Json, take: (value: Json) => Json): Json {
  if (isObject(known) && isObject(value)) {
    deepMerge(known, value, take);
    return known;
  }
  if (Array.isArray(known) && Array.isArray(value) && known.length === value.length) {
    for (let i = 0; i < known.length; i++) known[i] = merged(known[i] as Json, value[i] as Json, take);
    return known;
  }
  return value === null ? known : take(value);
}

export function cloneJson<T extends Json>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(cloneJson) as T;
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) if (key !== '__proto__') copy[key] = cloneJson(value[key] as Json);
  return copy as T;
}

/** An object of the merged data and where it stands in the response. */
export interface Target {
  object: JsonObject;
  at: Place;
}

/** Every object at `path`, added to `found`; branches that are null, absent or of another type end silently. */
export function findTargets(root: JsonObject, path: readonly PathStep[], found: Target[] = []): Target[] {
  walk(root, path, 0, null, found);
  return found;
}

function walk(value: Json | undefined, path: readonly PathStep[], depth: number, at: Place, found: Target[]): void {
  if (typeof value !== 'object' || value === null) return;
  const isList = Array.isArray(value);
  const { types } = path[depth - 1] ?? {};
  if (types !== undefined && (isList || !types.includes(value['__typename'] as string))) return;
  const step = path[depth];
  if (step === undefined) {
    if (!isList) found.push({ object: value, at });
  } else if ('list' in step) {
    if (isList) for (let key = 0; key < value.length; key++) walk(value[key], path, depth + 1, { key, up: at }, found);
  } else if (!isList) {
    walk(value[step.field], path, depth + 1, { key: step.field, up: at }, found);
  }
}

/** The path up to the first list: where an error stands that concerns a fetch as a whole. */
export function toErrorPath(path: readonly PathStep[]): string[] {
  const fields: string[] = [];
  for (const step of path) {
    if ('list' in step) break;
    fields.push(step.field);
  }
  return fields;
}

/** Applies the planner's rewrites to one value; a path that does not exist in it changes nothing. */
export function applyRewrites(rewrites: readonly DataRewrite[], value: JsonObject): void {
  for (const rewrite of rewrites) {
    const last = rewrite.path.at(-1);
    if (last === undefined || !('field' in last)) continue;
    forEachObjectAt(value, rewrite.path.slice(0, -1), (object) => {
      if (rewrite.kind === 'set') {
        object[last.field] = rewrite.value;
      } else if (object[last.field] !== undefined) {
        object[rewrite.to] = object[last.field] as Json;
        delete object[last.field];
      }
    });
  }
}

function forEachObjectAt(value: Json | undefined, path: readonly RewriteStep[], visit: (object: JsonObject) => void): void {
  if (Array.isArray(value)) {
    for (const element of value) forEachObjectAt(element, path, visit);
    return;
  }
  if (!isObject(value)) return;
  const [step, ...rest] = path;
  if (step === undefined) visit(value);
  else if ('field' in step) forEachObjectAt(value[step.field], rest, visit);
  // An object whose type nobody asked for is taken to fit.
  else if (value['__typename'] === undefined || step.types.includes(value['__typename'] as string)) forEachObjectAt(value, rest, visit);
}
