// Runs installed plugins, each as a subgraph of its own at /plugins/<service>/<digest>/graphql.
// H1. Only an admitted digest is loaded, on its first call, also after a restart.
// H2. A withdrawn one answers for 60 s more, for what was planned before; then PLUGIN_REMOVED.
import type { RequestListener } from 'node:http';
import type { BlobStore } from '#platform/blob-store';
import { closeServer, createHttpServer, listen } from '#platform/http-server';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { readPackage } from '#platform/plugin-package/archive';
import { CodedError } from '#schema/contracts/errors';
import { sendServiceError } from '../shared/create-subgraph.js';
import type { Admissions } from './admissions.js';
import { type LoadedPlugin, loadPlugin } from './plugin-subgraph.js';

const KEEP_REMOVED_MS = 60_000;
const RECHECK_MS = 1_000;
const PATH = /^\/plugins\/([a-z0-9-]{1,120})\/([0-9a-f]{64})\/graphql$/;

export function toPluginPath(service: string, digest: string): string {
  return `/plugins/${service}/${digest}/graphql`;
}

export interface PluginHost {
  handler: RequestListener;
  /** Loads what a new generation will ask for, so that the first caller need not wait. Never rejects: what fails is tried again when asked. */
  prepare(paths: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

interface Entry {
  plugin: Promise<LoadedPlugin>;
  checkedAtMs: number;
}

export function createPluginHost(deps: {
  admissions: Admissions;
  blobs: BlobStore;
  keys: KeyRing;
  log: Logger;
  now?: () => number;
}): PluginHost {
  const { admissions, blobs, keys, log, now = Date.now } = deps;
  const loaded = new Map<string, Entry>();

  async function find(path: string): Promise<LoadedPlugin> {
    const match = PATH.exec(path);
    if (match === null) throw new CodedError('NOT_FOUND', 'expected /plugins/<service>/<digest>/graphql');
    const [, service, digest] = match as unknown as [string, string, string];
    const known = loaded.get(path);
    if (known !== undefined && now() - known.checkedAtMs < RECHECK_MS) return known.plugin;
    await assertAdmitted(service, digest, path);
    const entry = loaded.get(path) ?? { plugin: load(service, digest, path), checkedAtMs: 0 };
    entry.checkedAtMs = now();
    loaded.set(path, entry);
    // One that failed to load may be tried again by the next call.
    entry.plugin.catch(() => loaded.delete(path));
    return entry.plugin;
  }

  async function assertAdmitted(service: string, digest: string, path: string): Promise<void> {
    const admission = await admissions.find(service, digest);
    if (admission !== undefined && (admission.removedAtMs === null || now() - admission.removedAtMs < KEEP_REMOVED_MS)) return;
    const entry = loaded.get(path);
    loaded.delete(path);
    if (entry !== undefined) await (await entry.plugin).sandbox.close();
    throw new CodedError('PLUGIN_REMOVED', 'this plugin version is not installed');
  }

  async function load(service: string, digest: string, path: string): Promise<LoadedPlugin> {
    const plugin = await loadPlugin({ files: await readPackage(await blobs.get(digest)), service, path, keys, log });
    log.info({ service, digest }, 'plugin loaded');
    return plugin;
  }

  return {
    handler: (request, response) => {
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      if (request.method === 'GET' && path === '/health/live') {
        response.writeHead(200).end('{"status":"ok"}');
        return;
      }
      find(path).then(
        ({ subgraph }) => subgraph.handler(request, response),
        (error: unknown) => {
          log.warn({ err: error, path }, 'plugin call refused');
          sendServiceError(response, error);
        },
      );
    },
    prepare: async (paths) => {
      for (const path of paths)
        await find(path).catch((error: unknown) => log.warn({ err: error, path }, 'plugin could not be loaded beforehand'));
    },
    close: async () => {
      const plugins = await Promise.allSettled([...loaded.values()].map(({ plugin }) => plugin));
      loaded.clear();
      for (const plugin of plugins) if (plugin.status === 'fulfilled') await plugin.value.sandbox.close();
    },
  };
}

/** @throws PORT_TAKEN */
export async function servePluginHost(
  host: PluginHost,
  at: { host: string; port: number },
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createHttpServer(host.handler);
  const url = await listen(server, { ...at, name: 'plugin host' });
  return {
    url,
    close: async () => {
      await closeServer(server, 5_000);
      await host.close();
    },
  };
}
