import { readFile } from 'node:fs/promises';
import { type DocumentNode, parse } from 'graphql';

/** The hand-written schema of one of our own subgraphs. */
export async function readSdl(name: string): Promise<DocumentNode> {
  return parse(await readFile(new URL(`../../schema/subgraphs/${name}.graphql`, import.meta.url), 'utf8'));
}
