// What README and guides show is right where it stands. Commands are run by tests/e2e/guides.
import { readdirSync, readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readBlocks } from './support/markdown.js';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const DOCUMENTS = ['README.md', ...readdirSync(new URL('../docs/guides', import.meta.url)).map((file) => `docs/guides/${file}`)];
const blocks = DOCUMENTS.flatMap(readBlocks);
const of = (...languages: string[]) =>
  blocks.filter(({ language }) => languages.includes(language)).map((block) => [block.at, block] as const);
const schema = buildSchema(read('schema/generated/api.graphql'));

describe('README and guides', () => {
  it.each(of('graphql'))('show GraphQL that the schema takes: %s', (_, { text }) => {
    const document = parse(text);
    const isSdl = document.definitions.some(({ kind }) => !kind.startsWith('Operation'));
    if (!isSdl)
      for (const definition of document.definitions) expect(validate(schema, { ...document, definitions: [definition] })).toEqual([]);
  });

  it.each(of('json'))('show JSON that parses: %s', (_, { text }) => {
    const texts = text.startsWith('{ ') ? text.split('\n') : [text];
    for (const one of texts) expect(() => void JSON.parse(one)).not.toThrow();
  });

  it.each(of('yaml'))('show YAML that parses: %s', (_, { text }) => {
    expect(parseAllDocuments(text).flatMap(({ errors }) => errors)).toEqual([]);
  });

  it('show the component that the type check knows', () => {
    expect(of('tsx').map(([, { text }]) => text)).toEqual([read('web/examples/follow-report.tsx').trimEnd()]);
  });

  it('lead to files that are there', () => {
    for (const path of DOCUMENTS) {
      for (const [, target] of read(path).matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)) {
        expect(() => read(new URL(target as string, `file:///${path}`).pathname.slice(1)), `${path} → ${target}`).not.toThrow(/ENOENT/);
      }
    }
  });
});
