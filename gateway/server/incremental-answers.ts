// `@defer` over HTTP: an answer in two parts, as multipart/mixed with deferSpec=20220824 (docs/adr/0002-own-executor-behind-apollo-gateway.md).
// The whole document is planned and executed once. As soon as everything that is not deferred has been fetched it leaves as the first
// part; what was deferred follows in one more. Where both come by the same fetches there is one part only.
// N1. Only queries that the routing lets run here are answered in parts; every other document with `@defer` is answered whole, as the spec allows.
import type { ServerResponse } from 'node:http';
import {
  DirectiveLocation,
  getOperationAST,
  GraphQLBoolean,
  GraphQLDirective,
  GraphQLNonNull,
  GraphQLSchema,
  GraphQLString,
  OperationTypeNode,
} from 'graphql';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { Json, JsonObject } from '#schema/contracts/json';
import type { GraphQLErrorJson, GraphQLResponse, ObjectShape, TypeShape } from '#schema/contracts/plan';
import { isComplete } from '../execution/is-complete.js';
import { shapeResponse } from '../execution/shape-response.js';
import { type OperationPolicy, type RouteInput, routeOperation } from '../routing/route-operation.js';
import type { Generations } from '../supergraph/generations.js';
import { noSuchOperation, toExtensions } from './apollo-server.js';
import type { DocumentChecker } from './check-document.js';
import { type DeferredDocument, pickPart, PLACEHOLDER_KEY, splitDeferred } from './deferred-parts.js';
import { asksForSchema } from './document-rules.js';
import { hideSchema } from './error-masking.js';
import type { OperationExecutor } from './execute-operation.js';
import type { OperationRequest } from './operation-request.js';
import { sendAccepted, sendJson } from './http-replies.js';
import type { LivePayload } from './live-operations.js';
import { toPlanReport, wantsPlan } from './plan-report.js';
import { toPreferenceApplied } from './prefer-header.js';

const CONTENT_TYPE = 'multipart/mixed; boundary="-"; deferSpec=20220824';

export interface IncrementalAnswers {
  /** Answers a request whose document says `@defer`. @throws coded errors, before anything is sent */
  answer(response: ServerResponse, auth: AuthContext, payload: LivePayload, way: Way): Promise<void>;
}

type Way = Required<Pick<OperationRequest, 'onward' | 'prefer' | 'signal'>>;

const deferDirective = new GraphQLDirective({
  name: 'defer',
  locations: [DirectiveLocation.FRAGMENT_SPREAD, DirectiveLocation.INLINE_FRAGMENT],
  args: { if: { type: new GraphQLNonNull(GraphQLBoolean), defaultValue: true }, label: { type: GraphQLString } },
});

export function createIncrementalAnswers({
  generations,
  documents,
  operations,
  execution,
  policies,
}: {
  generations: Pick<Generations, 'current'>;
  documents: DocumentChecker;
  operations: OperationExecutor;
  /** SLUICE_EXECUTION. */
  execution: RouteInput['execution'];
  /** SLUICE_OPERATIONS. */
  policies: ReadonlyMap<string, OperationPolicy>;
}): IncrementalAnswers {
  const withDefer = new WeakMap<GraphQLSchema, GraphQLSchema>();

  function extend(schema: GraphQLSchema): GraphQLSchema {
    let extended = withDefer.get(schema);
    if (extended === undefined) {
      const config = schema.toConfig();
      extended = new GraphQLSchema({ ...config, directives: [...config.directives, deferDirective] });
      withDefer.set(schema, extended);
    }
    return extended;
  }

  /** @returns the request over the document without `@defer`, and what was deferred; or what is wrong with it */
  function read(auth: AuthContext, { query, operationName, variables, extensions }: LivePayload, way: Way) {
    const { schema, generation } = generations.current();
    const checked = documents.check(extend(schema), query ?? '');
    if ('errors' in checked) return { errors: checked.errors.map((error) => hideFrom(auth, error.toJSON() as GraphQLErrorJson)) };
    const operation = getOperationAST(checked.document, operationName);
    if (operation == null) return { errors: [noSuchOperation(operationName)] };
    if (asksForSchema(checked.document) && !auth.scopes.includes('schema:read'))
      throw new CodedError('FORBIDDEN', "introspection needs the scope 'schema:read'");
    const deferred = splitDeferred(checked.document, operation, variables ?? {});
    const request: OperationRequest & Way = {
      schema,
      generation: generation.number,
      document: deferred.full,
      operation: getOperationAST(deferred.full, operationName) ?? operation,
      variables: variables ?? {},
      auth,
      idempotencyKey: null,
      ...way,
      showsPlan: wantsPlan(extensions, auth),
    };
    const isQuery = operation.operation === OperationTypeNode.QUERY;
    const inParts = isQuery && deferred.parts.length > 0 && !asksForSchema(checked.document);
    return { request, deferred, inParts };
  }

  async function answerWhole(response: ServerResponse, request: OperationRequest & Way): Promise<void> {
    const answer = await operations.execute(request);
    const { response: result, operation } = answer;
    if (answer.isRunning === true && operation?.id != null)
      return sendAccepted(
        response,
        { id: operation.id, status: operation.status ?? 'WORKING' },
        toPreferenceApplied(request.prefer, operation.path),
      );
    const errors = result.errors?.map((error) => hideFrom(request.auth, error));
    sendJson(response, 200, {
      ...result,
      ...(errors === undefined ? {} : { errors }),
      ...toExtensions(answer),
    });
  }

  return {
    async answer(response, auth, payload, way) {
      const found = read(auth, payload, way);
      if ('errors' in found) return sendJson(response, 200, { errors: found.errors });
      const { request, deferred } = found;
      if (!found.inParts) return answerWhole(response, request);
      const operation = getOperationAST(deferred.primary, payload.operationName) ?? request.operation;
      const [whole, primary] = await Promise.all([
        operations.prepare({ ...request, inParts: true }),
        operations.prepare({ ...request, document: deferred.primary, operation }),
      ]);
      if ('errors' in whole || 'errors' in primary) return answerWhole(response, request);
      const name = request.operation.name?.value;
      const route = routeOperation({
        plan: whole.plan,
        execution,
        policy: name === undefined ? undefined : policies.get(name),
        hasIdempotencyKey: false,
        isTemporalAvailable: true,
        inParts: true,
      });
      if (route.path !== 'direct') return answerWhole(response, request);
      const plan = request.showsPlan === true ? { plan: toPlanReport(whole.plan) } : {};
      const said = toExtensions({ operation: { id: null, ...route }, ...plan });

      const parts = createParts(response);
      const shape = withoutPlaceholders(primary.plan.shape);
      let first: GraphQLResponse | undefined;
      const running = operations.runHere(request, whole, (data, errors) => {
        if (first !== undefined || !isComplete(shape, data, whole.variables)) return;
        first = hideErrors(auth, shapeResponse(shape, data, errors, whole.variables));
        parts.send({ ...first, ...said, hasNext: true });
      });
      const answer = await running.catch((error: unknown) => {
        // An answer that has begun cannot become an error any more.
        if (response.headersSent) response.destroy();
        throw error;
      });
      const clean = hideErrors(auth, answer);
      if (first === undefined) return sendJson(response, 200, { ...clean, ...said });
      parts.end({ incremental: toIncremental(deferred, clean, first), hasNext: false });
    },
  };
}

function createParts(response: ServerResponse): { send(payload: object): void; end(payload: object): void } {
  const toPart = (payload: object): string => `content-type: application/json; charset=utf-8\r\n\r\n${JSON.stringify(payload)}\r\n---`;
  return {
    send(payload) {
      response.writeHead(200, { 'content-type': CONTENT_TYPE, 'cache-control': 'no-store' });
      response.write(`\r\n---\r\n${toPart(payload)}\r\n`);
    },
    end: (payload) => void response.end(`${toPart(payload)}--\r\n`),
  };
}

type Incremental = { path: (string | number)[]; data: JsonObject | null; label?: string; errors?: GraphQLErrorJson[] };

function toIncremental(deferred: DeferredDocument, whole: GraphQLResponse, first: GraphQLResponse): Incremental[] {
  const entries = deferred.parts.flatMap((part) =>
    pickPart(part, deferred, whole.data)
      // What was null before has nothing to add.
      .filter(({ path, data }) => data !== null || valueAt(first.data, path) !== null)
      .map((entry): Incremental => (part.label === null ? entry : { ...entry, label: part.label })),
  );
  const known = new Set((first.errors ?? []).map((error) => JSON.stringify(error)));
  for (const error of whole.errors ?? []) {
    if (known.has(JSON.stringify(error))) continue;
    let entry = entries.find(({ path }) => path.every((key, index) => error.path?.[index] === key));
    if (entry === undefined) entries.push((entry = { path: [], data: {} }));
    (entry.errors ??= []).push(error);
  }
  return entries;
}

function valueAt(data: Json, path: readonly (string | number)[]): Json {
  let value: Json | undefined = data;
  for (const key of path) value = typeof value === 'object' && value !== null ? (value as JsonObject)[key] : null;
  return value ?? null;
}

function withoutPlaceholders(shape: ObjectShape): ObjectShape {
  const fields = shape.fields.filter(({ responseKey }) => responseKey !== PLACEHOLDER_KEY);
  return { ...shape, fields: fields.map((field) => ({ ...field, type: toWithoutPlaceholders(field.type) })) };
}

function toWithoutPlaceholders(type: TypeShape): TypeShape {
  if (type.kind === 'nonNull' || type.kind === 'list') return { ...type, of: toWithoutPlaceholders(type.of) };
  return type.kind === 'object' ? { ...type, shape: withoutPlaceholders(type.shape) } : type;
}

function hideErrors(auth: AuthContext, response: GraphQLResponse): GraphQLResponse {
  return response.errors === undefined ? response : { ...response, errors: response.errors.map((error) => hideFrom(auth, error)) };
}

function hideFrom(auth: AuthContext, error: GraphQLErrorJson): GraphQLErrorJson {
  return auth.scopes.includes('schema:read') ? error : (hideSchema(error) as GraphQLErrorJson);
}
