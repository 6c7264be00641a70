import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import { CodedError } from '#schema/contracts/errors';
import type { PackageFiles } from '#platform/plugin-package/archive';
import { toCoded } from '../files.js';
import { BUNDLE_FILE, parseManifest, readSchema } from '#platform/plugin-package/manifest';

/** What a package takes from its folder as it is. */
const INCLUDED = /^(plugin\.json|schema\.graphql|README\.md|LICENSE|icon\.png|(tests|migrations)\/[\w.-]+)$/;
const ENTRY = 'src/plugin.js';

/**
 * Bundles a plugin's source into one file and collects what belongs into its package.
 *
 * @throws MANIFEST_INVALID, PACKAGE_INVALID; BAD_USER_INPUT when the source does not bundle
 */
export async function packPlugin(folder: string): Promise<PackageFiles> {
  const files = new Map<string, Buffer>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw toCoded('read', folder, cause);
  });
  for (const entry of entries) {
    const path = relative(folder, join(entry.parentPath, entry.name));
    if (entry.isFile() && INCLUDED.test(path)) files.set(path, await readFile(join(folder, path)));
  }
  parseManifest(files);
  readSchema(files);
  files.set(BUNDLE_FILE, await bundle(join(folder, ENTRY)));
  return files;
}

async function bundle(entryPoint: string): Promise<Buffer> {
  try {
    const { outputFiles } = await build({
      entryPoints: [entryPoint],
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      legalComments: 'inline',
      logLevel: 'silent',
    });
    return Buffer.from((outputFiles[0] as { contents: Uint8Array }).contents);
  } catch (cause) {
    throw new CodedError('BAD_USER_INPUT', `${entryPoint} does not bundle: ${(cause as Error).message.slice(0, 400)}`, { cause });
  }
}
