// The API schema as callers see it, composed from schema/subgraphs: for code generation and for tests of the web folder.
import { readFileSync, readdirSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { Supergraph, printSchema } from '@apollo/federation-internals';
import { parse } from 'graphql';

const folder = new URL('../schema/subgraphs/', import.meta.url);

/**
 * As text: a schema object would be tied to one copy of `graphql`.
 *
 * @throws Error naming every composition error
 */
export function composeApiSdl(): string {
  const services = readdirSync(folder)
    .filter((file) => file.endsWith('.graphql'))
    .map((file) => {
      const name = file.replace('.graphql', '');
      return { name, url: `http://${name}.invalid`, typeDefs: parse(readFileSync(new URL(file, folder), 'utf8')) };
    });
  const { supergraphSdl, errors } = composeServices(services);
  if (supergraphSdl === undefined) throw new Error(`composition failed: ${errors.map((error) => error.message).join('; ')}`);
  return printSchema(Supergraph.build(supergraphSdl).apiSchema());
}
