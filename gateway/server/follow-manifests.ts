// Reads the manifests of trusted documents, and again whenever a file changes.
// F1. A manifest that is wrong ends the start; while we run it changes nothing and is said once.
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '#schema/contracts/errors';
import { readFileStamps } from '#platform/file-stamps';
import type { Logger } from '#platform/logger';
import { createDocumentIndex, type DocumentIndex } from './document-manifest.js';

const POLL_MS = 1_000;
const MAX_FILE_BYTES = 32 * 1024 * 1024;

export interface FollowedManifests {
  current(): DocumentIndex;
  close(): Promise<void>;
}

export interface FollowOptions {
  files: readonly string[];
  /** Read like the others where it is there: our own console's. */
  ownFile: string;
  log: Logger;
  pollMs?: number;
}

/** @throws CONFIG_INVALID */
export async function followManifests({ files, ownFile, log, pollMs = POLL_MS }: FollowOptions): Promise<FollowedManifests> {
  const ended = new AbortController();
  let stamp = await readFileStamps([...files, ownFile]);
  let index = await readAll(files, ownFile);
  if (files.length > 0) log.info({ documents: index.size }, 'trusted documents are read');

  async function look(): Promise<void> {
    let complaint = '';
    while (!ended.signal.aborted) {
      await sleep(pollMs, undefined, { signal: ended.signal, ref: false }).catch(() => undefined);
      const now = await readFileStamps([...files, ownFile]);
      if (now === stamp || ended.signal.aborted) continue;
      try {
        index = await readAll(files, ownFile);
        complaint = '';
        log.info({ documents: index.size }, 'trusted documents are read again');
      } catch (error) {
        const { message } = error as Error;
        if (message !== complaint) log.error({ err: error }, 'trusted documents could not be read again; the ones before stay');
        complaint = message;
      }
      stamp = now;
    }
  }

  const looking = look();
  return {
    current: () => index,
    async close() {
      ended.abort();
      await looking;
    },
  };
}

async function readAll(files: readonly string[], ownFile: string): Promise<DocumentIndex> {
  const manifests = new Map<string, string>();
  for (const file of files) manifests.set(file, await readManifest(file));
  const own = await readManifest(ownFile).catch(() => undefined);
  if (own !== undefined) manifests.set(ownFile, own);
  return createDocumentIndex(manifests);
}

async function readManifest(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= MAX_FILE_BYTES) return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CodedError('CONFIG_INVALID', `trusted documents: ${file} cannot be read`, { cause });
  }
  throw new CodedError('CONFIG_INVALID', `trusted documents: ${file} has more than ${MAX_FILE_BYTES} bytes`);
}
