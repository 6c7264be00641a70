// A response shape as closures, made once for each plan and kept with it: what depends on the shape alone (which kind of value, which
// check, which conditions) is decided when it is compiled. Closures, not generated code: workflows may not evaluate text.
// Objects are compiled when the first of their kind is shaped, so that a large shape with little data costs little.
import type { Json, JsonObject } from '#schema/contracts/json';
import type { FieldShape, ObjectShape, TypeShape } from '#schema/contracts/plan';
import { isObject } from './json-data.js';
import type { Place } from './place.js';

/** One answer's own. */
export interface Shaping {
  variables: JsonObject;
  errors: ShapingErrors;
}

export interface ShapingErrors {
  /** A value is not of its type. */
  fail(key: string | number, up: Place, message: string): null;
  /** There is no value where one is required. @param isAbsent - not even null came */
  miss(isAbsent: boolean, key: string | number, up: Place): void;
  /** The caller may not have the field. @returns what stands in its place */
  deny(key: string, up: Place, message: string, type: TypeShape): null | undefined;
}

/** @returns undefined for a null that may not stand here: it moves up to the nearest place that may be null */
export type ObjectShaper = (data: JsonObject, at: Place, shaping: Shaping) => JsonObject | undefined;
/** Undefined as above. The place is `key` below `up`. */
type Completion = (value: Json | undefined, key: string | number, up: Place, shaping: Shaping) => Json | undefined;

interface FieldShaper {
  key: string;
  isSelected: ((type: Json | undefined, variables: JsonObject) => boolean) | null;
  shape: (data: JsonObject, up: Place, shaping: Shaping) => Json | undefined;
}

const shapers = new WeakMap<ObjectShape, ObjectShaper>();

export function shaperOf(shape: ObjectShape): ObjectShaper {
  let shaper = shapers.get(shape);
  if (shaper === undefined) {
    shaper = compileObject(shape);
    shapers.set(shape, shaper);
  }
  return shaper;
}

function compileObject(shape: ObjectShape): ObjectShaper {
  const fields = shape.fields.filter(({ introspection }) => introspection !== true).map((field) => compileField(field, shape));
  // Such a key would set the prototype of a plain object.
  const hasProto = fields.some(({ key }) => key === '__proto__');
  return (data, at, shaping) => {
    const out: JsonObject = hasProto ? (Object.create(null) as JsonObject) : {};
    for (const { key, isSelected, shape: shapeField } of fields) {
      if (isSelected !== null && !isSelected(data['__typename'], shaping.variables)) continue;
      const value = shapeField(data, at, shaping);
      if (value === undefined) return undefined;
      out[key] = value;
    }
    return out;
  };
}

function compileField(field: FieldShape, { types }: ObjectShape): FieldShaper {
  const { responseKey: key, dataKey, typename, denied, type } = field;
  const isSelected = compileSelection(field);
  if (typename === true) {
    const [first] = types as [string];
    const isKnown = oneOf(types);
    // An object with one possible type need not have been asked for it.
    if (types.length === 1) return { key, isSelected, shape: ({ __typename: named }) => (isKnown(named) ? named : first) };
    return {
      key,
      isSelected,
      shape({ __typename: named }, up, { errors }) {
        if (isKnown(named)) return named;
        errors.fail(key, up, UNKNOWN_TYPE);
        return undefined;
      },
    };
  }
  if (denied !== undefined) return { key, isSelected, shape: (_, up, { errors }) => errors.deny(key, up, denied, type) };
  const complete = compileType(type);
  return {
    key,
    isSelected,
    // An inherited name is no data.
    shape:
      dataKey in Object.prototype
        ? (data, up, shaping) => complete(Object.hasOwn(data, dataKey) ? data[dataKey] : undefined, key, up, shaping)
        : (data, up, shaping) => complete(data[dataKey], key, up, shaping),
  };
}

function compileSelection(field: FieldShape): FieldShaper['isSelected'] {
  const { onTypes, when } = field;
  if (onTypes === undefined && when === undefined) return null;
  const isOnType = onTypes === undefined ? () => true : oneOf(onTypes);
  return (type, variables) => isOnType(type) && isWanted(field, variables);
}

function isWanted({ when }: FieldShape, variables: JsonObject): boolean {
  return when === undefined || when.some((all) => all.every(({ variable, equals }) => (variables[variable] === true) === equals));
}

function compileType(type: TypeShape): Completion {
  switch (type.kind) {
    case 'nonNull': {
      const complete = compileType(type.of);
      return (value, key, up, shaping) => {
        const completed = complete(value, key, up, shaping);
        if (completed !== null) return completed;
        if (value === null || value === undefined) shaping.errors.miss(value === undefined, key, up);
        return undefined;
      };
    }
    case 'list': {
      const complete = compileType(type.of);
      return (value, key, up, shaping) => {
        if (value === null || value === undefined) return null;
        if (!Array.isArray(value)) return shaping.errors.fail(key, up, 'expected a list');
        const at = { key, up };
        const out: Json[] = [];
        for (let index = 0; index < value.length; index++) {
          const element = complete(value[index], index, at, shaping);
          if (element === undefined) return null;
          out.push(element);
        }
        return out;
      };
    }
    case 'object': {
      const { shape, name } = type;
      const isPublic = oneOf(shape.types);
      const byType = shape.fields.filter(({ onTypes }) => onTypes !== undefined);
      const needsType = (variables: JsonObject): boolean => byType.some((field) => isWanted(field, variables));
      let shaper: ObjectShaper | undefined;
      return (value, key, up, shaping) => {
        if (value === null || value === undefined) return null;
        if (!isObject(value)) return shaping.errors.fail(key, up, 'expected an object');
        const named = value['__typename'];
        // A type that the API hides must not be named. A service that knows an interface as an object names that: its own fields need no more.
        if (typeof named === 'string' && !isPublic(named) && named !== name)
          return shaping.errors.fail(key, up, 'the object is of a type that is not part of this API');
        // Nobody told its own type. What is selected of certain types may be missing, so the answer must not look whole.
        if (named === name && byType.length > 0 && !isPublic(named) && needsType(shaping.variables))
          shaping.errors.fail(key, up, UNKNOWN_TYPE);
        shaper ??= shaperOf(shape);
        return shaper(value, { key, up }, shaping) ?? null;
      };
    }
    case 'enum': {
      const isValue = oneOf(type.values);
      const message = `expected a value of the enum ${type.name}`;
      return (value, key, up, { errors }) =>
        value === null || value === undefined ? null : isValue(value) ? value : errors.fail(key, up, message);
    }
    case 'leaf': {
      if (type.name === 'ID') return completeId;
      const isLeaf = LEAVES.get(type.name);
      if (isLeaf === undefined) return (value) => value ?? null;
      const message = toLeafMessage(type.name);
      return (value, key, up, { errors }) =>
        value === null || value === undefined ? null : isLeaf(value) ? value : errors.fail(key, up, message);
    }
  }
}

const UNKNOWN_TYPE = 'the type of the object is not known';

const LEAVES: ReadonlyMap<string, (value: Json) => boolean> = new Map([
  ['Int', (value: Json) => typeof value === 'number' && (value | 0) === value],
  ['Float', (value: Json) => typeof value === 'number'],
  ['Boolean', (value: Json) => typeof value === 'boolean'],
  ['String', (value: Json) => typeof value === 'string'],
]);

const toLeafMessage = (name: string): string => `expected a value of the type ${name}`;

const completeId: Completion = (value, key, up, { errors }) => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  return value === null || value === undefined ? null : errors.fail(key, up, toLeafMessage('ID'));
};

function oneOf(names: readonly string[]): (name: Json | undefined) => boolean {
  if (names.length === 1) return (name) => name === names[0];
  const set: ReadonlySet<unknown> = new Set(names);
  return (name) => set.has(name);
}
