// ExecutablePlan: what the planner hands to the executor, in process or in a workflow. JSON only: no schema,
// no Apollo object, no URL. Type conditions are already expanded into sets of concrete type names.
import type { Json, JsonObject } from './json.js';

/** More fetches than this are refused with PLAN_TOO_LARGE before the first one starts. */
export const MAX_PLAN_FETCHES = 500;
/** `representations` of one request to a service; more are sent as further chunks. */
export const MAX_REPRESENTATIONS = 500;
/** `_entities` fields of one request: services refuse documents with too many aliases. */
export const MAX_LOOKUPS = 10;

/**
 * Aliases that equal a field's name are planned and fetched with this prefix: the planner would take them for that field where
 * it needs a key or a `@requires` input. Data and error paths of services carry it, answers do not.
 */
export const ALIAS_PREFIX = '_alias_';

/** What has to be fetched apart from other selections under its key, as inputs of `@requires` with arguments, is so under `<prefix><number>_<key>`. */
export const INPUT_PREFIX = '_input_';

/** A fetch is sent to its service as at most so many requests because of `@fromContext`. */
export const MAX_CONTEXT_GROUPS = 100;

export type OperationKind = 'query' | 'mutation' | 'subscription';

export interface ExecutablePlan {
  version: 1;
  kind: OperationKind;
  /** The root fields as selected, in document order, introspection and `__typename` left out. */
  rootFields: readonly PlannedRootField[];
  /** Services the plan touches, each once, sorted. */
  services: readonly string[];
  /** Null when no service is asked (introspection, `__typename` only). For subscriptions: the rest for each event. */
  root: PlanNode | null;
  /** Only for subscriptions: the fetch that is sent to the service as a subscription. */
  primary: FetchNode | null;
  shape: ObjectShape;
  /** Only for mutations with `@saga`: their fields as steps that are undone when a later one fails. */
  saga?: SagaPlan;
  /** What its variables may be, for whoever edits them later; absent: it has none. */
  variableRules?: VariableRules;
  /** The longest `@timeout` of its fetches, undos included; absent: none declares one. */
  longestTimeoutMs?: number;
  /** Some fetch is to be tried again by its `@retry`, which only a run can do. */
  retries?: true;
}

/** The operation's variable definitions and the input types that they name, as SDL: the schema that planned it may be gone by then. */
export interface VariableRules {
  /** `($input: CreateFileInput!, $first: Int = 10)` */
  definitions: string;
  types: string;
}

/** What the services declare of a fetch: the longest `@timeout` and the most attempts of all fields that it asks for. */
export interface FetchPolicy {
  timeoutMs?: number;
  /** Absent also where a fetch must not be sent twice: a mutation of which not every field is `@idempotent`. */
  retry?: RetryPolicy;
}

/** From `@retry`; the wait grows by `backoff` from `intervalMs` to `maxIntervalMs`. */
export interface RetryPolicy {
  /** The first one included. */
  attempts: number;
  intervalMs: number;
  backoff: number;
  maxIntervalMs: number;
}

/** `ExecutablePlan.root` is its steps in order. */
export interface SagaPlan {
  steps: readonly SagaStep[];
}

/** One root mutation field with everything that it selects. */
export interface SagaStep {
  responseKey: string;
  /** The key that the merged data holds. */
  dataKey: string;
  field: string;
  service: string;
  /** Id of the fetch that has the effect. */
  fetch: number;
  node: PlanNode;
  /** From `@compensate`; null only where nothing has to be undone after it: the last field. */
  undo: PlannedUndo | null;
}

/** The mutation of the same service that takes the effect back. */
export interface PlannedUndo {
  field: string;
  operation: string;
  operationName: string;
  arguments: readonly { name: string; value: UndoValue }[];
  /** May it be sent twice, and for an effect that nobody is sure of? */
  idempotent: boolean;
  policy?: FetchPolicy;
}

export type UndoValue =
  /** Keys below the step's own data; what only the undo needs is fetched under keys that no answer shows. */
  | { kind: 'result'; path: readonly string[] }
  | { kind: 'variable'; name: string; path: readonly string[] }
  | { kind: 'constant'; value: Json }
  | { kind: 'list'; values: readonly UndoValue[] }
  | { kind: 'object'; fields: readonly { name: string; value: UndoValue }[] };

/** On an operation: `mutation @saga { … }`. Answered by the gateway alone; services do not see it. */
export const SAGA_DIRECTIVE = 'saga';

export interface PlannedRootField {
  name: string;
  responseKey: string;
  durable: 'AUTO' | 'ALWAYS' | 'NEVER';
  idempotent: boolean;
}

export type PlanNode =
  | FetchNode
  | MergedFetchNode
  /** A further place of the merged fetch with this id; its own node is place 0. */
  | { kind: 'place'; of: number; place: number }
  | { kind: 'sequence'; nodes: readonly PlanNode[] }
  | { kind: 'parallel'; nodes: readonly PlanNode[] }
  /** A whole branch under `@skip`/`@include`. */
  | { kind: 'condition'; variable: string; then: PlanNode | null; otherwise: PlanNode | null };

/** What a service is asked. */
export interface FetchOperation {
  /** Unique in the plan, rising in plan order. Answers carry it back; idempotency keys are built on it. */
  id: number;
  service: string;
  operationKind: OperationKind;
  operation: string;
  operationName: string | null;
  /** Names of the caller's variables that the operation uses; absent ones are left out, so that defaults apply. */
  variables: readonly string[];
  /** Mutations only: may it be sent twice? */
  idempotent: boolean;
  policy?: FetchPolicy;
}

export interface FetchNode extends FetchOperation, EntityRewrites {
  kind: 'fetch';
  /** Where in the merged data the answer belongs; [] is the root. */
  path: readonly PathStep[];
  /** What a representation is made of; null for a root fetch. */
  requires: readonly RequiredSelection[] | null;
  /** From `@fromContext`; one request for each set of their values. */
  contexts?: readonly ContextVariable[];
}

/** A variable of a fetch whose value stands in the data: in the entity, or in an object above it. */
export interface ContextVariable {
  variable: string;
  /** How many objects above the entity; 0 is the entity itself. */
  up: number;
  path: readonly RewriteStep[];
}

/**
 * Entity fetches of one service as one request. It is sent when execution has come to every one of its places, and all of them
 * go on when its answer is merged.
 */
export interface MergedFetchNode extends FetchOperation {
  kind: 'merged';
  /** How many nodes of the plan stand for it, this one included. */
  places: number;
  /** At most {@link MAX_LOOKUPS}. */
  lookups: readonly EntityLookup[];
}

/** One `_entities` field of a request. */
export interface EntityLookup extends EntityRewrites {
  /** The field's response key. */
  key: string;
  /** The variable that takes its representations. */
  variable: string;
  /** Where the entities are, and where their fields belong. */
  paths: readonly (readonly PathStep[])[];
  requires: readonly RequiredSelection[];
}

export interface EntityRewrites {
  /** Of each representation. */
  inputRewrites: readonly DataRewrite[];
  /** Of the answer's data. */
  outputRewrites: readonly DataRewrite[];
}

/** A field name, or `@` for every element of a list. `types` narrows to objects of these concrete types. */
export type PathStep = { field: string; types?: readonly string[] } | { list: true; types?: readonly string[] };

export type RequiredSelection =
  /** `as`: what the service calls it, where the merged data hold it under another name. */
  | { kind: 'field'; name: string; as?: string; selections: readonly RequiredSelection[] | null }
  /** `types` already holds the concrete types, subtypes and the condition's own name. */
  | { kind: 'fragment'; types: readonly string[]; selections: readonly RequiredSelection[] };

export type DataRewrite =
  { kind: 'set'; path: readonly RewriteStep[]; value: Json } | { kind: 'rename'; path: readonly RewriteStep[]; to: string };
export type RewriteStep = { field: string } | { types: readonly string[] };

// The response shape: the caller's selection against the API schema, in the order of the query.

export interface ObjectShape {
  /** Concrete API type names possible here; an object of another type is not part of the API and becomes null. */
  types: readonly string[];
  fields: readonly FieldShape[];
}

export interface FieldShape {
  responseKey: string;
  /** The key that the merged data holds; differs from `responseKey` where the planner had to alias. */
  dataKey: string;
  /** Set for `__typename`. */
  typename?: true;
  /** Answered by the gateway from its API schema; the executor leaves it out. */
  introspection?: true;
  /** Why the caller may not have it: it is not fetched, and null with this error. */
  denied?: string;
  type: TypeShape;
  /** Only for objects of these concrete types (from type conditions); absent: always. */
  onTypes?: readonly string[];
  /** From `@skip`/`@include`: at least one list of which every condition holds; absent: always. */
  when?: readonly (readonly VariableCondition[])[];
}

/**
 * `@sluice__denied(reason:)` on a field of a document that goes to the planner: leave it out, say why. Callers cannot send it: it is
 * in no schema.
 */
export const DENIED_DIRECTIVE = 'sluice__denied';

export interface VariableCondition {
  variable: string;
  equals: boolean;
}

export type TypeShape =
  | { kind: 'nonNull'; of: TypeShape }
  | { kind: 'list'; of: TypeShape }
  | { kind: 'object'; shape: ObjectShape; name: string }
  | { kind: 'leaf'; name: string }
  | { kind: 'enum'; name: string; values: readonly string[] };

// Fetching: errors come back as data, so that both runtimes see the same ones.

/** One request to one service as the executor issues it. */
export interface ServiceFetch {
  node: number;
  /** 0 unless the representations were split. */
  chunk: number;
  service: string;
  operationKind: OperationKind;
  operation: string;
  operationName: string | null;
  variables: JsonObject;
  idempotent: boolean;
  policy?: FetchPolicy;
}

export interface ServiceAnswer {
  node: number;
  chunk: number;
  data: JsonObject | null;
  errors: readonly ServiceError[];
  /** How often its activity has sent the fetch, when that is more than once. */
  attempts?: number;
}

export interface ServiceError {
  message: string;
  path?: readonly (string | number)[];
  /** `code` is what callers see; what it means is `registryCodeOf`. */
  extensions: { code: string; [key: string]: Json };
}

/** A GraphQL response as callers see it. */
export interface GraphQLResponse {
  data: JsonObject | null;
  errors?: readonly GraphQLErrorJson[];
}

export interface GraphQLErrorJson {
  message: string;
  path?: readonly (string | number)[];
  extensions: JsonObject & { code: string };
}
