import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError } from '#schema/contracts/errors';
import type { GraphQLErrorJson } from '#schema/contracts/plan';
import { statusOf, toErrorJson } from './error-masking.js';

export const JSON_TYPE = 'application/json; charset=utf-8';

/** Seconds after which asking for a running operation again is worth it. */
export const RETRY_AFTER = '1';

export function sendJson(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': JSON_TYPE, 'content-length': Buffer.byteLength(text), ...headers }).end(text);
}

/** A refusal in GraphQL's form, with the status of its code. */
export function sendError(
  response: ServerResponse,
  error: GraphQLErrorJson,
  headers: Record<string, string> = {},
  status = statusOf(error),
): void {
  sendJson(response, status, { errors: [error] }, { ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}), ...headers });
}

/** A run goes on. Plain JSON: whoever takes a 202 for a GraphQL answer finds neither data nor errors in it. */
export function sendAccepted(response: ServerResponse, { id, status }: { id: string; status: string }, applied: string | null): void {
  sendJson(
    response,
    202,
    { id, status, done: false },
    {
      location: `/operations/${encodeURIComponent(id)}`,
      'operation-id': id,
      'retry-after': RETRY_AFTER,
      'cache-control': 'no-store',
      ...(applied === null ? {} : { 'preference-applied': applied }),
    },
  );
}

/** The request came by a name that is none of ours. */
export function refuseHost(response: ServerResponse): void {
  const message = 'the Host of this request is no name of this server; SLUICE_ALLOWED_HOSTS adds names';
  sendError(response, toErrorJson('HOST_NOT_ALLOWED', message), { connection: 'close' });
}

export function notFound(response: ServerResponse): void {
  sendError(response, toErrorJson('NOT_FOUND', 'there is nothing at this address'));
}

/**
 * Listens instead of iterating: an iterator over the request costs more than everything else here.
 *
 * @throws REQUEST_TOO_LARGE, as soon as more than `maxBytes` are announced or have come; what the socket says when it breaks before the end
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const refuse = (): void => {
      request.removeListener('data', take);
      request.pause();
      reject(new CodedError('REQUEST_TOO_LARGE', `expected a body of at most ${maxBytes} bytes`));
    };
    function take(chunk: Buffer): void {
      bytes += chunk.length;
      if (bytes > maxBytes) refuse();
      else chunks.push(chunk);
    }
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) return refuse();
    request.on('data', take);
    request.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => {
      if (!request.readableEnded) reject(new Error('the caller left before the end of the body'));
    });
  });
}

/** @returns the bearer token, or null */
export function bearerOf(request: IncomingMessage): string | null {
  return /^Bearer ([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? null;
}
