// A Temporal server as somebody else would start it: no setting of ours, nothing registered.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { createLogger } from '#platform/logger';
import { findTemporal } from '#platform/temporal-server/find-temporal';
import { eventually } from './eventually.js';
import { findFreePorts } from './sluice-process.js';

export interface BareTemporal {
  address: string;
  stop(): Promise<void>;
}

/** `temporal server start-dev`, in memory. @param settings - `name=value` of its dynamic configuration */
export async function startBareTemporal(settings: readonly string[] = []): Promise<BareTemporal> {
  const executable = await findTemporal({
    binary: 'temporal',
    configured: process.env['TEMPORAL_CLI'] ?? null,
    cacheDir: process.env['SLUICE_CACHE'] ?? join(homedir(), '.cache', 'sluice'),
    path: process.env['PATH'] ?? '',
    log: createLogger({ name: 'test', level: 'silent' }),
  });
  const [port] = (await findFreePorts(1)) as [number];
  const address = `127.0.0.1:${port}`;
  const flags = ['--headless', '--ip=127.0.0.1', `--port=${port}`, '--log-level=never'];
  const child = spawn(executable, ['server', 'start-dev', ...flags, ...settings.map((setting) => `--dynamic-config-value=${setting}`)], {
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  await eventually(() => hasNamespace(address), Boolean);
  return {
    address,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function hasNamespace(address: string): Promise<boolean> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: 1_000 });
    await connection.workflowService.describeNamespace({ namespace: 'default' }).finally(() => connection.close());
    return true;
  } catch {
    return false;
  }
}
