import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { check, compose } from './compose.js';
import { readCliConfig } from './config.js';

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable"])\n';
let folder: string;
const printed: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-compose-'));
  for (const stream of ['log', 'error'] as const) vi.spyOn(console, stream).mockImplementation((line: string) => void printed.push(line));
});
afterEach(() => printed.splice(0));
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/** @returns the path of a supergraph.yaml that lists these services */
async function aList(services: Record<string, string>): Promise<string> {
  const lines = Object.entries(services).map(
    ([name, sdl]) => `  ${name}: { routing_url: 'http://127.0.0.1:4100/${name}', schema: { sdl: ${JSON.stringify(LINK + sdl)} } }`,
  );
  const file = join(folder, 'supergraph.yaml');
  await writeFile(file, `federation_version: 2\nsubgraphs:\n${lines.join('\n')}\n`);
  return file;
}
const config = readCliConfig({});

describe('sluice compose', () => {
  it('writes the supergraph of the listed services alone, with their addresses', async () => {
    const out = join(folder, 'supergraph.graphql');
    const list = await aList({ files: 'type Query { a: Int }' });
    expect(await compose({ config: list, out }, config)).toBe(0);
    const sdl = await readFile(out, 'utf8');
    expect(sdl).toContain('FILES @join__graph(name: "files", url: "http://127.0.0.1:4100/files")');
    expect(sdl).not.toContain('tenants');
  });

  it('needs no address of a service, as it only composes', async () => {
    const list = join(folder, 'unrouted.yaml');
    await writeFile(
      list,
      `federation_version: =2.9.0\nsubgraphs: { a: { schema: { sdl: ${JSON.stringify(`${LINK}type Query { a: Int }`)} } } }\n`,
    );
    expect(await compose({ config: list }, config)).toBe(0);
    expect(printed.join('\n')).toContain('A @join__graph(name: "a", url: "")');
  });

  it('asks a service for its schema with the headers that it wants', async () => {
    const asked = createServer((request, response) => {
      const sdl = request.headers['x-team'] === 'orders' ? `${LINK}type Query { asked: Int }` : '';
      response.end(JSON.stringify({ data: { _service: { sdl } } }));
    }).listen(0, '127.0.0.1');
    await once(asked, 'listening');
    const url = `http://127.0.0.1:${(asked.address() as AddressInfo).port}/graphql`;
    const list = join(folder, 'headers.yaml');
    await writeFile(list, `subgraphs: { a: { schema: { subgraph_url: '${url}', introspection_headers: { X-Team: orders } } } }\n`);
    expect(await compose({ config: list }, config)).toBe(0);
    expect(printed.join('\n')).toContain('asked: Int');
    asked.close();
    asked.closeAllConnections();
  });

  it('adds the listed services to ours when they are set for the deployment', async () => {
    const list = await aList({ more: 'type Query { more: Int }' });
    expect(await compose({}, readCliConfig({ SLUICE_SUBGRAPHS: list }))).toBe(0);
    expect(printed.join('\n')).toMatch(/name: "tenants"[^]*more: Int/);
  });
});

describe('sluice check', () => {
  const before = { a: 'type Query { one: Int two: Int }' };
  async function against(services: Record<string, string>): Promise<number> {
    const out = join(folder, 'before.graphql');
    await compose({ config: await aList(before), out }, config);
    return check({ config: await aList(services), against: out }, config);
  }

  it('is content with services that compose and break nothing', async () => {
    expect(await against({ ...before, b: 'type Query { three: Int }' })).toBe(0);
    expect(printed.at(-1)).toBe('2 services compose, 0 hints, 0 breaking and 0 dangerous changes');
  });

  it('names what would break, and ends with 3', async () => {
    expect(await against({ a: 'type Query { one: Int! }', b: 'enum E { X } type Query { e(of: E): Int @shareable }' })).toBe(3);
    expect(printed).toContain('breaking FIELD_REMOVED\n  Query.two was removed.');
  });

  it('says where services do not compose, with code, coordinate, service and line, and ends with 1', async () => {
    const list = await aList({ a: 'type Query { x: Int @shareable }', b: 'type Query { x: String @shareable }' });
    expect(await check({ config: list }, config)).toBe(1);
    expect(printed[0]).toMatch(/^error FIELD_TYPE_MISMATCH at Query\.x in a:2\n {2}Type of field/);
    expect(printed.at(-1)).toBe('sluice: the services do not compose: 1 problem (COMPOSITION_FAILED)');
  });

  it('finds an undo that could not work', async () => {
    const directive = 'directive @compensate(with: String!, arguments: [String!]! = []) on FIELD_DEFINITION';
    const list = await aList({
      a: `${directive}\ntype Query { x: Int }\ntype Mutation { put: ID! @compensate(with: "drop", arguments: ["key: result"]) drop(id: ID!): Int }`,
    });
    expect(await check({ config: list }, config)).toBe(1);
    expect(printed.slice(0, 2).map((line) => line.split('\n')[0])).toEqual([
      'error COMPENSATE_ARGUMENT_UNKNOWN at Mutation.put in a:4',
      'error COMPENSATE_ARGUMENT_MISSING at Mutation.put in a:4',
    ]);
  });

  it('shows a query that nobody could answer, with the field and the service that has it', async () => {
    const list = await aList({
      a: 'type Query { thing: Thing @shareable } type Thing { id: ID! @shareable }',
      b: 'type Query { other: Thing } type Thing { id: ID! @shareable  no: Int }',
    });
    expect(await check({ config: list }, config)).toBe(1);
    expect(printed[0]).toMatch(/^error SATISFIABILITY_ERROR at Thing\.no in b\n[^]* {2}\{\n {4}thing \{\n {6}no\n/);
  });

  it('names a service also where the composer gives no place', async () => {
    const list = await aList({ a: 'type Query { x: Int }', b: 'type Query { x: Int }' });
    expect(await check({ config: list }, config)).toBe(1);
    expect(printed[0]).toMatch(/^error INVALID_FIELD_SHARING at Query\.x in a(?::\d+)?\n/);
  });

  it('prints hints with their coordinate', async () => {
    const list = await aList({ a: 'type Query { x: Int @shareable }', b: 'type Query { x: Int! @shareable }' });
    expect(await check({ config: list }, config)).toBe(0);
    expect(printed[0]).toMatch(/^hint INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE at Query\.x/);
  });

  it('says which file it cannot read', async () => {
    await expect(check({ against: join(folder, 'none') }, config)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});
