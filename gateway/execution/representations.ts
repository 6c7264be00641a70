import type { Json, JsonObject } from '#schema/contracts/json';
import type { EntityLookup, RequiredSelection } from '#schema/contracts/plan';
import { applyRewrites, cloneJson, deepMerge, isObject, type Target } from './json-data.js';

/** One representation to send and every object that its entity belongs to. */
export interface Representation {
  value: JsonObject;
  targets: Target[];
}

/**
 * Builds what one `_entities` field is asked for. Equal representations are sent once; objects that lack a required field, or
 * whose type is unknown, are left out.
 */
export function buildRepresentations(
  { requires, inputRewrites }: Pick<EntityLookup, 'requires' | 'inputRewrites'>,
  targets: readonly Target[],
): Representation[] {
  const byKey = new Map<string, Representation>();
  for (const target of targets) {
    const value = select(target.object, requires);
    if (value === undefined || typeof value['__typename'] !== 'string') continue;
    applyRewrites(inputRewrites, value);
    const key = JSON.stringify(value);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, { value, targets: [target] });
    else known.targets.push(target);
  }
  return [...byKey.values()];
}

/** @returns undefined when a required field is absent; a null one is a value */
function select(object: JsonObject, selections: readonly RequiredSelection[]): JsonObject | undefined {
  const out: JsonObject = {};
  for (const selection of selections) {
    if (selection.kind === 'fragment') {
      if (selection.types.length > 0 && !selection.types.includes(object['__typename'] as string)) continue;
      const inner = select(object, selection.selections);
      if (inner === undefined) return undefined;
      deepMerge(out, inner);
      continue;
    }
    const value = Object.hasOwn(object, selection.name) ? object[selection.name] : undefined;
    if (value === undefined) return undefined;
    const chosen = selection.selections === null ? cloneJson(value) : selectNested(value, selection.selections);
    if (chosen === undefined) return undefined;
    out[selection.as ?? selection.name] = chosen;
  }
  return out;
}

function selectNested(value: Json, selections: readonly RequiredSelection[]): Json | undefined {
  if (Array.isArray(value)) {
    const out: Json[] = [];
    for (const element of value) {
      const chosen = selectNested(element, selections);
      if (chosen === undefined) return undefined;
      out.push(chosen);
    }
    return out;
  }
  return isObject(value) ? select(value, selections) : value;
}
