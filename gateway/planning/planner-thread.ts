import { CodedError } from '#schema/contracts/errors';
import type { ExecutablePlan } from '#schema/contracts/plan';
import { serveThread } from '#platform/threads';
import { printApiSchema } from './api-schema.js';
import { createPlanEngine, type PlanEngine, type PlanOptions } from './plan-engine.js';

export interface PlannerMethods extends Record<string, (argument: never) => unknown> {
  load(generation: { number: number; supergraphSdl: string }): LoadedGeneration;
  unload(number: number): void;
  plan(request: EngineRequest): ExecutablePlan;
}

export interface LoadedGeneration {
  /** What callers see. */
  apiSdl: string;
}

export interface EngineRequest extends PlanOptions {
  generation: number;
  document: string;
  operationName: string | null;
}

const engines = new Map<number, PlanEngine>();

serveThread({
  load: ({ number, supergraphSdl }: { number: number; supergraphSdl: string }) => {
    const loaded = { apiSdl: printApiSchema(supergraphSdl) };
    engines.set(number, createPlanEngine(supergraphSdl));
    return loaded;
  },
  unload: (number: number) => void engines.delete(number),
  plan: ({ generation, document, operationName, ...options }: EngineRequest) => {
    const engine = engines.get(generation);
    if (engine === undefined) throw new CodedError('GENERATION_UNKNOWN', `supergraph generation ${generation} is not loaded`);
    return engine.plan(document, operationName, options);
  },
} satisfies PlannerMethods);
