// A small federation and the one schema that it stands for. Services and schema resolve from the same data, so that
// *gateway answer = answer of the merged schema* can be checked for any operation.
import { setTimeout as sleep } from 'node:timers/promises';
import { composeServices } from '@apollo/composition';
import { ROUTER_SUPPORTED_SUPERGRAPH_FEATURES, Supergraph } from '@apollo/federation-internals';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { execute, type ExecutionResult, type GraphQLSchema, Kind, parse, validate } from 'graphql';
import { createPlanEngine } from '#gateway/planning/plan-engine';
import { createActiveLabels } from '#gateway/server/active-labels';
import { createOperationExecutor } from '#gateway/server/execute-operation';
import type { OperationAnswer } from '#gateway/server/operation-request';
import { readOverrideLabels } from '#gateway/supergraph/override-labels';
import { createLogger } from '#platform/logger';
import { createMetrics } from '#platform/metrics';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { JsonObject } from '#schema/contracts/json';
import type { ExecutablePlan, GraphQLErrorJson, ServiceAnswer, ServiceFetch } from '#schema/contracts/plan';
import { answerCall, answerCallsOf, currentRuntime } from './runtime.js';

export interface Service {
  name: string;
  sdl: string;
  resolvers?: Record<string, unknown>;
}

export const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.8", import: ["@context", "@fromContext", "@key", "@shareable", "@external", "@requires", "@provides", "@interfaceObject", "@inaccessible", "@override", "@tag"])\n`;

export interface World {
  supergraphSdl: string;
  /** What callers see. */
  apiSchema: GraphQLSchema;
  plan(document: string, operationName?: string): ExecutablePlan;
  /** Lets the service answer one fetch. */
  ask(fetch: ServiceFetch): Promise<ServiceAnswer>;
  /**
   * Runs an operation over the services as the gateway does, in process or as a workflow. Throws when the document is not valid.
   *
   * @param variables - as sent; defaults are filled in
   */
  run(document: string, variables?: JsonObject, options?: RunOptions): Promise<RunAnswer>;
}

export interface RunAnswer {
  response: OperationAnswer['response'];
  /** In the order that they were issued. */
  fetches: ServiceFetch[];
}

export interface RunOptions {
  /** Index into the waiting answers; by default they come in the order of their fetches. */
  order?: (waiting: number) => number;
  /** Takes an answer's place. */
  intercept?: (fetch: ServiceFetch) => ServiceAnswer | undefined;
  /** As in the settings: `percent(n)` holds without. */
  activeLabels?: readonly string[];
}

let worlds = 0;

export function createWorld(services: readonly Service[]): World {
  const composed = composeServices(services.map(({ name, sdl }) => ({ name, url: `http://${name}`, typeDefs: parse(LINK + sdl) })));
  if (composed.supergraphSdl === undefined) throw new Error((composed.errors ?? []).map(({ message }) => message).join('\n'));
  const { supergraphSdl } = composed;
  const engine = createPlanEngine(supergraphSdl);
  const labels = readOverrideLabels(parse(supergraphSdl));
  const apiSchema = Supergraph.build(supergraphSdl, { supportedFeatures: ROUTER_SUPPORTED_SUPERGRAPH_FEATURES })
    .apiSchema()
    .toGraphQLJSSchema();
  const schemas = new Map(
    services.map(({ name, sdl, resolvers }) => [
      name,
      buildSubgraphSchema([{ typeDefs: parse(LINK + sdl), resolvers: (resolvers ?? {}) as never }]),
    ]),
  );
  const world = ++worlds;
  let operations = 0;
  const metrics = createMetrics();

  async function ask(fetch: ServiceFetch): Promise<ServiceAnswer> {
    const schema = schemas.get(fetch.service) as GraphQLSchema;
    const document = parse(fetch.operation);
    const invalid = validate(schema, document);
    const { data, errors = [] } = toJson(
      invalid.length > 0 ? { errors: invalid } : await execute({ schema, document, variableValues: fetch.variables }),
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
    apiSchema,
    ask,
    plan: (document, operationName) => engine.plan(document, operationName ?? null),
    async run(text, variables = {}, { order = () => 0, intercept, activeLabels = [] } = {}) {
      const document = parse(text);
      const [invalid] = validate(apiSchema, document);
      if (invalid !== undefined) throw invalid;
      const operation = document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
      if (operation === undefined) throw new Error('the document holds no operation');

      const { execution, durable, ahead, siblingsMs } = currentRuntime();
      const fetches: ServiceFetch[] = [];
      const waiting: { answer: Promise<ServiceAnswer>; resolve: (answer: ServiceAnswer) => void }[] = [];
      let wake = (): void => undefined;
      const principal = `usr_${world}_${++operations}` as PrincipalId;
      const end = answerCallsOf(principal, (call) => {
        fetches.push(call);
        const given = intercept?.(call);
        const answer = given === undefined ? ask(call) : Promise.resolve(given);
        return new Promise((resolve) => {
          waiting.push({ answer, resolve });
          wake();
        });
      });
      const executor = createOperationExecutor({
        planner: { plan: async ({ document: planned, operationName, ...how }) => engine.plan(planned, operationName, how) },
        fetcher: { fetch: answerCall },
        durable,
        ahead,
        access: { check: () => ({ document, operation }), allows: () => true },
        sagas: [],
        policies: new Map(),
        allowsPrivateWebhooks: false,
        documents: { check: () => ({ document }) },
        trusted: { resolve: (_, { query }) => query as string },
        cost: { check: () => null },
        labels: createActiveLabels({ active: activeLabels, labelsOf: () => labels }),
        claims: { put: () => Promise.reject(new Error('no header was given')) },
        keys: { operation: Buffer.alloc(32) },
        execution,
        fetchTimeoutMs: 3_000,
        metrics,
        log: createLogger({ name: 'test', level: 'fatal' }),
      });
      let settled = false;
      const answer = executor
        .execute({
          schema: apiSchema,
          generation: 1,
          document,
          operation,
          variables,
          auth: { principal, tenant: 'ten_acme' as TenantId, scopes: [], fingerprint: 'f'.repeat(64) },
          idempotencyKey: null,
          signal: new AbortController().signal,
        })
        .finally(() => {
          settled = true;
          wake();
        });
      for (;;) {
        if (waiting.length === 0 && !settled) await new Promise<void>((resolve) => (wake = resolve));
        if (settled) break;
        await sleep(siblingsMs);
        const [next] = waiting.splice(order(waiting.length), 1);
        if (next !== undefined) next.resolve(await next.answer);
      }
      end();
      const { response, operation: ran } = await answer;
      // Where a run cannot be started a query is answered here: that would prove nothing about runs.
      if (ran !== null && ran.reason !== 'no-service' && ran.path !== execution) throw new Error(`ran ${ran.path}: ${ran.reason}`);
      return { response, fetches };
    },
  };
}

function toJson(result: ExecutionResult): { data?: JsonObject | null; errors?: GraphQLErrorJson[] } {
  return JSON.parse(JSON.stringify(result)) as { data?: JsonObject | null; errors?: GraphQLErrorJson[] };
}
