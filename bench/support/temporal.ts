// A Temporal dev server as its documentation starts it: no setting but the ports.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '#platform/logger';
import { findTemporal } from '#platform/temporal-server/find-temporal';
import { findFreePorts } from '#tests/support/sluice-process';
import { startMeasured } from './processes.js';

/** @returns its address */
export async function startDefaultTemporal(): Promise<string> {
  const [port] = (await findFreePorts(1)) as [number];
  const executable = await findTemporal({
    binary: 'temporal',
    configured: process.env['TEMPORAL_CLI'] ?? null,
    cacheDir: process.env['SLUICE_CACHE'] ?? join(homedir(), '.cache', 'sluice'),
    path: process.env['PATH'] ?? '',
    log: createLogger({ name: 'bench', level: 'warn' }),
  });
  await startMeasured([executable, 'server', 'start-dev', '--headless', '--port', String(port)], { ready: /Server:/ });
  return `127.0.0.1:${port}`;
}
