// One HTTP exchange: a request, and what came back as text. Every end of it is a value.
// Owns: the size limit, redirects, what counts as sent.  Does not own: time (whoever waits does), the meaning of the text.
// E1. It settles once. Giving it up ends the socket's request, also one that has not left yet.
import type { Agent, Dispatcher } from 'undici';
import type { ErrorCode } from '#schema/contracts/errors';

/** `wasSent`: may the service have begun to work on it? */
export interface Failure {
  failed: ErrorCode;
  wasSent: boolean;
}

export interface Exchange {
  /** Never rejects. */
  answer: Promise<Failure | { text: string }>;
  /** Ends it with `code`, unless it has ended. Returns the failure that it then has. */
  giveUp: (code: ErrorCode) => Failure;
}

/** @param limits.maxBytes - of the answer, counted while it streams */
export function openExchange(agent: Agent, request: Dispatcher.DispatchOptions, limits: { maxBytes: number }): Exchange {
  const { maxBytes } = limits;
  let controller: Dispatcher.DispatchController | undefined;
  let status = 0;
  let bytes = 0;
  let isSettled = false;
  const chunks: Buffer[] = [];
  let settle: (outcome: Failure | { text: string }) => void;
  const answer = new Promise<Failure | { text: string }>((resolve) => {
    settle = (outcome) => {
      isSettled = true;
      resolve(outcome);
    };
  });

  function giveUp(failed: ErrorCode): Failure {
    const failure = { failed, wasSent: controller !== undefined };
    settle(failure);
    controller?.abort(new Error(failed));
    return failure;
  }

  agent.dispatch(request, {
    onRequestStart(started) {
      controller = started;
      // Whoever waited may have left while this call waited for a socket.
      if (isSettled) started.abort(new Error('given up'));
    },
    onResponseStart(_, statusCode, headers) {
      status = statusCode;
      if (status >= 300 && status < 400) giveUp('SUBGRAPH_BAD_ANSWER');
      else if (Number(headers['content-length'] ?? 0) > maxBytes) giveUp('SUBGRAPH_ANSWER_TOO_LARGE');
    },
    onResponseData(_, chunk) {
      bytes += chunk.length;
      if (bytes > maxBytes) giveUp('SUBGRAPH_ANSWER_TOO_LARGE');
      else chunks.push(chunk);
    },
    onResponseEnd() {
      settle({ text: (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString('utf8') });
    },
    onResponseError() {
      // Bytes came and then the connection broke: an answer, but not a whole one.
      giveUp(status === 0 ? 'SUBGRAPH_UNREACHABLE' : 'SUBGRAPH_BAD_ANSWER');
    },
  });
  return { answer, giveUp };
}
