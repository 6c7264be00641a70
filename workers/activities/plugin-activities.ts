// The steps of a plugin's life. Each is safe to repeat: it finds its own earlier effect by the operation's id.
import { Context } from '@temporalio/activity';
import { maxSatisfying } from 'semver';
import type { BlobStore } from '#platform/blob-store';
import { type PackageFiles, readPackage } from '#platform/plugin-package/archive';
import { parseManifest, readSchema } from '#platform/plugin-package/manifest';
import { type PublisherKey, verifyPackage } from '#platform/plugin-package/signature';
import { sha256 } from '#platform/blob-store';
import type { PluginActivities, PluginStep } from '#schema/contracts/activities';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { JsonObject } from '#schema/contracts/json';
import type { StepProgress } from '#schema/contracts/operations';
import {
  type InstalledPlugin,
  type PluginPermission,
  type ScanCheck,
  type ScanFinding,
  toPluginServiceName,
} from '#schema/contracts/plugins';
import type { CompositionProblem, ServedGeneration, SupergraphChange, SupergraphService } from '#schema/contracts/supergraph';
import type { PublishGeneration } from '#schema/contracts/workflows';
import { checkSchemaPolicy } from './check-schema-policy.js';
import { heartbeatDuring } from './heartbeat.js';
import { scanArchive } from './scan/archive-rules.js';
import { scanPermissions } from './scan/permission-rules.js';
import { scanSources } from './scan/static-rules.js';

const SERVED_TIMEOUT_MS = 20_000;
const SERVED_POLL_MS = 100;
const BLOCKING: readonly ScanFinding['severity'][] = ['high', 'critical'];

/** The plugins service's tables, as far as installing needs them. */
export interface PluginCatalog {
  listVersions(plugins: readonly string[]): Promise<{ version: string; digest: string }[][]>;
  findInstallations(plugins: readonly string[]): Promise<({ operationId: string } | undefined)[]>;
  addInstallation(row: {
    id: string;
    plugin: string;
    version: string;
    digest: string;
    generation: number;
    granted: readonly PluginPermission[];
    operationId: string;
    installedBy: string;
  }): Promise<{ id: string }>;
  deleteInstallation(plugin: string, operationId: string): Promise<void>;
  saveReport(report: {
    operationId: string;
    check: ScanCheck;
    plugin: string;
    digest: string;
    findings: readonly ScanFinding[];
  }): Promise<void>;
  deleteReports(operationId: string): Promise<void>;
}

export interface PluginPorts {
  catalog: PluginCatalog;
  blobs: BlobStore;
  publishers(): Promise<readonly PublisherKey[]>;
  /** Runs the package in a throw-away sandbox. */
  smokeRun(files: PackageFiles): Promise<void>;
  /** Composes and publishes nothing. @throws COMPOSITION_FAILED */
  dryRun(change: SupergraphChange): Promise<{ hints: readonly CompositionProblem[] }>;
  host: {
    admit(admission: { service: string; digest: string; operationId: string; granted: readonly PluginPermission[] }): Promise<void>;
    withdraw(admission: { service: string; digest: string; operationId: string }): Promise<void>;
    toPath(service: string, digest: string): string;
    /** One signed GraphQL request to a plugin as it is (being) served. @throws what kept it from answering */
    ask(service: SupergraphService, query: string, auth: AuthContext): Promise<JsonObject>;
  };
  publishGeneration(request: PublishGeneration): Promise<{ generation: number }>;
  serving(): Promise<readonly ServedGeneration[]>;
  /** Who our own calls to a plugin are signed for. */
  systemAuth: AuthContext;
}

export function createPluginActivities(ports: PluginPorts): PluginActivities {
  const { catalog, blobs, host } = ports;

  async function open({ digest }: PluginStep): Promise<PackageFiles> {
    return readPackage(await blobs.get(digest));
  }
  async function toService({ plugin, version, digest }: PluginStep, files: PackageFiles): Promise<SupergraphService> {
    const name = toPluginServiceName(plugin);
    return {
      name,
      sdl: readSchema(files),
      host: 'plugin-host',
      path: host.toPath(name, digest),
      signed: true,
      plugin: { name: plugin, version, digest },
    };
  }
  const admissionOf = ({ plugin, digest, operationId }: PluginStep) => ({ service: toPluginServiceName(plugin), digest, operationId });

  return {
    async resolve_plugin_activity({ operationId, plugin, version }) {
      const [versions = []] = await catalog.listVersions([plugin]);
      if (versions.length === 0) throw new CodedError('PLUGIN_NOT_FOUND', `the catalog has no plugin ${plugin}`);
      const chosen = maxSatisfying(
        versions.map((known) => known.version),
        version ?? '*',
        { includePrerelease: version !== null },
      );
      const found = versions.find((known) => known.version === chosen);
      if (found === undefined) throw new CodedError('VERSION_NOT_FOUND', `${plugin} has no version ${version}`);
      const [installed] = await catalog.findInstallations([plugin]);
      if (installed !== undefined && installed.operationId !== operationId)
        throw new CodedError('ALREADY_INSTALLED', `${plugin} is installed already`);
      return { operationId, plugin, version: found.version, digest: found.digest };
    },

    async fetch_package_activity(step) {
      await blobs.reference(step.digest, step.operationId);
      const bytes = await blobs.get(step.digest);
      const files = await readPackage(bytes);
      return {
        digest: step.digest,
        sizeBytes: bytes.length,
        files: [...files].map(([path, content]) => ({ path, sizeBytes: content.length, sha256: sha256(content) })),
        manifest: parseManifest(files),
      };
    },
    release_package_activity: (step) => blobs.release(step.digest, step.operationId),

    async verify_signature_activity(step) {
      return verifyPackage(await open(step), step.plugin, await ports.publishers());
    },

    async scan_package_activity({ check, granted, ...step }) {
      const findings = await runCheck(check, await open(step), granted);
      await catalog.saveReport({ operationId: step.operationId, check, plugin: step.plugin, digest: step.digest, findings });
      const blocking = findings.filter(({ severity }) => BLOCKING.includes(severity));
      if (blocking.length > 0) {
        throw new CodedError(
          'SCAN_BLOCKED',
          blocking
            .slice(0, 5)
            .map(({ location, rule, message }) => `${location ?? ''} ${message} (${rule})`.trim())
            .join(' · '),
        );
      }
      return findings;
    },
    delete_scan_reports_activity: ({ operationId }) => catalog.deleteReports(operationId),

    async validate_manifest_activity(step) {
      const manifest = parseManifest(await open(step));
      if (manifest.name !== step.plugin || manifest.version !== step.version) {
        throw new CodedError(
          'MANIFEST_INVALID',
          `plugin.json says ${manifest.name} ${manifest.version}, the catalog ${step.plugin} ${step.version}`,
        );
      }
    },
    async validate_schema_activity(step) {
      const files = await open(step);
      checkSchemaPolicy(readSchema(files), parseManifest(files));
      try {
        const service = await toService(step, files);
        return await heartbeatDuring(() => ports.dryRun({ kind: 'put', service }));
      } catch (cause) {
        throw errorCodeOf(cause) === 'COMPOSITION_FAILED'
          ? new CodedError('SCHEMA_CONFLICT', (cause as Error).message.slice(0, 1_000), { cause })
          : cause;
      }
    },

    async load_sandbox_activity({ granted, ...step }) {
      const service = await toService(step, await open(step));
      await host.admit({ ...admissionOf(step), granted });
      await host.ask(service, '{ _service { sdl } }', ports.systemAuth);
      return service;
    },
    unload_sandbox_activity: (step) => host.withdraw(admissionOf(step)),

    publish_generation_activity: ({ operationId, change }) =>
      heartbeatDuring(() =>
        ports.publishGeneration({
          requestId: `${operationId}.${change.kind}.${change.kind === 'put' ? change.service.name : change.name}`,
          change,
        }),
      ),

    async await_generation_served_activity({ generation }) {
      const deadline = Date.now() + SERVED_TIMEOUT_MS;
      for (;;) {
        const serving = await ports.serving();
        const behind = serving.filter(({ number }) => number < generation);
        if (serving.length > 0 && behind.length === 0) return;
        if (Date.now() > deadline)
          throw new CodedError(
            'GENERATION_NOT_SERVED',
            `${behind.length} of ${serving.length} processes did not take over generation ${generation}`,
          );
        const completed = serving.length - behind.length;
        Context.current().heartbeat({
          completed,
          total: serving.length,
          detail: `${completed} of ${serving.length} processes serve it`,
        } satisfies StepProgress);
        await Context.current().sleep(SERVED_POLL_MS);
      }
    },

    async probe_plugin_activity(step) {
      const service = await toService(step, await open(step));
      const data = await host.ask(service, '{ __typename }', ports.systemAuth);
      if (typeof data['__typename'] !== 'string') throw new CodedError('PROBE_FAILED', 'the plugin did not answer { __typename }');
    },

    async mark_plugin_active_activity({ operationId, plugin, version, digest, generation, granted, auth }): Promise<InstalledPlugin> {
      const { id } = await catalog.addInstallation({
        id: '',
        plugin,
        version,
        digest,
        generation,
        granted,
        operationId,
        installedBy: auth.principal,
      });
      return { installationId: id, plugin, version, digest, generation };
    },
    delete_installation_activity: ({ plugin, operationId }) => catalog.deleteInstallation(plugin, operationId),
  };

  async function runCheck(check: ScanCheck, files: PackageFiles, granted: readonly PluginPermission[]): Promise<ScanFinding[]> {
    try {
      switch (check) {
        case 'archive':
          return scanArchive(files);
        case 'static':
          return scanSources(files);
        case 'permissions':
          return scanPermissions(files, granted);
        case 'smoke':
          await ports.smokeRun(files);
          return [];
      }
    } catch (cause) {
      // A verdict has a code; a check without one has crashed, and nothing is assumed safe.
      const code = errorCodeOf(cause);
      if (code !== undefined && code !== 'INTERNAL_SERVER_ERROR') throw cause;
      throw new CodedError('SCAN_INCOMPLETE', `the check '${check}' crashed`, { cause });
    }
  }
}
