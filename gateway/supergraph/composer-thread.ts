import { composeServices } from '@apollo/composition';
import { type ASTNode, type GraphQLError, parse } from 'graphql';
import type { CompositionProblem } from '#schema/contracts/supergraph';
import { serveThread } from '#platform/threads';

export interface ServiceSource {
  name: string;
  sdl: string;
  url: string;
}

/** Problems are an answer here: an error would lose its list on the way out of the thread. */
export type Composed = { supergraphSdl: string; hints: CompositionProblem[] } | { problems: CompositionProblem[] };

export interface ComposerMethods extends Record<string, (argument: never) => unknown> {
  compose(services: readonly ServiceSource[]): Composed;
}

function compose(services: readonly ServiceSource[]): Composed {
  const parsed = services.map(({ name, sdl, url }) => ({ name, url, typeDefs: parseOrExplain(name, sdl) }));
  const broken = parsed.flatMap(({ typeDefs }) => ('problem' in typeDefs ? [typeDefs.problem] : []));
  if (broken.length > 0) return { problems: broken };
  const result = composeServices(parsed as Parameters<typeof composeServices>[0]);
  if (result.errors !== undefined) return { problems: result.errors.map(toProblem) };
  return {
    supergraphSdl: result.supergraphSdl,
    hints: result.hints.map(({ definition, message, nodes }) => ({ code: definition.code, message, service: serviceOf(nodes) })),
  };
}

function parseOrExplain(service: string, sdl: string): ReturnType<typeof parse> | { problem: CompositionProblem } {
  try {
    return parse(sdl);
  } catch (error) {
    return { problem: { code: 'INVALID_GRAPHQL', message: `[${service}] ${(error as Error).message}`, service } };
  }
}

function toProblem({ message, nodes, extensions }: GraphQLError): CompositionProblem {
  const code = typeof extensions['code'] === 'string' ? extensions['code'] : 'UNKNOWN';
  // Errors of one subgraph's own schema name it in brackets, merge errors on the nodes, satisfiability errors only in the text.
  return { code, message, service: serviceOf(nodes) ?? /^\[([^\]]+)\]/.exec(message)?.[1] ?? null };
}

function serviceOf(nodes: readonly ASTNode[] | undefined): string | null {
  return nodes?.map((node) => (node as { subgraph?: string }).subgraph).find((name) => name !== undefined) ?? null;
}

serveThread({ compose } satisfies ComposerMethods);
