// What a caller may read of an error: an allow-list by code. Everything else is logged here and becomes a reference.
import { randomUUID } from 'node:crypto';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { CodedError, ERROR_CODES, errorCodeOf, isErrorCode, SERVICE_ORIGIN } from '#schema/contracts/errors';
import type { JsonObject } from '#schema/contracts/json';
import type { OperationFailure } from '#schema/contracts/operations';
import type { GraphQLErrorJson } from '#schema/contracts/plan';
import type { Logger } from '#platform/logger';
import { redactSecrets, toLogText } from '#platform/redact-secrets';
import { describeLimit, limitFactsOf } from './document-rules.js';

/** An error as the pipeline made it: clean already. */
export class PublicError extends GraphQLError {}

/** Errors of graphql-js and Apollo Server whose texts speak of the document and the schema only. */
const ABOUT_THE_DOCUMENT: ReadonlySet<string> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
]);
const FROM_APOLLO: ReadonlySet<string> = new Set([...ABOUT_THE_DOCUMENT, 'PERSISTED_QUERY_NOT_SUPPORTED', 'PERSISTED_QUERY_NOT_FOUND']);

/** @returns the error for callers; one without a code is logged with the reference that the caller gets */
export function toPublicError(error: unknown, log: Logger): GraphQLErrorJson {
  const code = errorCodeOf(error);
  if (error instanceof Error && code !== undefined && code !== 'INTERNAL_SERVER_ERROR') {
    const details = error instanceof CodedError ? (error.details ?? {}) : {};
    return { message: redactSecrets(error.message), extensions: { ...details, code, retryable: ERROR_CODES[code].retryable } };
  }
  const reference = randomUUID();
  log.error({ err: error, reference, text: toLogText(error) }, 'request failed');
  return { message: 'Internal error', extensions: { code: 'INTERNAL_SERVER_ERROR', reference } };
}

/** Apollo Server's hook for every error that it sends. */
export function createErrorFormat(log: Logger): (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError {
  return (formatted, error) => {
    if (error instanceof PublicError) return formatted;
    const code = formatted.extensions?.['code'];
    if (typeof code === 'string' && FROM_APOLLO.has(code)) {
      const { locations, path } = formatted;
      const facts = limitFactsOf({ message: formatted.message, extensions: formatted.extensions ?? {} });
      const message = facts === undefined ? formatted.message : describeLimit(facts);
      return {
        message,
        ...(locations === undefined ? {} : { locations }),
        ...(path === undefined ? {} : { path }),
        extensions: { ...facts, code },
      };
    }
    return toPublicError((error as { originalError?: unknown }).originalError ?? error, log);
  };
}

/**
 * For callers who may not read the schema: validation texts and their suggestions rebuild it piece by piece.
 * (Without "Did you mean" alone a word list still recovered fields.)
 */
export function hideSchema(error: GraphQLFormattedError): GraphQLFormattedError {
  const code = error.extensions?.['code'];
  if (
    typeof code !== 'string' ||
    !ABOUT_THE_DOCUMENT.has(code) ||
    error.path !== undefined ||
    code === 'BAD_REQUEST' ||
    error.extensions?.['limit'] !== undefined
  )
    return error;
  const message = code === 'GRAPHQL_PARSE_FAILED' ? 'Syntax error' : code === 'BAD_USER_INPUT' ? 'Invalid variables' : 'Invalid operation';
  return { message, extensions: { code } };
}

/** The HTTP status when the error ends the whole request. */
export function statusOf(error: GraphQLErrorJson): number {
  const { code, origin } = error.extensions;
  return isErrorCode(code) && origin !== SERVICE_ORIGIN ? ERROR_CODES[code].http : 500;
}

export function toGraphQLErrors(
  errors: readonly GraphQLErrorJson[],
  http?: { status: number; headers: Map<string, string> },
): PublicError[] {
  return errors.map(
    ({ message, path, extensions }) =>
      new PublicError(message, { path: path ?? null, extensions: http === undefined ? extensions : { ...extensions, http } }),
  );
}

/** How a run ended, as an error of its answer. */
export function toErrorOf({ code, message, retryable }: OperationFailure): GraphQLErrorJson {
  return { message, extensions: { code, retryable } };
}

export function toErrorJson(code: keyof typeof ERROR_CODES, message: string, extra: JsonObject = {}): GraphQLErrorJson {
  return { message, extensions: { ...extra, code, retryable: ERROR_CODES[code].retryable } };
}
