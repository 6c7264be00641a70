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
  const select = selectorOf(requires);
  for (const target of targets) {
    const value: JsonObject = {};
    if (!select(target.object, value) || typeof value['__typename'] !== 'string') continue;
    applyRewrites(inputRewrites, value);
    const key = toKey(value);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, { value, targets: [target] });
    else known.targets.push(target);
  }
  return [...byKey.values()];
}

/** As JSON does, but for the usual representation of a few short values in half the time. */
function toKey(value: JsonObject): string {
  let key = '';
  for (const name of Object.keys(value)) {
    const part = value[name];
    if (typeof part === 'string') key += `${name}"${part.length}:${part}`;
    else key += `${name}=${JSON.stringify(part)};`;
  }
  return key;
}

/** Writes what is selected into `out`. @returns false when a required field is absent; a null one is a value */
type Selector = (object: JsonObject, out: JsonObject) => boolean;

const selectors = new WeakMap<readonly RequiredSelection[], Selector>();

/** Made once for each plan, as the shapers are. */
function selectorOf(selections: readonly RequiredSelection[]): Selector {
  let selector = selectors.get(selections);
  if (selector === undefined) {
    const parts = selections.map(compileSelection);
    selector = (object, out) => {
      for (const part of parts) if (!part(object, out)) return false;
      return true;
    };
    selectors.set(selections, selector);
  }
  return selector;
}

function compileSelection(selection: RequiredSelection): Selector {
  if (selection.kind === 'fragment') {
    const { types } = selection;
    const select = selectorOf(selection.selections);
    return (object, out) => (types.length > 0 && !types.includes(object['__typename'] as string) ? true : select(object, out));
  }
  const { name, as = name, selections } = selection;
  const select = selections === null ? null : selectorOf(selections);
  return (object, out) => {
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    if (value === undefined) return false;
    const chosen = select === null ? cloneJson(value) : selectNested(value, select);
    if (chosen === undefined) return false;
    // Two fragments may each take parts of it.
    if (select !== null && Object.hasOwn(out, as)) deepMerge(out, { [as]: chosen });
    else out[as] = chosen;
    return true;
  };
}

function selectNested(value: Json, select: Selector): Json | undefined {
  if (Array.isArray(value)) {
    const out: Json[] = [];
    for (const element of value) {
      const chosen = selectNested(element, select);
      if (chosen === undefined) return undefined;
      out.push(chosen);
    }
    return out;
  }
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  return select(value, out) ? out : undefined;
}
