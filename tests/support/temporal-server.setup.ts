// One real Temporal server for the run, tuned as the product's own, on free ports in a folder of its own.
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { createLogger } from '#platform/logger';
import { ensureTemporal } from '#platform/temporal-server/ensure-temporal';
import { findFreePorts, makeDataFolder } from './sluice-process.js';

declare module 'vitest' {
  interface ProvidedContext {
    temporalAddress: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const data = await makeDataFolder();
  const [port] = await findFreePorts(1);
  const server = await ensureTemporal({
    address: process.env['TEST_TEMPORAL_ADDRESS'] ?? null,
    namespace: 'default',
    uiUrl: null,
    port: port ?? 0,
    uiPort: null,
    cli: process.env['TEMPORAL_CLI'] ?? null,
    cacheDir: process.env['SLUICE_CACHE'] ?? join(homedir(), '.cache', 'sluice'),
    dataDir: data.path,
    path: process.env['PATH'] ?? '',
    log: createLogger({ name: 'test', level: 'warn' }),
  });
  project.provide('temporalAddress', server.address);
  return async () => {
    await server.stop();
    await data.remove();
  };
}
