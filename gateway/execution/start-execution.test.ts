import { describe, expect, it } from 'vitest';
import type { Json, JsonObject } from '#schema/contracts/json';
import {
  type ExecutablePlan,
  type FetchNode,
  MAX_REPRESENTATIONS,
  type MergedFetchNode,
  type ObjectShape,
  type PlanNode,
  type ServiceAnswer,
  type ServiceFetch,
} from '#schema/contracts/plan';
import { startExecution } from './start-execution.js';

const ITEM: ObjectShape = {
  types: ['Item'],
  fields: ['id', 'name', 'count'].map((key) => ({ responseKey: key, dataKey: key, type: { kind: 'leaf', name: 'JSON' } })),
};
const SHAPE: ObjectShape = {
  types: ['Query'],
  fields: ['items', 'more'].map((key) => ({
    responseKey: key,
    dataKey: key,
    type: { kind: 'list', of: { kind: 'object', name: 'Item', shape: ITEM } },
  })),
};

const ITEMS = [{ field: 'items' }, { list: true as const }];
const MORE = [{ field: 'more' }, { list: true as const }];
const aFetch = (id: number, overrides: Partial<FetchNode> = {}): FetchNode => ({
  kind: 'fetch',
  id,
  service: `s${id}`,
  operationKind: 'query',
  operation: `{f${id}}`,
  operationName: null,
  variables: [],
  path: [],
  requires: null,
  inputRewrites: [],
  outputRewrites: [],
  idempotent: true,
  ...overrides,
});
const anEntityFetch = (id: number, overrides: Partial<FetchNode> = {}): FetchNode =>
  aFetch(id, {
    path: [{ field: 'items' }, { list: true }],
    requires: [
      {
        kind: 'fragment',
        types: ['Item'],
        selections: [
          { kind: 'field', name: '__typename', selections: null },
          { kind: 'field', name: 'id', selections: null },
        ],
      },
    ],
    ...overrides,
  });
/** Two lookups over `items` and `more`, the second of a key that only some objects have. */
const aMergedFetch = (id: number, places: number): MergedFetchNode => {
  const { requires, inputRewrites, outputRewrites, ...request } = anEntityFetch(id);
  const lookup = { requires: requires ?? [], inputRewrites, outputRewrites };
  const own = [
    { kind: 'field' as const, name: '__typename', selections: null },
    { kind: 'field' as const, name: 'own', selections: null },
  ];
  return {
    ...request,
    kind: 'merged',
    places,
    lookups: [
      { ...lookup, key: '_e0', variable: '_r0', paths: [ITEMS, MORE] },
      { ...lookup, requires: own, key: '_e1', variable: '_r1', paths: [MORE] },
    ],
  };
};
const aPlan = (root: PlanNode | null): ExecutablePlan => ({
  version: 1,
  kind: 'query',
  rootFields: [],
  services: [],
  primary: null,
  root,
  shape: SHAPE,
});
const sequence = (...nodes: PlanNode[]): PlanNode => ({ kind: 'sequence', nodes });
const parallel = (...nodes: PlanNode[]): PlanNode => ({ kind: 'parallel', nodes });
const items = (...ids: (string | null)[]): JsonObject => ({ items: ids.map((id) => (id === null ? null : { __typename: 'Item', id })) });

/** A port whose answers the test gives; `issued` is the log of fetches as `<node>.<chunk>`. */
function start(plan: ExecutablePlan, variables: JsonObject = {}, root?: JsonObject) {
  const issued: string[] = [];
  const fetches: ServiceFetch[] = [];
  const observed: string[] = [];
  const waiting = new Map<string, (answer: ServiceAnswer) => void>();
  const execution = startExecution({
    plan,
    variables,
    ...(root === undefined ? {} : { root }),
    port: {
      fetch: (fetch) => {
        const key = `${fetch.node}.${fetch.chunk}`;
        issued.push(key);
        fetches.push(fetch);
        return new Promise((resolve) => waiting.set(key, resolve));
      },
    },
    onFetch: (fetch, answer) => void observed.push(`${fetch.node}.${fetch.chunk} ${answer === null ? 'issued' : 'merged'}`),
  });
  async function give(key: string, data: JsonObject | null, more: Partial<ServiceAnswer> = {}): Promise<void> {
    const [node, chunk] = key.split('.').map(Number) as [number, number];
    waiting.get(key)?.({ node, chunk, data, errors: [], ...more });
    // One turn for the promise's reaction: merging and the next fetches need no further one.
    await Promise.resolve();
  }
  return { execution, issued, fetches, observed, give };
}

describe('order', () => {
  it('issues the fetches of a parallel part at once and in plan order, before the call returns', () => {
    expect(start(aPlan(parallel(aFetch(0), sequence(aFetch(1), aFetch(2)), aFetch(3)))).issued).toEqual(['0.0', '1.0', '3.0']);
  });

  it('merges an answer and issues what it makes ready in one and the same turn', async () => {
    const { issued, observed, give } = start(aPlan(sequence(aFetch(0), parallel(anEntityFetch(1), anEntityFetch(2)), aFetch(3))));
    await give('0.0', items('a'));
    expect(issued).toEqual(['0.0', '1.0', '2.0']);
    expect(observed).toEqual(['0.0 issued', '0.0 merged', '1.0 issued', '2.0 issued']);
    await give('2.0', { _entities: [{}] });
    expect(issued).toHaveLength(3);
    await give('1.0', { _entities: [{}] });
    expect(issued.at(-1)).toBe('3.0');
  });

  it('names the services by their first merged answer', async () => {
    const { execution, give } = start(aPlan(parallel(aFetch(0), aFetch(1))));
    await give('1.0', {});
    await give('0.0', {});
    expect((await execution.answer).services).toEqual(['s1', 's0']);
  });

  it('takes the branch of a condition that the variable names; an absent one is false', async () => {
    const condition: PlanNode = { kind: 'condition', variable: 'x', then: aFetch(0), otherwise: null };
    expect(start(aPlan(condition), { x: true }).issued).toEqual(['0.0']);
    expect(start(aPlan({ ...condition, then: null, otherwise: aFetch(1) })).issued).toEqual(['1.0']);
    const { execution, issued } = start(aPlan(condition), { x: false });
    expect((await execution.answer).response).toEqual({ data: { items: null, more: null } });
    expect(issued).toEqual([]);
  });

  it('answers at once when nothing has to be fetched', async () => {
    expect((await start(aPlan(null), {}, items('a')).execution.answer).response.data).toMatchObject({ items: [{ id: 'a' }] });
    expect((await start(aPlan(parallel())).execution.answer).services).toEqual([]);
  });
});

describe('entity fetches', () => {
  it('send equal representations once and give the entity to every object', async () => {
    const { execution, fetches, give } = start(aPlan(anEntityFetch(0)), {}, items('a', 'b', 'a', null));
    expect(fetches[0]?.variables).toEqual({
      representations: [
        { __typename: 'Item', id: 'a' },
        { __typename: 'Item', id: 'b' },
      ],
    });
    await give('0.0', { _entities: [{ name: 'A' }, null] });
    expect((await execution.answer).response.data).toEqual({
      items: [{ id: 'a', name: 'A', count: null }, { id: 'b', name: null, count: null }, { id: 'a', name: 'A', count: null }, null],
      more: null,
    });
  });

  it('give each object a copy of its own', async () => {
    const { execution, give } = start(
      aPlan(
        sequence(
          anEntityFetch(0),
          anEntityFetch(1, {
            path: [{ field: 'items' }, { list: true }],
            requires: [
              { kind: 'field', name: '__typename', selections: null },
              { kind: 'field', name: 'own', selections: null },
            ],
          }),
        ),
      ),
      {},
      {
        items: [
          { __typename: 'Item', id: 'a', own: 1 },
          { __typename: 'Item', id: 'a', own: 2 },
        ],
      },
    );
    await give('0.0', { _entities: [{ name: { deep: 0 } }] });
    await give('1.0', { _entities: [{ name: { deep: 1 } }, { name: { deep: 2 } }] });
    expect((await execution.answer).response.data).toMatchObject({ items: [{ name: { deep: 1 } }, { name: { deep: 2 } }] });
  });

  it('are not sent when no object needs them, and what comes after them is', async () => {
    expect(start(aPlan(sequence(anEntityFetch(0), aFetch(1))), {}, items()).issued).toEqual(['1.0']);
    expect(start(aPlan(sequence(anEntityFetch(0), aFetch(1))), {}, { items: [{ __typename: 'Item' }, { id: 'untyped' }] }).issued).toEqual([
      '1.0',
    ]);
  });

  it('leave in chunks, all at once; what follows waits for the last one', async () => {
    const many = Array.from({ length: MAX_REPRESENTATIONS + 1 }, (_, i) => `i${i}`);
    const { execution, issued, fetches, give } = start(
      aPlan(sequence(anEntityFetch(0), anEntityFetch(1, { path: [{ field: 'more' }, { list: true }] }))),
      {},
      items(...many),
    );
    expect(issued).toEqual(['0.0', '0.1']);
    expect((fetches[0]?.variables['representations'] as Json[]).length).toBe(MAX_REPRESENTATIONS);
    await give(
      '0.1',
      { _entities: [{ name: 'last' }] },
      { errors: [{ message: 'x', path: ['_entities', 0, 'name'], extensions: { code: 'C' } }] },
    );
    await give('0.0', { _entities: many.slice(1).map(() => ({ name: 'n' })) });
    const { response } = await execution.answer;
    expect((response.data?.['items'] as JsonObject[]).at(-1)).toMatchObject({ id: `i${MAX_REPRESENTATIONS}`, name: 'last' });
    expect(response.errors).toMatchObject([{ path: ['items', MAX_REPRESENTATIONS, 'name'], extensions: { code: 'C', service: 's0' } }]);
  });

  it('change the type of an object only when the service was told the type that it has', async () => {
    const toInterface = anEntityFetch(0, {
      inputRewrites: [{ kind: 'set', path: [{ types: ['Item'] }, { field: '__typename' }], value: 'Any' }],
    });
    const told = start(aPlan(toInterface), {}, items('a'));
    expect(told.fetches[0]?.variables).toEqual({ representations: [{ __typename: 'Any', id: 'a' }] });
    await told.give('0.0', { _entities: [{ __typename: 'Any', name: 'A' }] });
    expect((await told.execution.answer).response).toMatchObject({ data: { items: [{ id: 'a', name: 'A' }] } });
  });

  it('rename what the service was asked by another name', async () => {
    const { execution, give } = start(
      aPlan(
        anEntityFetch(0, { outputRewrites: [{ kind: 'rename', path: [{ types: ['Item'] }, { field: 'name__alias_0' }], to: 'name' }] }),
      ),
      {},
      items('a'),
    );
    await give('0.0', { _entities: [{ name__alias_0: 'A' }] });
    expect((await execution.answer).response.data).toMatchObject({ items: [{ name: 'A' }] });
  });
});

describe('a merged fetch', () => {
  const typed = (id: string, own?: number): JsonObject => ({ __typename: 'Item', id, ...(own === undefined ? {} : { own }) });

  it('leaves when its last place is reached; then all of them go on, in plan order', async () => {
    const place = (at: number): PlanNode => ({ kind: 'place', of: 2, place: at });
    const { issued, give } = start(
      aPlan(parallel(sequence(aFetch(0), aMergedFetch(2, 3), aFetch(3)), sequence(aFetch(1), place(1), aFetch(4)), place(2))),
    );
    await give('1.0', items('b'));
    expect(issued).toEqual(['0.0', '1.0']);
    await give('0.0', items('a'));
    expect(issued).toEqual(['0.0', '1.0', '2.0']);
    await give('2.0', { _e0: [{}], _e1: [] });
    expect(issued.slice(3)).toEqual(['3.0', '4.0']);
  });

  it('sends equal representations of several places once, and of each lookup apart', async () => {
    const { execution, fetches, give } = start(aPlan(aMergedFetch(0, 1)), {}, { items: [typed('a')], more: [typed('a', 1), typed('b')] });
    expect(fetches.map(({ variables }) => variables)).toEqual([{ _r0: [typed('a'), typed('b')], _r1: [{ __typename: 'Item', own: 1 }] }]);
    await give('0.0', { _e0: [{ name: 'A' }, { name: 'B' }], _e1: [{ count: 1 }] });
    expect((await execution.answer).response).toEqual({
      data: {
        items: [{ id: 'a', name: 'A', count: null }],
        more: [
          { id: 'a', name: 'A', count: 1 },
          { id: 'b', name: 'B', count: null },
        ],
      },
    });
  });

  it('goes on at once when no place has anything to ask', async () => {
    expect(start(aPlan(sequence(aMergedFetch(0, 1), aFetch(1)))).issued).toEqual(['1.0']);
  });

  it('leaves in chunks of so many representations, over all lookups', async () => {
    const many = Array.from({ length: MAX_REPRESENTATIONS - 1 }, (_, i) => typed(`i${i}`));
    const { execution, fetches, give } = start(aPlan(aMergedFetch(0, 1)), {}, { items: many, more: [typed('a', 1), typed('b', 2)] });
    const sizes = fetches.map(({ variables }) => [variables['_r0'], variables['_r1']].map((sent) => (sent as Json[]).length));
    expect(sizes).toEqual([
      [MAX_REPRESENTATIONS, 0],
      [1, 2],
    ]);
    await give('0.1', { _e0: [{ name: 'B' }], _e1: [{ count: 1 }, { count: 2 }] });
    await give('0.0', { _e0: [...many.map(() => ({})), { name: 'A' }], _e1: [] });
    expect((await execution.answer).response).toMatchObject({
      data: {
        more: [
          { name: 'A', count: 1 },
          { name: 'B', count: 2 },
        ],
      },
    });
  });

  it('brings each error to the objects that its lookup was for', async () => {
    const { execution, give } = start(aPlan(aMergedFetch(0, 1)), {}, { items: [typed('a')], more: [typed('b'), typed('a', 1)] });
    const error = (...path: (string | number)[]) => ({ message: 'm', path, extensions: { code: 'C' } });
    await give('0.0', { _e0: [{ name: null }, {}], _e1: [{}] }, { errors: [error('_e0', 0, 'name'), error('_e1', 0, 'count')] });
    const { errors } = (await execution.answer).response;
    expect(errors?.map(({ path }) => path)).toEqual([
      ['items', 0, 'name'],
      ['more', 1, 'name'],
      ['more', 1, 'count'],
    ]);
  });

  it('says of every place that the whole of it failed', async () => {
    const { execution, give } = start(aPlan(aMergedFetch(0, 1)), {}, { items: [typed('a')], more: [typed('b', 1)] });
    await give('0.0', null, { errors: [{ message: 'down', extensions: { code: 'SUBGRAPH_UNREACHABLE' } }] });
    expect((await execution.answer).response.errors).toMatchObject([{ path: ['items'] }, { path: ['more'] }]);
  });

  it('says of a lookup that lost its data to the error of another', async () => {
    const { execution, give } = start(aPlan(aMergedFetch(0, 1)), {}, { items: [typed('a')], more: [typed('b', 1)] });
    await give('0.0', null, { errors: [{ message: 'm', path: ['_e0'], extensions: { code: 'C' } }] });
    expect((await execution.answer).response.errors).toMatchObject([
      { path: ['items'], extensions: { code: 'C' } },
      { path: ['more'], extensions: { code: 'C' } },
      { path: ['more'], extensions: { code: 'SUBGRAPH_BAD_ANSWER' }, message: "expected 1 entities of service 's0'" },
    ]);
  });
});

describe('variables', () => {
  it('go to the fetches that use them; absent ones stay absent', () => {
    const { fetches } = start(aPlan(aFetch(0, { variables: ['a', 'b', 'toString'] })), { a: null, c: 1 });
    expect(fetches[0]?.variables).toEqual({ a: null });
  });
});

describe('errors', () => {
  const failed = { data: null, errors: [{ message: 'down', extensions: { code: 'SUBGRAPH_UNREACHABLE' } }] };

  it('of a fetch as a whole stand at its path up to the first list', async () => {
    const { execution, give } = start(aPlan(anEntityFetch(0)), {}, items('a', 'b'));
    await give('0.0', null, failed);
    expect((await execution.answer).response).toMatchObject({
      data: { items: [{ id: 'a' }, { id: 'b' }] },
      errors: [{ message: 'down', path: ['items'], extensions: { code: 'SUBGRAPH_UNREACHABLE', service: 's0' } }],
    });
  });

  it('of a root fetch have no path of their own, or the one that the service says', async () => {
    const whole = start(aPlan(aFetch(0)));
    await whole.give('0.0', null, failed);
    expect((await whole.execution.answer).response.errors?.[0]).not.toHaveProperty('path');
    const part = start(aPlan(aFetch(0)));
    await part.give('0.0', { items: null }, { errors: [{ message: 'm', path: ['_alias_items', 0], extensions: { code: 'C' } }] });
    expect((await part.execution.answer).response.errors).toMatchObject([{ path: ['items', 0] }]);
  });

  it.each([
    ['no entities', null],
    ['too many', { _entities: [{ name: 'A' }, { name: 'B' }] }],
    ['no list', { _entities: { name: 'A' } }],
  ])('say so when a service answers %s, and nothing of it is merged', async (_, data) => {
    const { execution, give } = start(aPlan(anEntityFetch(0)), {}, items('a'));
    await give('0.0', data);
    const { response } = await execution.answer;
    expect(response.data).toMatchObject({ items: [{ id: 'a', name: null }] });
    expect(response.errors).toMatchObject([{ path: ['items'], extensions: { code: 'SUBGRAPH_BAD_ANSWER', service: 's0' } }]);
  });
});

describe('a root fetch below the root', () => {
  it('is merged into every object at its path', async () => {
    const { execution, give } = start(
      aPlan(aFetch(0, { path: [{ field: 'items' }, { list: true, types: ['Item'] }] })),
      {},
      {
        items: [
          { __typename: 'Item', id: 'a' },
          { __typename: 'Item', id: 'b' },
          { __typename: 'Box', id: 'c' },
        ],
      },
    );
    await give('0.0', { count: { n: 1 } });
    expect((await execution.answer).response.data).toMatchObject({
      items: [{ id: 'a', count: { n: 1 } }, { id: 'b', count: { n: 1 } }, null],
    });
  });
});

describe('defects and stops', () => {
  it('rejects when an answer is for another fetch', async () => {
    const { execution, give } = start(aPlan(aFetch(0)));
    await give('0.0', {}, { node: 5 });
    await expect(execution.answer).rejects.toThrow('answer of fetch 5.0 came for 0.0');
  });

  it('rejects when the port does, against its word', async () => {
    const execution = startExecution({
      plan: aPlan(aFetch(0)),
      variables: {},
      port: { fetch: () => Promise.reject(new Error('broken port')) },
    });
    await expect(execution.answer).rejects.toThrow('broken port');
  });

  it('issues and merges nothing after a stop; a second stop changes nothing', async () => {
    const { execution, issued, observed, give } = start(aPlan(sequence(aFetch(0), aFetch(1))));
    const error = { message: 'enough', extensions: { code: 'OPERATION_CANCELLED' } };
    execution.stop(error);
    execution.stop({ message: 'again', extensions: { code: 'DEADLINE_EXCEEDED' } });
    await give('0.0', items('late'));
    expect((await execution.answer).response).toEqual({ data: { items: null, more: null }, errors: [error] });
    expect(issued).toEqual(['0.0']);
    expect(observed).toEqual(['0.0 issued']);
  });
});
