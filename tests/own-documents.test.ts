// A deployment that requires trusted documents still serves this release's own console and client.
import { formatDocument, stringifyDocument } from '@urql/core';
import { type DocumentNode, parse, print } from 'graphql';
import { describe, expect, it } from 'vitest';
import { createDocumentIndex } from '#gateway/server/document-manifest';
import { readOwnDocuments } from '../scripts/own-documents.js';
import * as ofClient from '../web/client/documents.js';
import * as ofLists from '../web/client/list-documents.js';
import * as ofConsole from '../web/console/src/generated/graphql.js';

const index = createDocumentIndex(new Map([['own', JSON.stringify(await readOwnDocuments())]]));
const documents: [string, DocumentNode][] = [
  ...Object.entries({ ...ofClient, ...ofLists }).map(([name, text]): [string, DocumentNode] => [name, parse(text)]),
  ...Object.entries(ofConsole).filter((entry): entry is [string, DocumentNode] => entry[0].endsWith('Document')),
];

describe('the manifest of this release', () => {
  it.each(documents)('holds %s as it is sent: by urql with its __typename, and as text', async (_, document) => {
    const own = await index;
    expect(own.has(stringifyDocument(formatDocument(document) as DocumentNode), 2_000)).toBe(true);
    expect(own.has(print(document), 2_000)).toBe(true);
  });

  it('holds nothing else', async () => {
    expect((await index).size).toBe(documents.length);
    expect((await index).has('{ files { nodes { id } } }', 2_000)).toBe(false);
  });
});
