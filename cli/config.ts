// The settings that say how the processes of a deployment find each other. What the gateway does with a request is
// in gateway/config.ts. No other file of this room reads the environment.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { parseEnvironment } from '#platform/config';

const port = z.coerce.number().int().min(0).max(65_535);

const tenantWeights = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(z.array(z.string().regex(/^[^=\s]{1,200}=(?:\d{1,4}|\d{0,4}\.\d{1,3})$/, 'expected tenant=weight, separated by commas')))
  .transform((parts) => new Map(parts.map((part) => part.split('=')).map(([tenant = '', weight]) => [tenant, Number(weight)] as const)))
  .refine((weights) => [...weights.values()].every((weight) => weight >= 0.001 && weight <= 1_000), 'expected weights of 0.001 to 1000');

const Environment = z.object({
  SLUICE_DATA: z.string().min(1).default('.data'),
  SLUICE_CACHE: z.string().min(1).optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port.optional(),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  TEMPORAL_ADDRESS: z
    .string()
    .regex(/^[^\s:/]+:\d{1,5}$/, 'expected host:port')
    .optional(),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  SLUICE_TENANT_WEIGHTS: tenantWeights.default(new Map()),
  TEMPORAL_UI_URL: z.url().optional(),
  TEMPORAL_PORT: port.default(7233),
  TEMPORAL_UI_PORT: port.default(8233),
  TEMPORAL_CLI: z.string().min(1).optional(),
  SUPERGRAPH: z.string().min(1).optional(),
  SLUICE_SUBGRAPHS: z.string().min(1).optional(),
  SLUICE_SUBGRAPHS_POLL_MS: z.coerce.number().int().min(1_000).default(10_000),
  SLUICE_ADVERTISE_URL: z.url({ protocol: /^https?$/ }).optional(),
  SLUICE_DRAIN_ACTIVITIES_MS: z.coerce.number().int().min(0).max(600_000).default(10_000),
  SLUICE_DEMO_DATA: z.stringbool().default(true),
  SLUICE_MEMBERS: z.enum(['required', 'ignored']).optional(),
  SLUICE_URL: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:4000'),
});

export interface CliConfig {
  dataDir: string;
  cacheDir: string;
  logLevel: string;
  host: string;
  /** Of the role's own server; undefined = the role's default. */
  port: number | undefined;
  databaseUrl: string | null;
  temporal: { address: string | null; namespace: string; uiUrl: string | null; port: number; uiPort: number; cli: string | null };
  /** Weights of tenants on task queues, where they are not 1. */
  tenantWeights: ReadonlyMap<string, number>;
  supergraphFile: string | null;
  subgraphsFile: string | null;
  /** How often listed services that tell their own schema are asked for it. */
  subgraphsPollMs: number;
  /** How other processes reach this one's service; null = its own loopback address. */
  advertiseUrl: string | null;
  /** For running activities to end when the process stops, before their attempts are given up for another worker to repeat. */
  drainActivitiesMs: number;
  demoData: boolean;
  /** Is a caller who is no member of the tenant refused? Null: where demo users are, they are members. */
  members: 'required' | 'ignored' | null;
  /** The running server that commands talk to. */
  serverUrl: string;
}

/** @throws CONFIG_INVALID that names every wrong setting */
export function readCliConfig(env: NodeJS.ProcessEnv): CliConfig {
  const set = parseEnvironment(Environment, env);
  return {
    dataDir: set.SLUICE_DATA,
    cacheDir: set.SLUICE_CACHE ?? join(homedir(), '.cache', 'sluice'),
    logLevel: set.LOG_LEVEL,
    host: set.HOST,
    port: set.PORT,
    databaseUrl: set.DATABASE_URL ?? null,
    tenantWeights: set.SLUICE_TENANT_WEIGHTS,
    temporal: {
      address: set.TEMPORAL_ADDRESS ?? null,
      namespace: set.TEMPORAL_NAMESPACE,
      uiUrl: set.TEMPORAL_UI_URL ?? null,
      port: set.TEMPORAL_PORT,
      uiPort: set.TEMPORAL_UI_PORT,
      cli: set.TEMPORAL_CLI ?? null,
    },
    supergraphFile: set.SUPERGRAPH ?? null,
    subgraphsFile: set.SLUICE_SUBGRAPHS ?? null,
    subgraphsPollMs: set.SLUICE_SUBGRAPHS_POLL_MS,
    advertiseUrl: set.SLUICE_ADVERTISE_URL?.replace(/\/$/, '') ?? null,
    drainActivitiesMs: set.SLUICE_DRAIN_ACTIVITIES_MS,
    demoData: set.SLUICE_DEMO_DATA,
    members: set.SLUICE_MEMBERS ?? null,
    serverUrl: set.SLUICE_URL.replace(/\/$/, ''),
  };
}

/** Other processes must hold the same keys wherever Temporal or the database is shared; a plain gateway shares neither. */
export function sharesKeys({ databaseUrl, temporal, supergraphFile }: CliConfig): boolean {
  return supergraphFile === null && (databaseUrl !== null || temporal.address !== null);
}
