// The generations this gateway serves: follows the registry, loads what is new, hands it to the running server.
// Owns: the order load → swap → tell, which schema object belongs to which generation.
// Does not own: the schema itself (Apollo's gateway), plans (the planner), publishing, looking for what is new (follow-registry.ts).
// G1. A generation is loaded in the planner before the first operation can be validated on it.
// G2. One operation sees one generation: the one that stood when it was admitted.
// G3. Superseded generations stay planned for half a minute, for operations that wait for their plan; never more than three of them.
// G4. The operations in use are planned on a new generation before it is served, for two seconds at most (planning/create-planner.ts).
import { setTimeout as sleep } from 'node:timers/promises';
import { type GraphQLSchema, parse } from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { Generation, SupergraphRegistry } from '#schema/contracts/supergraph';
import type { Logger } from '#platform/logger';
import type { Planner } from '../planning/create-planner.js';
import { type FollowedRegistry, followRegistry, withinLimit } from './follow-registry.js';
import { type AccessRules, readAccessRules } from './access-rules.js';
import { type CostRules, readCostRules } from './cost-rules.js';
import { readOverrideLabels } from './override-labels.js';

const POLL_MS = 1_000;
const FIRST_WAIT_MS = 30_000;
const KEEP_MS = 30_000;
const MAX_SUPERSEDED = 3;
const MAX_LOGGED_CHANGES = 20;

export interface Generations {
  /** Waits for the first generation, for at most 30 s. @throws GENERATION_UNKNOWN, DATABASE_UNAVAILABLE */
  open(): Promise<Generation>;
  /**
   * Follows the registry from then on. `swap` makes a generation the one that new operations see; when it throws, the old one stays.
   */
  follow(swap: Swap): void;
  /** What new operations get. @throws GENERATION_UNKNOWN before the first one is served */
  current(): { generation: Generation; schema: GraphQLSchema };
  /** Told by the server within {@link follow}'s `swap`, and once at its start: the API schema it validates on from now on. */
  serve(schema: GraphQLSchema): void;
  /** Of the generation whose schema object validated an operation. @throws GENERATION_UNKNOWN */
  numberOf(schema: GraphQLSchema): number;
  /** What that generation's supergraph says beyond its API schema. @throws GENERATION_UNKNOWN */
  rulesOf(schema: GraphQLSchema): SupergraphRules;
  close(): Promise<void>;
}

/** @param apiSdl - what callers see of the generation; valid */
export type Swap = (generation: Generation, apiSdl: string) => void;

export interface SupergraphRules {
  access: AccessRules;
  cost: CostRules;
  overrideLabels: readonly string[];
}

export interface GenerationsOptions {
  registry: Pick<SupergraphRegistry, 'newest' | 'recordServing' | 'forgetServing' | 'watch'>;
  planner: Pick<Planner, 'load' | 'warm' | 'unload'>;
  /** Names this process in the registry. */
  instance: string;
  log: Logger;
  /** Called with what new operations get from now on; `schema` is undefined until the server is up. Must not throw. */
  onServed?: (served: { number: number; schema: GraphQLSchema | undefined }) => void;
  /** @default 1000 ms */
  pollMs?: number;
}

export function createGenerations({ registry, planner, instance, log, onServed, pollMs = POLL_MS }: GenerationsOptions): Generations {
  const ended = new AbortController();
  const numbers = new WeakMap<GraphQLSchema, number>();
  const rules = new WeakMap<GraphQLSchema, SupergraphRules>();
  const superseded = new Map<number, number>();
  let serving: { generation: Generation; rules: SupergraphRules; schema: GraphQLSchema | undefined } | undefined;
  let followed: FollowedRegistry | undefined;

  /** Marks `generation` as served, on the schema object that stands now: equal SDL keeps its object, while services may differ. */
  function settle(generation: Generation, itsRules: SupergraphRules): void {
    if (serving !== undefined && serving.generation.number !== generation.number) superseded.set(serving.generation.number, Date.now());
    serving = { generation, rules: itsRules, schema: serving?.schema };
    if (serving.schema !== undefined) record(serving.schema, serving);
    onServed?.({ number: generation.number, schema: serving.schema });
    const breaking = generation.changes?.filter(({ severity }) => severity === 'breaking') ?? [];
    if (breaking.length > 0) {
      const messages = breaking.slice(0, MAX_LOGGED_CHANGES).map(({ message }) => message);
      log.warn({ generation: generation.number, breaking: breaking.length, messages }, 'the new supergraph breaks what clients may ask');
    }
    log.info({ generation: generation.number, services: generation.services.map(({ name }) => name) }, 'supergraph generation served');
  }

  function record(schema: GraphQLSchema, of: { generation: Generation; rules: SupergraphRules }): void {
    numbers.set(schema, of.generation.number);
    rules.set(schema, of.rules);
  }

  async function takeOver(generation: Generation, swap: Swap, isEnded: AbortSignal): Promise<void> {
    const itsRules = readRules(generation);
    const { apiSdl } = await planner.load(generation);
    if (serving !== undefined) {
      const warmed = await planner.warm({ from: serving.generation.number, to: generation.number });
      log.info({ generation: generation.number, ...warmed }, 'operations in use were planned ahead');
    }
    if (isEnded.aborted) return;
    // From here to `settle` nothing awaits, so that no operation is admitted in between (G2).
    swap(generation, apiSdl);
    settle(generation, itsRules);
  }

  async function forgetOld(): Promise<void> {
    for (const [number, atMs] of superseded) {
      if (superseded.size <= MAX_SUPERSEDED && Date.now() - atMs < KEEP_MS) continue;
      superseded.delete(number);
      await planner.unload(number);
    }
  }

  return {
    async open() {
      const deadline = Date.now() + FIRST_WAIT_MS;
      for (;;) {
        const newest = await withinLimit(registry.newest());
        if (newest !== undefined) {
          await planner.load(newest);
          settle(newest, readRules(newest));
          return newest;
        }
        if (Date.now() > deadline || ended.signal.aborted)
          throw new CodedError('GENERATION_UNKNOWN', `no supergraph was published within ${FIRST_WAIT_MS / 1000} s`);
        await sleep(pollMs, undefined, { signal: ended.signal }).catch(() => undefined);
      }
    },
    follow(swap) {
      followed ??= followRegistry({
        registry,
        instance,
        role: 'gateway',
        serving: serving?.generation.number ?? 0,
        takeOver: (generation, isEnded) => takeOver(generation, swap, isEnded),
        onLooked: forgetOld,
        log,
        pollMs,
      });
    },
    current() {
      if (serving?.schema === undefined) throw new CodedError('GENERATION_UNKNOWN', 'no supergraph is served yet');
      return { generation: serving.generation, schema: serving.schema };
    },
    serve(schema) {
      if (serving === undefined) throw new CodedError('GENERATION_UNKNOWN', 'a schema came before its generation');
      serving = { ...serving, schema };
      record(schema, serving);
    },
    numberOf(schema) {
      const number = numbers.get(schema);
      if (number === undefined) throw new CodedError('GENERATION_UNKNOWN', 'the schema belongs to no generation');
      return number;
    },
    rulesOf(schema) {
      const found = rules.get(schema);
      if (found === undefined) throw new CodedError('GENERATION_UNKNOWN', 'the schema belongs to no generation');
      return found;
    },
    async close() {
      ended.abort();
      await followed?.close();
    },
  };
}

function readRules({ supergraphSdl }: Generation): SupergraphRules {
  const supergraph = parse(supergraphSdl, { noLocation: true });
  return {
    access: readAccessRules(supergraph),
    cost: readCostRules(supergraph),
    overrideLabels: readOverrideLabels(supergraph),
  };
}
