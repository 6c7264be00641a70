import { OperationClientError } from '@sluice/client';

/**
 * Sends a file to the link of `createUpload`. `fetch` tells no progress of what is sent, hence XMLHttpRequest.
 *
 * @param onProgress - bytes that have left, at most `file.size`
 * @throws OperationClientError with the gateway's code, or `NETWORK_ERROR`; an `AbortError` when `signal` aborts
 */
export function putBytes(
  url: string,
  file: Blob,
  { onProgress, signal }: { onProgress: (bytes: number) => void; signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = (): void => request.abort();
    const settle = (how: () => void) => () => {
      signal.removeEventListener('abort', abort);
      how();
    };
    request.upload.onprogress = ({ loaded }) => onProgress(Math.min(loaded, file.size));
    request.onload = settle(() => (request.status < 300 ? resolve() : reject(toError(request))));
    request.onerror = settle(() =>
      reject(new OperationClientError({ code: 'NETWORK_ERROR', message: 'The connection broke off.', retryable: true, source: 'network' })),
    );
    request.onabort = settle(() => reject(new DOMException('The upload was cancelled.', 'AbortError')));
    if (signal.aborted) return reject(new DOMException('The upload was cancelled.', 'AbortError'));
    signal.addEventListener('abort', abort);
    request.open('PUT', url);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.send(file);
  });
}

/** A refusal is in GraphQL's form. */
function toError({ status, responseText }: XMLHttpRequest): OperationClientError {
  let error: { message?: unknown; extensions?: { code?: unknown; retryable?: unknown } } | undefined;
  try {
    error = (JSON.parse(responseText) as { errors?: [typeof error] }).errors?.[0];
  } catch {
    // What stands between us and the gateway answered.
  }
  const code = error?.extensions?.code;
  return new OperationClientError({
    code: typeof code === 'string' ? code : `HTTP_${status}`,
    message: typeof error?.message === 'string' ? error.message : `The gateway answered ${status}.`,
    retryable: error?.extensions?.retryable === true,
    source: 'graphql',
  });
}
