// Follows operations by history long polls: one reader for each (process, operation), any number of viewers.
// W1. Events leave in `seq` order, each once, whatever cursor a viewer came with.
// W2. A reader polls while somebody looks, and ends with the terminal event or its last viewer.
// W3. Viewers read one shared list at their own pace: a slow one holds nothing back and needs no buffer of its own.
//     The list is bounded by what one history can hold (51,200 events).
import type { Connection } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { CodedError } from '#schema/contracts/errors';
import type { RunReference } from '#schema/contracts/ids';
import { isTerminalEvent, type OperationEvent } from '#schema/contracts/operations';
import { parseCursor, type Position, toOperationEvents } from './history-events.js';

const RETRY_MS = 500;
const MAX_FAILURES = 20;

export interface OperationReaders {
  /** @throws CURSOR_INVALID, NOT_FOUND, TEMPORAL_UNAVAILABLE */
  watch(run: RunReference, options: { after: string | null; signal: AbortSignal }): AsyncGenerator<OperationEvent, void>;
  /** Everything that happened until now. */
  readEvents(run: RunReference): Promise<OperationEvent[]>;
  /** Open readers, for tests and metrics. */
  readonly size: number;
}

interface Reader {
  events: OperationEvent[];
  ended: boolean;
  failure: Error | undefined;
  viewers: number;
  /** Settles at the next change and is then replaced. */
  changed: PromiseWithResolvers;
  abort: AbortController;
}
interface PromiseWithResolvers {
  promise: Promise<void>;
  resolve: () => void;
}

export function createOperationReaders(options: {
  connection: Connection;
  namespace: string;
  codecs: readonly PayloadCodec[];
}): OperationReaders {
  const { connection, namespace, codecs } = options;
  const readers = new Map<string, Reader>();

  async function* readHistory(
    { workflowId, runId: firstRunId }: RunReference,
    wait: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<readonly OperationEvent[], void> {
    let position: Position = { runId: firstRunId, eventId: 0, seq: 0 };
    let nextPageToken: Uint8Array | undefined;
    let failures = 0;
    while (!signal.aborted) {
      // grpc-js never removes its abort listener, so every poll gets a signal of its own.
      const poll = new AbortController();
      const stop = (): void => poll.abort();
      signal.addEventListener('abort', stop, { once: true });
      try {
        const answer = await connection.withAbortSignal(poll.signal, () =>
          connection.workflowService.getWorkflowExecutionHistory({
            namespace,
            execution: { workflowId, runId: position.runId },
            waitNewEvent: wait,
            ...(nextPageToken === undefined ? {} : { nextPageToken }),
          }),
        );
        failures = 0;
        const page = await toOperationEvents(answer.history?.events ?? [], position, codecs);
        position = page.position;
        if (page.events.length > 0) yield page.events;
        if (page.events.some(isTerminalEvent)) return;
        nextPageToken = answer.nextPageToken?.length ? answer.nextPageToken : undefined;
        if (nextPageToken !== undefined) continue;
        if (page.continuedAs === undefined) return;
        position = { runId: page.continuedAs, eventId: 0, seq: position.seq };
      } catch (error) {
        if (signal.aborted) return;
        if ((error as { code?: number }).code === 5)
          throw new CodedError('NOT_FOUND', 'the operation is not kept any more', { cause: error });
        if (++failures >= MAX_FAILURES || !wait)
          throw new CodedError('TEMPORAL_UNAVAILABLE', 'the operation cannot be followed now', { cause: error });
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      } finally {
        signal.removeEventListener('abort', stop);
      }
    }
  }

  function openReader(run: RunReference): Reader {
    const key = `${run.workflowId}:${run.runId}`;
    const known = readers.get(key);
    if (known !== undefined) return known;
    const reader: Reader = {
      events: [],
      ended: false,
      failure: undefined,
      viewers: 0,
      changed: withResolvers(),
      abort: new AbortController(),
    };
    readers.set(key, reader);
    void follow(run, reader).finally(() => {
      reader.ended = true;
      if (readers.get(key) === reader) readers.delete(key);
      wake(reader);
    });
    return reader;
  }

  async function follow(run: RunReference, reader: Reader): Promise<void> {
    try {
      for await (const events of readHistory(run, true, reader.abort.signal)) {
        reader.events.push(...events);
        wake(reader);
      }
    } catch (error) {
      reader.failure = error as Error;
    }
  }

  async function* watch(
    run: RunReference,
    { after, signal }: { after: string | null; signal: AbortSignal },
  ): AsyncGenerator<OperationEvent, void> {
    const lastSeq = after === null ? 0 : parseCursor(after).seq;
    const reader = openReader(run);
    reader.viewers += 1;
    const left = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    try {
      for (let index = 0; !signal.aborted;) {
        const event = reader.events[index];
        if (event !== undefined) {
          index += 1;
          if (event.seq > lastSeq) yield event;
        } else if (reader.ended) {
          if (reader.failure !== undefined) throw reader.failure;
          return;
        } else {
          await Promise.race([reader.changed.promise, left]);
        }
      }
    } finally {
      reader.viewers -= 1;
      if (reader.viewers === 0) reader.abort.abort();
    }
  }

  return {
    watch,
    readEvents: async (run) => {
      const events: OperationEvent[] = [];
      for await (const page of readHistory(run, false, new AbortController().signal)) events.push(...page);
      return events;
    },
    get size() {
      return readers.size;
    },
  };
}

function wake(reader: Reader): void {
  const { resolve } = reader.changed;
  reader.changed = withResolvers();
  resolve();
}

function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}
