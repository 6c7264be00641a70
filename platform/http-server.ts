import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CodedError } from '#schema/contracts/errors';

const IDLE_CHECK_MS = 50;
const BODY_MS = 30_000;
const LONG_BODY_MS = 3_600_000;

/**
 * Node's server with limits that hold against slow and oversized requests.
 *
 * @param options.mayTakeLong - for requests that bring files: their bodies may take an hour, others 30 s. Asked before the handler
 */
export function createHttpServer(
  handler: RequestListener,
  { mayTakeLong }: { mayTakeLong?: ((request: IncomingMessage) => boolean) | undefined } = {},
): Server {
  const requestTimeout = mayTakeLong === undefined ? BODY_MS : LONG_BODY_MS;
  const server = createServer(
    { headersTimeout: 10_000, requestTimeout, maxHeaderSize: 16 * 1024, keepAliveTimeout: 65_000 },
    mayTakeLong === undefined
      ? handler
      : (request, response) => {
          if (hasBody(request) && !mayTakeLong(request)) endWhenSlow(request);
          handler(request, response);
        },
  );
  server.maxConnections = 10_000;
  return server;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function endWhenSlow(request: IncomingMessage): void {
  const slow = setTimeout(() => {
    if (!request.complete) request.destroy();
  }, BODY_MS);
  request.once('close', () => clearTimeout(slow));
}

/**
 * @returns the base URL, e.g. `http://127.0.0.1:4000`
 * @throws PORT_TAKEN, CONFIG_INVALID when the host cannot be bound
 */
export async function listen(server: Server, at: { host: string; port: number; name: string }): Promise<string> {
  server.listen(at.port, at.host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new CodedError(
        'PORT_TAKEN',
        `${at.name}: port ${at.port} on ${at.host} is taken by another program; set another one or end that program`,
        { cause },
      );
    }
    throw new CodedError('CONFIG_INVALID', `${at.name}: cannot listen on ${at.host}:${at.port} (${code ?? 'unknown'})`, { cause });
  }
  const { port } = server.address() as AddressInfo;
  return `http://${at.host.includes(':') ? `[${at.host}]` : at.host}:${port}`;
}

/** @throws as {@link listen} would */
export async function assertFree(at: { host: string; port: number; name: string }): Promise<void> {
  const server = createServer();
  await listen(server, at);
  await closeServer(server, 0);
}

/**
 * Lets running requests finish for `graceMs`, then cuts what is left. Connections that clients keep open between requests are closed
 * as soon as they are idle..
 */
export async function closeServer(server: Server, graceMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
