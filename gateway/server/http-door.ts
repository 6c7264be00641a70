// The one HTTP server on PORT: which handler answers which path.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { DOWNLOADS_PATH, UPLOADS_PATH } from '#platform/identity/transfer-links';
import type { Logger } from '#platform/logger';
import { CODEC_PATH } from '#platform/temporal-server/settings';
import { toPublicError } from './error-masking.js';
import type { HttpHandler } from './graphql-http.js';
import type { HostPolicy } from './hosts.js';
import { notFound, refuseHost, sendError, sendJson } from './http-replies.js';
import { isMultipart } from './multipart-request.js';

export interface DoorParts {
  hosts: HostPolicy;
  graphql: HttpHandler;
  /** `/uploads/…` and `/downloads/…`. */
  transfers: HttpHandler;
  /** `/operations/{id}` for callers who want JSON. */
  operation: HttpHandler;
  /** `/temporal-codec/…`; null where no histories are read. */
  codec: HttpHandler | null;
  /** Null where nobody may sign in without a credential. */
  devLogin: HttpHandler | null;
  console: HttpHandler;
  /** Facts for /health/ready; not ready = 503. */
  readiness: () => { ready: boolean; [fact: string]: string | number | boolean | null };
  log: Logger;
}

export function createDoor({ hosts, graphql, transfers, operation, codec, devLogin, console, readiness, log }: DoorParts): RequestListener {
  function route(request: IncomingMessage, response: ServerResponse): Promise<void> | void {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    if (path === '/graphql') return graphql(request, response);
    if (path.startsWith(UPLOADS_PATH) || path.startsWith(DOWNLOADS_PATH)) return transfers(request, response);
    if (path === '/health/live') return sendJson(response, 200, { status: 'live' });
    if (path === '/health/ready') {
      const facts = readiness();
      return sendJson(response, facts.ready ? 200 : 503, facts, { 'cache-control': 'no-store' });
    }
    if (path.startsWith('/operations/') && !wantsPage(request)) return operation(request, response);
    if (path.startsWith(`${CODEC_PATH}/`)) return codec === null ? notFound(response) : codec(request, response);
    if (path.startsWith('/dev/')) return devLogin === null ? notFound(response) : devLogin(request, response);
    if (request.method === 'GET' || request.method === 'HEAD') return console(request, response);
    notFound(response);
  }

  return (request, response) => {
    response.setHeader('x-content-type-options', 'nosniff');
    if (!hosts.allows(request)) return refuseHost(response);
    const fail = (error: unknown): void => {
      const shown = toPublicError(error, log);
      if (response.headersSent) response.destroy();
      else sendError(response, shown);
    };
    try {
      route(request, response)?.catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}

/** Browsers name text/html; everything else gets JSON, wildcards included. */
function wantsPage({ method, headers }: IncomingMessage): boolean {
  return (method === 'GET' || method === 'HEAD') && /\btext\/html\b/i.test(headers.accept ?? '');
}

/** Bodies with files, for the server's limits on time. */
export function bringsFiles(request: IncomingMessage): boolean {
  return request.url?.startsWith(UPLOADS_PATH) === true || isMultipart(request);
}
