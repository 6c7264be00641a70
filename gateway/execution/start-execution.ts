// Runs an ExecutablePlan over a FetchPort, in process or inside a workflow.
// Owns: order of fetches, merging, error paths.  Does not own: how a fetch is done, or what the caller sees (shape-response.ts).
// E1. A synchronous state machine: an answer is merged, and the fetches it makes ready are issued, in the same callback and in
//     plan order. With an `await` between, a replay after a crash could pair results with other fetches.
// E2. The port never rejects: a service's fault comes back as `errors`. A rejection is a defect and fails the execution.
// E3. After `stop` nothing is issued or merged any more; late answers are dropped.
import { assertNever, type JsonObject } from '#schema/contracts/json';
import {
  ALIAS_PREFIX,
  type EntityLookup,
  type ExecutablePlan,
  type FetchNode,
  type FetchOperation,
  type GraphQLErrorJson,
  type GraphQLResponse,
  INPUT_PREFIX,
  MAX_CONTEXT_GROUPS,
  MAX_REPRESENTATIONS,
  type MergedFetchNode,
  type PlanNode,
  type ServiceAnswer,
  type ServiceError,
  type ServiceFetch,
} from '#schema/contracts/plan';
import { groupByContext } from './contexts.js';
import { applyRewrites, cloneJson, deepMerge, findTargets, isObject, type Target, toErrorPath } from './json-data.js';
import { toKeys } from './place.js';
import { buildRepresentations, type Representation } from './representations.js';
import { createAnswerTest } from './is-answered.js';
import { shapeResponse } from './shape-response.js';

export interface FetchPort {
  /** Called once for each chunk of each fetch; must not reject. */
  fetch(fetch: ServiceFetch): Promise<ServiceAnswer>;
}

export interface ExecutionInput {
  plan: ExecutablePlan;
  /** Coerced, defaults filled in. */
  variables: JsonObject;
  port: FetchPort;
  /** Called when a fetch is issued and when its answer is merged, in that order. Must not throw. */
  onFetch?: (fetch: ServiceFetch, answer: ServiceAnswer | null) => void;
  /** Called after each answer, with everything merged so far; must change nothing and not throw. */
  onMerged?: (data: JsonObject, errors: readonly GraphQLErrorJson[]) => void;
  /** Data to start from: an event of a subscription. It is changed. */
  root?: JsonObject;
  /** Errors that came with `root`. */
  rootErrors?: readonly GraphQLErrorJson[];
}

export interface ExecutionAnswer {
  response: GraphQLResponse;
  /** Services in the order their first answer was merged. */
  services: readonly string[];
}

export interface Execution {
  /** Rejects for defects only. */
  answer: Promise<ExecutionAnswer>;
  /** Answers now, with what is finished and this error. */
  stop(error: GraphQLErrorJson): void;
}

export function startExecution(input: ExecutionInput): Execution {
  const { plan, variables, port } = input;
  const data = input.root ?? {};
  const errors: GraphQLErrorJson[] = [...(input.rootErrors ?? [])];
  /** Where in the data an error stands, by the keys that the planner chose. */
  const places = new Map<GraphQLErrorJson, readonly (string | number)[]>();
  const services = new Set<string>();
  const meetings = new Map<number, Meeting>();
  let over = false;
  let settle: { resolve(answer: ExecutionAnswer): void; reject(defect: unknown): void };
  const answer = new Promise<ExecutionAnswer>((resolve, reject) => (settle = { resolve, reject }));

  function start(node: PlanNode, done: () => void): void {
    switch (node.kind) {
      case 'fetch':
        return node.requires === null ? startRootFetch(node, done) : startEntityFetch(node, node.requires, done);
      case 'merged':
        return meet(node.id, 0, done, node);
      case 'place':
        return meet(node.of, node.place, done, null);
      case 'sequence': {
        const next = (index: number): void => {
          const child = node.nodes[index];
          if (child === undefined) done();
          else start(child, () => next(index + 1));
        };
        return next(0);
      }
      case 'parallel': {
        let left = node.nodes.length;
        if (left === 0) return done();
        for (const child of node.nodes) start(child, () => --left === 0 && done());
        return;
      }
      case 'condition': {
        const branch = variables[node.variable] === true ? node.then : node.otherwise;
        return branch === null ? done() : start(branch, done);
      }
      default:
        return assertNever(node);
    }
  }

  function startRootFetch(node: FetchNode, done: () => void): void {
    const targets = findTargets(data, node.path);
    if (targets.length === 0) return done();
    issue(node, 0, {}, (got) => mergeRoot(node, targets, got), done);
  }

  function startEntityFetch(node: FetchNode, requires: EntityLookup['requires'], done: () => void): void {
    const lookup: EntityLookup = { ...node, requires, key: '_entities', variable: 'representations', paths: [node.path] };
    if (node.contexts === undefined) return startLookups(node, [lookup], done);
    const groups = groupByContext(data, node.contexts, findTargets(data, node.path));
    const requests = groups.slice(0, MAX_CONTEXT_GROUPS).flatMap(({ values, targets }) => {
      const representations = buildRepresentations(lookup, targets);
      return toChunks([{ lookup, representations }]).map((chunk) => ({ chunk, values }));
    });
    if (groups.length > MAX_CONTEXT_GROUPS) {
      const message = `service '${node.service}' is asked with at most ${MAX_CONTEXT_GROUPS} different contexts; the data has ${groups.length}`;
      report(node, { message, extensions: { code: 'PLAN_TOO_LARGE' } }, [toErrorPath(node.path)]);
    }
    send(node, requests, done);
  }

  /** The places of a merged fetch are reached in any order; those behind them go on in plan order (E1). */
  function meet(id: number, place: number, done: () => void, node: MergedFetchNode | null): void {
    const meeting = meetings.get(id) ?? { node: null, reached: 0, done: [] };
    meetings.set(id, meeting);
    meeting.node ??= node;
    meeting.done[place] = done;
    meeting.reached += 1;
    if (meeting.reached === meeting.node?.places)
      startLookups(meeting.node, meeting.node.lookups, () => meeting.done.forEach((next) => next()));
  }

  function startLookups(node: FetchOperation, lookups: readonly EntityLookup[], done: () => void): void {
    const chunks = toChunks(
      lookups.map((lookup) => {
        const targets: Target[] = [];
        for (const path of lookup.paths) findTargets(data, path, targets);
        return { lookup, representations: buildRepresentations(lookup, targets) };
      }),
    );
    send(
      node,
      chunks.map((chunk) => ({ chunk, values: {} })),
      done,
    );
  }

  /** @param requests - `values` are those of the fetch's own variables, beside the representations */
  function send(node: FetchOperation, requests: readonly { chunk: Lookup[]; values: JsonObject }[], done: () => void): void {
    if (requests.length === 0) return done();
    let left = requests.length;
    requests.forEach(({ chunk, values }, index) => {
      const sent = chunk.map(({ lookup, representations }) => [lookup.variable, representations.map(({ value }) => value)]);
      issue(
        node,
        index,
        { ...values, ...(Object.fromEntries(sent) as JsonObject) },
        (got) => mergeLookups(node, chunk, got),
        () => --left === 0 && done(),
      );
    });
  }

  function issue(node: FetchOperation, chunk: number, own: JsonObject, merge: (answer: ServiceAnswer) => void, done: () => void): void {
    const fetch: ServiceFetch = {
      node: node.id,
      chunk,
      service: node.service,
      operationKind: node.operationKind,
      operation: node.operation,
      operationName: node.operationName,
      variables: { ...pick(variables, node.variables), ...own },
      idempotent: node.idempotent,
      ...(node.policy === undefined ? {} : { policy: node.policy }),
    };
    input.onFetch?.(fetch, null);
    const fail = (defect: unknown): void => {
      over = true;
      settle.reject(defect);
    };
    port.fetch(fetch).then((got) => {
      if (over) return;
      try {
        if (got.node !== node.id || got.chunk !== chunk)
          throw new Error(`answer of fetch ${got.node}.${got.chunk} came for ${node.id}.${chunk}`);
        services.add(node.service);
        merge(got);
        input.onFetch?.(fetch, got);
        input.onMerged?.(data, errors);
        done();
      } catch (defect) {
        fail(defect);
      }
    }, fail);
  }

  function mergeRoot(node: FetchNode, targets: readonly Target[], got: ServiceAnswer): void {
    for (const error of got.errors) report(node, error, [[...toKeys(targets[0]?.at ?? null), ...(error.path ?? [])]]);
    if (got.data === null) return;
    applyRewrites(node.outputRewrites, got.data);
    const last = targets.length - 1;
    for (const [index, { object }] of targets.entries()) deepMerge(object, got.data, index === last ? undefined : cloneJson);
  }

  function mergeLookups(node: FetchOperation, chunk: readonly Lookup[], got: ServiceAnswer): void {
    const asked = chunk.filter(({ representations }) => representations.length > 0);
    const keys = new Set(asked.map(({ lookup }) => lookup.key));
    // What names none of the fields is said of all.
    const concerns = ({ path = [] }: ServiceError, { lookup }: Lookup): boolean => path[0] === lookup.key || !keys.has(String(path[0]));
    for (const error of got.errors) {
      const concerned = asked.filter((lookup) => concerns(error, lookup));
      report(node, error, distinct(concerned.flatMap((lookup) => toEntityPaths(lookup, error))));
    }
    for (const lookup of asked) {
      if (mergeEntities(lookup, got) || got.errors.some((error) => concerns(error, lookup))) continue;
      const message = `expected ${lookup.representations.length} entities of service '${node.service}'`;
      report(node, { message, extensions: { code: 'SUBGRAPH_BAD_ANSWER' } }, distinct(lookup.lookup.paths.map(toErrorPath)));
    }
  }

  /** @returns false when the answer does not hold the entities */
  function mergeEntities({ lookup, representations }: Lookup, got: ServiceAnswer): boolean {
    const entities = got.data?.[lookup.key];
    if (!Array.isArray(entities) || entities.length !== representations.length) return false;
    representations.forEach(({ value, targets }, index) => {
      const entity = entities[index];
      if (!isObject(entity)) return;
      applyRewrites(lookup.outputRewrites, entity);
      targets.forEach(({ object }, copy) => {
        // Under @interfaceObject a service that knows the interface alone was told its name: the object's own type stands. Who was
        // told the type that the object has so far may know it better.
        const part = object['__typename'] === value['__typename'] ? entity : withoutType(entity);
        deepMerge(object, part, copy === targets.length - 1 ? undefined : cloneJson);
      });
    });
    return true;
  }

  function toEntityPaths({ lookup, representations }: Lookup, { path: [field, index, ...rest] = [] }: ServiceError): (string | number)[][] {
    const targets = field === lookup.key && typeof index === 'number' ? representations[index]?.targets : undefined;
    return targets === undefined ? lookup.paths.map(toErrorPath) : targets.map(({ at }) => [...toKeys(at), ...rest]);
  }

  function report(node: FetchOperation, error: ServiceError, paths: readonly (readonly (string | number)[])[]): void {
    for (const keys of paths) {
      const path = keys.map((key) => (typeof key === 'string' && key.startsWith('_') ? toKnownKey(key) : key));
      const reported = {
        message: error.message,
        ...(path.length === 0 ? {} : { path }),
        extensions: { ...error.extensions, service: node.service },
      };
      errors.push(reported);
      places.set(reported, keys);
    }
  }

  function finish(): void {
    if (over) return;
    over = true;
    const isAnswered = createAnswerTest(plan, data, variables);
    const told = errors.filter((error) => isAnswered(places.get(error) ?? []));
    settle.resolve({ response: shapeResponse(plan.shape, data, told, variables), services: [...services] });
  }

  if (plan.root === null) finish();
  else start(plan.root, finish);
  return {
    answer,
    stop: (error) => {
      if (over) return;
      errors.push(error);
      finish();
    },
  };
}

function withoutType({ __typename: _, ...entity }: JsonObject): JsonObject {
  return entity;
}

/** Absent variables stay absent, so that the service's own defaults apply. */
function pick(variables: JsonObject, names: readonly string[]): JsonObject {
  const picked: JsonObject = {};
  for (const name of names) if (Object.hasOwn(variables, name)) picked[name] = variables[name] ?? null;
  return picked;
}

/** What the caller calls a key that the planner chose. */
function toKnownKey(key: string): string {
  if (key.startsWith(ALIAS_PREFIX)) return key.slice(ALIAS_PREFIX.length);
  return key.startsWith(INPUT_PREFIX) ? key.slice(key.indexOf('_', INPUT_PREFIX.length) + 1) : key;
}

/** Those who wait for a merged fetch, by place. */
interface Meeting {
  node: MergedFetchNode | null;
  reached: number;
  done: (() => void)[];
}

/** What one request asks by one of its fields. */
interface Lookup {
  lookup: EntityLookup;
  representations: readonly Representation[];
}

/** Each with every lookup, so that the operation's variables are all there: some may have no representations in it. */
function toChunks(lookups: readonly Lookup[]): Lookup[][] {
  const chunks: Lookup[][] = [];
  let room = 0;
  lookups.forEach(({ representations }, which) => {
    for (let from = 0; from < representations.length;) {
      if (room === 0) {
        chunks.push(lookups.map(({ lookup }) => ({ lookup, representations: [] })));
        room = MAX_REPRESENTATIONS;
      }
      const part = representations.slice(from, from + room);
      (chunks.at(-1)?.[which] as Lookup).representations = part;
      from += part.length;
      room -= part.length;
    }
  });
  return chunks;
}

function distinct<P extends readonly (string | number)[]>(paths: readonly P[]): P[] {
  return [...new Map(paths.map((path) => [JSON.stringify(path), path])).values()];
}
