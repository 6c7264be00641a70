import type { ErrorPolicy } from './error-policy.js';
import { CodedError } from './errors.js';

/** One immutable supergraph. Plans carry its number and service names, never URLs. */
export interface Generation {
  number: number;
  /** Hex SHA-256 of `supergraphSdl`. */
  digest: string;
  supergraphSdl: string;
  services: readonly SupergraphService[];
  /** What the generation before could answer and this one cannot, or not alike; absent when there was none. */
  changes?: readonly SchemaChange[];
}

/** A difference between two supergraphs that a client can notice. */
export interface SchemaChange {
  /** Breaking: a valid operation is not valid any more, or its answer has another shape. Dangerous: a client may meet what it does not know. */
  severity: 'breaking' | 'dangerous';
  /** As graphql-js names it, e.g. FIELD_REMOVED. */
  kind: string;
  message: string;
}

export interface SupergraphService {
  /** The subgraph's name in the supergraph (`files`, `plugin-sluice-qr-code`). */
  name: string;
  sdl: string;
  /** Which process answers: a subgraph's name or `plugin-host`; its address is looked up at fetch time. */
  host: string;
  /** Path on that host, `/graphql` for ordinary subgraphs. */
  path: string;
  /** Ours insist on signed calls; a user's own service may not know them. */
  signed: boolean;
  /** What callers see of its errors, where its list says; the deployment's setting comes first. */
  errors?: ErrorPolicy;
  /** Set for plugins. */
  plugin: { name: string; version: string; digest: string } | null;
}

/** A change to the list of services; the coordinator composes and publishes it as a new generation. */
export type SupergraphChange = { kind: 'put'; service: SupergraphService } | { kind: 'remove'; name: string };

export interface ServedGeneration {
  instance: string;
  role: 'gateway' | 'worker' | 'plugin-host';
  number: number;
  seenAtMs: number;
}

/**
 * Holds the generations, the addresses of services and who serves what. In the database; in memory for `SUPERGRAPH=<file>`.
 * Every method rejects with DATABASE_UNAVAILABLE when the store is away.
 */
export interface SupergraphRegistry {
  newest(): Promise<Generation | undefined>;
  get(number: number): Promise<Generation | undefined>;
  /**
   * @param requestId - names the change, so that a repeat can be recognised; null at start-up
   * @throws GENERATION_CONFLICT when `next.number` or the request exists already: someone published first
   */
  publish(next: Generation, requestId: string | null): Promise<void>;
  /** The generation that this request made, when it did. */
  publishedBy(requestId: string): Promise<Generation | undefined>;
  /** Base URL by host name, without a trailing slash. */
  addresses(): Promise<ReadonlyMap<string, string>>;
  setAddress(host: string, url: string): Promise<void>;
  recordServing(served: Omit<ServedGeneration, 'seenAtMs'>): Promise<void>;
  forgetServing(instance: string): Promise<void>;
  /**
   * Calls `wake` soon after somebody published. It may miss one: who uses it looks from time to time as well.
   *
   * @returns how to stop
   */
  watch?(wake: () => void): () => void;
  /** Those seen within the last 5 s. */
  serving(): Promise<readonly ServedGeneration[]>;
}

/** Builds a supergraph out of subgraphs. The adapter runs in a worker thread. */
export interface Composer {
  /** @throws CompositionError (COMPOSITION_FAILED) that lists every problem */
  compose(
    services: readonly { name: string; sdl: string; url: string }[],
  ): Promise<{ supergraphSdl: string; hints: readonly CompositionProblem[] }>;
  /** Between the APIs of two supergraphs; the breaking ones first. @throws COMPOSITION_FAILED when one of them cannot be loaded */
  compare(before: string, after: string): Promise<readonly SchemaChange[]>;
}

export interface CompositionProblem {
  /** Apollo's or the composer's own code, e.g. INVALID_FIELD_SHARING. */
  code: string;
  message: string;
  service: string | null;
  /** What it is about, e.g. `Query.user`, where the composer says so. */
  coordinate?: string;
  /** In the service's SDL, from 1. */
  line?: number;
  /** A query that the supergraph would allow and no way of fetching could answer. */
  exampleQuery?: string;
}

export class CompositionError extends CodedError {
  constructor(readonly problems: readonly CompositionProblem[]) {
    super('COMPOSITION_FAILED', problems.map((p) => `${p.code}: ${p.message}`).join('\n'));
  }
}
