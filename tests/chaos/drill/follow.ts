// Follows an operation's events to their end, over as many connections and gateways as it takes.
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type Doors, pause, pickDoor } from './doors.js';

const PAUSE_MS = 250;
/** For the operation's end. */
const PATIENCE_MS = 600_000;
const EVENTS =
  'subscription Events($id: ID!, $after: String) { operationEvents(id: $id, after: $after) { __typename ... on OperationEventFields { seq cursor } } }';
/** Of a running activity: they repeat the place of the durable event before them. */
const TRANSIENT = /^(StepProgressed|StepRetrying)$/;

interface StreamedEvent {
  __typename: string;
  seq: number;
  cursor: string;
}

export interface Followed {
  /** Of the durable events, as they came. */
  seqs: number[];
  /** Type of the terminal event; null when there was none before the time was up. */
  end: string | null;
  reconnects: number;
}

/** @param leaveAfter - hang up by itself after so many events, and go on from the cursor at the next gateway */
export async function follow(doors: Doors, id: string, { leaveAfter = Infinity, turn = 0 } = {}): Promise<Followed> {
  const followed: Followed = { seqs: [], end: null, reconnects: 0 };
  let after: string | null = null;
  for (const giveUpAt = Date.now() + PATIENCE_MS; followed.end === null && Date.now() < giveUpAt;) {
    const { url, token } = pickDoor(doors, turn++);
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { token },
      retryAttempts: 0,
    });
    const startedWith = followed.seqs.length;
    try {
      const events: AsyncIterable<{ data?: { operationEvents: StreamedEvent } | null | undefined }> = client.iterate<{
        operationEvents: StreamedEvent;
      }>({ query: EVENTS, variables: { id, after } });
      for await (const { data } of events) {
        const event = data?.operationEvents;
        if (event === undefined) break;
        if (TRANSIENT.test(event.__typename) && event.cursor === after) continue;
        followed.seqs.push(event.seq);
        after = event.cursor;
        if (/^Operation(Completed|Failed|Cancelled)$/.test(event.__typename)) followed.end = event.__typename;
        if (followed.end === null && followed.seqs.length - startedWith >= leaveAfter) break;
      }
    } catch {
      // The connection was lost: the cursor says where to go on.
    } finally {
      await Promise.resolve(client.dispose()).catch(() => undefined);
    }
    if (followed.end !== null) break;
    followed.reconnects++;
    if (followed.seqs.length === startedWith) await pause(PAUSE_MS);
  }
  return followed;
}
