import { readFile, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { parse as parseYaml } from 'yaml';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../logger.js';
import { ensureTemporal, type TemporalServerOptions } from './ensure-temporal.js';
import { DYNAMIC_CONFIG, toServerArguments } from './settings.js';

let options: TemporalServerOptions;
beforeEach(async () => {
  const port = await freePort();
  options = {
    address: null,
    namespace: 'default',
    uiUrl: null,
    port,
    uiPort: null,
    cli: process.env['TEMPORAL_CLI'] ?? null,
    cacheDir: process.env['SLUICE_CACHE'] ?? join(homedir(), '.cache', 'sluice'),
    dataDir: await mkdtemp(join(tmpdir(), 'sluice-temporal-')),
    path: process.env['PATH'] ?? '',
    log: createLogger({ name: 'test', level: 'silent' }),
  };
});
afterEach(() => rm(options.dataDir, { recursive: true, force: true }));

describe('the embedded Temporal server', () => {
  it('is adopted by the next start instead of started twice, and ended by stop', async () => {
    const first = await ensureTemporal(options);
    const { pid } = JSON.parse(await readFile(join(options.dataDir, 'temporal.json'), 'utf8')) as { pid: number };
    const second = await ensureTemporal({ ...options, port: await freePort() });
    expect(second.address).toBe(first.address);
    // Both look after it, which two processes never do: the folder's lock lets one in.
    await Promise.all([first.stop(), second.stop()]);
    await expect.poll(() => isAlive(pid)).toBe(false);
  });

  it('tells its UI where payloads are decoded, and knows after an adoption what it told', async () => {
    const uiPort = await freePort();
    const uiCodec = { url: 'http://127.0.0.1:4000/temporal-codec', capability: 'first' };
    const first = await ensureTemporal({ ...options, uiPort, uiCodec });
    const readEndpoint = async (): Promise<unknown> => {
      const settings = await fetch(`${first.uiUrl ?? ''}/api/v1/settings`).then((response) => response.json());
      return (settings as { Codec: { Endpoint: string } }).Codec.Endpoint;
    };
    await expect.poll(() => readEndpoint().catch(() => null)).toBe(`${uiCodec.url}/first/default`);
    const adopted = await ensureTemporal({ ...options, uiPort, uiCodec: { ...uiCodec, capability: 'second' } });
    expect([first.uiCapability, adopted.uiCapability]).toEqual(['first', 'first']);
    await Promise.all([first.stop(), adopted.stop()]);
  });

  it('is started again on its address when it is killed, has kept what it had taken, and is left alone after a stop', async () => {
    const server = await ensureTemporal(options);
    const readPid = async (): Promise<number> =>
      (JSON.parse(await readFile(join(options.dataDir, 'temporal.json'), 'utf8')) as { pid: number }).pid;
    const workflowId = 'before';
    await withClient(server.address, (client) => client.workflow.start('none', { taskQueue: 'none', workflowId }));
    const first = await readPid();
    process.kill(first, 'SIGKILL');
    await expect
      .poll(
        () =>
          withClient(server.address, (client) => client.workflow.getHandle(workflowId).describe()).then(
            ({ status }) => status.name,
            () => null,
          ),
        {
          timeout: 15_000,
        },
      )
      .toBe('RUNNING');
    expect((await stat(join(options.dataDir, 'temporal.db-wal'))).size).toBeGreaterThan(0);
    const second = await readPid();
    expect(second).not.toBe(first);
    await server.stop();
    expect(isAlive(second)).toBe(false);
    await expect(readPid()).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is refused a port that another program holds', async () => {
    const squatter = createServer().listen(options.port, '127.0.0.1');
    await once(squatter, 'listening');
    await expect(ensureTemporal(options)).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    squatter.close();
  });

  it.each([
    ['none is known', { uiPort: 8233, uiCodec: null }],
    ['there is no UI', { uiPort: null, uiCodec: { url: 'http://127.0.0.1:4000/temporal-codec', capability: null } }],
  ])('is told of no codec server where %s', (_, ui) => {
    const args = toServerArguments({ port: 7233, file: 'temporal.db', namespace: 'default', ...ui });
    expect(args.filter((arg) => arg.includes('codec'))).toEqual([]);
  });

  it('has the settings that deploy/ gives to the one of docker-compose.yml', async () => {
    const yaml = parseYaml(await readFile(new URL('../../deploy/temporal/dynamic-config.yaml', import.meta.url), 'utf8')) as Record<
      string,
      { value: unknown }[]
    >;
    expect(Object.fromEntries(Object.entries(yaml).map(([key, values]) => [key, values[0]?.value]))).toEqual(DYNAMIC_CONFIG);
  });
});

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
