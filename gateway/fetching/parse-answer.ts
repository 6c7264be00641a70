// What a service may say to us. Everything foreign is checked here, once, before it can reach a caller or a history.
import { ERROR_CODES, isErrorCode, SERVICE_ORIGIN } from '#schema/contracts/errors';
import type { Json, JsonObject } from '#schema/contracts/json';
import type { ServiceError } from '#schema/contracts/plan';

const SERVICE_CODE = /^[A-Z][A-Z0-9_]{2,63}$/;
/** Codes under which frameworks report their own texts: SQL, stack lines, addresses, the names of hidden types. */
const CODES_WITHOUT_TEXT: ReadonlySet<string> = new Set([
  'INTERNAL_SERVER_ERROR',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'DOWNSTREAM_SERVICE_ERROR',
]);
const MAX_ERRORS = 200;
const MAX_MESSAGE_CHARS = 1_000;

export interface ServiceFacts {
  name: string;
  /** Ours: its codes are those of the registry, and what its errors carry beside the code was made for callers. */
  signed: boolean;
}

export type ParsedAnswer = { data: JsonObject | null; errors: readonly ServiceError[] };

/** @returns undefined when the text is not a GraphQL response */
export function parseAnswer(text: string, service: ServiceFacts): ParsedAnswer | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(body)) return undefined;
  const { data = null, errors = [] } = body;
  if (data !== null && !isRecord(data)) return undefined;
  const found = toServiceErrors(errors, service);
  if (found === undefined || (data === null && found.length === 0)) return undefined;
  return { data: data as JsonObject | null, errors: found };
}

/** @returns undefined when `errors` is not a list of GraphQL errors */
export function toServiceErrors(errors: unknown, service: ServiceFacts): readonly ServiceError[] | undefined {
  if (!Array.isArray(errors)) return undefined;
  const found: ServiceError[] = [];
  for (const error of errors.slice(0, MAX_ERRORS) as unknown[]) {
    if (!isRecord(error) || typeof error['message'] !== 'string') return undefined;
    found.push(toServiceError(error['message'], error['path'], error['extensions'], service));
  }
  return found;
}

function toServiceError(message: string, path: unknown, extensions: unknown, { name, signed }: ServiceFacts): ServiceError {
  const given = isRecord(extensions) ? extensions : {};
  const code = typeof given['code'] === 'string' && SERVICE_CODE.test(given['code']) ? given['code'] : 'SUBGRAPH_ERROR';
  const hasText = code !== 'SUBGRAPH_ERROR' && !CODES_WITHOUT_TEXT.has(code);
  return {
    message: hasText
      ? message.slice(0, MAX_MESSAGE_CHARS)
      : code === 'INTERNAL_SERVER_ERROR'
        ? 'Internal error'
        : ERROR_CODES.SUBGRAPH_ERROR.meaning,
    ...(isPath(path) ? { path } : {}),
    extensions: {
      ...(signed ? scalarsOf(given) : {}),
      code,
      service: name,
      ...(!signed ? { origin: SERVICE_ORIGIN } : isErrorCode(code) ? { retryable: ERROR_CODES[code].retryable } : {}),
    },
  };
}

function scalarsOf(extensions: Record<string, unknown>): JsonObject {
  return Object.fromEntries(
    Object.entries(extensions).filter((entry): entry is [string, Json] => ['string', 'number', 'boolean'].includes(typeof entry[1])),
  );
}

function isPath(path: unknown): path is (string | number)[] {
  return Array.isArray(path) && path.every((key) => typeof key === 'string' || typeof key === 'number');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
