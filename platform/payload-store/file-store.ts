// The store of large payloads where there is no database: a file for each under its digest, of this machine's one process.
// F1. A payload is whole or not there: it is written beside its place and moved. What was cut off meanwhile is swept like what expired.
// F2. The time of a file is its last use; each write takes some of what has expired beside it (L1 and L2 of payload-store.ts).
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '#schema/contracts/errors';
import { sha256 } from '../blob-store.js';
import type { PayloadStore } from './payload-store.js';

/** Looked at by one write at most. */
const SWEPT = 20;

/** @param options.keepMs - as of `createPayloadStore` */
export function createFilePayloadStore(folder: string, options: { keepMs: number; now?: () => number }): PayloadStore {
  const { keepMs, now = Date.now } = options;
  /** Few files lie in one folder. */
  const folderOf = (digest: string): string => join(folder, digest.slice(0, 2));

  async function markUsed(path: string): Promise<void> {
    const at = new Date(now());
    await utimes(path, at, at);
  }

  async function sweep(within: string): Promise<void> {
    for (const name of (await readdir(within)).slice(0, SWEPT)) {
      const path = join(within, name);
      // Another sweep may have been quicker.
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && found.mtimeMs + keepMs < now()) await rm(path, { force: true });
    }
  }

  return {
    async put(bytes) {
      const digest = sha256(bytes);
      const within = folderOf(digest);
      await mkdir(within, { recursive: true, mode: 0o700 });
      await sweep(within);
      const written = join(within, `.${randomUUID()}`);
      await writeFile(written, bytes, { mode: 0o600 });
      await markUsed(written);
      await rename(written, join(within, digest));
      return digest;
    },
    async get(digest) {
      if (!/^[0-9a-f]{64}$/.test(digest)) throw new CodedError('NOT_FOUND', 'no payload of a run has this name');
      const path = join(folderOf(digest), digest);
      const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === 'ENOENT') throw new CodedError('NOT_FOUND', 'a payload of the run is not kept any more', { cause });
        throw cause;
      });
      if (sha256(bytes) !== digest) throw new CodedError('DIGEST_MISMATCH', 'a payload of the run is not what was stored');
      await markUsed(path);
      return bytes;
    },
  };
}
