// Operations as server-sent events on /graphql, for `Accept: text/event-stream`: each on a connection of its own, of any kind
// (graphql-sse, distinct connections). The stream says `next` for each result and `complete` at its end; errors too come as a result.
// E1. A caller whose token expires, or who loses its standing, gets UNAUTHENTICATED as the last result.
// E2. A client that reads too slowly slows its own stream, whose buffer is bounded (SUBSCRIPTION_OVERFLOW).
// E3. At shutdown streams end without `complete`, on which clients come back by themselves.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { CodedError } from '#schema/contracts/errors';
import type { VerifiedToken } from '#platform/identity/token-verifier';
import type { Logger } from '#platform/logger';
import type { Onward } from '../fetching/onward.js';
import type { EventIterator } from '../subscriptions/event-buffer.js';
import type { ClientConnections } from './client-connections.js';
import type { Credentials } from './credentials.js';
import { PublicError, toErrorJson, toPublicError } from './error-masking.js';
import { keepJudging } from './keep-judging.js';
import type { LiveOperations, LivePayload } from './live-operations.js';

const PING_MS = 12_000;

export interface GraphQLSse {
  /** Resolves when the stream has ended. @throws QUOTA_EXCEEDED when the caller has too many connections */
  stream(response: ServerResponse, caller: VerifiedToken, token: string | null, payload: LivePayload, onward: Onward): Promise<void>;
  /** Ends every stream. */
  close(): void;
}

export function createGraphQLSse({
  live,
  connections,
  credentials,
  log,
}: {
  live: LiveOperations;
  connections: ClientConnections;
  credentials: Pick<Credentials, 'identify' | 'watchRevocations'>;
  log: Logger;
}): GraphQLSse {
  const open = new Set<ServerResponse>();

  async function run(
    response: ServerResponse,
    { auth }: VerifiedToken,
    payload: LivePayload,
    onward: Onward,
    onOpen: (results: EventIterator<object>) => void,
  ) {
    const operation = await live.read(auth, payload, onward);
    if ('errors' in operation) return send(response, 'next', { errors: operation.errors });
    const results = operation.open();
    onOpen(results);
    try {
      for await (const result of results) await send(response, 'next', result);
    } catch (error) {
      await send(response, 'next', { errors: [error instanceof PublicError ? error : toPublicError(error, log)] });
    }
  }

  return {
    async stream(response, caller, token, payload, onward) {
      const leave = connections.enter(caller.auth);
      if (leave === undefined) throw new CodedError('QUOTA_EXCEEDED', 'too many connections of this caller are open');
      let results: EventIterator<object> | undefined;
      let isLost = false;
      const end = (): void => void results?.return();
      const onLost = (): void => {
        isLost = true;
        end();
      };
      const stopJudging = keepJudging({ credentials, token, caller, onLost, log });
      const ping = setInterval(() => response.write(':\n\n'), PING_MS);
      open.add(response);
      response.once('close', end);
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      response.flushHeaders();
      try {
        await run(response, caller, payload, onward, (opened) => {
          results = opened;
          // It may have been lost or left while the operation was read.
          if (isLost || response.destroyed) end();
        });
        if (isLost) await send(response, 'next', { errors: [toErrorJson('UNAUTHENTICATED', 'the credential does not hold any more')] });
        await send(response, 'complete');
      } finally {
        open.delete(response);
        stopJudging();
        clearInterval(ping);
        leave();
        response.end();
      }
    },
    close() {
      for (const response of open) response.destroy();
    },
  };
}

/** Resolves when the client has room for more, or is gone. */
async function send(response: ServerResponse, event: 'next' | 'complete', data?: object): Promise<void> {
  if (response.destroyed) return;
  const text = `event: ${event}\ndata:${data === undefined ? '' : ` ${JSON.stringify(data)}`}\n\n`;
  if (response.write(text)) return;
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  response.once('close', onClose);
  await once(response, 'drain', { signal: gone.signal }).catch(() => undefined);
  response.off('close', onClose);
}
