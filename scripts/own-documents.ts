// The manifest of what comes with this release: the console's documents, from codegen, and those of `@sluice/client`.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import * as clientDocuments from '../web/client/documents.js';
import * as listDocuments from '../web/client/list-documents.js';

const CONSOLE = new URL('../web/console/src/generated/persisted-documents.json', import.meta.url);

/** @returns documents by `sha256:<hex>` */
export async function readOwnDocuments(): Promise<Record<string, string>> {
  const ofClient = Object.values({ ...clientDocuments, ...listDocuments }).map(
    (text) => [`sha256:${createHash('sha256').update(text).digest('hex')}`, text] as const,
  );
  return { ...(JSON.parse(await readFile(CONSOLE, 'utf8')) as Record<string, string>), ...Object.fromEntries(ofClient) };
}
