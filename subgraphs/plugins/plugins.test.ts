// Mutations of plugins and their keys, on the real store; durable work is a stand-in that runs nothing (the real one: workers/tests).
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BlobStore } from '#platform/blob-store';
import type { Database } from '#platform/database/open-database';
import { createLogger } from '#platform/logger';
import { openTestDatabase } from '#platform/tests/database';
import { CodedError } from '#schema/contracts/errors';
import type { OperationFacts, OperationStatus } from '#schema/contracts/operations';
import { serveForTest, type ServiceCaller } from '../shared/tests/service-caller.js';
import type { PluginDoor } from './door.js';
import { createPluginsSubgraph } from './main.js';
import { createPluginStore } from './store.drizzle.js';
import type { PluginStore } from './store.js';

const PLUGIN = '@sluice/qr-code';
const INSTALL = `mutation ($input: InstallPluginInput!) {
  installPlugin(input: $input) { operation { id } userErrors { code } }
}`;

interface Run {
  id: string;
  workflowId: string;
  facts: OperationFacts;
  status: OperationStatus;
}
const runs: Run[] = [];
const newestOf = (workflowId: string): Run | undefined => runs.filter((run) => run.workflowId === workflowId).at(-1);
const door: PluginDoor = {
  start: async (_, __, { workflowId, facts }) => {
    await new Promise(setImmediate);
    const running = newestOf(workflowId);
    if (running?.status === 'WORKING') throw new CodedError('OPERATION_IN_PROGRESS', 'running', { details: { operationId: running.id } });
    const id = `op_${runs.length}`;
    runs.push({ id, workflowId, facts, status: 'WORKING' });
    return { operationId: id };
  },
  describe: async (id) => runs.find((run) => run.id === id),
  findNewest: async (workflowId) => newestOf(workflowId),
};

let database: Database;
let store: PluginStore;
let remembers: boolean;
let plugins: ServiceCaller;
beforeAll(async () => {
  database = await openTestDatabase();
  const real = await createPluginStore(database);
  store = {
    ...real,
    remember: (...it) => (remembers ? real.remember(...it) : Promise.reject(new CodedError('DATABASE_UNAVAILABLE', 'away'))),
  };
  plugins = await serveForTest((keys) =>
    createPluginsSubgraph({ store, blobs: {} as BlobStore, door, keys, log: createLogger({ name: 'test', level: 'silent' }) }),
  );
  for (const version of ['1.0.0', '1.1.0'])
    await store.addVersion({
      id: `ver_${version}`,
      plugin: PLUGIN,
      version,
      digest: version,
      size: 1,
      manifest: {},
      sdl: '',
      readme: null,
      publishedBy: 'usr_admin',
    });
});
afterAll(async () => {
  await plugins.close();
  await database.close();
});
beforeEach(async () => {
  runs.length = 0;
  remembers = true;
  await database.pool.query('delete from plugins.installations');
  await database.pool.query('delete from plugins.idempotency_keys');
});

interface Answer {
  operation: { id: string } | null;
  userErrors: { code: string }[];
}
async function install(key: string | null, input: object = {}): Promise<Answer> {
  const headers: Record<string, string> = key === null ? {} : { 'idempotency-key': key };
  const { data } = await plugins.ask('admin', INSTALL, { input: { name: PLUGIN, ...input } }, headers);
  return data.installPlugin as Answer;
}
/** As its run would. */
async function end(status: 'COMPLETED' | 'FAILED'): Promise<void> {
  const run = runs.at(-1);
  if (run === undefined) throw new Error('nothing runs');
  run.status = status;
  if (status === 'FAILED') return;
  const row = { id: `ins_${run.id}`, plugin: PLUGIN, version: '1.1.0', digest: '1.1.0', generation: 2, granted: [] };
  await store.addInstallation({ ...row, operationId: run.id, installedBy: 'usr_admin' });
}
const FIRST = { operation: { id: 'op_0' }, userErrors: [] };

describe('installPlugin, sent again with its key', () => {
  it('is the same operation while that runs', async () => {
    expect([await install('k1'), await install('k1')]).toEqual([FIRST, FIRST]);
  });

  it.each(['COMPLETED', 'FAILED'] as const)('is the same operation when that is %s', async (status) => {
    await install('k1');
    await end(status);
    expect(await install('k1')).toEqual(FIRST);
    expect(runs).toHaveLength(1);
  });

  it.each(['WORKING', 'COMPLETED', 'FAILED'] as const)('is so when it was started and could not be remembered: %s', async (status) => {
    remembers = false;
    expect(await install('k1')).toMatchObject({ operation: null, userErrors: [{ code: 'DATABASE_UNAVAILABLE' }] });
    if (status !== 'WORKING') await end(status);
    remembers = true;
    expect(await install('k1')).toEqual(FIRST);
    expect(runs).toHaveLength(1);
  });

  it('is so when others have worked on the plugin meanwhile', async () => {
    await install('k1');
    await end('FAILED');
    await install('k2');
    await end('FAILED');
    expect(await install('k1')).toEqual(FIRST);
    expect(runs).toHaveLength(2);
  });

  it('is one operation when both come at once', async () => {
    expect(await Promise.all([install('k1'), install('k1')])).toEqual([FIRST, FIRST]);
    expect(runs).toHaveLength(1);
  });

  it('is known by its clientMutationId as well', async () => {
    const input = { clientMutationId: 'm1' };
    expect([await install(null, input), await install(null, input)]).toEqual([FIRST, FIRST]);
  });

  it.each([
    ['once it is remembered', true],
    ['when it could not be', false],
  ])('is refused with other content, %s', async (_, isRemembered) => {
    remembers = isRemembered;
    await install('k1');
    const input = { name: PLUGIN, version: '1.0.0' };
    const response = await plugins.send('admin', INSTALL, { input }, { 'idempotency-key': 'k1' });
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } }] });
    expect(runs).toHaveLength(1);
  });

  it('was not there, when it was refused: it is judged anew', async () => {
    expect(await install('k1', { version: '2.0.0' })).toMatchObject({ operation: null, userErrors: [{ code: 'VERSION_NOT_FOUND' }] });
    expect(await install('k1', { version: '2.0.0' })).toMatchObject({ operation: null, userErrors: [{ code: 'VERSION_NOT_FOUND' }] });
    expect(runs).toEqual([]);
  });
});

describe('installPlugin with another key, or none', () => {
  it.each(['k2', null])('names what runs, and refuses what is installed: %s', async (key) => {
    await install('k1');
    expect(await install(key)).toEqual({ operation: { id: 'op_0' }, userErrors: [{ code: 'OPERATION_IN_PROGRESS' }] });
    await end('COMPLETED');
    expect(await install(key)).toEqual({ operation: null, userErrors: [{ code: 'ALREADY_INSTALLED' }] });
  });
});

describe('the phase of a plugin', () => {
  interface Phase {
    id: string;
    phase: string;
    operation: { id: string };
  }
  const read = async (): Promise<Phase | null> => {
    const { data } = await plugins.ask(
      'admin',
      'query($name: String!) { plugin(name: $name) { installation { id phase operation { id } } } }',
      {
        name: PLUGIN,
      },
    );
    return data.plugin.installation as Phase | null;
  };

  it('follows its newest run at once', async () => {
    expect(await read()).toBeNull();
    await install('k1');
    expect(await read()).toMatchObject({ phase: 'INSTALLING', operation: { id: 'op_0' } });
    await end('FAILED');
    expect(await read()).toMatchObject({ phase: 'FAILED', operation: { id: 'op_0' } });
    await install('k2');
    expect(await read()).toMatchObject({ phase: 'INSTALLING', operation: { id: 'op_1' } });
    await end('COMPLETED');
    expect(await read()).toMatchObject({ phase: 'ACTIVE', operation: { id: 'op_1' } });
  });

  it('is found by the id under which it was told, active or not', async () => {
    const byId = async (id = ''): Promise<unknown> =>
      (await plugins.ask('admin', 'query($id: ID!) { pluginInstallation(id: $id) { id phase operation { id } } }', { id })).data
        .pluginInstallation;
    await install('k1');
    for (const status of ['FAILED', 'COMPLETED'] as const) {
      await end(status);
      const told = await read();
      expect(told).not.toBeNull();
      expect(await byId(told?.id)).toEqual(told);
    }
    expect([await byId('ins_none'), await byId('ins_op_9')]).toEqual([null, null]);
  });
});

it('refuses a cursor of no version, in the place of beginning anew', async () => {
  const { errors } = await plugins.ask(
    'admin',
    'query($name: String!, $after: String) { plugin(name: $name) { versions(first: 1, after: $after) { nodes { id } } } }',
    {
      name: PLUGIN,
      after: Buffer.from('1970-01-01T00:00:00.000Z ver_none').toString('base64url'),
    },
  );
  expect(errors?.[0]?.extensions.code).toBe('CURSOR_INVALID');
});
