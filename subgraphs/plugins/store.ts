import type { OnceRequest } from '../shared/once.js';
import type { PluginPermission, ScanCheck, ScanFinding } from '#schema/contracts/plugins';

export interface VersionRow {
  id: string;
  plugin: string;
  version: string;
  /** Hex SHA-256 of the package. */
  digest: string;
  size: number;
  /** plugin.json as published: not judged yet. */
  manifest: Record<string, unknown>;
  sdl: string;
  readme: string | null;
  publishedAt: string;
  publishedBy: string;
}

export interface InstallationRow {
  id: string;
  plugin: string;
  version: string;
  digest: string;
  generation: number;
  granted: readonly PluginPermission[];
  operationId: string;
  installedAt: string;
  installedBy: string;
}

/** The catalog, what is installed, and scan reports. */
export interface PluginStore {
  /** Every version of these plugins, newest version first. */
  listVersions(plugins: readonly string[]): Promise<VersionRow[][]>;
  findVersions(ids: readonly string[]): Promise<(VersionRow | undefined)[]>;
  /** Names in order, those behind `after`. */
  listPlugins(filter: { text: string | null; installed: boolean | null; after: string | null; limit: number }): Promise<string[]>;
  countPlugins(filter: { text: string | null; installed: boolean | null }): Promise<number>;
  /** @throws CONFLICT when that version has another digest; the same package again changes nothing */
  addVersion(row: Omit<VersionRow, 'publishedAt'>): Promise<VersionRow>;
  findInstallations(plugins: readonly string[]): Promise<(InstallationRow | undefined)[]>;
  findInstallation(id: string): Promise<InstallationRow | undefined>;
  listInstallations(page: { after: string | null; limit: number }): Promise<InstallationRow[]>;
  countInstallations(): Promise<number>;
  /** Repeating it with the same operation changes nothing. @throws ALREADY_INSTALLED by another operation */
  addInstallation(row: Omit<InstallationRow, 'installedAt'>): Promise<InstallationRow>;
  /** Only what this operation added. */
  deleteInstallation(plugin: string, operationId: string): Promise<void>;
  saveReport(report: {
    operationId: string;
    check: ScanCheck;
    plugin: string;
    digest: string;
    findings: readonly ScanFinding[];
  }): Promise<void>;
  deleteReports(operationId: string): Promise<void>;
  /** What a key has begun; undefined when it is new. @throws IDEMPOTENCY_KEY_REUSED when it came with another call */
  recall(request: OnceRequest & { key: string }): Promise<string | undefined>;
  /** @returns what the key has begun: the first counts @throws IDEMPOTENCY_KEY_REUSED */
  remember(request: OnceRequest, begun: string): Promise<string>;
}
