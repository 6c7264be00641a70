// One HTTP exchange: a request, and what came back as text. Every end of it is a value.
// Owns: the size limit, decompression, redirects, what counts as sent.  Does not own: time (whoever waits does), the text's meaning.
// E1. It settles once. Giving it up ends the socket's request, also one that has not left yet.
// E2. Bytes are counted decompressed, block by block: a small answer that would unfold into a huge one is cut at the limit.
import { createGunzip, type Gunzip } from 'node:zlib';
import type { Agent, Dispatcher } from 'undici';
import type { ErrorCode } from '#schema/contracts/errors';
import { parseRetryAfter } from '#platform/retry-after';

/** `wasSent`: may the service have begun to work on it? `retryAfterMs`: when it wants to be asked again. */
export interface Failure {
  failed: ErrorCode;
  wasSent: boolean;
  retryAfterMs?: number;
}

export interface ReceivedText {
  text: string;
  status: number;
  retryAfterMs?: number;
}

export interface Exchange {
  /** Never rejects. */
  answer: Promise<Failure | ReceivedText>;
  /** Ends it with `code`, unless it has ended. Returns the failure that it then has. */
  giveUp: (code: ErrorCode) => Failure;
}

export interface ExchangeOptions {
  /** Of the answer, decompressed. */
  maxBytes: number;
  /** Ask for a compressed answer, and take one? */
  compressed: boolean;
}

/** @param request.headers - what the service gets, `accept-encoding` apart */
export function openExchange(
  agent: Agent,
  request: Omit<Dispatcher.DispatchOptions, 'headers'> & { headers: Readonly<Record<string, string>> },
  { maxBytes, compressed }: ExchangeOptions,
): Exchange {
  let controller: Dispatcher.DispatchController | undefined;
  let gunzip: Gunzip | undefined;
  let retryAfterMs: number | undefined;
  let bytes = 0;
  let status = 0;
  let isSettled = false;
  let chunks: Buffer[] = [];
  let resolveAnswer: (outcome: Failure | ReceivedText) => void;
  const answer = new Promise<Failure | ReceivedText>((resolve) => (resolveAnswer = resolve));

  function giveUp(failed: ErrorCode): Failure {
    const failure = { failed, wasSent: controller !== undefined };
    if (isSettled) return failure;
    isSettled = true;
    chunks = [];
    resolveAnswer(failure);
    gunzip?.destroy();
    controller?.abort(new Error(failed));
    return failure;
  }
  function take(chunk: Buffer): void {
    if (isSettled) return;
    bytes += chunk.length;
    if (bytes > maxBytes) giveUp('SUBGRAPH_ANSWER_TOO_LARGE');
    else chunks.push(chunk);
  }
  function finish(): void {
    if (isSettled) return;
    isSettled = true;
    const text = (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString('utf8');
    resolveAnswer({ text, status, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
  }
  function unfold(): Gunzip {
    return createGunzip()
      .on('data', take)
      .on('end', finish)
      .on('error', () => giveUp('SUBGRAPH_BAD_ANSWER'));
  }

  agent.dispatch(
    { ...request, headers: compressed ? { ...request.headers, 'accept-encoding': 'gzip' } : request.headers },
    {
      onRequestStart(started) {
        controller = started;
        // Whoever waited may have left while this call waited for a socket.
        if (isSettled) started.abort(new Error('given up'));
      },
      onResponseStart(_, answered, headers) {
        // Early hints and the like: the answer is still to come.
        if (answered < 200) return;
        status = answered;
        const encoding = headers['content-encoding'] ?? 'identity';
        if (status >= 300 && status < 400) return void giveUp('SUBGRAPH_BAD_ANSWER');
        if (Number(headers['content-length'] ?? 0) > maxBytes) return void giveUp('SUBGRAPH_ANSWER_TOO_LARGE');
        if (status >= 400) retryAfterMs = parseRetryAfter(headers['retry-after'], Date.now());
        if (encoding === 'gzip' && compressed) gunzip = unfold();
        else if (encoding !== 'identity') giveUp('SUBGRAPH_BAD_ANSWER');
      },
      onResponseData(receiving, chunk) {
        if (gunzip === undefined) return take(chunk);
        if (isSettled || gunzip.write(chunk)) return;
        receiving.pause();
        gunzip.once('drain', () => receiving.resume());
      },
      onResponseEnd() {
        if (gunzip === undefined) finish();
        else if (!isSettled) gunzip.end();
      },
      onResponseError() {
        // Also after the head: an answer that breaks off is lost.
        giveUp('SUBGRAPH_UNREACHABLE');
      },
    },
  );
  return { answer, giveUp };
}
