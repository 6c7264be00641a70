// What goes through the execution of an operation, from its request to its answer.
import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { AuthContext } from '#schema/contracts/identity';
import type { JsonObject } from '#schema/contracts/json';
import type { ExecutablePlan, GraphQLErrorJson } from '#schema/contracts/plan';
import type { Onward } from '../fetching/onward.js';
import type { RouteReason } from '../routing/route-operation.js';
import type { PlanReport } from './plan-report.js';
import type { Preference } from './prefer-header.js';

export interface OperationRequest {
  /** The schema object that the document was validated on, and its generation. */
  schema: GraphQLSchema;
  generation: number;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  /** As sent, not yet coerced. */
  variables: Readonly<Record<string, unknown>>;
  auth: AuthContext;
  /** Makes a repeated mutation one mutation. */
  idempotencyKey: string | null;
  /** Aborts when the caller has left. */
  signal: AbortSignal;
  /** What goes on to the services beside the operation. */
  onward?: Onward;
  /** What an HTTP caller prefers; absent on transports that cannot say that a run goes on. */
  prefer?: Preference;
  /** Parts of the answer leave before the whole is there. @default false */
  inParts?: boolean;
  /** The answer says how it was planned. @default false */
  showsPlan?: boolean;
}

export interface AnsweringOperation {
  id: string | null;
  path: 'direct' | 'durable' | 'async';
  reason: RouteReason;
  /** The operation that the request's key began has failed, and `id` is its recovery. */
  recovers?: string;
  /** Set while it waits for somebody's decision. */
  status?: 'INPUT_REQUIRED';
}

export interface OperationAnswer {
  /** Without `data` when the request was refused before anything ran. */
  response: { data?: JsonObject | null; errors?: readonly GraphQLErrorJson[] };
  /** How it ran; null when it did not. */
  operation: AnsweringOperation | null;
  /** The run goes on and `response` is empty: ask for the operation by its id. */
  isRunning?: true;
  /** When the request asked for it. */
  plan?: PlanReport;
}

export interface PreparedOperation {
  plan: ExecutablePlan;
  variables: JsonObject;
  documentHash: string;
}
