// What of one error of a service goes on, by the service's setting (error-rules.ts), and what goes to the log instead.
// W1. What is withheld stands in the log under the `reference` that the caller gets; an answer has one reference for all its errors.
// W2. Secrets leave in neither direction, whatever the setting: not in texts, nor under a name that says so.
// W3. What a service says is data: the names by which the gateway speaks to its callers and itself are never the service's to set.
import { randomUUID } from 'node:crypto';
import { normalizeCode } from '#schema/contracts/error-policy';
import { ERROR_CODES, isErrorCode, SERVICE_ORIGIN } from '#schema/contracts/errors';
import type { Json, JsonObject } from '#schema/contracts/json';
import type { ServiceError } from '#schema/contracts/plan';
import type { Logger } from '#platform/logger';
import { isSecretName, redactSecrets } from '#platform/redact-secrets';
import { type ErrorView, toErrorView } from './error-rules.js';

const MAX_CODE_CHARS = 128;
/** Without spaces: a code that is a sentence is a text. */
const CODE = /^[\p{L}\p{N}_][\p{L}\p{N}_.:/-]*$/u;
const MAX_MESSAGE_CHARS = 1_000;
/** The largest `extensions` of one error, as JSON; larger ones are withheld whole. */
const MAX_EXTENSIONS_CHARS = 16_384;
const MAX_DEPTH = 12;
/** Errors of one answer that are logged; the logger cuts longer lists. */
const MAX_LOGGED = 100;
/** Said by the gateway, or read by the servers between it and the caller (`http`). */
const OURS: ReadonlySet<string> = new Set([
  'code',
  'service',
  'origin',
  'retryable',
  'retryAfterMs',
  'reference',
  'serviceStatus',
  'http',
  'operationId',
]);
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;

export interface ServiceFacts {
  name: string;
  /** Ours: its codes are those of the registry, and it logs what it masks itself. */
  signed: boolean;
  view: ErrorView;
  log: Logger;
}

export function toServiceFacts(name: string, { signed, errors }: { signed: boolean; errors?: ErrorView }, log: Logger): ServiceFacts {
  return { name, signed, view: errors ?? toErrorView({ name, signed, plugin: null }), log };
}

/** An error as it came; only `message` is checked. */
export interface GivenError {
  message: string;
  path?: unknown;
  extensions?: unknown;
}

/** For the errors of one answer. Call `done` after the last one. */
export interface ErrorReader {
  read(error: GivenError): ServiceError;
  done(): void;
}

/** @param status - of the answer over HTTP, where it had one */
export function createErrorReader({ name, signed, view: { show, texts }, log }: ServiceFacts, status?: number): ErrorReader {
  let reference: string | undefined;
  const withheld: JsonObject[] = [];

  function withhold(given: GivenError): string {
    reference ??= randomUUID();
    if (withheld.length < MAX_LOGGED) withheld.push(toLogged(given));
    return reference;
  }

  return {
    read(error) {
      const given = isRecord(error.extensions) ? error.extensions : {};
      const known = readCode(given['code']);
      const isRegistered = isErrorCode(known);
      const code = show === 'masked' && !(signed && isRegistered) ? 'SUBGRAPH_ERROR' : (known ?? 'SUBGRAPH_ERROR');
      const hasText = show === 'full' ? !(signed && code === 'INTERNAL_SERVER_ERROR') : show === 'codes' && texts.has(normalizeCode(code));
      const extra = show === 'full' ? readExtensions(given, signed) : {};
      const isWhole =
        hasText &&
        code === (known ?? 'SUBGRAPH_ERROR') &&
        extra !== null &&
        (show === 'full' || Object.keys(given).length <= Number('code' in given));
      // A service of ours that has masked a text itself says where it stands.
      const own = signed && typeof given['reference'] === 'string' && UUID.test(given['reference']) ? given['reference'] : undefined;
      const found = isWhole ? own : (own ?? withhold(error));
      return {
        message: hasText ? cut(redactSecrets(error.message), MAX_MESSAGE_CHARS) : describe(code, name),
        ...(isPath(error.path) ? { path: error.path } : {}),
        extensions: {
          ...extra,
          code,
          service: name,
          ...(signed ? (isErrorCode(code) ? { retryable: ERROR_CODES[code].retryable } : {}) : { origin: SERVICE_ORIGIN }),
          ...(show === 'full' && status !== undefined && status >= 400 ? { serviceStatus: status } : {}),
          ...(found === undefined ? {} : { reference: found }),
        },
      };
    },
    done() {
      if (reference === undefined) return;
      log.info({ service: name, reference, ...(status === undefined ? {} : { status }), errors: withheld }, 'service errors withheld');
    },
  };
}

/** In any spelling; numbers are codes as well. */
function readCode(code: unknown): string | undefined {
  const text = typeof code === 'number' ? String(code) : code;
  if (typeof text !== 'string' || text.length > MAX_CODE_CHARS || !CODE.test(text)) return undefined;
  return redactSecrets(text) === text ? text : undefined;
}

function describe(code: string, service: string): string {
  if (code === 'INTERNAL_SERVER_ERROR') return 'Internal error';
  if (isErrorCode(code) && code !== 'SUBGRAPH_ERROR') return ERROR_CODES[code].meaning;
  return `service '${service}' reported an error; its text is in the log under the reference`;
}

/** @returns null when they are too large or too deep to go on */
function readExtensions(given: Record<string, unknown>, signed: boolean): JsonObject | null {
  const others = Object.entries(given).filter(
    ([key]) => key !== '__proto__' && (signed ? key !== 'http' && key !== 'origin' : !OURS.has(key)),
  );
  if (others.length === 0) return {};
  const clean = redact(Object.fromEntries(others) as JsonObject, 0);
  return clean === undefined || JSON.stringify(clean).length > MAX_EXTENSIONS_CHARS ? null : (clean as JsonObject);
}

function redact(value: Json, depth: number): Json | undefined {
  if (typeof value === 'string') return redactSecrets(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item) => redact(item, depth + 1));
    return items.includes(undefined) ? undefined : (items as Json[]);
  }
  const clean: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    if (key === '__proto__') continue;
    const read = isSecretName(key) && item !== null ? '[redacted]' : redact(item, depth + 1);
    if (read === undefined) return undefined;
    clean[key] = read;
  }
  return clean;
}

/** The extensions as one text: the log cuts what is deep, and they may be. */
function toLogged({ message, path, extensions }: GivenError): JsonObject {
  const clean = isRecord(extensions) ? redact(extensions as JsonObject, 0) : undefined;
  return {
    message: cut(redactSecrets(message), MAX_MESSAGE_CHARS),
    ...(isPath(path) ? { path: path.join('.') } : {}),
    ...(clean === undefined ? {} : { extensions: cut(JSON.stringify(clean), MAX_EXTENSIONS_CHARS) }),
  };
}

function cut(text: string, chars: number): string {
  return text.length <= chars ? text : text.slice(0, chars);
}

function isPath(path: unknown): path is (string | number)[] {
  return Array.isArray(path) && path.every((key) => typeof key === 'string' || typeof key === 'number');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
