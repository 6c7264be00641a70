import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SupergraphRegistry } from '#schema/contracts/supergraph';
import { createLogger } from '#platform/logger';
import type { Database } from '#platform/database/open-database';
import { openTestDatabase } from '#platform/tests/database';
import { createComposer } from './composer.js';
import { type FollowedServiceList, followServiceList } from './follow-service-list.js';
import { prepareOrKeep } from './prepare-supergraph.js';
import { createDatabaseRegistry } from './registry.drizzle.js';

const LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7")\n';
const composer = createComposer();
const lines: string[] = [];
const log = createLogger({
  name: 'test',
  destination: { write: (line: string) => lines.push(line) > 0 } as unknown as NodeJS.WritableStream,
});
let folder: string;
let database: Database;
let registry: SupergraphRegistry;
let followed: FollowedServiceList;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-list-'));
  database = await openTestDatabase();
  registry = await createDatabaseRegistry(database, log);
});
afterEach(() => followed.close());
afterAll(async () => {
  await composer.close();
  await database.close();
  await rm(folder, { recursive: true });
});

async function follow(text: string, askEveryMs = 60_000): Promise<void> {
  const subgraphsFile = join(folder, 'supergraph.yaml');
  await writeFile(subgraphsFile, text);
  followed = followServiceList({ registry, composer, subgraphsFile, askEveryMs, log, filesPollMs: 10 });
}
const serves = (field: string): Promise<void> =>
  expect.poll(async () => (await registry.newest())?.supergraphSdl.includes(`${field}: Int`), { timeout: 15_000 }).toBe(true);

describe('a list of services', () => {
  it('is taken over when a schema file changes, and when it lists more; a bad one changes nothing', async () => {
    const mine = join(folder, 'mine.graphql');
    await writeFile(mine, `${LINK}type Query { mine: Int }`);
    const yaml = `subgraphs:\n  mine: { routing_url: 'http://127.0.0.1:9/', schema: { file: ./mine.graphql } }\n`;
    await follow(yaml);
    await serves('mine');
    await writeFile(mine, `${LINK}type Query { mine: Int changed: Int }`);
    await serves('changed');
    const number = (await registry.newest())?.number;

    await writeFile(mine, `${LINK}type Query { mine: Nothing }`);
    await expect.poll(() => lines.some((line) => line.includes('INVALID_GRAPHQL'))).toBe(true);
    expect((await registry.newest())?.number).toBe(number);

    await writeFile(mine, `${LINK}type Query { mine: Int }`);
    await writeFile(
      join(folder, 'supergraph.yaml'),
      `${yaml}  yours: { routing_url: 'http://127.0.0.1:9/', schema: { sdl: 'type Query { yours: Int }' } }\n`,
    );
    await serves('yours');
  });

  it('is taken over when a schema file changes while the schema of before is composed', async () => {
    const late = join(folder, 'late.graphql');
    await writeFile(late, `${LINK}type Query { early: Int }`);
    const subgraphsFile = join(folder, 'late.yaml');
    await writeFile(subgraphsFile, "subgraphs:\n  late: { routing_url: 'http://127.0.0.1:9/', schema: { file: ./late.graphql } }\n");
    let isChanged = false;
    const changing: typeof composer = {
      ...composer,
      async compose(services) {
        if (!isChanged) await writeFile(late, `${LINK}type Query { tooLate: Int }`);
        isChanged = true;
        return composer.compose(services);
      },
    };
    followed = followServiceList({ registry, composer: changing, subgraphsFile, askEveryMs: 60_000, log, filesPollMs: 10 });
    await serves('tooLate');
  });

  it('asks services that tell their own schema again and again', async () => {
    let field = 'before';
    const server = createServer((request, response) => {
      request.resume();
      response.end(JSON.stringify({ data: { _service: { sdl: `${LINK}type Query { ${field}: Int }` } } }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await follow(`subgraphs:\n  asked: { schema: { subgraph_url: 'http://127.0.0.1:${(server.address() as AddressInfo).port}/' } }\n`, 50);
    await serves('before');
    field = 'after';
    await serves('after');
    expect((await registry.newest())?.changes).toEqual([
      { severity: 'breaking', kind: 'FIELD_REMOVED', message: 'Query.before was removed.' },
    ]);
    server.closeAllConnections();
    server.close();
  });

  it('whose service is away ends no start where a generation is stored: that one is served, and the service when it is back', async () => {
    const server = createServer((request, response) => {
      request.resume();
      response.end(JSON.stringify({ data: { _service: { sdl: `${LINK}type Query { back: Int }` } } }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    const subgraphsFile = join(folder, 'away.yaml');
    const url = `http://127.0.0.1:${port}/graphql`;
    const text = `subgraphs:\n  away: { schema: { subgraph_url: '${url}' } }\n`;
    await writeFile(subgraphsFile, text);
    const newest = await registry.newest();
    expect(await prepareOrKeep({ registry, composer, subgraphsFile, log })).toEqual(newest);
    const [warning] = lines.filter((line) => line.includes('the newest stored generation is served'));
    expect(warning).toContain(`at ${url} (ECONNREFUSED)`);

    await follow(text, 50);
    server.listen(port, '127.0.0.1');
    await serves('back');
    server.closeAllConnections();
    server.close();
  });

  it('whose service is away ends the first start, in one sentence with its address and the cause', async () => {
    const subgraphsFile = join(folder, 'away.yaml');
    await writeFile(subgraphsFile, "subgraphs:\n  away: { schema: { subgraph_url: 'http://me:secret@127.0.0.1:9/graphql?key=secret' } }\n");
    const empty = { ...registry, newest: () => Promise.resolve(undefined) };
    const starting = prepareOrKeep({ registry: empty, composer, subgraphsFile, log });
    await expect(starting).rejects.toMatchObject({
      code: 'SUBGRAPH_UNREACHABLE',
      message: "SLUICE_SUBGRAPHS: 'away' did not tell its schema at http://127.0.0.1:9/graphql (ECONNREFUSED)",
    });
  });
});
