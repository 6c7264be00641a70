// What a service may say to us. Everything foreign is checked here, once, before it can reach a caller or a history.
import { ERROR_CODES, type ErrorCode } from '#schema/contracts/errors';
import type { JsonObject } from '#schema/contracts/json';
import type { ServiceError } from '#schema/contracts/plan';
import { createErrorReader, type ServiceFacts } from './service-error.js';

/** Errors that are kept of one answer: more than it has entities (MAX_REPRESENTATIONS). One last error stands for the rest. */
const MAX_ERRORS = 10_000;
/** So many have a whole message; those of further ones are cut shorter. */
const MAX_LONG_MESSAGES = 200;
const SHORT_MESSAGE_CHARS = 100;

export type ParsedAnswer = { data: JsonObject | null; errors: readonly ServiceError[] };

/** @returns undefined when the text is not a GraphQL response */
export function parseAnswer(text: string, service: ServiceFacts, status?: number): ParsedAnswer | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  return readAnswer(body, service, status);
}

/**
 * A flaw beside the data, or beside other errors, costs nothing but itself: what came may be all that is ever known of an effect.
 *
 * @returns undefined when neither data nor an error can be read
 */
export function readAnswer(body: unknown, service: ServiceFacts, status?: number): ParsedAnswer | undefined {
  if (!isRecord(body)) return undefined;
  const { data = null, errors = null } = body;
  if (isRecord(data)) return { data: data as JsonObject, errors: errors === null ? [] : readErrors(errors, service, status) };
  const found = toServiceErrors(errors, service, status);
  if (found === undefined) return undefined;
  // An effect that the data would have told of may have happened, whatever the errors say.
  return { data: null, errors: data === null ? found : [toFlaw(service, 'SUBGRAPH_BAD_ANSWER', 'its `data` is not an object'), ...found] };
}

/** @returns undefined when it holds no GraphQL error */
export function toServiceErrors(errors: unknown, service: ServiceFacts, status?: number): readonly ServiceError[] | undefined {
  return Array.isArray(errors) && errors.some(isRecord) ? readErrors(errors, service, status) : undefined;
}

function readErrors(errors: unknown, service: ServiceFacts, status?: number): readonly ServiceError[] {
  if (!Array.isArray(errors)) return [toFlaw(service, 'SUBGRAPH_BAD_ANSWER', 'its `errors` are not a list')];
  const given = errors.filter(isRecord);
  const reader = createErrorReader(service, status);
  const found = given.slice(0, MAX_ERRORS).map(({ message, path, extensions }, index) => {
    const error = reader.read({ message: typeof message === 'string' ? message : ERROR_CODES.SUBGRAPH_ERROR.meaning, path, extensions });
    return index < MAX_LONG_MESSAGES ? error : { ...error, message: error.message.slice(0, SHORT_MESSAGE_CHARS) };
  });
  reader.done();
  const unreadable = errors.length - given.length;
  if (unreadable > 0) found.push(toFlaw(service, 'SUBGRAPH_BAD_ANSWER', `${unreadable} of its errors cannot be read`));
  if (given.length > MAX_ERRORS) found.push(toFlaw(service, 'SUBGRAPH_ERROR', `it reported ${given.length - MAX_ERRORS} more errors`));
  return found;
}

/** Without a path it stands for everything that the answer was to bring. */
function toFlaw({ name }: ServiceFacts, code: ErrorCode, what: string): ServiceError {
  return { message: `service '${name}': ${what}`, extensions: { code, service: name, retryable: ERROR_CODES[code].retryable } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
