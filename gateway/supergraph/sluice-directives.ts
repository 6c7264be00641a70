// What `@link(url: "https://sluice.dev/directives/v1.0", import: […])` brings into a service's SDL: the definitions of the imported
// directives, and `@composeDirective` for each, so that they reach the supergraph. What the SDL has already is left alone.
import {
  type ConstDirectiveNode,
  type ConstValueNode,
  type DefinitionNode,
  type DocumentNode,
  Kind,
  parse,
  type SchemaDefinitionNode,
  type SchemaExtensionNode,
  valueFromASTUntyped,
} from 'graphql';
import type { CompositionProblem } from '#schema/contracts/supergraph';

export const DIRECTIVES_URL = 'https://sluice.dev/directives/v1.0';
const SPEC = /^https:\/\/sluice\.dev\/directives\/v1\.\d+$/;
const FEDERATION = /^https:\/\/specs\.apollo\.dev\/federation\//;

/** Each with what it needs beside itself. */
const DEFINITIONS: Readonly<Record<string, string>> = {
  idempotent: 'directive @idempotent on FIELD_DEFINITION',
  durable: 'directive @durable(mode: DurableMode! = AUTO) on FIELD_DEFINITION enum DurableMode { AUTO ALWAYS NEVER }',
  compensate: 'directive @compensate(with: String!, arguments: [String!]! = []) on FIELD_DEFINITION',
  timeout: 'directive @timeout(ms: Int!) on FIELD_DEFINITION',
  retry:
    'directive @retry(attempts: Int! = 3, intervalMs: Int! = 200, backoff: Float! = 2, maxIntervalMs: Int! = 10000) on FIELD_DEFINITION',
};

interface Link {
  url: string;
  imports: readonly { name: string; as: string }[];
}

/** @returns the SDL with what its link brings; problems are imports that this gateway does not know, or knows by another name */
export function withSluiceDirectives(service: string, sdl: DocumentNode): { sdl: DocumentNode; problems: CompositionProblem[] } {
  const links = readLinks(sdl);
  const imported = links.filter(({ url }) => SPEC.test(url)).flatMap(({ imports }) => imports);
  const problems = imported.flatMap(({ name, as }): CompositionProblem[] => {
    if (DEFINITIONS[name.slice(1)] === undefined)
      return [{ code: 'DIRECTIVE_UNKNOWN', message: `${DIRECTIVES_URL} has no ${name}: expected ${knownNames()}`, service }];
    if (name !== as) return [{ code: 'DIRECTIVE_RENAMED', message: `${name} is imported as ${as}: import it under its own name`, service }];
    return [];
  });
  if (imported.length === 0 || problems.length > 0) return { sdl, problems };

  const defined = new Set(sdl.definitions.flatMap(nameOf));
  const composed = new Set(schemaDirectives(sdl).filter(isComposeDirective).map(argument('name')));
  const federation = links.find(({ url }) => FEDERATION.test(url));
  const composeDirective = federation?.imports.find(({ name }) => name === '@composeDirective')?.as ?? '@federation__composeDirective';
  const added = imported.flatMap(({ name }) => [
    ...parse(DEFINITIONS[name.slice(1)] ?? '', { noLocation: true }).definitions.filter(
      (definition) => !defined.has(nameOf(definition)[0] ?? ''),
    ),
    ...(composed.has(name) || federation === undefined
      ? []
      : parse(`extend schema ${composeDirective}(name: "${name}")`, { noLocation: true }).definitions),
  ]);
  return { sdl: { ...sdl, definitions: [...sdl.definitions, ...added] }, problems };
}

function knownNames(): string {
  return Object.keys(DEFINITIONS)
    .map((name) => `@${name}`)
    .join(', ');
}

function schemaDirectives(sdl: DocumentNode): ConstDirectiveNode[] {
  return sdl.definitions
    .filter(
      (node): node is SchemaDefinitionNode | SchemaExtensionNode =>
        node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION,
    )
    .flatMap(({ directives = [] }) => directives);
}

function readLinks(sdl: DocumentNode): Link[] {
  return schemaDirectives(sdl)
    .filter(({ name }) => name.value === 'link')
    .map((link) => ({ url: String(argument('url')(link)), imports: toImports(argument('import')(link)) }));
}

/** `["@key", { name: "@shareable", as: "@shared" }]`; what is neither is for composition to refuse. */
function toImports(value: unknown): Link['imports'] {
  if (!Array.isArray(value)) return [];
  return (value as unknown[]).flatMap((entry) => {
    const { name, as = name } = (typeof entry === 'string' ? { name: entry } : (entry ?? {})) as { name?: unknown; as?: unknown };
    return typeof name === 'string' && typeof as === 'string' && name.startsWith('@') ? [{ name, as }] : [];
  });
}

function argument(name: string): (directive: ConstDirectiveNode) => unknown {
  return ({ arguments: given = [] }) => {
    const value: ConstValueNode | undefined = given.find((one) => one.name.value === name)?.value;
    return value === undefined ? undefined : valueFromASTUntyped(value);
  };
}

function isComposeDirective({ name }: ConstDirectiveNode): boolean {
  return name.value === 'composeDirective' || name.value === 'federation__composeDirective';
}

/** `@name` of a directive, the name of a type; neither for the rest. */
function nameOf(definition: DefinitionNode): [string] | [] {
  if (definition.kind === Kind.DIRECTIVE_DEFINITION) return [`@${definition.name.value}`];
  return definition.kind === Kind.ENUM_TYPE_DEFINITION ? [definition.name.value] : [];
}
