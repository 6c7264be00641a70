// The bytes of files over HTTP, for the gateway: `PUT /uploads/…` stores, `DELETE` drops again, `GET /downloads/…` fetches.
// Links are verified here once more; calls are signed like all calls to services (over an empty body: the link names the bytes).
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { BlobStore } from '#platform/blob-store';
import { createServiceCallVerifier, SERVICE_SIGNATURE_HEADER } from '#platform/identity/service-signature';
import { DOWNLOADS_PATH, UPLOADS_PATH, verifyDownloadLink, verifyUploadLink } from '#platform/identity/transfer-links';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { requireScope } from '../shared/access.js';
import { sendServiceError } from '../shared/create-subgraph.js';
import type { FileStore } from './store.js';
import type { Uploads } from './uploads.js';

export interface Transfers {
  /** Is it one of ours? */
  serves(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): void;
}

export function createTransfers(deps: {
  uploads: Uploads;
  store: Pick<FileStore, 'findFiles'>;
  blobs: Pick<BlobStore, 'read'>;
  keys: Pick<KeyRing, 'service'>;
  log: Logger;
}): Transfers {
  const { uploads, store, blobs, keys, log } = deps;
  const verifier = createServiceCallVerifier({ keys, audience: 'files' });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const method = request.method ?? '';
    const header = request.headers[SERVICE_SIGNATURE_HEADER];
    const { auth } = verifier.verify(typeof header === 'string' ? header : undefined, { method, path, body: '' });
    if (path.startsWith(DOWNLOADS_PATH) && method === 'GET') {
      requireScope(auth, 'files:read');
      return send(response, path);
    }
    if (!path.startsWith(UPLOADS_PATH)) throw new CodedError('NOT_FOUND', 'there is nothing at this address');
    requireScope(auth, 'files:write');
    const link = verifyUploadLink(keys, path);
    switch (method) {
      case 'POST':
        await uploads.admit(link);
        return void response.writeHead(204).end();
      case 'PUT': {
        const { size, sha256 } = await uploads.receive(link, request.iterator({ destroyOnReturn: false }));
        const text = JSON.stringify({ upload: link.id, size, sha256 });
        return void response.writeHead(201, { 'content-type': 'application/json; charset=utf-8' }).end(text);
      }
      case 'DELETE':
        await uploads.drop(link);
        return void response.writeHead(204).end();
      default:
        throw new CodedError('NOT_FOUND', 'there is nothing at this address');
    }
  }

  async function send(response: ServerResponse, path: string): Promise<void> {
    const link = verifyDownloadLink(keys, path);
    const [file] = await store.findFiles([link.file]);
    if (file?.tenantId !== link.tenant) throw new CodedError('NOT_FOUND', `no file ${link.file}`);
    response.writeHead(200, {
      'content-type': file.mediaType,
      'content-length': file.size,
      'content-disposition': toAttachment(file.name),
    });
    await pipeline(blobs.read(file.sha256), response);
  }

  return {
    serves: ({ url = '' }) => url.startsWith(UPLOADS_PATH) || url.startsWith(DOWNLOADS_PATH),
    handle(request, response) {
      answer(request, response).catch((error: unknown) => {
        // A sender or reader who leaves is no fault of ours.
        if (errorCodeOf(error) === undefined && !response.destroyed) log.error({ err: error }, 'transfer failed');
        if (response.headersSent || response.destroyed) response.destroy();
        else sendServiceError(response, error, 422);
      });
    },
  };
}

/** RFC 6266, with RFC 8187 for what is not ASCII. */
function toAttachment(name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
