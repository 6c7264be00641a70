import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SupergraphRegistry, SupergraphService } from '#schema/contracts/supergraph';
import type { Database } from '#platform/database/open-database';
import { createLogger } from '#platform/logger';
import { openTestDatabase } from '#platform/tests/database';
import { createComposer } from './composer.js';
import { prepareSupergraph } from './prepare-supergraph.js';
import { composeChange, publishChange, publishServices } from './publish.js';
import { createDatabaseRegistry } from './registry.drizzle.js';
import { createFileRegistry } from './registry.file.js';
import { readBuiltInServices, readListedServices } from './service-list.js';
import { createServiceResolver } from './service-resolver.js';

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])\n';
const aService = (name: string, sdl = `type Query { ${name}: String }`): SupergraphService => ({
  name,
  sdl: LINK + sdl,
  host: name,
  path: '/graphql',
  signed: true,
  plugin: null,
});
const aPlugin = (name: string, digest = 'd1'): SupergraphService => ({
  ...aService(name, `extend type Thing @key(fields: "id") { id: ID! ${name}: String }`),
  host: 'plugin-host',
  path: `/plugins/${name}/${digest}/graphql`,
  plugin: { name: `@sluice/${name}`, version: '1.0.0', digest },
});
const things = aService('things', 'type Query { thing: Thing } type Thing @key(fields: "id") { id: ID! }');

const composer = createComposer();
let folder: string;
let database: Database;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-supergraph-'));
  database = await openTestDatabase();
});
afterAll(async () => {
  await composer.close();
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

async function anEmptyRegistry(): Promise<SupergraphRegistry> {
  const registry = await createDatabaseRegistry(database, createLogger({ name: 'test', level: 'silent' }));
  await database.pool.query('truncate supergraph.generations, supergraph.addresses, supergraph.serving');
  return registry;
}

async function aFileRegistry(): Promise<SupergraphRegistry> {
  const { supergraphSdl } = await composer.compose([{ ...things, url: 'http://127.0.0.1:4101/things?v=1' }]);
  const file = join(folder, 'supergraph.graphql');
  await writeFile(file, supergraphSdl);
  return createFileRegistry(file);
}

describe.each([
  ['in the database', anEmptyRegistry],
  ['of a file', aFileRegistry],
])('a registry %s', (_, open) => {
  it('knows the last address of a host', async () => {
    const registry = await open();
    await registry.setAddress('files', 'http://127.0.0.1:1/');
    await registry.setAddress('files', 'http://127.0.0.1:2');
    expect((await registry.addresses()).get('files')).toBe('http://127.0.0.1:2');
  });

  it('knows who serves what, until they leave', async () => {
    const registry = await open();
    await registry.recordServing({ instance: 'a', role: 'gateway', number: 1 });
    await registry.recordServing({ instance: 'b', role: 'worker', number: 1 });
    await registry.recordServing({ instance: 'a', role: 'gateway', number: 2 });
    expect((await registry.serving()).map(({ instance, number }) => `${instance}${number}`).sort()).toEqual(['a2', 'b1']);
    await registry.forgetServing('b');
    expect((await registry.serving()).map(({ instance }) => instance)).toEqual(['a']);
  });
});

describe('publishing', () => {
  it('numbers generations without gaps and keeps the old ones', async () => {
    const registry = await anEmptyRegistry();
    const first = await publishServices({ registry, composer, services: [things] });
    const second = await publishChange({ registry, composer, change: { kind: 'put', service: aPlugin('color') }, requestId: 'op_1' });
    expect([first.number, second.number]).toEqual([1, 2]);
    expect(await registry.newest()).toEqual(second);
    expect(await registry.get(1)).toEqual(first);
    expect(second.supergraphSdl).toContain('color');
    expect(second.supergraphSdl).not.toContain('http://127');
  });

  it('answers a repeated request with the generation it made, also when newer ones followed', async () => {
    const registry = await anEmptyRegistry();
    await publishServices({ registry, composer, services: [things] });
    const change = { kind: 'put', service: aPlugin('color') } as const;
    const made = await publishChange({ registry, composer, change, requestId: 'op_1' });
    await publishChange({ registry, composer, change: { kind: 'remove', name: 'color' }, requestId: 'op_2' });
    expect((await publishChange({ registry, composer, change, requestId: 'op_1' })).number).toBe(made.number);
    expect((await registry.newest())?.number).toBe(3);
  });

  it('loses no change when many publish at once', async () => {
    const registry = await anEmptyRegistry();
    await publishServices({ registry, composer, services: [things] });
    const names = ['red', 'green', 'blue', 'grey'];
    await Promise.all(
      names.map((name) => publishChange({ registry, composer, change: { kind: 'put', service: aPlugin(name) }, requestId: name })),
    );
    const newest = await registry.newest();
    expect(newest?.number).toBe(5);
    expect(newest?.services.map(({ name }) => name)).toEqual(['blue', 'green', 'grey', 'red', 'things']);
  });

  it('says nothing about a generation that it does not have', async () => {
    expect(await (await anEmptyRegistry()).get(77)).toBeUndefined();
  });

  it('shows the query that nobody could answer', async () => {
    const services = [
      aService('a', 'type Query { thing: Thing } type Thing @key(fields: "id") { id: ID! }'),
      aService('b', 'type Query { b: Int } type Thing @key(fields: "no", resolvable: false) { no: ID! name: String }'),
    ].map(({ name, sdl }) => ({ name, sdl, url: `http://${name}` }));
    await expect(composer.compose(services)).rejects.toMatchObject({
      problems: [{ code: 'SATISFIABILITY_ERROR', exampleQuery: expect.stringMatching(/thing \{\n\s+no/) }, {}],
    });
  });

  it('is heard of by whoever watches, in this process and, on PostgreSQL, in others', async () => {
    const registry = await anEmptyRegistry();
    const elsewhere = await createDatabaseRegistry(database, createLogger({ name: 'test', level: 'silent' }));
    const heard = { here: 0, elsewhere: 0 };
    const stop = [registry.watch?.(() => heard.here++), elsewhere.watch?.(() => heard.elsewhere++)];
    // PostgreSQL says once that it listens.
    if (database.kind === 'postgres') await expect.poll(() => heard.elsewhere).toBe(1);
    const before = { ...heard };
    await publishServices({ registry, composer, services: [things] });
    await expect.poll(() => heard.here).toBeGreaterThan(before.here);
    if (database.kind === 'postgres') await expect.poll(() => heard.elsewhere).toBeGreaterThan(before.elsewhere);
    stop.forEach((end) => end?.());
  });

  it('refuses a number that is taken', async () => {
    const registry = await anEmptyRegistry();
    const generation = await publishServices({ registry, composer, services: [things] });
    await expect(registry.publish(generation, 'x')).rejects.toMatchObject({ code: 'GENERATION_CONFLICT' });
  });

  it('lists every problem of services that do not compose, and publishes nothing', async () => {
    const registry = await anEmptyRegistry();
    await publishServices({ registry, composer, services: [things] });
    const clash = aService('clash', 'type Query { other: String } type Thing @key(fields: "nope") { id: Int! }');
    const publishing = publishChange({ registry, composer, change: { kind: 'put', service: clash }, requestId: 'op_1' });
    await expect(publishing).rejects.toMatchObject({
      code: 'COMPOSITION_FAILED',
      problems: [{ code: 'KEY_INVALID_FIELDS', service: 'clash' }],
    });
    await expect(
      composeChange({ registry, composer, change: { kind: 'put', service: { ...clash, sdl: 'type {' } } }),
    ).rejects.toMatchObject({
      problems: [{ code: 'INVALID_GRAPHQL', service: 'clash' }],
    });
    expect((await registry.newest())?.number).toBe(1);
  });

  it('at start-up publishes only what is new, and leaves plugins where they are', async () => {
    const registry = await anEmptyRegistry();
    const start = (services: SupergraphService[]): Promise<number> =>
      publishServices({ registry, composer, services }).then(({ number }) => number);
    expect(await Promise.all([start([things]), start([things])])).toEqual([1, 1]);
    await publishChange({ registry, composer, change: { kind: 'put', service: aPlugin('color') }, requestId: 'op_1' });
    expect(await start([things])).toBe(2);
    expect(await start([things, aService('more')])).toBe(3);
    expect((await registry.newest())?.services.map(({ name }) => name)).toEqual(['color', 'more', 'things']);
  });
});

describe('the services of a deployment', () => {
  it('compose: ours as committed, and a listed one that tells its own schema', async () => {
    const server = createServer((request, response) => {
      request.resume();
      response.end(JSON.stringify({ data: { _service: { sdl: `${LINK}type Query { asked: String }` } } }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await writeFile(join(folder, 'read.graphql'), `${LINK}type Query { read: String }`);
    await writeFile(
      join(folder, 'supergraph.yaml'),
      `federation_version: =2.7.0\nerrors: full\nsubgraphs:\n  asked: { schema: { subgraph_url: '${url}/api' }, errors: { show: codes, texts: [OUT_OF_STOCK] } }\n  read: { routing_url: 'http://127.0.0.1:9/', schema: { file: ./read.graphql } }\n`,
    );
    const registry = await anEmptyRegistry();
    const { services, supergraphSdl } = await prepareSupergraph({ registry, composer, subgraphsFile: join(folder, 'supergraph.yaml') });
    server.close();
    expect(services.map(({ name, signed }) => `${name} ${signed}`)).toEqual([
      'asked false',
      'files true',
      'operations true',
      'plugins true',
      'read false',
      'tenants true',
    ]);
    expect(supergraphSdl).toMatch(/asked: String/);
    const resolve = createServiceResolver(registry);
    expect(await resolve(1, 'asked')).toMatchObject({ url: new URL(`${url}/api`), signed: false, errors: { show: 'codes' } });
    expect((await resolve(1, 'asked')).errors?.texts).toContain('OUT_OF_STOCK');
    expect(await resolve(1, 'read')).toMatchObject({ errors: { show: 'full' } });
    await registry.setAddress('files', url);
    expect(await createServiceResolver(registry, new Map([['files', { show: 'masked' as const }]]))(1, 'files')).toMatchObject({
      errors: { show: 'masked' },
    });
  });

  it.each([
    ['subgraphs:\n  files: { routing_url: http://x, schema: { file: a } }', /'files' is the name/],
    ['errors: all\nsubgraphs: {}', /errors: expected full, codes, masked/],
    [
      'subgraphs:\n  mine: { routing_url: http://x, schema: { sdl: a }, errors: { show: full, texts: [A] } }',
      /mine\.errors: expected full, codes/,
    ],
    ['subgraphs:\n  mine: { routing_url: ftp://x, schema: { file: a } }', /subgraphs\.mine\.routing_url: expected an http address/],
    ['subgraphs:\n  mine: { routing_url: http://x, schema: { file: ./none.graphql } }', /the schema of 'mine' cannot be read/],
    ['subgraphs:\n  mine: { schema: { file: ./none.graphql } }', /'mine' needs a routing_url/],
    ['services: []', /subgraphs/],
  ])('are refused with one clear sentence: %j', async (text, message) => {
    await writeFile(join(folder, 'bad.yaml'), text);
    await expect(readListedServices(join(folder, 'bad.yaml'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });

  it('are all those in schema/subgraphs', async () => {
    expect((await readBuiltInServices()).map(({ name }) => name)).toEqual(['files', 'operations', 'plugins', 'tenants']);
  });
});

describe('SUPERGRAPH=<file>', () => {
  it('takes services and addresses from the file, and cannot be changed', async () => {
    const registry = await aFileRegistry();
    const resolve = createServiceResolver(registry);
    expect(await resolve(1, 'things')).toMatchObject({ url: new URL('http://127.0.0.1:4101/things?v=1'), signed: false });
    await expect(publishServices({ registry, composer, services: [things] })).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  it('serves a changed file as the next generation, and stays with the last good one', async () => {
    const registry = await aFileRegistry();
    const file = join(folder, 'supergraph.graphql');
    const compose = async (fields: string, url: string): Promise<string> =>
      (await composer.compose([{ name: 'things', sdl: `${LINK}type Query { ${fields} }`, url }])).supergraphSdl;
    await writeFile(file, await compose('other: Int', 'http://127.0.0.1:4102/'));
    expect((await registry.newest())?.number).toBe(2);
    const resolve = createServiceResolver(registry);
    expect((await resolve(2, 'things')).url.href).toBe('http://127.0.0.1:4102/');
    expect((await registry.get(1))?.supergraphSdl).toContain('thing: Thing');
    await writeFile(file, 'type {');
    await expect(registry.newest()).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect((await registry.newest())?.number).toBe(2);
    await rm(file);
    expect((await registry.newest())?.number).toBe(2);
    // A run that began before a restart.
    expect((await registry.get(99))?.number).toBe(2);
  });

  it.each([
    ['no.graphql', null, /cannot be read/],
    ['bad.graphql', 'type {', /is not GraphQL SDL/],
    ['plain.graphql', 'type Query { a: Int }', /not a composed supergraph/],
  ])('says what is wrong with %s', async (name, text, message) => {
    if (text !== null) await writeFile(join(folder, name), text);
    await expect(createFileRegistry(join(folder, name))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
    });
  });
});

describe('locating a service', () => {
  it('says which part is unknown', async () => {
    const registry = await anEmptyRegistry();
    await publishServices({ registry, composer, services: [things] });
    const resolve = createServiceResolver(registry);
    await expect(resolve(9, 'things')).rejects.toMatchObject({ code: 'GENERATION_UNKNOWN' });
    await expect(resolve(1, 'other')).rejects.toMatchObject({ code: 'GENERATION_UNKNOWN' });
    await expect(resolve(1, 'things')).rejects.toMatchObject({ code: 'SUBGRAPH_UNREACHABLE' });
  });

  it('needs no waiting for what is known', async () => {
    const resolve = createServiceResolver(await aFileRegistry());
    const first = await resolve(1, 'things');
    expect(resolve(1, 'things')).toBe(first);
  });

  it('goes by the last known addresses while the registry is away', async () => {
    const file = await aFileRegistry();
    let isAway = false;
    const away = (): Promise<never> => Promise.reject(new Error('away'));
    const resolve = createServiceResolver({ get: (number) => file.get(number), addresses: () => (isAway ? away() : file.addresses()) });
    await resolve(1, 'things');
    isAway = true;
    expect((await resolve(1, 'things')).url.host).toBe('127.0.0.1:4101');
  });
});
