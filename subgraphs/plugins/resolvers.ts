import DataLoader from 'dataloader';
import { maxSatisfying, validRange } from 'semver';
import type { BlobStore } from '#platform/blob-store';
import { CodedError, ERROR_CODES, type ErrorCode } from '#schema/contracts/errors';
import type { OperationFacts } from '#schema/contracts/operations';
import { TASK_QUEUES } from '#schema/contracts/workflows';
import type { ServiceCallFacts } from '../shared/create-subgraph.js';
import { type Connection, type PageArguments, parsePage, toConnection } from '../shared/paging.js';
import { Base64, ByteSize, DateTime } from '../shared/scalars.js';
import type { PluginDoor } from './door.js';
import { startOrFind, toKeyedRequest, underKey } from './keyed-request.js';
import { publishVersion } from './publish-version.js';
import type { InstallationRow, PluginStore, VersionRow } from './store.js';

/** Connections by name: the name is the key, the time is not used. */
const NO_TIME = '1970-01-01T00:00:00.000Z';

/** Of an installation that is not there yet, or failed: with its operation's id. */
const UNFINISHED = 'ins_';

/** A plugin is its versions, newest first; there is at least one. */
interface PluginNode {
  name: string;
}
interface InstallationNode extends Omit<InstallationRow, 'installedAt' | 'installedBy' | 'generation'> {
  phase: 'INSTALLING' | 'ACTIVE' | 'FAILED';
  generation: number | null;
  installedAt: string | null;
  installedBy: string | null;
}

export interface PluginsContext extends ServiceCallFacts {
  versions: DataLoader<string, VersionRow[]>;
  versionsById: DataLoader<string, VersionRow | undefined>;
  installations: DataLoader<string, InstallationRow | undefined>;
  newestOperations: DataLoader<string, { id: string; status: string } | null>;
}

export function createPluginsContext(store: PluginStore, door: PluginDoor): (call: ServiceCallFacts) => PluginsContext {
  return (call) => ({
    ...call,
    versions: new DataLoader((plugins) => store.listVersions(plugins)),
    versionsById: new DataLoader((ids) => store.findVersions(ids)),
    installations: new DataLoader((plugins) => store.findInstallations(plugins)),
    // By the workflow id, which all operations of a plugin share: consistent at once, where Temporal's lists lag.
    newestOperations: new DataLoader((plugins) =>
      Promise.all(plugins.map(async (plugin) => (await door.findNewest(toPluginWorkflowId(plugin))) ?? null)),
    ),
  });
}

function toPluginWorkflowId(plugin: string): string {
  return `plugin/${plugin}`;
}

interface UserError {
  code: ErrorCode;
  message: string;
  path: string[];
  retryable: boolean;
}

export function createPluginsResolvers({ store, blobs, door }: { store: PluginStore; blobs: BlobStore; door: PluginDoor }) {
  const newest = async ({ name }: PluginNode, context: PluginsContext): Promise<VersionRow> =>
    (await context.versions.load(name))[0] as VersionRow;
  const fromManifest = (field: string, otherwise: unknown) => async (plugin: PluginNode, _: unknown, context: PluginsContext) =>
    (await newest(plugin, context)).manifest[field] ?? otherwise;

  async function loadPlugin(context: PluginsContext, name: string): Promise<PluginNode | null> {
    return (await context.versions.load(name)).length === 0 ? null : { name };
  }

  /** What is installed, or what the plugin's newest run is about to make of it. */
  async function loadInstallation(context: PluginsContext, plugin: string): Promise<InstallationNode | null> {
    const row = await context.installations.load(plugin);
    if (row !== undefined) return { ...row, phase: 'ACTIVE' };
    const operation = await context.newestOperations.load(plugin);
    const phase =
      operation?.status === 'WORKING' || operation?.status === 'INPUT_REQUIRED'
        ? 'INSTALLING'
        : operation?.status === 'FAILED'
          ? 'FAILED'
          : null;
    const [version] = await context.versions.load(plugin);
    if (operation === null || phase === null || version === undefined) return null;
    return {
      id: `${UNFINISHED}${operation.id}`,
      plugin,
      version: version.version,
      digest: version.digest,
      generation: null,
      granted: [],
      operationId: operation.id,
      installedAt: null,
      installedBy: null,
      phase,
    };
  }

  /** Also by the id that one had before it was active. */
  async function findInstallation(context: PluginsContext, id: string): Promise<InstallationNode | null> {
    const row = await store.findInstallation(id);
    if (row !== undefined) return { ...row, phase: 'ACTIVE' };
    const plugin = id.startsWith(UNFINISHED) ? (await door.describe(id.slice(UNFINISHED.length)))?.facts.plugin : undefined;
    const found = plugin === undefined ? null : await loadInstallation(context, plugin);
    return found?.id === id ? found : null;
  }

  return {
    DateTime,
    ByteSize,
    Base64,
    Query: {
      plugins: async (
        _: unknown,
        { filter, ...args }: PageArguments & { filter?: { text?: string | null; installed?: boolean | null } | null },
      ): Promise<Connection<PluginNode>> => {
        const page = parsePage(args);
        const wanted = { text: filter?.text ?? null, installed: filter?.installed ?? null };
        const names = await store.listPlugins({ ...wanted, after: page.after?.id ?? null, limit: page.limit });
        return toConnection(
          names.map((name) => ({ name })),
          page,
          ({ name }) => ({ at: NO_TIME, id: name }),
          () => store.countPlugins(wanted),
        );
      },
      plugin: (_: unknown, { name }: { name: string }, context: PluginsContext) => loadPlugin(context, name),
      pluginInstallations: async (_: unknown, args: PageArguments): Promise<Connection<InstallationNode>> => {
        const page = parsePage(args);
        const rows = await store.listInstallations({ after: page.after?.id ?? null, limit: page.limit });
        return toConnection(
          rows.map((row) => ({ ...row, phase: 'ACTIVE' as const })),
          page,
          ({ plugin }) => ({ at: NO_TIME, id: plugin }),
          () => store.countInstallations(),
        );
      },
      pluginInstallation: (_: unknown, { id }: { id: string }, context: PluginsContext) => findInstallation(context, id),
    },
    Mutation: {
      installPlugin: async (
        _: unknown,
        { input }: { input: { name: string; version?: string | null; grantedPermissions: string[]; clientMutationId?: string | null } },
        context: PluginsContext,
      ) => {
        const { name: plugin, version = null, grantedPermissions } = input;
        const workflowId = toPluginWorkflowId(plugin);
        const request = toKeyedRequest(context, input);
        const install = async (asked: Pick<OperationFacts, 'requestKey' | 'requestFingerprint'>) => {
          const chosen = chooseVersion(plugin, await context.versions.load(plugin), version);
          const declared = ((chosen.manifest['permissions'] ?? []) as { permission: string }[]).map(({ permission }) => permission);
          const missing = declared.filter((permission) => !grantedPermissions.includes(permission));
          if (missing.length > 0)
            throw new CodedError('PERMISSION_ESCALATION', `the plugin wants ${missing.join(', ')}: grant it to install the plugin`);
          const [known] = [await context.installations.load(plugin)];
          if (known !== undefined) throw new CodedError('ALREADY_INSTALLED', `${plugin} ${known.version} is installed already`);
          return door.start('plugin_installation_workflow', [{ plugin, version, grantedPermissions }, context.auth], {
            workflowId,
            taskQueue: TASK_QUEUES.plugins,
            facts: {
              kind: 'PLUGIN_INSTALLATION',
              title: `Install ${plugin} ${chosen.version}`,
              tenant: context.auth.tenant,
              startedBy: context.auth.principal,
              plugin,
              ...asked,
            },
          });
        };
        return answering(async () => {
          const id = await underKey(store, request, () => startOrFind(door, workflowId, request, install));
          return { operation: { id } };
        }, 'operation');
      },
      publishPluginVersion: async (
        _: unknown,
        { input }: { input: { package: string; clientMutationId?: string | null } },
        context: PluginsContext,
      ) => {
        const publish = async (): Promise<string> =>
          (await publishVersion({ store, blobs }, Buffer.from(input.package, 'base64'), context.auth.principal)).id;
        return answering(async () => {
          const id = await underKey(store, toKeyedRequest(context, input), publish);
          return { version: await context.versionsById.load(id) };
        }, 'version');
      },
    },
    Plugin: {
      __resolveReference: ({ id, name }: { id?: string; name?: string }, context: PluginsContext) => loadPlugin(context, name ?? id ?? ''),
      id: ({ name }: PluginNode) => name,
      displayName: fromManifest('displayName', ''),
      description: fromManifest('description', ''),
      license: fromManifest('license', ''),
      keywords: fromManifest('keywords', []),
      publisher: ({ name }: PluginNode) => name.slice(1, name.indexOf('/')),
      latest: (plugin: PluginNode, _: unknown, context: PluginsContext) => newest(plugin, context),
      versions: async ({ name }: PluginNode, args: PageArguments, context: PluginsContext): Promise<Connection<VersionRow>> => {
        const page = parsePage(args);
        const all = await context.versions.load(name);
        const last = page.after?.id;
        const from = last === undefined ? 0 : all.findIndex(({ id }) => id === last) + 1;
        if (last !== undefined && from === 0) throw new CodedError('CURSOR_INVALID', 'after: expected a cursor of this connection');
        return toConnection(all.slice(from, from + page.limit), page, ({ id }) => ({ at: NO_TIME, id }), all.length);
      },
      installation: ({ name }: PluginNode, _: unknown, context: PluginsContext) => loadInstallation(context, name),
    },
    PluginVersion: {
      __resolveReference: ({ id }: { id: string }, context: PluginsContext) => context.versionsById.load(id),
      permissions: ({ manifest }: VersionRow) => manifest['permissions'] ?? [],
      publishedBy: ({ publishedBy }: VersionRow) => ({ id: publishedBy }),
    },
    PluginInstallation: {
      __resolveReference: ({ id }: { id: string }, context: PluginsContext) => findInstallation(context, id),
      plugin: ({ plugin }: InstallationNode): PluginNode => ({ name: plugin }),
      version: async ({ plugin, version }: InstallationNode, _: unknown, context: PluginsContext) =>
        (await context.versions.load(plugin)).find((known) => known.version === version),
      grantedPermissions: ({ granted }: InstallationNode) => granted,
      installedBy: ({ installedBy }: InstallationNode) => (installedBy === null ? null : { id: installedBy }),
      operation: async ({ plugin, operationId }: InstallationNode, _: unknown, context: PluginsContext) => ({
        id: (await context.newestOperations.load(plugin))?.id ?? operationId,
      }),
    },
    Operation: {
      __resolveReference: (reference: { id: string }) => reference,
      plugin: async ({ id }: { id: string }, _: unknown, context: PluginsContext) => {
        const plugin = (await door.describe(id))?.facts.plugin;
        return plugin === undefined ? null : loadPlugin(context, plugin);
      },
    },
  };
}

/** @throws PLUGIN_NOT_FOUND, VERSION_NOT_FOUND */
function chooseVersion(plugin: string, versions: readonly VersionRow[], wanted: string | null): VersionRow {
  if (versions.length === 0) throw new CodedError('PLUGIN_NOT_FOUND', `the catalog has no plugin ${plugin}`);
  if (wanted !== null && validRange(wanted) === null)
    throw new CodedError('VERSION_NOT_FOUND', `version: expected a semver version or range, got ${wanted.slice(0, 40)}`);
  const chosen = maxSatisfying(
    versions.map(({ version }) => version),
    wanted ?? '*',
    { includePrerelease: wanted !== null },
  );
  const found = versions.find(({ version }) => version === chosen);
  if (found === undefined) throw new CodedError('VERSION_NOT_FOUND', `${plugin} has no version ${wanted ?? ''}`);
  return found;
}

/** Refusals by code are part of the answer; anything else is an error of the request. */
async function answering<T extends object>(
  work: () => Promise<T>,
  field: string,
): Promise<(T | Record<string, unknown>) & { userErrors: UserError[] }> {
  try {
    return { ...(await work()), userErrors: [] };
  } catch (error) {
    if (!(error instanceof CodedError) || error.code === 'FORBIDDEN' || error.code === 'IDEMPOTENCY_KEY_REUSED') throw error;
    const running = error.details?.['operationId'];
    const { code, message } = error;
    return {
      [field]: typeof running === 'string' ? { id: running } : null,
      userErrors: [{ code, message, path: ['input'], retryable: ERROR_CODES[code].retryable }],
    };
  }
}
