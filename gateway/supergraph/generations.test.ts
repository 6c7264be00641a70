// A gateway under a registry that changes: new fields answer, nothing that runs breaks, a bad generation changes nothing.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { queryObjects } from 'node:v8';
import { GraphQLSchema } from 'graphql';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CodedError } from '#schema/contracts/errors';
import type { Generation, ServedGeneration, SupergraphRegistry, SupergraphService } from '#schema/contracts/supergraph';
import { sha256 } from '#platform/blob-store';
import { createLogger } from '#platform/logger';
import { startService, startTestGateway, type RunningService, type TestGateway } from '../server/tests/test-gateway.js';
import { createEventBuffer, type EventBuffer } from '../subscriptions/event-buffer.js';
import { readEvents } from '../subscriptions/service-event-stream.js';
import { createComposer } from './composer.js';
import { createGenerations } from './generations.js';

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])\n';
const composer = createComposer();

/** The registry's contract in memory, as two processes of one deployment would see it. */
function createMemoryRegistry(): SupergraphRegistry & { isAway: boolean } {
  const generations: Generation[] = [];
  const addresses = new Map<string, string>();
  const serving = new Map<string, ServedGeneration>();
  const registry = {
    isAway: false,
    newest: async () => {
      if (registry.isAway) throw new CodedError('DATABASE_UNAVAILABLE', 'away');
      return generations.at(-1);
    },
    get: async (number: number) => generations.find((generation) => generation.number === number),
    publish: async (next: Generation) => void generations.push(next),
    publishedBy: async () => undefined,
    addresses: async () => addresses,
    setAddress: async (host: string, url: string) => void addresses.set(host, url),
    recordServing: async (served: Omit<ServedGeneration, 'seenAtMs'>) =>
      void serving.set(served.instance, { ...served, seenAtMs: Date.now() }),
    forgetServing: async (instance: string) => void serving.delete(instance),
    serving: async () => [...serving.values()],
  };
  return registry;
}

const words = (name: string, path = '/graphql', fields = ''): SupergraphService => ({
  name,
  sdl: `${LINK}type Query { ${name}: String ${fields} }`,
  host: name,
  path,
  signed: false,
  plugin: null,
});

let registry: ReturnType<typeof createMemoryRegistry>;
let gateway: TestGateway;
let services: RunningService[];

async function publish(...list: SupergraphService[]): Promise<number> {
  const { supergraphSdl } = await composer.compose(list.map(({ name, sdl }) => ({ name, sdl, url: `sluice://${name}` })));
  const number = ((await registry.newest())?.number ?? 0) + 1;
  await registry.publish({ number, digest: sha256(supergraphSdl), supergraphSdl, services: list }, null);
  return number;
}
const isServed = (number: number): Promise<void> =>
  expect.poll(async () => (await registry.serving())[0]?.number, { timeout: 5_000, interval: 20 }).toBe(number);

beforeAll(async () => {
  const resolve = (name: string): Record<string, unknown> => ({ Query: { [name]: () => name } });
  services = await Promise.all(
    ['one', 'two'].map((name) => startService({ name, sdl: `type Query { ${name}: String }`, resolvers: resolve(name) })),
  );
});
afterAll(async () => {
  await composer.close();
  for (const { server } of services) server.close();
});
afterEach(() => gateway.close());

async function start(): Promise<void> {
  registry = createMemoryRegistry();
  for (const { name, url } of services) await registry.setAddress(name, new URL(url).origin);
  await publish(words('one'));
  gateway = await startTestGateway({ services: [{ name: 'unused', sdl: 'type Query { a: Int }' }], deps: { registry } });
}

/** A service whose subscribers get what `send` sends. */
async function startTicks(): Promise<{ ticks: RunningService; send: (n: number) => void; subscribers: () => number }> {
  const buffers = new Set<EventBuffer<number>>();
  const subscribe = (): AsyncIterable<number> => {
    const buffer = createEventBuffer<number>(() => buffers.delete(buffer));
    buffers.add(buffer);
    return buffer.events;
  };
  const ticks = await startService({
    name: 'ticks',
    sdl: 'type Query { q: Int } type Subscription { tick: Int tock: Int }',
    resolvers: { Subscription: Object.fromEntries(['tick', 'tock'].map((name) => [name, { subscribe, resolve: (n: number) => n }])) },
  });
  await start();
  await registry.setAddress('ticks', new URL(ticks.url).origin);
  return { ticks, send: (n) => buffers.forEach(({ push }) => push(n)), subscribers: () => buffers.size };
}

async function follow(query: string): Promise<ReturnType<typeof readEvents>> {
  const response = await gateway.post({ query }, { accept: 'text/event-stream' });
  // Read from now on: undici cancels a body that nobody has begun to read when its response is collected as garbage.
  return readEvents((response.body as ReadableStream<Buffer>).values());
}

describe('a gateway follows the registry', () => {
  it('answers a new field once its generation is served, and not before', async () => {
    await start();
    expect((await gateway.query('{ two }')).errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    await isServed(await publish(words('one'), words('two')));
    expect((await gateway.query('{ one }')).data).toEqual({ one: 'one' });
    expect((await gateway.query('{ two }')).data).toEqual({ two: 'two' });
    expect(await (await fetch(`${gateway.url}/health/ready`)).json()).toMatchObject({ generation: 2 });
  });

  it('sends new operations to a service’s new path, also when the schema did not change', async () => {
    await start();
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url ?? '');
      request.resume();
      response.end('{"data":{"one":"moved"}}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await registry.setAddress('one', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await isServed(await publish(words('one', '/v2')));
    expect((await gateway.query('{ one }')).data).toEqual({ one: 'moved' });
    expect(paths).toEqual(['/v2']);
    server.closeAllConnections();
    server.close();
  });

  it('finishes an operation on the generation that admitted it, while another is swapped in', async () => {
    await start();
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      request.resume();
      void released.then(() => response.end('{"data":{"one":"slow"}}'));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await registry.setAddress('slow', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await isServed(await publish({ ...words('one'), host: 'slow' }));
    const running = gateway.query('{ one }');
    await expect.poll(() => asked.length).toBe(1);
    await isServed(await publish(words('two')));
    release();
    expect((await running).data).toEqual({ one: 'slow' });
    expect((await gateway.query('{ one }')).errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    server.closeAllConnections();
    server.close();
  });

  it('keeps the old generation when the new one cannot be loaded, and takes the next good one', async () => {
    await start();
    await registry.publish({ number: 2, digest: 'x', supergraphSdl: 'type Query { broken: Nothing }', services: [] }, null);
    await expect.poll(() => gateway.log.some((line) => line.includes('could not be loaded')), { timeout: 5_000 }).toBe(true);
    expect((await gateway.query('{ one }')).data).toEqual({ one: 'one' });
    await isServed(await publish(words('one'), words('two')));
    expect((await gateway.query('{ two }')).data).toEqual({ two: 'two' });
  });

  it('refuses a supergraph of connectors, which it could not execute, at the start and later', async () => {
    await start();
    const { supergraphSdl, services } = (await registry.newest()) as Generation;
    const sdl = supergraphSdl.replace(/^schema$/m, 'schema @link(url: "https://specs.apollo.dev/connect/v0.1", for: EXECUTION)');
    await registry.publish({ number: 2, digest: 'x', supergraphSdl: sdl, services }, null);
    await expect.poll(() => gateway.log.some((line) => line.includes('could not be loaded')), { timeout: 5_000 }).toBe(true);
    expect((await gateway.query('{ one }')).data).toEqual({ one: 'one' });
    const another = startTestGateway({ services: [{ name: 'unused', sdl: 'type Query { a: Int }' }], deps: { registry } });
    await expect(another).rejects.toThrow('https://specs.apollo.dev/connect/v0.1 is for: EXECUTION but is unsupported');
  });

  it('serves supergraphs with features that Apollo’s gateway refuses, and enforces a generation’s own rules', async () => {
    await start();
    const secured = words('one');
    const sdl = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@authenticated", "@requiresScopes"])
      type Query { one: String @authenticated two: String @requiresScopes(scopes: [["x"]]) }`;
    await isServed(await publish({ ...secured, sdl }));
    expect((await gateway.query('{ one }')).data).toEqual({ one: 'one' });
    expect((await gateway.query('{ two }')).errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', coordinate: 'Query.two' });
  });

  it('serves on while the registry is away, and catches up after', async () => {
    await start();
    registry.isAway = true;
    await expect.poll(() => gateway.log.some((line) => line.includes('does not answer')), { timeout: 5_000 }).toBe(true);
    expect((await gateway.query('{ one }')).data).toEqual({ one: 'one' });
    registry.isAway = false;
    await isServed(await publish(words('one'), words('two')));
  });

  it('ends the subscriptions whose fields are gone, with a code, and leaves the others alone', async () => {
    const { ticks, send, subscribers } = await startTicks();
    const both = { ...words('ticks'), sdl: `${LINK}type Query { q: Int } type Subscription { tick: Int tock: Int }` };
    await isServed(await publish(words('one'), both));
    const [tick, tock] = await Promise.all(['tick', 'tock'].map((field) => follow(`subscription { ${field} }`)));
    await expect.poll(subscribers).toBe(2);
    await isServed(await publish(words('one'), { ...both, sdl: both.sdl.replace('tock: Int', '') }));
    expect(await tock?.next()).toMatchObject({ value: { data: expect.stringContaining('"code":"SUBSCRIPTION_OUTDATED"') as string } });
    expect(await tock?.next()).toMatchObject({ value: { event: 'complete' } });
    await expect.poll(subscribers).toBe(1);
    send(7);
    expect(await tick?.next()).toMatchObject({ value: { data: '{"data":{"tick":7}}' } });
    await tick?.return(undefined);
    ticks.server.close();
  });

  it('ends the subscriptions that run when the whole type Subscription is gone', async () => {
    const { ticks, subscribers } = await startTicks();
    const service = { ...words('ticks'), sdl: `${LINK}type Query { q: Int } type Subscription { tick: Int }` };
    await isServed(await publish(words('one'), service));
    const tick = await follow('subscription { tick }');
    await expect.poll(subscribers).toBe(1);
    await isServed(await publish(words('one')));
    expect(await tick.next()).toMatchObject({ value: { data: expect.stringContaining('"code":"SUBSCRIPTION_OUTDATED"') as string } });
    expect(await tick.next()).toMatchObject({ value: { event: 'complete' } });
    await expect.poll(subscribers).toBe(0);
    ticks.server.close();
  });

  it('frees the schemas of old generations, also under a subscription that one of them admitted', async () => {
    const { ticks, send, subscribers } = await startTicks();
    const service = { ...words('ticks'), sdl: `${LINK}type Query { q: Int } type Subscription { tick: Int }` };
    await isServed(await publish(words('one'), service));
    const tick = await follow('subscription { tick }');
    const event = tick.next();
    await expect.poll(subscribers).toBe(1);
    const swap = async (n: number): Promise<void> => {
      await isServed(await publish(words('one', '/graphql', `extra${n}: Int`), service));
      expect((await gateway.query('{ one }')).data).toEqual({ one: 'one' });
    };
    for (let n = 0; n < 2; n++) await swap(n);
    const before = queryObjects(GraphQLSchema, { format: 'count' });
    for (let n = 2; n < 4; n++) await swap(n);
    expect(queryObjects(GraphQLSchema, { format: 'count' })).toBeLessThanOrEqual(before + 1);
    send(1);
    expect(await event).toMatchObject({ value: { data: '{"data":{"tick":1}}' } });
    await tick.return(undefined);
    ticks.server.close();
  }, 60_000);

  it('signs off when it ends', async () => {
    await start();
    await isServed(1);
    await gateway.close();
    expect(await registry.serving()).toEqual([]);
  });
});

it('a gateway keeps the plans of three superseded generations, not of all', async () => {
  const memory = createMemoryRegistry();
  const loaded: number[] = [];
  const unloaded: number[] = [];
  const warmed: [number, number][] = [];
  const generations = createGenerations({
    registry: memory,
    planner: {
      load: async ({ number }) => {
        loaded.push(number);
        return { apiSdl: 'type Query { a: Int }' };
      },
      warm: async ({ from, to }) => {
        warmed.push([from, to]);
        return { planned: 0, skipped: 0 };
      },
      unload: async (number) => void unloaded.push(number),
    },
    instance: 'test',
    log: createLogger({ name: 'test', level: 'silent' }),
    pollMs: 1,
  });
  const next = (number: number): Promise<void> =>
    memory.publish({ number, digest: '', supergraphSdl: 'type Query { a: Int }', services: [] }, null);
  await next(1);
  await generations.open();
  generations.follow(() => undefined);
  for (let number = 2; number <= 6; number++) {
    await next(number);
    await expect.poll(() => loaded.at(-1)).toBe(number);
  }
  await expect.poll(() => unloaded).toEqual([1, 2]);
  // Each was warmed up with what the one before it was asked, the first with nothing.
  expect(warmed).toEqual([2, 3, 4, 5, 6].map((number) => [number - 1, number]));
  await generations.close();
});
