// Runs an ExecutablePlan over a FetchPort, in process or inside a workflow.
// Owns: order of fetches, merging, error paths.  Does not own: how a fetch is done, or what the caller sees (shape-response.ts).
// E1. A synchronous state machine: an answer is merged, and the fetches it makes ready are issued, in the same callback and in
//     plan order. With an `await` between, a replay after a crash could pair results with other fetches.
// E2. The port never rejects: a service's fault comes back as `errors`. A rejection is a defect and fails the execution.
// E3. After `stop` nothing is issued or merged any more; late answers are dropped.
import { assertNever, type JsonObject } from '#schema/contracts/json';
import {
  ALIAS_PREFIX,
  type ExecutablePlan,
  type FetchNode,
  type GraphQLErrorJson,
  type GraphQLResponse,
  INPUT_PREFIX,
  MAX_REPRESENTATIONS,
  type PlanNode,
  type ServiceAnswer,
  type ServiceError,
  type ServiceFetch,
} from '#schema/contracts/plan';
import { applyRewrites, cloneJson, deepMerge, findTargets, isObject, type Target, toErrorPath } from './json-data.js';
import { buildRepresentations, type Representation } from './representations.js';
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
  const services = new Set<string>();
  let over = false;
  let settle: { resolve(answer: ExecutionAnswer): void; reject(defect: unknown): void };
  const answer = new Promise<ExecutionAnswer>((resolve, reject) => (settle = { resolve, reject }));

  function start(node: PlanNode, done: () => void): void {
    switch (node.kind) {
      case 'fetch':
        return startFetch(node, done);
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

  function startFetch(node: FetchNode, done: () => void): void {
    const targets = findTargets(data, node.path);
    if (targets.length === 0) return done();
    if (node.requires === null) return issue(node, 0, {}, (got) => mergeRoot(node, targets, got), done);

    const representations = buildRepresentations(node, targets);
    if (representations.length === 0) return done();
    const chunks = toChunks(representations);
    let left = chunks.length;
    chunks.forEach((chunk, index) =>
      issue(
        node,
        index,
        { representations: chunk.map(({ value }) => value) },
        (got) => mergeEntities(node, chunk, got),
        () => --left === 0 && done(),
      ),
    );
  }

  function issue(node: FetchNode, chunk: number, own: JsonObject, merge: (answer: ServiceAnswer) => void, done: () => void): void {
    const fetch: ServiceFetch = {
      node: node.id,
      chunk,
      service: node.service,
      operationKind: node.operationKind,
      operation: node.operation,
      operationName: node.operationName,
      // Absent variables stay absent, so that the service's own defaults apply.
      variables: {
        ...Object.fromEntries(node.variables.flatMap((name) => (Object.hasOwn(variables, name) ? [[name, variables[name] ?? null]] : []))),
        ...own,
      },
      idempotent: node.idempotent,
    };
    input.onFetch?.(fetch, null);
    port
      .fetch(fetch)
      .then((got) => {
        if (over) return;
        if (got.node !== node.id || got.chunk !== chunk)
          throw new Error(`answer of fetch ${got.node}.${got.chunk} came for ${node.id}.${chunk}`);
        services.add(node.service);
        merge(got);
        input.onFetch?.(fetch, got);
        input.onMerged?.(data, errors);
        done();
      })
      .catch((defect: unknown) => {
        over = true;
        settle.reject(defect);
      });
  }

  function mergeRoot(node: FetchNode, targets: readonly Target[], got: ServiceAnswer): void {
    for (const error of got.errors) report(node, error, [[...(targets[0]?.path ?? []), ...(error.path ?? [])]]);
    if (got.data === null) return;
    applyRewrites(node.outputRewrites, got.data);
    targets.forEach(({ object }, index) => deepMerge(object, index === 0 ? (got.data as JsonObject) : cloneJson(got.data as JsonObject)));
  }

  function mergeEntities(node: FetchNode, chunk: readonly Representation[], got: ServiceAnswer): void {
    const entities = got.data?.['_entities'];
    for (const error of got.errors) report(node, error, toEntityPaths(node, chunk, error));
    if (!Array.isArray(entities) || entities.length !== chunk.length) {
      if (got.errors.length === 0) {
        report(
          node,
          { message: `expected ${chunk.length} entities of service '${node.service}'`, extensions: { code: 'SUBGRAPH_BAD_ANSWER' } },
          [toErrorPath(node.path)],
        );
      }
      return;
    }
    chunk.forEach(({ value, targets }, index) => {
      const entity = entities[index];
      if (!isObject(entity)) return;
      applyRewrites(node.outputRewrites, entity);
      targets.forEach(({ object }, copy) => {
        const own = copy === targets.length - 1 ? entity : cloneJson(entity);
        // Under @interfaceObject a service that knows the interface alone was told its name: the object's own type stands. Who was
        // told the type that the object has so far may know it better.
        if (object['__typename'] !== value['__typename']) delete own['__typename'];
        deepMerge(object, own);
      });
    });
  }

  function toEntityPaths(node: FetchNode, chunk: readonly Representation[], error: ServiceError): (string | number)[][] {
    const [field, index, ...rest] = error.path ?? [];
    const targets = field === '_entities' && typeof index === 'number' ? chunk[index]?.targets : undefined;
    return targets === undefined ? [toErrorPath(node.path)] : targets.map(({ path }) => [...path, ...rest]);
  }

  function report(node: FetchNode, error: ServiceError, paths: readonly (readonly (string | number)[])[]): void {
    for (const keys of paths) {
      const path = keys.map((key) => (typeof key === 'string' && key.startsWith('_') ? toKnownKey(key) : key));
      errors.push({
        message: error.message,
        ...(path.length === 0 ? {} : { path }),
        extensions: { ...error.extensions, service: node.service },
      });
    }
  }

  function finish(): void {
    if (over) return;
    over = true;
    settle.resolve({ response: shapeResponse(plan.shape, data, errors, variables), services: [...services] });
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

/** What the caller calls a key that the planner chose. */
function toKnownKey(key: string): string {
  if (key.startsWith(ALIAS_PREFIX)) return key.slice(ALIAS_PREFIX.length);
  return key.startsWith(INPUT_PREFIX) ? key.slice(key.indexOf('_', INPUT_PREFIX.length) + 1) : key;
}

function toChunks(representations: readonly Representation[]): Representation[][] {
  const chunks: Representation[][] = [];
  for (let from = 0; from < representations.length; from += MAX_REPRESENTATIONS)
    chunks.push(representations.slice(from, from + MAX_REPRESENTATIONS));
  return chunks;
}
