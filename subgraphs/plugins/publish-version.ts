import { v7 as uuid } from 'uuid';
import type { BlobStore } from '#platform/blob-store';
import { readPackage } from '#platform/plugin-package/archive';
import { readIdentity, readSchema } from '#platform/plugin-package/manifest';
import type { PluginStore, VersionRow } from './store.js';

const MAX_README_CHARS = 100_000;

/**
 * Puts a package into the catalog. Only its name and version must be readable: whether it can be trusted is judged when it is installed.
 *
 * @throws PACKAGE_INVALID, PACKAGE_UNSAFE_PATH, PACKAGE_TOO_LARGE, DIGEST_MISMATCH, MANIFEST_INVALID; CONFLICT for another package of that version
 */
export async function publishVersion(
  deps: { store: PluginStore; blobs: BlobStore },
  bytes: Uint8Array,
  publishedBy: string,
): Promise<VersionRow> {
  const files = await readPackage(bytes);
  const { name: plugin, version, manifest } = readIdentity(files);
  const owner = `catalog/${plugin}@${version}`;
  const digest = await deps.blobs.put(bytes, owner);
  try {
    return await deps.store.addVersion({
      id: `ver_${uuid()}`,
      plugin,
      version,
      digest,
      size: bytes.length,
      manifest,
      sdl: readSchema(files),
      readme: files.get('README.md')?.toString('utf8').slice(0, MAX_README_CHARS) ?? null,
      publishedBy,
    });
  } catch (error) {
    await releaseUnlessStored();
    throw error;
  }

  /** The same version may be there with another digest, whose reference is the catalog's. */
  async function releaseUnlessStored(): Promise<void> {
    const [known = []] = await deps.store.listVersions([plugin]);
    if (!known.some((row) => row.version === version && row.digest === digest)) await deps.blobs.release(digest, owner);
  }
}
