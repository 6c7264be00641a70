// FetchPort over HTTP: one POST to one service, answered as data whatever happens.
// Owns: sockets, time and size limits, the signature, which headers leave.  Does not own: retries (workflows do), merging.
// F1. `fetch` never rejects: every fault of a service or of the network is an error with a code and the service's name.
// F2. A redirect is never followed, a compressed answer never asked for, no proxy read from the environment.
// F3. The headers written here are all that a service gets; nothing of the caller's request is passed on.
// F4. Signed per attempt, right before sending.
import { Agent, type Dispatcher } from 'undici';
import type { ServiceCall } from '#schema/contracts/activities';
import { ERROR_CODES, errorCodeOf, type ErrorCode } from '#schema/contracts/errors';
import type { JsonObject } from '#schema/contracts/json';
import type { ServiceAnswer } from '#schema/contracts/plan';
import { SERVICE_SIGNATURE_HEADER, signServiceCall } from '#platform/identity/service-signature';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { parseAnswer } from './parse-answer.js';

/** Where a service answers and whether it insists on a signature. */
export interface ServiceTarget {
  url: URL;
  signed: boolean;
}

/**
 * Finds a service as `generation` knows it; addresses are looked up when a call is sent.
 *
 * @throws GENERATION_UNKNOWN, PLUGIN_REMOVED, SUBGRAPH_UNREACHABLE when no address is known, DATABASE_UNAVAILABLE
 */
export type ServiceResolver = (generation: number, service: string) => Promise<ServiceTarget>;

export interface ServiceFetcher {
  /** Never rejects. `signal` ends the call with OPERATION_CANCELLED. */
  fetch(call: ServiceCall, signal?: AbortSignal): Promise<ServiceAnswer>;
  /** Waits for running calls to end; new ones are answered with SUBGRAPH_UNREACHABLE. */
  close(): Promise<void>;
}

export interface ServiceFetcherOptions {
  resolve: ServiceResolver;
  keys: Pick<KeyRing, 'service'>;
  log: Logger;
  limits?: {
    /** @default 5242880 (5 MiB), counted while it streams */
    maxAnswerBytes?: number;
    /** Sockets to one origin; further calls wait for a free one. @default 256 */
    connections?: number;
  };
  /** Called after each call, with the code of its failure or `ok`. Must not throw. */
  onFetched?: (service: string, outcome: 'ok' | ErrorCode, seconds: number) => void;
}

export function createServiceFetcher(options: ServiceFetcherOptions): ServiceFetcher {
  const { resolve, keys, log, onFetched } = options;
  const { maxAnswerBytes = 5 * 1024 * 1024, connections = 256 } = options.limits ?? {};
  // Time limits are ours, over the whole call: undici's own count each phase.
  const agent = new Agent({
    connections,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: 10_000 },
  });

  let closing: Promise<void> | undefined;

  async function send(call: ServiceCall, signal: AbortSignal | undefined): Promise<Outcome> {
    let target: ServiceTarget;
    try {
      target = await resolve(call.generation, call.service);
    } catch (error) {
      log.warn({ err: error, service: call.service, generation: call.generation }, 'service cannot be located');
      return { failed: errorCodeOf(error) ?? 'INTERNAL_SERVER_ERROR', wasSent: false };
    }
    const body = JSON.stringify({
      query: call.operation,
      ...(call.operationName === null ? {} : { operationName: call.operationName }),
      variables: call.variables,
    });
    const path = target.url.pathname + target.url.search;
    const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'application/json' };
    if (call.idempotencyKey !== null && call.operationKind === 'mutation') headers['idempotency-key'] = call.idempotencyKey;
    if (target.signed) {
      const { auth, operationId, service: audience } = call;
      headers[SERVICE_SIGNATURE_HEADER] = signServiceCall(keys, { audience, method: 'POST', path, body, auth, operationId });
    }
    const request: Dispatcher.DispatchOptions = { origin: target.url.origin, path, method: 'POST', headers, body };
    const answer = await dispatch(agent, request, { timeoutMs: call.timeoutMs, maxBytes: maxAnswerBytes, signal });
    if ('failed' in answer) return answer;
    const parsed = parseAnswer(answer.text, { name: call.service, signed: target.signed });
    return parsed ?? { failed: 'SUBGRAPH_BAD_ANSWER', wasSent: true };
  }

  return {
    async fetch(call, signal) {
      const startedAt = performance.now();
      const { node, chunk, service } = call;
      const outcome = await send(call, signal);
      const durationMs = performance.now() - startedAt;
      if (!('failed' in outcome)) {
        onFetched?.(service, 'ok', durationMs / 1000);
        return { node, chunk, data: outcome.data, errors: outcome.errors };
      }
      const code = toReportedCode(call, outcome);
      onFetched?.(service, code, durationMs / 1000);
      log.warn({ service, code, cause: outcome.failed, durationMs: Math.round(durationMs) }, 'service fetch failed');
      return { node, chunk, data: null, errors: [toServiceFault(service, code)] };
    },
    close: () => (closing ??= agent.close()),
  };
}

/** A fault that is not the service's own words. */
export function toServiceFault(service: string, code: ErrorCode): { message: string; extensions: JsonObject & { code: string } } {
  const { meaning, retryable } = ERROR_CODES[code];
  return { message: `service '${service}': ${meaning}`, extensions: { code, service, retryable } };
}

type Failure = { failed: ErrorCode; wasSent: boolean };
type Outcome = Failure | { data: JsonObject | null; errors: ServiceAnswer['errors'] };

/** A mutation that left here and was never answered may have taken effect; only a repeatable one may be called a plain failure. */
function toReportedCode({ operationKind, idempotent }: ServiceCall, { failed, wasSent }: Failure): ErrorCode {
  const isLost = failed === 'SUBGRAPH_TIMEOUT' || failed === 'SUBGRAPH_UNREACHABLE';
  return isLost && wasSent && operationKind === 'mutation' && !idempotent ? 'OUTCOME_UNKNOWN' : failed;
}

function dispatch(
  agent: Agent,
  request: Dispatcher.DispatchOptions,
  { timeoutMs, maxBytes, signal }: { timeoutMs: number; maxBytes: number; signal: AbortSignal | undefined },
): Promise<Failure | { text: string }> {
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let bytes = 0;
    let settled = false;
    const chunks: Buffer[] = [];

    function settle(outcome: Failure | { text: string }): void {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(outcome);
    }
    function give(failed: ErrorCode): void {
      settle({ failed, wasSent: controller !== undefined });
      controller?.abort(new Error(failed));
    }
    const onAbort = (): void => give('OPERATION_CANCELLED');
    const timer = setTimeout(() => give('SUBGRAPH_TIMEOUT'), timeoutMs);
    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });

    agent.dispatch(request, {
      onRequestStart(started) {
        controller = started;
        // The limit may have passed while the call waited for a socket.
        if (settled) started.abort(new Error('given up'));
      },
      onResponseStart(_, statusCode, headers) {
        status = statusCode;
        if (status >= 300 && status < 400) give('SUBGRAPH_BAD_ANSWER');
        else if (Number(headers['content-length'] ?? 0) > maxBytes) give('SUBGRAPH_ANSWER_TOO_LARGE');
      },
      onResponseData(_, chunk) {
        bytes += chunk.length;
        if (bytes > maxBytes) give('SUBGRAPH_ANSWER_TOO_LARGE');
        else chunks.push(chunk);
      },
      onResponseEnd() {
        settle({ text: (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString('utf8') });
      },
      onResponseError() {
        // Bytes came and then the connection broke: an answer, but not a whole one.
        give(status === 0 ? 'SUBGRAPH_UNREACHABLE' : 'SUBGRAPH_BAD_ANSWER');
      },
    });
  });
}
