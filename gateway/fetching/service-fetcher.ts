// FetchPort over HTTP: one POST to one service, answered as data whatever happens.
// Owns: the signature, which headers leave, what a fault is called.  Does not own: retries (workflows do), merging.
// F1. `fetch` never rejects: every fault of a service or of the network is an error with a code and the service's name.
// F2. A redirect is never followed, no proxy read from the environment. A compressed answer is asked for beyond this machine only:
//     93 KB of JSON cost 0.6 ms to pack and 0.15-0.3 ms to unpack, which 80 KB less repay below about 1 Gbit/s, never on loopback.
// F3. The headers written here are all that a service gets; of the caller's request only its place in a trace is passed on,
//     and to unsigned services the headers that the settings name.
// F4. Signed per attempt, right before sending.
// F5. A query fetch that equals one on its way is that one (share-fetches.ts); a mutation is always sent.
// F6. A service that has as many calls as it may have at once gets no more: refused at once, nothing was sent.
import type { ServiceCall } from '#schema/contracts/activities';
import { CodedError, ERROR_CODES, errorCodeOf, type ErrorCode, registryCodeOf } from '#schema/contracts/errors';
import { ANY_SERVICE, type HeaderClaim, type ServiceHeaders } from '#schema/contracts/headers';
import type { JsonObject } from '#schema/contracts/json';
import type { ServiceAnswer } from '#schema/contracts/plan';
import { SERVICE_SIGNATURE_HEADER, signServiceCall } from '#platform/identity/service-signature';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { isLoopback } from '#platform/loopback';
import { type Failure, openExchange, type ReceivedText } from './exchange.js';
import { headersFor } from './forward-headers.js';
import type { HeaderClaims } from './header-claims.js';
import type { ErrorView } from './error-rules.js';
import { parseAnswer } from './parse-answer.js';
import { type ServiceFacts, toServiceFacts } from './service-error.js';
import { createServiceLines } from './service-lines.js';
import { readUnread } from './unread-answer.js';
import { traceIdOf } from './trace-context.js';
import { createFetchSharing, type Outcome, type RunningFetch } from './share-fetches.js';

/** Where a service answers and whether it insists on a signature. */
export interface ServiceTarget {
  url: URL;
  signed: boolean;
  /** What callers see of its errors. @default as nothing is set for it: {@link toErrorView} */
  errors?: ErrorView;
}

/**
 * Finds a service as `generation` knows it; addresses are looked up when a call is sent. What is known is returned at once: each
 * promise on the way of a request costs about as much as the look-up.
 *
 * @throws by the promise: GENERATION_UNKNOWN, PLUGIN_REMOVED, SUBGRAPH_UNREACHABLE when no address is known, DATABASE_UNAVAILABLE
 */
export type ServiceResolver = (generation: number, service: string) => ServiceTarget | Promise<ServiceTarget>;

export interface ServiceFetcher {
  /**
   * Never rejects. `signal` ends the call with OPERATION_CANCELLED.
   *
   * @param headers - of the caller, for unsigned services; a run has its claim in the call
   */
  fetch(call: ServiceCall, signal?: AbortSignal, headers?: ServiceHeaders): Promise<ServiceAnswer>;
  /** Something has changed: fetches from now on do not join those on their way, which may have read what was before. */
  noteChange(): void;
  /** Waits for running calls to end; new ones are answered with SUBGRAPH_UNREACHABLE. */
  close(): Promise<void>;
}

export interface ServiceFetcherOptions {
  resolve: ServiceResolver;
  keys: Pick<KeyRing, 'service'>;
  /** Opens what a run's calls refer to. */
  claims: Pick<HeaderClaims, 'open'>;
  log: Logger;
  limits?: {
    /** @default 5242880 (5 MiB), counted while it streams */
    maxAnswerBytes?: number;
    /** To one service at once; one more is refused with SUBGRAPH_BUSY. @default 1024 */
    maxCalls?: number;
  };
  /** Ask services for compressed answers? `auto`: those that are not on this machine. @default auto */
  compression?: 'auto' | 'on' | 'off';
  /** Query fetches of one principal that are equal and on their way at the same time are one. @default true */
  sharesFetches?: boolean;
  /** Called for each fetch that joined another. Must not throw. */
  onShared?: () => void;
  /** Called after each call, with the code of its failure or `ok`. Must not throw. */
  onFetched?: (service: string, outcome: 'ok' | ErrorCode, seconds: number) => void;
}

/** Too large an answer is named as that: the caller can ask for less. */
const LOST_CODES: ReadonlySet<ErrorCode> = new Set([
  'SUBGRAPH_TIMEOUT',
  'SUBGRAPH_UNREACHABLE',
  'SUBGRAPH_UNAVAILABLE',
  'SUBGRAPH_BAD_ANSWER',
]);

/** Headers of the caller that this service gets. */
type Passed = Readonly<Record<string, string>>;

export function createServiceFetcher(options: ServiceFetcherOptions): ServiceFetcher {
  const { resolve, keys, claims, log, onFetched, sharesFetches = true, compression = 'auto' } = options;
  const { maxAnswerBytes = 5 * 1024 * 1024, maxCalls = 1_024 } = options.limits ?? {};
  const lines = createServiceLines({ maxCalls });
  const sharing = createFetchSharing(options.onShared);

  let closing: Promise<void> | undefined;

  async function send(call: ServiceCall, signal: AbortSignal | undefined, headers: ServiceHeaders | undefined): Promise<Outcome> {
    let target: ServiceTarget;
    let passed: Passed;
    try {
      const found = resolve(call.generation, call.service);
      target = found instanceof Promise ? await found : found;
      passed = target.signed ? {} : headersFor(call.service, needsClaim(call) ? await openClaim(call.headerClaim) : headers);
    } catch (error) {
      log.warn({ err: error, service: call.service, generation: call.generation }, 'service cannot be located');
      return { failed: errorCodeOf(error) ?? 'INTERNAL_SERVER_ERROR', wasSent: false };
    }
    const body = JSON.stringify({
      query: call.operation,
      ...(call.operationName === null ? {} : { operationName: call.operationName }),
      variables: call.variables,
    });
    const isQuery = call.operationKind === 'query';
    const key = isQuery && sharesFetches ? toKey(target, body, passed, call) : null;
    const outcome = await sharing.join(key, () => start(call, target, body, passed), { timeoutMs: call.timeoutMs, signal });
    if (call.operationKind === 'mutation') sharing.closeAll();
    return outcome;
  }

  async function openClaim({ ref }: HeaderClaim): Promise<ServiceHeaders> {
    const headers = await claims.open(ref);
    if (headers === undefined) throw new CodedError('CREDENTIAL_EXPIRED', ERROR_CODES.CREDENTIAL_EXPIRED.meaning);
    return headers;
  }

  function start(call: ServiceCall, target: ServiceTarget, body: string, passed: Passed): RunningFetch {
    const line = lines.enter(call.service);
    if (line === undefined) return refused('SUBGRAPH_BUSY');
    const path = target.url.pathname + target.url.search;
    const headers: Record<string, string> = { ...passed, 'content-type': 'application/json', accept: 'application/json' };
    if (call.idempotencyKey !== null && call.operationKind === 'mutation') headers['idempotency-key'] = call.idempotencyKey;
    if (call.trace !== undefined) {
      headers['traceparent'] = call.trace.traceparent;
      if (call.trace.tracestate !== null) headers['tracestate'] = call.trace.tracestate;
    }
    if (target.signed) {
      const { auth, operationId, service: audience } = call;
      headers[SERVICE_SIGNATURE_HEADER] = signServiceCall(keys, { audience, method: 'POST', path, body, headers, auth, operationId });
    }
    const { answer, giveUp } = openExchange(
      line.agent,
      { origin: target.url.origin, path, method: 'POST', headers, body },
      { maxBytes: maxAnswerBytes, compressed: compression === 'auto' ? !isLoopback(target.url.hostname) : compression === 'on' },
    );
    const facts = toServiceFacts(call.service, target, log);
    return {
      giveUp,
      outcome: answer.then((came) => {
        line.leave();
        return 'failed' in came ? came : toOutcome(came, facts);
      }),
    };
  }

  return {
    async fetch(call, signal, headers) {
      const startedAt = performance.now();
      const { node, chunk, service } = call;
      const outcome = await send(call, signal, headers);
      const durationMs = performance.now() - startedAt;
      if (!('failed' in outcome)) {
        const isFlawed = outcome.errors.some((error) => registryCodeOf(error) === 'SUBGRAPH_BAD_ANSWER');
        onFetched?.(service, isFlawed ? 'SUBGRAPH_BAD_ANSWER' : 'ok', durationMs / 1000);
        if (isFlawed) log.warn({ service }, 'a part of the service answer cannot be read');
        return { node, chunk, data: outcome.data, errors: outcome.errors };
      }
      const code = toReportedCode(call, outcome);
      onFetched?.(service, code, durationMs / 1000);
      const traceId = call.trace === undefined ? {} : { traceId: traceIdOf(call.trace) };
      log.warn({ service, code, cause: outcome.failed, durationMs: Math.round(durationMs), ...traceId }, 'service fetch failed');
      return { node, chunk, data: null, errors: [toServiceFault(service, code, outcome.retryAfterMs)] };
    },
    noteChange: () => sharing.closeAll(),
    close: () => (closing ??= lines.close()),
  };
}

function refused(failed: ErrorCode): RunningFetch {
  const failure: Failure = { failed, wasSent: false };
  return { outcome: Promise.resolve(failure), giveUp: () => failure };
}

function needsClaim(call: ServiceCall): call is ServiceCall & { headerClaim: HeaderClaim } {
  const { headerClaim, service } = call;
  return headerClaim !== undefined && (headerClaim.services.includes(service) || headerClaim.services.includes(ANY_SERVICE));
}

/** Everything that the service is told, and always who asks: nothing is shared between principals. A list in JSON says where it ends. */
function toKey({ url, signed }: ServiceTarget, body: string, passed: Passed, { auth, operationId }: ServiceCall): string {
  return JSON.stringify([url.href, signed ? [auth, operationId] : [auth.tenant, auth.principal, passed]]) + body;
}

/** A fault that is not the service's own words. */
export function toServiceFault(
  service: string,
  code: ErrorCode,
  retryAfterMs?: number,
): { message: string; extensions: JsonObject & { code: string } } {
  const { meaning, retryable } = ERROR_CODES[code];
  const hint = retryAfterMs === undefined || !retryable ? {} : { retryAfterMs };
  return { message: `service '${service}': ${meaning}`, extensions: { code, service, retryable, ...hint } };
}

function toOutcome({ text, status, retryAfterMs }: ReceivedText, facts: ServiceFacts): Outcome {
  const parsed = parseAnswer(text, facts, status);
  const hint = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (parsed === undefined) return { ...readUnread(status, text.trim() === ''), ...hint };
  if (parsed.data !== null || (status !== 429 && status !== 503)) return parsed;
  return { data: null, errors: parsed.errors.map((error) => ({ ...error, extensions: { ...error.extensions, ...hint } })) };
}

/** A mutation that left here and whose answer is lost may have taken effect; only a repeatable one may be called a plain failure. */
function toReportedCode({ operationKind, idempotent }: ServiceCall, { failed, wasSent }: Failure): ErrorCode {
  return LOST_CODES.has(failed) && wasSent && operationKind === 'mutation' && !idempotent ? 'OUTCOME_UNKNOWN' : failed;
}
