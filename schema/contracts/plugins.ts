// What a plugin package is and what installing one says. Limits are those of docs/adr on the sandbox.

export const SCAN_CHECKS = ['archive', 'static', 'permissions', 'smoke'] as const;
export type ScanCheck = (typeof SCAN_CHECKS)[number];

export interface ScanFinding {
  check: ScanCheck;
  severity: 'info' | 'low' | 'medium' | 'high' | 'critical';
  /** Rule id, e.g. `js/dynamic-code`. */
  rule: string;
  message: string;
  /** `path:line` inside the package. */
  location: string | null;
}

/** A permission as declared and granted: `files:read`, `net:api.example.com:443`, `kv:1`, `secret:NAME`, `events:emit`. */
export type PluginPermission = string;

/** `plugin.json`, already checked. */
export interface PluginManifest {
  manifestVersion: 1;
  name: string;
  version: string;
  displayName: string;
  description: string;
  license: string;
  repository?: string;
  keywords: readonly string[];
  engines: { gateway: string; sdk: string };
  runtime: 'quickjs';
  limits: Partial<PluginLimits>;
  subgraph: { schema: string; prefix: string; entities: readonly string[]; requires: readonly string[] };
  permissions: readonly { permission: PluginPermission; reason: string }[];
}

export interface PluginLimits {
  /**
   * Processor time of one call, ms. A drawing by our own sample takes 45 on a busy core, and the first one in a new sandbox 120.
   * @default 200
   */
  cpuMs: number;
  /** Whole call with host calls, ms. @default 5000 */
  wallMs: number;
  /** @default 33554432 (32 MiB) */
  heapBytes: number;
  /** @default 524288 (512 KiB) */
  stackBytes: number;
  /** @default 20 */
  hostCalls: number;
  /** @default 262144 (256 KiB) */
  outputBytes: number;
  /** Calls at once. @default 8 */
  concurrency: number;
}

export const DEFAULT_PLUGIN_LIMITS: PluginLimits = {
  cpuMs: 200,
  wallMs: 5_000,
  heapBytes: 32 * 1024 * 1024,
  stackBytes: 512 * 1024,
  hostCalls: 20,
  outputBytes: 256 * 1024,
  concurrency: 8,
};

export interface PackageFacts {
  digest: string;
  sizeBytes: number;
  files: readonly { path: string; sizeBytes: number; sha256: string }[];
  manifest: PluginManifest;
}

export interface PluginInstallationRequest {
  plugin: string;
  /** Exact version or semver range; null = newest. */
  version: string | null;
  grantedPermissions: readonly PluginPermission[];
}

export interface InstalledPlugin {
  installationId: string;
  plugin: string;
  version: string;
  digest: string;
  generation: number;
}

/** Service name in the supergraph: `@sluice/qr-code` → `plugin-sluice-qr-code`. */
export function toPluginServiceName(plugin: string): string {
  return `plugin-${plugin.replace(/^@/, '').replace(/[^a-z0-9]+/g, '-')}`;
}
