import type { Json, JsonObject } from '#schema/contracts/json';
import type { ObjectShape, TypeShape } from '#schema/contracts/plan';
import { isObject } from './json-data.js';

/**
 * Is what stands at these keys of the merged data a part of the answer? Under @interfaceObject a service is asked for a field of objects
 * of all types, also where the caller wants it of some: what goes wrong with the others concerns nobody. What only serves other fields,
 * and what stands below a null, is taken for a part of it.
 */
export function isAnswered(shape: ObjectShape, data: JsonObject, keys: readonly (string | number)[]): boolean {
  let value: Json | undefined = data;
  let below: ObjectShape | undefined = shape;
  for (const key of keys) {
    if (typeof key === 'number') {
      value = Array.isArray(value) ? value[key] : undefined;
      continue;
    }
    if (below === undefined || !isObject(value)) return true;
    const fields = below.fields.filter(({ dataKey }) => dataKey === key);
    if (fields.length === 0) return true;
    const named: Json | undefined = value['__typename'];
    const field = fields.find(({ onTypes }) => onTypes === undefined || typeof named !== 'string' || onTypes.includes(named));
    if (field === undefined) return false;
    below = shapeBelow(field.type);
    value = value[key];
  }
  return true;
}

function shapeBelow(type: TypeShape): ObjectShape | undefined {
  if (type.kind === 'nonNull' || type.kind === 'list') return shapeBelow(type.of);
  return type.kind === 'object' ? type.shape : undefined;
}
