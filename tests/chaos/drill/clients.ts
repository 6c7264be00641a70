// Clients as they should be: each operation has a key, is sent until somebody has acknowledged it, and asked for with the same key.
import { randomUUID } from 'node:crypto';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';

/** Two effects in two services; the entry is unique in both. */
const RECORD =
  'mutation Record($entry: ID!, $name: String!) { reserveStorage(reservation: $entry, bytes: 1) { id } createFolder(input: { name: $name }) { id } }';
const ATTEMPT_MS = 30_000;
const PAUSE_MS = 250;
/** With the same key, after the acknowledgement. */
const RETRIES = 3;

export interface Outcome {
  entry: string;
  operationId: string;
  /** Sent before anybody answered with an operation. */
  attempts: number;
  /** Sent again after that. */
  retries: number;
  succeeded: boolean;
  /** The last codes that came when it did not succeed. */
  codes: string[];
}

interface Answer {
  operationId: string | null;
  succeeded: boolean;
  codes: string[];
}

export interface Door {
  url: string;
  token: string;
}

/** @throws Error when nobody has acknowledged it before `giveUpAt` */
export async function record(door: Door, entry: string, giveUpAt: number): Promise<Outcome> {
  const key = randomUUID();
  let attempts = 0;
  let answer: Answer = { operationId: null, succeeded: false, codes: [] };
  while (answer.operationId === null) {
    if (Date.now() > giveUpAt) throw new Error(`${entry} was never acknowledged: ${answer.codes.join()}`);
    if (attempts > 0) await pause();
    attempts++;
    answer = await send(door, entry, key);
  }
  const { operationId } = answer;
  let retries = 0;
  while (!answer.succeeded && retries < RETRIES) {
    await pause();
    const again = await send(door, entry, key);
    // Not to be reached says nothing about the operation: it is no answer.
    if (again.operationId === null && Date.now() < giveUpAt) continue;
    retries++;
    answer = again;
  }
  return { entry, operationId, attempts, retries, succeeded: answer.succeeded, codes: answer.codes };
}

async function send({ url, token }: Door, entry: string, key: string): Promise<Answer> {
  try {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'idempotency-key': key },
      body: JSON.stringify({ query: RECORD, variables: { entry, name: entry } }),
      signal: AbortSignal.timeout(ATTEMPT_MS),
    });
    const { data, errors = [] } = (await response.json()) as {
      data?: { reserveStorage?: { id: string } | null; createFolder?: { id: string } | null } | null;
      errors?: { extensions?: { code?: string } }[];
    };
    return {
      operationId: response.headers.get('operation-id'),
      succeeded: errors.length === 0 && data?.reserveStorage?.id === entry && typeof data.createFolder?.id === 'string',
      codes: errors.map(({ extensions }) => extensions?.code ?? 'none'),
    };
  } catch (error) {
    return { operationId: null, succeeded: false, codes: [(error as Error).name] };
  }
}

interface StreamedEvent {
  __typename: string;
  seq: number;
  cursor: string;
}

export interface Followed {
  seqs: number[];
  /** Of the terminal event; null when the stream ended without one. */
  end: string | null;
  reconnects: number;
}

/** Follows an operation to its end, over as many connections as it takes. */
export async function follow({ url, token }: Door, id: string, giveUpAt: number): Promise<Followed> {
  const followed: Followed = { seqs: [], end: null, reconnects: 0 };
  let after: string | null = null;
  while (followed.end === null && Date.now() < giveUpAt) {
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { token },
      retryAttempts: 0,
    });
    try {
      const events: AsyncIterable<{ data?: { operationEvents: StreamedEvent } | null | undefined }> = client.iterate<{
        operationEvents: StreamedEvent;
      }>({
        query: `subscription ($id: ID!, $after: String) { operationEvents(id: $id, after: $after) { __typename ... on OperationEventFields { seq cursor } } }`,
        variables: { id, after },
      });
      for await (const { data } of events) {
        const event = data?.operationEvents;
        if (event === undefined) break;
        followed.seqs.push(event.seq);
        after = event.cursor;
        if (/^Operation(Completed|Failed|Cancelled)$/.test(event.__typename)) followed.end = event.__typename;
      }
    } catch {
      // The connection was lost: the cursor says where to go on.
    } finally {
      await Promise.resolve(client.dispose()).catch(() => undefined);
    }
    if (followed.end === null) {
      followed.reconnects++;
      await pause();
    }
  }
  return followed;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
