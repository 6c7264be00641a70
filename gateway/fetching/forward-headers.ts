// Which headers of a caller go on to which of the users' own services (SLUICE_FORWARD_HEADERS).
import type { IncomingHttpHeaders } from 'node:http';
import { ANY_SERVICE, type ServiceHeaders } from '#schema/contracts/headers';
import { SERVICE_SIGNATURE_HEADER } from '#platform/identity/service-signature';

/** Names in lower case, by service or {@link ANY_SERVICE}. */
export type ForwardRules = ReadonlyMap<string, readonly string[]>;

const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
const SERVICE = /^(\*|[A-Za-z][\w-]{0,63})$/;
/** Those of one connection, those that frame a message, and those that are written here. */
const NEVER: ReadonlySet<string> = new Set([
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer'],
  ...['transfer-encoding', 'upgrade', 'host', 'content-length', 'content-type', 'content-encoding', 'expect'],
  ...['accept', 'accept-encoding', 'traceparent', 'tracestate', 'idempotency-key', SERVICE_SIGNATURE_HEADER],
]);

/**
 * @param text - `products=authorization,x-team;*=x-request-id`
 * @returns what is wrong with it, as a sentence, in place of the rules
 */
export function parseForwardRules(text: string): ForwardRules | string {
  const rules = new Map<string, readonly string[]>();
  for (const part of text.split(';')) {
    const [service = '', list, ...more] = part.split('=').map((piece) => piece.trim());
    if (!SERVICE.test(service) || list === undefined || more.length > 0)
      return 'expected services and their headers like products=authorization,x-team;*=x-request-id';
    const names = list.split(',').map((name) => name.trim().toLowerCase());
    const wrong = names.find((name) => !NAME.test(name) || NEVER.has(name));
    if (wrong !== undefined) return `'${wrong}' is not a header that can go on to a service`;
    rules.set(service, [...(rules.get(service) ?? []), ...names]);
  }
  return rules;
}

/** @returns undefined when the caller sent none of them */
export function pickHeaders(rules: ForwardRules, headers: IncomingHttpHeaders): ServiceHeaders | undefined {
  // A caller may name more headers as those of its connection alone.
  const ofConnection = new Set((headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
  const picked: Record<string, Record<string, string>> = {};
  for (const [service, names] of rules) {
    for (const name of names) {
      const value = headers[name];
      if (value === undefined || ofConnection.has(name)) continue;
      (picked[service] ??= {})[name] = Array.isArray(value) ? value.join(', ') : value;
    }
  }
  return Object.keys(picked).length === 0 ? undefined : picked;
}

/** Those of one service, its own before those for every service. */
export function headersFor(service: string, headers: ServiceHeaders | undefined): Readonly<Record<string, string>> {
  if (headers === undefined) return {};
  return { ...ownOf(headers, ANY_SERVICE), ...ownOf(headers, service) };
}

function ownOf(headers: ServiceHeaders, name: string): Readonly<Record<string, string>> {
  return Object.hasOwn(headers, name) ? (headers[name] ?? {}) : {};
}
