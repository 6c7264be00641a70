// A plugin package is an npm-layout `.tgz`: read with bounds, written reproducibly.
import { gunzipSync, gzipSync } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import { CodedError } from '#schema/contracts/errors';

export const MAX_PACKAGE_BYTES = 2 * 1024 * 1024;
const MAX_UNPACKED_BYTES = 10 * 1024 * 1024;
const MAX_FILES = 200;
/** What npm puts all files under. */
const ROOT = 'package/';

/** Path inside the package → content. */
export type PackageFiles = ReadonlyMap<string, Buffer>;

/** @throws PACKAGE_INVALID, PACKAGE_TOO_LARGE, PACKAGE_UNSAFE_PATH; DIGEST_MISMATCH when the archive's own checksum does not hold */
export async function readPackage(bytes: Uint8Array): Promise<PackageFiles> {
  if (bytes.length > MAX_PACKAGE_BYTES)
    throw new CodedError('PACKAGE_TOO_LARGE', `expected a package of at most ${MAX_PACKAGE_BYTES} bytes, got ${bytes.length}`);
  const tar = unzip(bytes);
  const files = new Map<string, Buffer>();
  const reader = extract();
  reader.end(tar);
  try {
    for await (const entry of reader) {
      const { name, type } = entry.header;
      if (type === 'directory') {
        entry.resume();
        continue;
      }
      const path = toSafePath(name, type ?? 'file');
      if (files.has(path)) throw new CodedError('PACKAGE_INVALID', `the archive holds ${path} twice`);
      if (files.size >= MAX_FILES) throw new CodedError('PACKAGE_TOO_LARGE', `expected at most ${MAX_FILES} files`);
      const chunks: Buffer[] = [];
      for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
      files.set(path, Buffer.concat(chunks));
    }
  } catch (cause) {
    throw cause instanceof CodedError ? cause : new CodedError('PACKAGE_INVALID', 'expected a gzipped tar archive', { cause });
  }
  return files;
}

function unzip(bytes: Uint8Array): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      throw new CodedError('PACKAGE_TOO_LARGE', `expected at most ${MAX_UNPACKED_BYTES} bytes unpacked`, { cause });
    if (bytes[0] === 0x1f && bytes[1] === 0x8b)
      throw new CodedError('DIGEST_MISMATCH', "the archive's content does not have its own checksum: it was altered", { cause });
    throw new CodedError('PACKAGE_INVALID', 'expected a gzipped tar archive', { cause });
  }
}

function toSafePath(name: string, type: string): string {
  const path = name.startsWith(ROOT) ? name.slice(ROOT.length) : name;
  const isSafe =
    type === 'file' &&
    path !== '' &&
    !path.startsWith('/') &&
    !path.includes('\\') &&
    !path.includes('\0') &&
    path.split('/').every((part) => part !== '..' && part !== '.' && part !== '');
  if (!isSafe)
    throw new CodedError(
      'PACKAGE_UNSAFE_PATH',
      `${JSON.stringify(name.slice(0, 120))} (${type}) may not be in a package: only files inside it may`,
    );
  return path;
}

/** Equal files give equal bytes: sorted, no times, no owners. */
export async function writePackage(files: PackageFiles): Promise<Buffer> {
  const archive = pack();
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
    archive.entry({ name: ROOT + path, mtime: new Date(0), mode: 0o644 }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk);
  return gzipSync(Buffer.concat(chunks), { level: 9 });
}
