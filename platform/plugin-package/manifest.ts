import { valid, validRange } from 'semver';
import { z } from 'zod';
import { CodedError } from '#schema/contracts/errors';
import { DEFAULT_PLUGIN_LIMITS, type PluginManifest } from '#schema/contracts/plugins';
import type { PackageFiles } from './archive.js';

export const MANIFEST_FILE = 'plugin.json';
export const BUNDLE_FILE = 'dist/plugin.mjs';
const MAX_SDL_CHARS = 256 * 1024;

const atMost = (value: number) => z.number().int().positive().max(value);
const limits = z
  .strictObject(
    Object.fromEntries(Object.entries(DEFAULT_PLUGIN_LIMITS).map(([name, value]) => [name, atMost(value as number).optional()])),
  )
  .default({});
const range = z.string().refine((text) => validRange(text) !== null, 'expected a semver range');
const permission = z
  .string()
  .regex(
    /^(files|tenants):(read|write|metadata)$|^net:[a-z0-9.-]+:\d{1,5}$|^kv:\d{1,4}$|^secret:[A-Z0-9_]{1,64}$|^events:emit$/,
    'expected a permission such as files:read or net:api.example.com:443',
  );

const Manifest = z.strictObject({
  manifestVersion: z.literal(1),
  name: z
    .string()
    .max(80)
    .regex(/^@[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9-]*$/, 'expected @publisher/slug'),
  version: z.string().refine((text) => valid(text) === text, 'expected a semantic version'),
  displayName: z.string().min(1).max(80),
  description: z.string().min(1).max(400),
  license: z.string().min(1).max(64),
  repository: z.url().optional(),
  keywords: z.array(z.string().min(1).max(40)).max(20).default([]),
  engines: z.strictObject({ gateway: range, sdk: range }),
  runtime: z.literal('quickjs'),
  limits,
  subgraph: z.strictObject({
    schema: z.literal('schema.graphql'),
    prefix: z.string().regex(/^[a-z][A-Za-z0-9]{1,20}$/, 'expected 2 to 21 letters or digits, a lower-case letter first'),
    entities: z.array(z.string().max(80)).max(50).default([]),
    requires: z.array(z.string().max(120)).max(50).default([]),
  }),
  permissions: z
    .array(z.strictObject({ permission, reason: z.string().min(1).max(200) }))
    .max(30)
    .default([]),
});

/** @throws MANIFEST_INVALID that names every wrong field; PACKAGE_INVALID when a file is missing */
export function parseManifest(files: PackageFiles): PluginManifest {
  const parsed = Manifest.safeParse(parseJson(requireFile(files, MANIFEST_FILE)));
  if (parsed.success) return parsed.data as PluginManifest;
  throw new CodedError(
    'MANIFEST_INVALID',
    parsed.error.issues.map(({ path, message }) => `plugin.json ${path.join('.')}: ${message}`).join(' · '),
  );
}

/** Name and version alone, for the catalog: whether the rest is right is judged when it is installed. */
export function readIdentity(files: PackageFiles): { name: string; version: string; manifest: Record<string, unknown> } {
  const manifest = parseJson(requireFile(files, MANIFEST_FILE)) as Record<string, unknown>;
  const identity = Manifest.pick({ name: true, version: true }).safeParse({ name: manifest?.['name'], version: manifest?.['version'] });
  if (!identity.success) throw new CodedError('MANIFEST_INVALID', 'plugin.json: expected a name @publisher/slug and a semantic version');
  return { ...identity.data, manifest };
}

/** @throws PACKAGE_INVALID */
export function requireFile(files: PackageFiles, path: string): Buffer {
  const content = files.get(path);
  if (content === undefined) throw new CodedError('PACKAGE_INVALID', `the package has no ${path}`);
  return content;
}

/** @throws MANIFEST_INVALID when it is too long */
export function readSchema(files: PackageFiles): string {
  const sdl = requireFile(files, 'schema.graphql').toString('utf8');
  if (sdl.length > MAX_SDL_CHARS) throw new CodedError('MANIFEST_INVALID', `schema.graphql: expected at most ${MAX_SDL_CHARS} characters`);
  return sdl;
}

function parseJson(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'));
  } catch (cause) {
    throw new CodedError('MANIFEST_INVALID', 'plugin.json: expected JSON', { cause });
  }
}
