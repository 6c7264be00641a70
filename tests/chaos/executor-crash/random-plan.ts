// Plans of random form, and services whose answers follow from what they are asked: data of another fetch is never equal.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Json, JsonObject } from '#schema/contracts/json';
import type {
  ExecutablePlan,
  FetchNode,
  FieldShape,
  PlanNode,
  RequiredSelection,
  ServiceAnswer,
  ServiceFetch,
} from '#schema/contracts/plan';

const MAX_FETCHES = 12;
const SERVICES = 3;
const ITEMS = 3;
const LOOKUP = /(?:(\w+):)?_entities\(representations:\$(\w+)\)\{\.\.\.on Item\{f(\d+)\}\}/g;

type Form =
  | { kind: 'fetch' }
  | { kind: 'sequence' | 'parallel'; of: readonly Form[] }
  | { kind: 'condition'; variable: 'x' | 'y'; holds: boolean; of: readonly [Form] };

const form = fc.letrec<{ form: Form; fetch: Form; group: Form; condition: Form }>((tie) => ({
  form: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { arbitrary: tie('fetch'), weight: 4 },
    { arbitrary: tie('group'), weight: 4 },
    { arbitrary: tie('condition'), weight: 1 },
  ),
  fetch: fc.constant({ kind: 'fetch' }),
  condition: fc.record({
    kind: fc.constant('condition' as const),
    variable: fc.constantFrom('x' as const, 'y' as const),
    holds: fc.boolean(),
    of: fc.tuple(tie('form')),
  }),
  group: fc.record({
    kind: fc.constantFrom('sequence' as const, 'parallel' as const),
    of: fc.array(tie('form'), { minLength: 2, maxLength: 4 }),
  }),
})).group;

/**
 * A root fetch for the items, then entity fetches of a few services in a random order, each of which may need a field that an
 * earlier one gave. Parts of it are under the variables `x` and `y`.
 */
export function randomPlans(seed: number, count: number): ExecutablePlan[] {
  return fc.sample(form, { seed, numRuns: count }).map(toPlan);
}

function toPlan(form: Form): ExecutablePlan {
  let fetches = 0;
  // What is known for certain when a fetch starts: given by those before it in a sequence, not by those beside it.
  const build = (part: Form, known: readonly number[]): { node: PlanNode | null; gives: readonly number[] } => {
    if (part.kind === 'fetch') {
      if (fetches >= MAX_FETCHES) return { node: null, gives: [] };
      const id = ++fetches;
      return { node: entityFetch(id, known.at(-1) ?? null), gives: [id] };
    }
    if (part.kind === 'condition') {
      const { node } = build(part.of[0], known);
      const [then, otherwise] = part.holds ? [node, null] : [null, node];
      return { node: { kind: 'condition', variable: part.variable, then, otherwise }, gives: [] };
    }
    const nodes: PlanNode[] = [];
    const gives: number[] = [];
    for (const child of part.of) {
      const built = build(child, part.kind === 'sequence' ? [...known, ...gives] : known);
      if (built.node !== null) nodes.push(built.node);
      gives.push(...built.gives);
    }
    return { node: { kind: part.kind, nodes }, gives };
  };
  const { node } = build(form, []);
  const leaf = (key: string): FieldShape => ({ responseKey: key, dataKey: key, type: { kind: 'leaf', name: 'String' } });
  const item = { types: ['Item'], fields: ['id', ...Array.from({ length: fetches }, (_, index) => `f${index + 1}`)].map(leaf) };
  return {
    version: 1,
    kind: 'query',
    rootFields: [{ name: 'items', responseKey: 'items', durable: 'AUTO', idempotent: true }],
    services: ['items', ...Array.from({ length: SERVICES }, (_, index) => `s${index}`)],
    primary: null,
    root: { kind: 'sequence', nodes: [rootFetch(), ...(node === null ? [] : [node])] },
    shape: {
      types: ['Query'],
      fields: [{ responseKey: 'items', dataKey: 'items', type: { kind: 'list', of: { kind: 'object', name: 'Item', shape: item } } }],
    },
  };
}

const common = {
  kind: 'fetch',
  operationKind: 'query',
  operationName: null,
  variables: [],
  inputRewrites: [],
  outputRewrites: [],
} as const;

function rootFetch(): FetchNode {
  return { ...common, id: 0, service: 'items', operation: '{items}', path: [], requires: null, idempotent: true };
}

function entityFetch(id: number, needs: number | null): FetchNode {
  const field = (name: string): RequiredSelection => ({ kind: 'field', name, selections: null });
  const selections = [field('__typename'), field('id'), ...(needs === null ? [] : [field(`f${needs}`)])];
  return {
    ...common,
    id,
    service: `s${id % SERVICES}`,
    operation: `query($representations:[_Any!]!){_entities(representations:$representations){...on Item{f${id}}}}`,
    path: [{ field: 'items' }, { list: true }],
    requires: [{ kind: 'fragment', types: ['Item'], selections }],
    idempotent: true,
  };
}

/** What the services answer. Every value is a digest over the field and all that it was given. */
export function answer({
  node,
  chunk,
  operation,
  variables,
}: Pick<ServiceFetch, 'node' | 'chunk' | 'operation' | 'variables'>): ServiceAnswer {
  const lookups = [...operation.matchAll(LOOKUP)];
  const data: JsonObject =
    lookups.length === 0
      ? { items: Array.from({ length: ITEMS }, (_, index) => ({ __typename: 'Item', id: `item-${index}` })) }
      : Object.fromEntries(
          lookups.map(([, key = '_entities', variable = '', field]) => [
            key,
            (variables[variable] as readonly Json[]).map((given) => ({ [`f${field}`]: digest(`${field} ${JSON.stringify(given)}`) })),
          ]),
        );
  return { node, chunk, data, errors: [] };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 12);
}
