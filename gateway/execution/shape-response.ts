// From merged data to the answer: the caller's selection in the order of the query, checked against the API schema's types.
// Follows "CompleteValue" and "Handling Execution Errors" of the GraphQL spec. What a service has already explained by an error
// at or below a path is not explained again.
import type { Json, JsonObject } from '#schema/contracts/json';
import type { FieldShape, GraphQLErrorJson, GraphQLResponse, ObjectShape, TypeShape } from '#schema/contracts/plan';
import { isObject } from './json-data.js';

type Path = { key: string | number; up: Path } | null;

/** A denied field of a long list's elements is explained this often; then the nulls speak for themselves. */
const MAX_DENIALS = 100;

/** Thrown up to the next nullable place; never leaves this module. */
class NullBubble extends Error {}
/** One for all: what it means is where it is caught. */
const BUBBLE = new NullBubble();

/** @param data - is not changed */
export function shapeResponse(
  shape: ObjectShape,
  data: JsonObject,
  serviceErrors: readonly GraphQLErrorJson[],
  variables: JsonObject,
): GraphQLResponse {
  const shaper = new Shaper(serviceErrors, variables);
  let shaped: JsonObject | null;
  try {
    shaped = shaper.shapeObject(shape, data, null);
  } catch (bubble) {
    if (bubble !== BUBBLE) throw bubble;
    shaped = null;
  }
  const errors = [...serviceErrors, ...shaper.errors];
  return errors.length === 0 ? { data: shaped } : { data: shaped, errors };
}

class Shaper {
  readonly errors: GraphQLErrorJson[] = [];
  /** Paths of service errors. */
  readonly #failed: ReadonlySet<string>;
  /** Those and everything above them. */
  readonly #above: ReadonlySet<string>;
  #denials = 0;

  constructor(
    serviceErrors: readonly GraphQLErrorJson[],
    private readonly variables: JsonObject,
  ) {
    const paths = serviceErrors.map(({ path = [] }) => path);
    this.#failed = new Set(paths.map((path) => JSON.stringify(path)));
    this.#above = new Set(paths.flatMap((path) => path.map((_, length) => JSON.stringify(path.slice(0, length)))));
  }

  /** @throws BUBBLE */
  shapeObject(shape: ObjectShape, data: JsonObject, path: Path): JsonObject {
    const out = Object.create(null) as JsonObject;
    const type = data['__typename'];
    for (const field of shape.fields) {
      if (field.introspection === true || !this.#isSelected(field, type)) continue;
      if (field.typename === true) {
        // An object with one possible type need not have been asked for it.
        out[field.responseKey] = typeof type === 'string' && shape.types.includes(type) ? type : (shape.types[0] as string);
        continue;
      }
      const at: Path = { key: field.responseKey, up: path };
      if (field.denied !== undefined) {
        out[field.responseKey] = this.#deny(field.denied, field.type, at);
        continue;
      }
      out[field.responseKey] = this.#complete(field.type, Object.hasOwn(data, field.dataKey) ? data[field.dataKey] : undefined, at);
    }
    return out;
  }

  #isSelected(field: FieldShape, type: Json | undefined): boolean {
    if (field.onTypes !== undefined && !field.onTypes.includes(type as string)) return false;
    return (
      field.when === undefined ||
      field.when.some((all) => all.every(({ variable, equals }) => (this.variables[variable] === true) === equals))
    );
  }

  #complete(type: TypeShape, value: Json | undefined, path: Path): Json {
    if (type.kind === 'nonNull') {
      const completed = this.#complete(type.of, value, path);
      if (completed !== null) return completed;
      // An entity that failed is null as a whole: what its service said of one field explains the others, which are absent.
      const isExplained = value === undefined && this.#above.has(JSON.stringify(toList(path).slice(0, -1)));
      if ((value === null || value === undefined) && !isExplained) this.#fail(path, `a value is required here, and the service gave none`);
      throw BUBBLE;
    }
    if (value === null || value === undefined) return null;
    switch (type.kind) {
      case 'list':
        return Array.isArray(value)
          ? this.#nullable(() => value.map((element, index) => this.#complete(type.of, element, { key: index, up: path })))
          : this.#fail(path, 'expected a list');
      case 'object':
        return this.#completeObject(type.shape, value, path);
      case 'enum':
        return typeof value === 'string' && type.values.includes(value)
          ? value
          : this.#fail(path, `expected a value of the enum ${type.name}`);
      case 'leaf':
        if (!isLeaf(type.name, value)) return this.#fail(path, `expected a value of the type ${type.name}`);
        return type.name === 'ID' && typeof value === 'number' ? String(value) : value;
    }
  }

  #completeObject(shape: ObjectShape, value: Json, path: Path): Json {
    if (!isObject(value)) return this.#fail(path, 'expected an object');
    const type = value['__typename'];
    // A type that the API hides must not be named.
    if (typeof type === 'string' && !shape.types.includes(type))
      return this.#fail(path, 'the object is of a type that is not part of this API');
    return this.#nullable(() => this.shapeObject(shape, value, path));
  }

  #nullable(complete: () => Json): Json {
    try {
      return complete();
    } catch (bubble) {
      if (bubble === BUBBLE) return null;
      throw bubble;
    }
  }

  #deny(message: string, type: TypeShape, at: Path): null {
    if (this.#denials++ < MAX_DENIALS) this.errors.push({ message, path: toList(at), extensions: { code: 'FORBIDDEN', retryable: false } });
    if (type.kind === 'nonNull') throw BUBBLE;
    return null;
  }

  #fail(at: Path, message: string): null {
    const path = toList(at);
    if (!this.#isExplained(path)) this.errors.push({ message, path, extensions: { code: 'INVALID_RESPONSE' } });
    return null;
  }

  #isExplained(path: readonly (string | number)[]): boolean {
    if (this.#failed.size === 0) return false;
    if (this.#above.has(JSON.stringify(path))) return true;
    for (let length = 0; length <= path.length; length++) if (this.#failed.has(JSON.stringify(path.slice(0, length)))) return true;
    return false;
  }
}

function isLeaf(name: string, value: Json): boolean {
  switch (name) {
    case 'Int':
      return typeof value === 'number' && (value | 0) === value;
    case 'Float':
      return typeof value === 'number';
    case 'Boolean':
      return typeof value === 'boolean';
    case 'String':
      return typeof value === 'string';
    case 'ID':
      return typeof value === 'string' || typeof value === 'number';
    default:
      return true;
  }
}

function toList(path: Path): (string | number)[] {
  const list: (string | number)[] = [];
  for (let at = path; at !== null; at = at.up) list.push(at.key);
  return list.reverse();
}
