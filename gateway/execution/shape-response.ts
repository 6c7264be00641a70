// From merged data to the answer: the caller's selection in the order of the query, checked against the API schema's types.
// Follows "CompleteValue" and "Handling Execution Errors" of the GraphQL spec. What a service has already explained by an error
// at or below a path is not explained again.
import type { JsonObject } from '#schema/contracts/json';
import type { GraphQLErrorJson, GraphQLResponse, ObjectShape, TypeShape } from '#schema/contracts/plan';
import { shaperOf, type ShapingErrors } from './compile-shaper.js';
import { type Place, toKeys } from './place.js';

/** So many denied fields are explained at their own paths; further ones once for the whole list that they stand in. */
const MAX_DENIALS = 100;

/** @param data - is not changed */
export function shapeResponse(
  shape: ObjectShape,
  data: JsonObject,
  serviceErrors: readonly GraphQLErrorJson[],
  variables: JsonObject,
): GraphQLResponse {
  const found = new FoundErrors(serviceErrors);
  const shaped = shaperOf(shape)(data, null, { variables, errors: found }) ?? null;
  const errors = [...serviceErrors, ...found.list];
  return errors.length === 0 ? { data: shaped } : { data: shaped, errors };
}

class FoundErrors implements ShapingErrors {
  readonly list: GraphQLErrorJson[] = [];
  /** Paths of service errors. */
  readonly #failed: ReadonlySet<string>;
  /** Those and everything above them. */
  readonly #above: ReadonlySet<string>;
  #denials = 0;
  readonly #deniedLists = new Set<string>();

  constructor(serviceErrors: readonly GraphQLErrorJson[]) {
    const paths = serviceErrors.map(({ path = [] }) => path);
    this.#failed = new Set(paths.map((path) => JSON.stringify(path)));
    this.#above = new Set(paths.flatMap((path) => path.map((_, length) => JSON.stringify(path.slice(0, length)))));
  }

  fail(key: string | number, up: Place, message: string): null {
    const path = toKeys({ key, up });
    if (!this.#isExplained(path)) this.list.push({ message, path, extensions: { code: 'INVALID_RESPONSE' } });
    return null;
  }

  /** An entity that failed is null as a whole: what its service said of one field explains the others, which are absent. */
  miss(isAbsent: boolean, key: string | number, up: Place): void {
    if (isAbsent && this.#above.size > 0 && this.#above.has(JSON.stringify(toKeys(up)))) return;
    this.fail(key, up, 'a value is required here, and the service gave none');
  }

  deny(key: string, up: Place, message: string, type: TypeShape): null | undefined {
    const path = toKeys({ key, up });
    if (this.#denials++ < MAX_DENIALS) this.#denyAt(path, message);
    else {
      const list = path.slice(0, path.findIndex((one) => typeof one === 'number') >>> 0);
      const said = JSON.stringify([message, list]);
      if (!this.#deniedLists.has(said)) this.#denyAt(list, message);
      this.#deniedLists.add(said);
    }
    return type.kind === 'nonNull' ? undefined : null;
  }

  #denyAt(path: (string | number)[], message: string): void {
    this.list.push({ message, path, extensions: { code: 'FORBIDDEN', retryable: false } });
  }

  #isExplained(path: readonly (string | number)[]): boolean {
    if (this.#failed.size === 0) return false;
    if (this.#above.has(JSON.stringify(path))) return true;
    for (let length = 0; length <= path.length; length++) if (this.#failed.has(JSON.stringify(path.slice(0, length)))) return true;
    return false;
  }
}
