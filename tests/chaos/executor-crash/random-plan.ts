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
const ITEMS = 3;

type Form = { kind: 'fetch' } | { kind: 'sequence' | 'parallel'; of: readonly Form[] };

const form = fc.letrec<{ form: Form; fetch: Form; group: Form }>((tie) => ({
  form: fc.oneof({ maxDepth: 3, withCrossShrink: true }, tie('fetch'), tie('group')),
  fetch: fc.constant({ kind: 'fetch' }),
  group: fc.record({
    kind: fc.constantFrom('sequence' as const, 'parallel' as const),
    of: fc.array(tie('form'), { minLength: 2, maxLength: 4 }),
  }),
})).group;

/** A root fetch for the items, then entity fetches in a random order, each of which may need a field that an earlier one gave. */
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
    const nodes: PlanNode[] = [];
    const gives: number[] = [];
    for (const child of part.of) {
      const built = build(child, part.kind === 'sequence' ? [...known, ...gives] : known);
      if (built.node !== null) nodes.push(built.node);
      gives.push(...built.gives);
    }
    return { node: { kind: part.kind, nodes }, gives };
  };
  const { node, gives } = build(form, []);
  const leaf = (key: string): FieldShape => ({ responseKey: key, dataKey: key, type: { kind: 'leaf', name: 'String' } });
  const item = { types: ['Item'], fields: ['id', ...gives.map((id) => `f${id}`)].map(leaf) };
  return {
    version: 1,
    kind: 'query',
    rootFields: [{ name: 'items', responseKey: 'items', durable: 'AUTO', idempotent: true, timeoutMs: null }],
    services: ['items', ...gives.map((id) => `s${id}`)],
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
    service: `s${id}`,
    operation: `{f${id}}`,
    path: [{ field: 'items' }, { list: true }],
    requires: [{ kind: 'fragment', types: ['Item'], selections }],
    idempotent: true,
  };
}

/** What the services answer. Every value is a digest over the fetch and all that it was given. */
export function answer({ node, chunk, variables }: Pick<ServiceFetch, 'node' | 'chunk' | 'variables'>): ServiceAnswer {
  const representations = variables['representations'] as readonly Json[] | undefined;
  const data: JsonObject =
    representations === undefined
      ? { items: Array.from({ length: ITEMS }, (_, index) => ({ __typename: 'Item', id: `item-${index}` })) }
      : { _entities: representations.map((given) => ({ [`f${node}`]: digest(`${node} ${JSON.stringify(given)}`) })) };
  return { node, chunk, data, errors: [] };
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 12);
}
