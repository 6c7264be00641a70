// What one subscription at a service is made of, whatever carries it.
import { CodedError } from '#schema/contracts/errors';
import type { ServiceHeaders } from '#schema/contracts/headers';
import type { AuthContext } from '#schema/contracts/identity';
import type { JsonObject } from '#schema/contracts/json';
import type { GraphQLErrorJson } from '#schema/contracts/plan';
import { type ServiceTarget, toServiceFault } from '../fetching/service-fetcher.js';
import type { EventBuffer } from './event-buffer.js';

/** More in one event is a fault of the service. */
export const MAX_EVENT_BYTES = 1024 * 1024;

export interface StreamRequest {
  generation: number;
  service: string;
  operation: string;
  operationName: string | null;
  variables: JsonObject;
  auth: AuthContext;
  /** Of the caller, for unsigned services. */
  headers?: ServiceHeaders | undefined;
}

export interface ServiceEvent {
  data: JsonObject | null;
  errors: readonly GraphQLErrorJson[];
}

/** Where a stream's events go. After `end` or `fail` nothing more comes. */
export type StreamSink = Pick<EventBuffer<ServiceEvent>, 'push' | 'end' | 'fail'>;

/** What a subscriber gets; `fail` ends it from this side, after what is buffered. */
export type ServiceStream = Pick<EventBuffer<ServiceEvent>, 'events' | 'fail'>;

/** One subscription as a transport needs it. */
export interface StreamCall extends Omit<StreamRequest, 'generation' | 'headers'> {
  target: ServiceTarget;
  /** Those that go to this service, in lower case. */
  headers: Readonly<Record<string, string>>;
}

/** The service refused the subscription or ended it with errors; clean for callers. */
export class StreamError extends Error {
  constructor(readonly errors: readonly GraphQLErrorJson[]) {
    super('the service ended the subscription');
  }
}

export function toStreamFault(service: string, code: 'SUBGRAPH_UNREACHABLE' | 'SUBGRAPH_BAD_ANSWER'): StreamError {
  return new StreamError([toServiceFault(service, code)]);
}

/** For callers: what to end their subscription with. */
export function toStreamErrors(error: unknown): readonly GraphQLErrorJson[] | undefined {
  if (error instanceof StreamError) return error.errors;
  return error instanceof CodedError
    ? [{ message: error.message, extensions: { code: error.code, retryable: error.retryable } }]
    : undefined;
}
