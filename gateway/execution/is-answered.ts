import type { Json, JsonObject } from '#schema/contracts/json';
import type { ObjectShape, TypeShape } from '#schema/contracts/plan';
import { isSelected } from './is-complete.js';
import { isObject } from './json-data.js';

/**
 * Is what stands at these keys of the merged data a part of the answer? The planner's paths know no types: a service is asked for a
 * field of all objects at a path, also where the caller wants it of those of one type only. What goes wrong with the others concerns
 * nobody. What only serves other fields, and what stands below a null, is taken for a part of the answer.
 */
export function isAnswered(shape: ObjectShape, data: JsonObject, keys: readonly (string | number)[], variables: JsonObject): boolean {
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
    if (field === undefined) return others.length === 0;
    elsewhere = others.flatMap((other) => (other === field ? [] : (shapeBelow(other.type) ?? [])));
    answered = shapeBelow(field.type);
    value = value[key];
  }
  return true;
}

function shapeBelow(type: TypeShape): ObjectShape | undefined {
  if (type.kind === 'nonNull' || type.kind === 'list') return shapeBelow(type.of);
  return type.kind === 'object' ? type.shape : undefined;
}
