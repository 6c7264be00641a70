// One operation over four services that comes to the same entities by many ways: people → reviews → product → reviews → author …
import { describe, expect, it } from 'vitest';
import { createPlanEngine } from '#gateway/planning/plan-engine';
import { startExecution } from '#gateway/execution/start-execution';
import type { JsonObject } from '#schema/contracts/json';
import type { ExecutablePlan, GraphQLResponse, ServiceAnswer, ServiceFetch } from '#schema/contracts/plan';
import { createWorld, type Service } from '../support/federated-world.js';

const people = ['1', '2', '3'].map((id) => ({ id, name: `Name ${id}`, username: `@${id}`, born: `19${id}0` }));
const products = ['p', 'q', 'r', 's'].map((upc, index) => ({ upc, name: `Product ${upc}`, price: index * 10, weight: index }));
const reviews = products.flatMap(({ upc }, index) =>
  people.slice(0, index).map(({ id }) => ({ id: `${upc}${id}`, body: `${id} says of ${upc}`, product: { upc }, author: id })),
);
const toAuthor = (id: string) => ({ id, username: `@${id}` });

const services: Service[] = [
  {
    name: 'accounts',
    sdl: `
      type Query { users: [User!]! }
      type User @key(fields: "id") { id: ID!  name: String  username: String @shareable  born(format: String = "year"): String }`,
    resolvers: {
      Query: { users: () => people },
      User: {
        __resolveReference: ({ id }: { id: string }) => people.find((person) => person.id === id),
        born: ({ born }: (typeof people)[number], { format }: { format: string }) => `${format} ${born}`,
      },
    },
  },
  {
    name: 'inventory',
    sdl: `
      type Product @key(fields: "upc") {
        upc: ID!  weight: Int @external  price: Int @external
        inStock: Boolean  shippingEstimate: Int @requires(fields: "price weight")
      }`,
    resolvers: {
      Product: {
        __resolveReference: (reference: object) => reference,
        inStock: ({ upc }: { upc: string }) => upc !== 'q',
        shippingEstimate: ({ price, weight }: { price: number; weight: number }) => price + weight,
      },
    },
  },
  {
    name: 'products',
    sdl: `
      type Query { topProducts(first: Int = 5): [Product!]! }
      type Product @key(fields: "upc") { upc: ID!  name: String  price: Int  weight: Int }`,
    resolvers: {
      Query: { topProducts: (_: unknown, { first }: { first: number }) => products.slice(0, first) },
      Product: { __resolveReference: ({ upc }: { upc: string }) => products.find((product) => product.upc === upc) },
    },
  },
  {
    name: 'reviews',
    sdl: `
      type Review @key(fields: "id") { id: ID!  body: String  product: Product  author: User @provides(fields: "username") }
      type User @key(fields: "id") { id: ID!  username: String @external  reviews: [Review] }
      type Product @key(fields: "upc") { upc: ID!  reviews: [Review] }`,
    resolvers: {
      Review: { author: ({ author }: { author: string }) => toAuthor(author) },
      User: {
        __resolveReference: ({ id }: { id: string }) => toAuthor(id),
        reviews: ({ id }: { id: string }) => reviews.filter(({ author }) => author === id),
      },
      Product: { reviews: ({ upc }: { upc: string }) => reviews.filter(({ product }) => product.upc === upc) },
    },
  },
];
const world = createWorld(services);
const engine = createPlanEngine(world.supergraphSdl);

const EVERYTHING = `
  query Everything($first: Int! = 4) {
    users { ...Person reviews { ...Text product { ...Thing reviews { ...Text author { ...Person reviews { ...Text product { ...Thing } } } } } } }
    topProducts(first: $first) { ...Thing reviews { ...Text author { ...Person reviews { ...Text product { ...Thing } } } } }
  }
  fragment Person on User { id username name }
  fragment Text on Review { id body }
  fragment Thing on Product { inStock name price shippingEstimate upc weight }`;

/** Runs it in process, with the fetches as Apollo plans them or merged. */
async function run(plan: ExecutablePlan, ask = (fetch: ServiceFetch): Promise<ServiceAnswer> => world.ask(fetch)) {
  const fetches: ServiceFetch[] = [];
  const { answer } = startExecution({
    plan,
    variables: { first: 4 },
    port: { fetch: (fetch) => (fetches.push(fetch), ask(fetch)) },
  });
  return { response: (await answer).response, fetches };
}
const apart = (document: string) => engine.plan(document, null, { inParts: true });
const plain = (response: GraphQLResponse): unknown => JSON.parse(JSON.stringify(response));

describe('an operation that comes to the same entities by many ways', () => {
  it('needs 7 fetches in place of 16', async () => {
    const before = await run(apart(EVERYTHING));
    const { response, fetches } = await world.run(EVERYTHING);
    process.stdout.write(`fetches: ${before.fetches.length} as planned, ${fetches.length} merged\n`);
    expect([before.fetches.length, fetches.length]).toEqual([16, 7]);
    expect(response.errors).toBeUndefined();
    expect(plain(response as GraphQLResponse)).toEqual(plain(before.response));
  });

  it('asks for each entity once at a time', async () => {
    const { fetches } = await world.run(EVERYTHING);
    for (const { variables } of fetches) {
      for (const sent of Object.values(variables)) {
        if (!Array.isArray(sent)) continue;
        expect(new Set(sent.map((representation) => JSON.stringify(representation))).size).toBe(sent.length);
      }
    }
  });

  it.each(['accounts', 'inventory', 'products', 'reviews'])('has its errors at the same places when %s fails', async (service) => {
    const failing = (entity: string) => async (fetch: ServiceFetch) => {
      const answer = await world.ask(fetch);
      if (fetch.service !== service || answer.data === null) return answer;
      // One entity of each field is null, with an error that says so.
      const errors = Object.entries(answer.data).flatMap(([field, list]) => {
        const sent = fetch.variables[field.replace('_entities', 'representations').replace('_e', '_r')] as JsonObject[] | undefined;
        const index = sent?.findIndex(({ id, upc }) => (id ?? upc) === entity) ?? -1;
        if (index >= 0) (list as (JsonObject | null)[])[index] = null;
        return index < 0 ? [] : [{ message: 'lost', path: [field, index], extensions: { code: 'C' } }];
      });
      return { ...answer, errors };
    };
    for (const entity of ['1', 'q']) {
      const before = await run(apart(EVERYTHING), failing(entity));
      const after = await run(engine.plan(EVERYTHING, null), failing(entity));
      expect(plain({ data: after.response.data })).toEqual(plain({ data: before.response.data }));
      const places = ({ errors = [] }: GraphQLResponse) => errors.map(({ path }) => JSON.stringify(path)).sort();
      expect(places(after.response)).toEqual(places(before.response));
    }
  });
});

describe('fetches of different selections', () => {
  const query = `query($format: String!, $x: Boolean! = true) {
    topProducts(first: 2) { reviews { author { born(format: $format) } product { reviews { author { name @include(if: $x) } } } } }
    users { reviews { product { reviews { author { name born } } } } }
  }`;

  it('are one request of several fields', async () => {
    const { response, fetches } = await world.run(query, { format: 'AD' });
    const accounts = fetches.filter(({ service }) => service === 'accounts').map(({ operation }) => operation.match(/_e\d+:|_entities/g));
    expect(accounts.some((fields) => (fields?.length ?? 0) > 2)).toBe(true);
    expect(response.errors).toBeUndefined();
    expect(response.data?.['topProducts']).toMatchObject([{ reviews: [] }, { reviews: [{ author: { born: 'AD 1910' } }] }]);
    expect(JSON.stringify(response.data?.['users'])).toContain('{"name":"Name 2","born":"year 1920"}');
  });
});
