import type { PackageFiles } from '#platform/plugin-package/archive';
import { BUNDLE_FILE, parseManifest, requireFile } from '#platform/plugin-package/manifest';
import { CodedError } from '#schema/contracts/errors';
import type { PluginPermission, ScanFinding } from '#schema/contracts/plugins';

const HOST = /https?:\/\/([a-z0-9.-]+)(?::(\d+))?/gi;
/** Names of vocabularies, not hosts that anybody calls. */
const VOCABULARIES = new Set(['www.w3.org', 'json-schema.org', 'specs.apollo.dev']);

/**
 * What is declared against what was granted, and what the code names against what is declared.
 *
 * @throws PERMISSION_ESCALATION when a declared permission was not granted
 */
export function scanPermissions(files: PackageFiles, granted: readonly PluginPermission[]): ScanFinding[] {
  const declared = parseManifest(files).permissions.map(({ permission }) => permission);
  const missing = declared.filter((permission) => !granted.includes(permission));
  if (missing.length > 0) throw new CodedError('PERMISSION_ESCALATION', `the plugin wants ${missing.join(', ')}, which was not granted`);
  const hosts = new Set(
    [...requireFile(files, BUNDLE_FILE).toString('utf8').matchAll(HOST)].map(([, host]) => (host as string).toLowerCase()),
  );
  return [...hosts]
    .filter((host) => !VOCABULARIES.has(host) && !declared.some((permission) => permission.startsWith(`net:${host}:`)))
    .map((host) => ({
      check: 'permissions',
      severity: 'medium',
      rule: 'permissions/undeclared-host',
      message: `names ${host} without a permission for it`,
      location: BUNDLE_FILE,
    }));
}
