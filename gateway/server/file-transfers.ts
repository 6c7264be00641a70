// Bytes for those who hold a link: PUT /uploads/… sends, GET /downloads/… fetches. The link is the credential, so no token is asked for.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { CodedError } from '#schema/contracts/errors';
import type { GraphQLErrorJson } from '#schema/contracts/plan';
import { UPLOADS_PATH, verifyDownloadLink, verifyUploadLink } from '#platform/identity/transfer-links';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { statusOf, toErrorJson, toPublicError } from './error-masking.js';
import type { FileService } from './file-service.js';
import { allowOrigin, answerPreflight, type HttpHandler } from './graphql-http.js';
import { sendError, sendJson } from './http-replies.js';
import type { OriginPolicy } from './origins.js';

/** Without a byte from the sender. */
const SILENCE_MS = 30_000;

export interface FileTransfersParts {
  files: FileService;
  keys: Pick<KeyRing, 'service'>;
  /** Of one file. */
  maxBytes: number;
  origins: OriginPolicy;
  log: Logger;
}

export function createFileTransfers({ files, keys, maxBytes, origins, log }: FileTransfersParts): HttpHandler {
  async function receive(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const link = verifyUploadLink(keys, path);
    const most = Math.min(link.bytes, maxBytes);
    if (Number(request.headers['content-length'] ?? 0) > most) throw new CodedError('REQUEST_TOO_LARGE', `expected at most ${most} bytes`);
    if (request.headers['content-encoding'] !== undefined)
      throw new CodedError('BAD_REQUEST', 'expected the bytes without content encoding');
    const stored = await files.send({ ...link, bytes: most }, toBody(request), signalOf(response));
    sendJson(response, 201, stored, { 'cache-control': 'no-store' });
  }

  async function send(response: ServerResponse, path: string): Promise<void> {
    const { mediaType, size, disposition, bytes } = await files.open(verifyDownloadLink(keys, path), signalOf(response));
    response.writeHead(200, {
      'content-type': mediaType,
      'content-length': size,
      'content-disposition': disposition,
      // Whatever the file is, it is never a page of this origin.
      'content-security-policy': "default-src 'none'; sandbox",
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'cache-control': 'private, no-store',
    });
    await pipeline(bytes, response);
  }

  return async (request, response) => {
    const path = request.url ?? '';
    const isUpload = path.startsWith(UPLOADS_PATH);
    if (isUpload && !origins.allows(request))
      return refuse(request, response, toErrorJson('FORBIDDEN', 'pages of this origin may not call this server'));
    if (isUpload) allowOrigin(request, response);
    if (isUpload && request.method === 'OPTIONS') return answerPreflight(response, 'PUT');
    try {
      if (request.method !== (isUpload ? 'PUT' : 'GET')) throw new CodedError('BAD_REQUEST', `expected ${isUpload ? 'PUT' : 'GET'}`);
      await (isUpload ? receive(request, response, path) : send(response, path));
    } catch (error) {
      if (response.destroyed || response.headersSent) return void response.destroy();
      refuse(request, response, toPublicError(error, log));
    }
  };
}

/** @returns the body, which can be left without losing the connection for the answer; a sender who says nothing for 30 s is cut off */
function toBody(request: IncomingMessage): AsyncIterable<Uint8Array> {
  request.setTimeout(SILENCE_MS, () => request.destroy());
  request.once('close', () => request.setTimeout(0));
  return request.iterator({ destroyOnReturn: false });
}

function signalOf(response: ServerResponse): AbortSignal {
  const left = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) left.abort();
  });
  return left.signal;
}

function refuse(request: IncomingMessage, response: ServerResponse, error: GraphQLErrorJson): void {
  const status = statusOf(error);
  // Codes that stand inside answers elsewhere end the whole request here.
  sendError(response, error, request.complete ? {} : { connection: 'close' }, status < 400 ? 422 : status);
}
