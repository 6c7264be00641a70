// What a service may say to us. Everything foreign is checked here, once, before it can reach a caller or a history.
import type { JsonObject } from '#schema/contracts/json';
import type { ServiceError } from '#schema/contracts/plan';
import { createErrorReader, type ServiceFacts } from './service-error.js';

const MAX_ERRORS = 200;

export type ParsedAnswer = { data: JsonObject | null; errors: readonly ServiceError[] };

/** @returns undefined when the text is not a GraphQL response */
export function parseAnswer(text: string, service: ServiceFacts, status?: number): ParsedAnswer | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(body)) return undefined;
  const { data = null, errors = [] } = body;
  if (data !== null && !isRecord(data)) return undefined;
  const found = toServiceErrors(errors, service, status);
  if (found === undefined || (data === null && found.length === 0)) return undefined;
  return { data: data as JsonObject | null, errors: found };
}

/** @returns undefined when `errors` is not a list of GraphQL errors */
export function toServiceErrors(errors: unknown, service: ServiceFacts, status?: number): readonly ServiceError[] | undefined {
  if (!Array.isArray(errors)) return undefined;
  const reader = createErrorReader(service, status);
  const found: ServiceError[] = [];
  for (const error of errors.slice(0, MAX_ERRORS) as unknown[]) {
    if (!isRecord(error) || typeof error['message'] !== 'string') return undefined;
    found.push(reader.read({ message: error['message'], path: error['path'], extensions: error['extensions'] }));
  }
  reader.done();
  return found;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
