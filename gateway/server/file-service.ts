// The door to the files service for bytes: they stream through here, chunk by chunk, and nothing is kept.
// Owns: sockets, signatures, the count of what passes.  Does not own: who may send what (links say), storage.
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, request as sendRequest } from 'undici';
import { CodedError, errorCodeOf, isErrorCode } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import { SERVICE_SIGNATURE_HEADER, signServiceCall } from '#platform/identity/service-signature';
import { type DownloadLink, signLink, type UploadLink } from '#platform/identity/transfer-links';
import type { KeyRing } from '#platform/keys';
import type { ServiceResolver, ServiceTarget } from '../fetching/service-fetcher.js';

const SERVICE = 'files';
/** Without a byte from the service. Storing the last part of a large file takes a while. */
const SILENCE_MS = 60_000;
const CONNECTIONS = 64;

export interface StoredUpload {
  upload: string;
  size: number;
  /** Hex. */
  sha256: string;
}

export interface OpenedFile {
  mediaType: string;
  size: string;
  disposition: string;
  bytes: Readable;
}

/** Methods throw the service's own codes; NOT_FOUND where there is no files service, SUBGRAPH_UNREACHABLE. */
export interface FileService {
  /** @throws REQUEST_TOO_LARGE as soon as more comes than the link allows; whatever `source` throws */
  send(link: UploadLink, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredUpload>;
  /** Takes back what was sent, unless it has become a file. */
  drop(link: UploadLink): Promise<void>;
  /** The caller reads or destroys `bytes`. */
  open(link: DownloadLink, signal: AbortSignal): Promise<OpenedFile>;
  close(): Promise<void>;
}

export function createFileService(deps: {
  resolve: ServiceResolver;
  generation: () => number;
  keys: Pick<KeyRing, 'service'>;
}): FileService {
  const { resolve, generation, keys } = deps;
  const agent = new Agent({ connections: CONNECTIONS, headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS, connect: { timeout: 10_000 } });

  async function locate(): Promise<URL> {
    let target: ServiceTarget | undefined;
    try {
      target = await resolve(generation(), SERVICE);
    } catch (error) {
      if (errorCodeOf(error) !== 'GENERATION_UNKNOWN') throw error;
    }
    // A service of that name that is not ours knows nothing of links.
    if (target?.signed !== true) throw new CodedError('NOT_FOUND', 'no service here takes files');
    return target.url;
  }

  async function call(
    method: 'POST' | 'PUT' | 'DELETE' | 'GET',
    link: UploadLink | DownloadLink,
    options: { body?: AsyncIterable<Uint8Array>; signal?: AbortSignal } = {},
  ): Promise<Dispatcher.ResponseData> {
    const url = await locate();
    const path = signLink(keys, link);
    const auth = toAuth(link);
    let response: Dispatcher.ResponseData;
    try {
      response = await sendRequest(new URL(path, url), {
        dispatcher: agent,
        method,
        headers: {
          // The link names what the body may be; the body itself is not known yet.
          [SERVICE_SIGNATURE_HEADER]: signServiceCall(keys, { audience: SERVICE, method, path, body: '', auth, operationId: null }),
        },
        ...(options.body === undefined ? {} : { body: options.body as unknown as Readable }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
    } catch (cause) {
      if (errorCodeOf(cause) !== undefined || options.signal?.aborted === true) throw cause;
      throw new CodedError('SUBGRAPH_UNREACHABLE', `service '${SERVICE}' did not answer`, { cause });
    }
    if (response.statusCode < 300) return response;
    throw await toError(response);
  }

  return {
    async send(link, source, signal) {
      // Asked first: a refusal in the middle of a body may not reach whoever is still sending it.
      await (await call('POST', link, { signal })).body.dump();
      const { body } = await call('PUT', link, { body: upTo(link.bytes, source), signal });
      return (await body.json()) as StoredUpload;
    },
    async drop(link) {
      await (await call('DELETE', link)).body.dump();
    },
    async open(link, signal) {
      const { headers, body } = await call('GET', link, { signal });
      const header = (name: string): string => String(headers[name] ?? '');
      return { mediaType: header('content-type'), size: header('content-length'), disposition: header('content-disposition'), bytes: body };
    },
    close: () => agent.close(),
  };
}

async function* upTo(maxBytes: number, source: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new CodedError('REQUEST_TOO_LARGE', `expected at most ${maxBytes} bytes`);
    yield chunk;
  }
}

/** As the one who got the link, with the right that it stands for. */
function toAuth({ kind, principal, tenant }: UploadLink | DownloadLink): AuthContext {
  return { principal, tenant, scopes: [kind === 'upload' ? 'files:write' : 'files:read'], fingerprint: '0'.repeat(64) };
}

async function toError({ body, statusCode }: Dispatcher.ResponseData): Promise<CodedError> {
  const answer = (await body.json().catch(() => ({}))) as { errors?: { message: string; extensions?: { code?: unknown } }[] };
  const [error] = answer.errors ?? [];
  const code = error?.extensions?.code;
  if (error === undefined || !isErrorCode(code))
    return new CodedError('SUBGRAPH_BAD_ANSWER', `service '${SERVICE}' answered ${statusCode}`);
  return new CodedError(code, error.message);
}
