import { composeServices } from '@apollo/composition';
import { ROUTER_SUPPORTED_SUPERGRAPH_FEATURES, Supergraph } from '@apollo/federation-internals';
import {
  type ASTNode,
  type DocumentNode,
  findBreakingChanges,
  findDangerousChanges,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  parse,
} from 'graphql';
import type { CompositionProblem, SchemaChange } from '#schema/contracts/supergraph';
import { serveThread } from '#platform/threads';
import { checkCompensations } from './check-compensations.js';
import { checkPolicies } from './check-policies.js';
import { withSluiceDirectives } from './sluice-directives.js';

export interface ServiceSource {
  name: string;
  sdl: string;
  url: string;
}

/** Problems are an answer here: an error would lose its list on the way out of the thread. */
export type Composed = { supergraphSdl: string; hints: CompositionProblem[] } | { problems: CompositionProblem[] };

export interface ComposerMethods extends Record<string, (argument: never) => unknown> {
  compose(services: readonly ServiceSource[]): Composed;
  compare(supergraphs: { before: string; after: string }): SchemaChange[];
}

function compose(services: readonly ServiceSource[]): Composed {
  const read = services.map(({ name, sdl, url }) => ({ name, url, ...readSdl(name, sdl) }));
  const broken = read.flatMap(({ problems }) => problems);
  if (broken.length > 0) return { problems: broken };
  const readable = read.map(({ name, url, sdl }) => ({ name, url, typeDefs: sdl }));
  const policies = readable.map(({ name, typeDefs }) => checkPolicies(name, typeDefs));
  const wrong = [
    ...readable.flatMap(({ name, typeDefs }) => checkCompensations(name, typeDefs)),
    ...policies.flatMap(({ problems }) => problems),
  ];
  if (wrong.length > 0) return { problems: wrong };
  const result = composeServices(readable);
  if (result.errors !== undefined) return { problems: result.errors.map(toProblem) };
  return {
    supergraphSdl: result.supergraphSdl,
    hints: [
      ...policies.flatMap(({ hints }) => hints),
      ...result.hints.map(({ definition, message, coordinate, nodes }) => ({
        code: definition.code,
        message,
        service: serviceOf(nodes),
        ...(coordinate === undefined ? {} : { coordinate }),
      })),
    ],
  };
}

function readSdl(service: string, text: string): { sdl: DocumentNode; problems: CompositionProblem[] } {
  try {
    return withSluiceDirectives(service, parse(text));
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    const line = error.locations?.[0]?.line;
    const problem = { code: 'INVALID_GRAPHQL', message: `[${service}] ${error.message}`, service, ...(line === undefined ? {} : { line }) };
    return { sdl: { kind: Kind.DOCUMENT, definitions: [] }, problems: [problem] };
  }
}

const FIRST_NAME = /"@?([A-Za-z_]\w*(?:\.\w+)?(?:\(\w+:\))?)"/;
/** Of the fields that a satisfiability error names, the one that no service on the way could answer. */
const UNREACHED = /cannot find field "([^"]+)"/;
const OWNER = /subgraph "([^"]+)", which has field/;
const NAMED_SERVICE = /subgraphs? "([^"]+)"/;

/** The service that has what could not be reached, else the first one that is named. */
function ownerOf(message: string): string | null {
  return OWNER.exec(message)?.[1] ?? NAMED_SERVICE.exec(message)?.[1] ?? null;
}

function toProblem({ message, nodes, extensions }: GraphQLError): CompositionProblem {
  const code = typeof extensions['code'] === 'string' ? extensions['code'] : 'UNKNOWN';
  // Errors of one subgraph's own schema name it in brackets, merge errors on the nodes or, as those of satisfiability, in the text only.
  const service = serviceOf(nodes) ?? /^\[([^\]]+)\]/.exec(message)?.[1] ?? ownerOf(message);
  const line = nodes?.find((node) => service === null || (node as { subgraph?: string }).subgraph === service)?.loc?.startToken.line;
  const exampleQuery = /supergraph API query:\n(.+?)\ncannot be satisfied/s.exec(message)?.[1];
  // The first quoted name of a satisfiability error is a service.
  const coordinate = (exampleQuery === undefined ? FIRST_NAME : UNREACHED).exec(message)?.[1];
  return {
    code,
    message,
    service,
    ...(coordinate === undefined ? {} : { coordinate }),
    ...(line === undefined || service === null ? {} : { line }),
    ...(exampleQuery === undefined ? {} : { exampleQuery }),
  };
}

function compare({ before, after }: { before: string; after: string }): SchemaChange[] {
  const [old, next] = [toApiSchema(before), toApiSchema(after)];
  return [
    ...findBreakingChanges(old, next).map(({ type, description }) => ({ severity: 'breaking' as const, kind: type, message: description })),
    ...findDangerousChanges(old, next).map(({ type, description }) => ({
      severity: 'dangerous' as const,
      kind: type,
      message: description,
    })),
  ];
}

function toApiSchema(supergraphSdl: string): GraphQLSchema {
  return Supergraph.build(supergraphSdl, { supportedFeatures: ROUTER_SUPPORTED_SUPERGRAPH_FEATURES }).apiSchema().toGraphQLJSSchema();
}

function serviceOf(nodes: readonly ASTNode[] | undefined): string | null {
  return nodes?.map((node) => (node as { subgraph?: string }).subgraph).find((name) => name !== undefined) ?? null;
}

serveThread({ compose, compare } satisfies ComposerMethods);
