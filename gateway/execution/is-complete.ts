// Has everything of a shape been fetched? What a service answered with null is there; what was not asked yet is not.
import type { Json, JsonObject } from '#schema/contracts/json';
import type { FieldShape, ObjectShape, TypeShape } from '#schema/contracts/plan';
import { isObject } from './json-data.js';

/** @param data - merged so far, as the executor holds it */
export function isComplete(shape: ObjectShape, data: JsonObject, variables: JsonObject): boolean {
  return shape.fields.every(
    (field) =>
      isNotFetched(field) ||
      !isSelected(field, data['__typename'], variables) ||
      (Object.hasOwn(data, field.dataKey) && isValueComplete(field.type, data[field.dataKey], variables)),
  );
}

function isNotFetched({ introspection, typename, denied }: FieldShape): boolean {
  return introspection === true || typename === true || denied !== undefined;
}

export function isSelected({ onTypes, when }: FieldShape, type: Json | undefined, variables: JsonObject): boolean {
  if (onTypes !== undefined && !onTypes.includes(type as string)) return false;
  return when === undefined || when.some((all) => all.every(({ variable, equals }) => (variables[variable] === true) === equals));
}

function isValueComplete(type: TypeShape, value: Json | undefined, variables: JsonObject): boolean {
  if (value === null || value === undefined) return true;
  switch (type.kind) {
    case 'nonNull':
      return isValueComplete(type.of, value, variables);
    case 'list':
      return !Array.isArray(value) || value.every((element) => isValueComplete(type.of, element, variables));
    case 'object':
      return !isObject(value) || isComplete(type.shape, value, variables);
    default:
      return true;
  }
}
