// A small federation and the one schema that it stands for. Services and schema resolve from the same data, so that
// *gateway answer = answer of the merged schema* can be checked for any operation.
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, type ExecutionResult, type GraphQLSchema, parse } from 'graphql';
import { type Execution, type ExecutionAnswer, startExecution } from '#gateway/execution/start-execution';
import { createPlanEngine } from '#gateway/planning/plan-engine';
import type { JsonObject } from '#schema/contracts/json';
import type { ExecutablePlan, GraphQLErrorJson, ServiceAnswer, ServiceFetch } from '#schema/contracts/plan';

export interface Service {
  name: string;
  sdl: string;
  resolvers?: Record<string, unknown>;
}

export const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable", "@external", "@requires", "@provides", "@interfaceObject", "@inaccessible", "@override", "@tag"])\n`;

export interface World {
  supergraphSdl: string;
  plan(document: string, operationName?: string): ExecutablePlan;
  /** Lets the service answer one fetch. */
  ask(fetch: ServiceFetch): Promise<ServiceAnswer>;
  /** Runs an operation over the services. `order` decides which of the waiting answers comes next. */
  run(document: string, variables?: JsonObject, options?: RunOptions): Promise<ExecutionAnswer & { fetches: ServiceFetch[] }>;
}

export interface RunOptions {
  /** Index into the waiting answers; by default they come in the order of their fetches. */
  order?: (waiting: number) => number;
  /** Takes an answer's place; null = it never comes. */
  intercept?: (fetch: ServiceFetch) => ServiceAnswer | null | undefined;
  onStarted?: (execution: Execution) => void;
}

export function createWorld(services: readonly Service[]): World {
  const composed = composeServices(services.map(({ name, sdl }) => ({ name, url: `http://${name}`, typeDefs: parse(LINK + sdl) })));
  if (composed.supergraphSdl === undefined) throw new Error((composed.errors ?? []).map(({ message }) => message).join('\n'));
  const { supergraphSdl } = composed;
  const engine = createPlanEngine(supergraphSdl);
  const schemas = new Map(
    services.map(({ name, sdl, resolvers }) => [
      name,
      buildSubgraphSchema([{ typeDefs: parse(LINK + sdl), resolvers: (resolvers ?? {}) as never }]),
    ]),
  );

  async function ask(fetch: ServiceFetch): Promise<ServiceAnswer> {
    const { data, errors = [] } = toJson(
      await execute({
        schema: schemas.get(fetch.service) as GraphQLSchema,
        document: parse(fetch.operation),
        variableValues: fetch.variables,
      }),
    );
    return {
      node: fetch.node,
      chunk: fetch.chunk,
      data: data ?? null,
      errors: errors.map(({ message, path }) => ({
        message,
        ...(path === undefined ? {} : { path }),
        extensions: { code: 'SUBGRAPH_ERROR' },
      })),
    };
  }

  return {
    supergraphSdl,
    ask,
    plan: (document, operationName) => engine.plan(document, operationName ?? null),
    async run(document, variables = {}, { order = () => 0, intercept, onStarted } = {}) {
      const fetches: ServiceFetch[] = [];
      const waiting: { answer: Promise<ServiceAnswer>; resolve: (answer: ServiceAnswer) => void }[] = [];
      const execution = startExecution({
        plan: engine.plan(document, null),
        variables,
        port: {
          fetch: (fetch) => {
            fetches.push(fetch);
            const given = intercept?.(fetch);
            if (given === null) return new Promise(() => undefined);
            const answer = given === undefined ? ask(fetch) : Promise.resolve(given);
            return new Promise((resolve) => waiting.push({ answer, resolve }));
          },
        },
      });
      onStarted?.(execution);
      let settled = false;
      void execution.answer.finally(() => (settled = true)).catch(() => undefined);
      while (!settled) {
        if (waiting.length > 0) {
          const [next] = waiting.splice(order(waiting.length), 1);
          if (next !== undefined) next.resolve(await next.answer);
        }
        await new Promise((tick) => setImmediate(tick));
      }
      return { ...(await execution.answer), fetches };
    },
  };
}

function toJson(result: ExecutionResult): { data?: JsonObject | null; errors?: GraphQLErrorJson[] } {
  return JSON.parse(JSON.stringify(result)) as { data?: JsonObject | null; errors?: GraphQLErrorJson[] };
}
