// A plugin as a federated service: its own SDL, every field it has a resolver for goes to the sandbox.
import { type DocumentNode, Kind, type ObjectTypeDefinitionNode, type ObjectTypeExtensionNode, parse } from 'graphql';
import { BUNDLE_FILE, parseManifest, readSchema, requireFile } from '#platform/plugin-package/manifest';
import type { PackageFiles } from '#platform/plugin-package/archive';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import type { Json } from '#schema/contracts/json';
import { createSubgraph, type Subgraph } from '../shared/create-subgraph.js';
import { createSandbox, type Sandbox, type SandboxRequest } from './sandbox/create-sandbox.js';

type ObjectNode = ObjectTypeDefinitionNode | ObjectTypeExtensionNode;

export interface LoadedPlugin {
  sandbox: Sandbox;
  subgraph: Subgraph;
}

/** @throws LOAD_FAILED and the sandbox's codes; MANIFEST_INVALID, PACKAGE_INVALID */
export async function loadPlugin(options: {
  files: PackageFiles;
  service: string;
  path: string;
  keys: Pick<KeyRing, 'service'>;
  log: Logger;
}): Promise<LoadedPlugin> {
  const manifest = parseManifest(options.files);
  const typeDefs = parse(readSchema(options.files));
  const sandbox = await createSandbox({ source: requireFile(options.files, BUNDLE_FILE).toString('utf8'), limits: manifest.limits });
  const { service: name, path, keys, log } = options;
  const subgraph = createSubgraph({
    name,
    path,
    typeDefs,
    resolvers: createResolvers(typeDefs, sandbox),
    createContext: (call) => call,
    keys,
    log,
  });
  return { sandbox, subgraph };
}

/** Fields of the plugin's object types that need a resolver: those of root types, and those it adds to entities. */
export function requiredResolvers(typeDefs: DocumentNode): string[] {
  return objectTypes(typeDefs).flatMap((type) => {
    const isRoot = ['Query', 'Mutation'].includes(type.name.value);
    if (!isRoot && !isEntity(type)) return [];
    const keys = keyFields(type);
    return (type.fields ?? [])
      .filter((field) => !keys.has(field.name.value) && !hasDirective(field, 'external'))
      .map((field) => `${type.name.value}.${field.name.value}`);
  });
}

function createResolvers(typeDefs: DocumentNode, sandbox: Sandbox): Record<string, Record<string, unknown>> {
  const resolvers: Record<string, Record<string, unknown>> = {};
  for (const type of objectTypes(typeDefs)) {
    const name = type.name.value;
    const fields: Record<string, unknown> = isEntity(type) ? { __resolveReference: (reference: Json) => reference } : {};
    for (const { name: field } of type.fields ?? []) {
      if (!sandbox.resolvers.includes(`${name}.${field.value}`)) continue;
      fields[field.value] = (parent: Json | undefined, args: Json, request: SandboxRequest) =>
        sandbox.call({ type: name, field: field.value, parent: parent ?? null, args }, request);
    }
    resolvers[name] = { ...resolvers[name], ...fields };
  }
  return resolvers;
}

function objectTypes(document: DocumentNode): ObjectNode[] {
  return document.definitions.filter(
    (node): node is ObjectNode => node.kind === Kind.OBJECT_TYPE_DEFINITION || node.kind === Kind.OBJECT_TYPE_EXTENSION,
  );
}

function isEntity(type: ObjectNode): boolean {
  return hasDirective(type, 'key');
}

function hasDirective(node: { directives?: readonly { name: { value: string } }[] }, name: string): boolean {
  return node.directives?.some((directive) => directive.name.value === name) ?? false;
}

function keyFields(type: ObjectNode): Set<string> {
  const keys = (type.directives ?? []).filter(({ name }) => name.value === 'key').flatMap(({ arguments: args }) => args ?? []);
  return new Set(keys.flatMap(({ value }) => (value.kind === Kind.STRING ? value.value.split(/[\s{}]+/) : [])));
}
