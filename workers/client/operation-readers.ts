// Follows operations by history long polls: one reader for each (process, operation), any number of viewers.
// W1. Events leave in `seq` order, each once, whatever cursor a viewer came with.
// W2. A reader polls while somebody looks, and ends with the terminal event or its last viewer.
// W3. Viewers read one shared list at their own pace: a slow one holds nothing back and needs no buffer of its own.
//     The list is bounded by what one history can hold (51,200 events).
// W4. While a reader has an open activity, Temporal is asked once a second for what no history tells of it (pending-steps.ts). Of each
//     step the newest such event is kept, and a viewer that has all durable ones gets it once.
// W5. Long polls are a shared good of the namespace: beyond `maxLongPolls` a reader asks every two seconds instead.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { RunReference } from '#schema/contracts/ids';
import { isTerminalEvent, type OperationEvent } from '#schema/contracts/operations';
import { parseCursor, type Position, toOperationEvents } from './history-events.js';
import { createPendingSteps, type PendingSteps, type TransientEvent } from './pending-steps.js';

const RETRY_MS = 500;
const MAX_FAILURES = 20;
const DESCRIBE_EVERY_MS = 1_000;
const DESCRIBE_TIMEOUT_MS = 2_000;
const ASK_EVERY_MS = 2_000;

export interface OperationReaders {
  /** @throws CURSOR_INVALID, NOT_FOUND, OPERATION_UNREADABLE, TEMPORAL_UNAVAILABLE */
  watch(run: RunReference, options: { after: string | null; signal: AbortSignal }): AsyncGenerator<OperationEvent, void>;
  /** Everything that happened until now. */
  readEvents(run: RunReference): Promise<OperationEvent[]>;
  /** Open readers, for tests and metrics. */
  readonly size: number;
}

interface Reader {
  events: OperationEvent[];
  pending: PendingSteps;
  /** By step. */
  transient: Map<string, TransientEvent>;
  /** The run that is read: another one after continue-as-new. */
  runId: string;
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

interface Reading {
  /** At the history's present end: stop, wait for the next event in a long poll, or ask again after a while. */
  atEnd: 'stop' | 'long-poll' | 'ask-again';
  signal: AbortSignal;
  /** Gets every history event. */
  reader?: Reader;
}

export function createOperationReaders(options: {
  connection: Connection;
  namespace: string;
  codecs: readonly PayloadCodec[];
  /** @default 400 */
  maxLongPolls?: number;
  /** Called with each reader and each long poll that opens or ends. Must not throw. */
  onChange?: (what: 'reader' | 'long poll', change: 1 | -1) => void;
}): OperationReaders {
  const { connection, namespace, codecs, maxLongPolls = 400, onChange } = options;
  const readers = new Map<string, Reader>();

  async function* readHistory(
    { workflowId, runId: firstRunId }: RunReference,
    { atEnd, signal, reader }: Reading,
  ): AsyncGenerator<readonly OperationEvent[], void> {
    let position: Position = { firstRunId, runId: firstRunId, eventId: 0, seq: 0 };
    let nextPageToken: Uint8Array | undefined;
    let failures = 0;
    while (!signal.aborted) {
      // grpc-js never removes its abort listener, so every poll gets a signal of its own.
      const poll = new AbortController();
      const stop = (): void => poll.abort();
      signal.addEventListener('abort', stop, { once: true });
      if (atEnd === 'long-poll') onChange?.('long poll', 1);
      try {
        const asked = connection.withAbortSignal(poll.signal, () =>
          connection.workflowService.getWorkflowExecutionHistory({
            namespace,
            execution: { workflowId, runId: position.runId },
            waitNewEvent: atEnd === 'long-poll',
            ...(nextPageToken === undefined ? {} : { nextPageToken }),
          }),
        );
        const answer = await asked.finally(() => atEnd === 'long-poll' && onChange?.('long poll', -1));
        failures = 0;
        const page = await toOperationEvents(answer.history?.events ?? [], position, codecs, reader?.pending.see);
        position = page.position;
        if (page.events.length > 0) yield page.events;
        if (page.events.some(isTerminalEvent)) return;
        nextPageToken = answer.nextPageToken?.length ? answer.nextPageToken : undefined;
        if (nextPageToken !== undefined) continue;
        if (page.continuedAs !== undefined) {
          position = { firstRunId, runId: page.continuedAs, eventId: 0, seq: position.seq };
          if (reader !== undefined) reader.runId = page.continuedAs;
        } else if (atEnd === 'ask-again') await sleep(ASK_EVERY_MS, undefined, { signal });
        else return;
      } catch (error) {
        if (signal.aborted) return;
        if (errorCodeOf(error) === 'OPERATION_UNREADABLE') throw error;
        if ((error as { code?: number }).code === 5) {
          const present = await findContinuation({ workflowId, runId: firstRunId });
          if (present === undefined || present === position.runId)
            throw new CodedError('NOT_FOUND', 'the operation is not kept any more', { cause: error });
          position = { firstRunId, runId: present, eventId: 0, seq: position.seq };
          nextPageToken = undefined;
          if (reader !== undefined) reader.runId = present;
          continue;
        }
        if (++failures >= MAX_FAILURES || atEnd === 'stop')
          throw new CodedError('TEMPORAL_UNAVAILABLE', 'the operation cannot be followed now', { cause: error });
        await sleep(RETRY_MS);
      } finally {
        signal.removeEventListener('abort', stop);
      }
    }
  }

  /** The present run of an operation whose first ones are not kept any more. */
  async function findContinuation({ workflowId, runId }: RunReference): Promise<string | undefined> {
    try {
      const { workflowExecutionInfo } = await connection.withDeadline(Date.now() + DESCRIBE_TIMEOUT_MS, () =>
        connection.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } }),
      );
      return workflowExecutionInfo?.firstRunId === runId ? (workflowExecutionInfo.execution?.runId ?? undefined) : undefined;
    } catch {
      return undefined;
    }
  }

  function openReader(run: RunReference): Reader {
    const key = toKey(run);
    const known = readers.get(key);
    if (known !== undefined) return known;
    const reader: Reader = {
      events: [],
      pending: createPendingSteps(),
      transient: new Map(),
      runId: run.runId,
      ended: false,
      failure: undefined,
      viewers: 0,
      changed: withResolvers(),
      abort: new AbortController(),
    };
    const atEnd = readers.size < maxLongPolls ? 'long-poll' : 'ask-again';
    readers.set(key, reader);
    onChange?.('reader', 1);
    void describePending(run, reader);
    void follow(run, reader, atEnd).finally(() => {
      reader.ended = true;
      onChange?.('reader', -1);
      reader.abort.abort();
      if (readers.get(key) === reader) readers.delete(key);
      wake(reader);
    });
    return reader;
  }

  async function follow(run: RunReference, reader: Reader, atEnd: Reading['atEnd']): Promise<void> {
    try {
      for await (const events of readHistory(run, { atEnd, signal: reader.abort.signal, reader })) {
        reader.events.push(...events);
        for (const event of events) if ('step' in event) reader.transient.delete(event.step);
        wake(reader);
      }
    } catch (error) {
      reader.failure = error as Error;
    }
  }

  async function describePending({ workflowId }: RunReference, reader: Reader): Promise<void> {
    while (!reader.ended) {
      const isOver = await sleep(DESCRIBE_EVERY_MS, false, { signal: reader.abort.signal }).catch(() => true);
      if (isOver) return;
      const last = reader.events.at(-1);
      if (reader.pending.size === 0 || last === undefined) continue;
      try {
        const execution = { workflowId, runId: reader.runId };
        const { pendingActivities } = await connection.withDeadline(Date.now() + DESCRIBE_TIMEOUT_MS, () =>
          connection.workflowService.describeWorkflowExecution({ namespace, execution }),
        );
        const found = await reader.pending.describe(pendingActivities ?? [], codecs);
        // What the history has told meanwhile is newer.
        if (reader.events.at(-1) !== last) continue;
        const news = found.filter((event) => !saysTheSame(event, reader.transient.get(event.step)));
        for (const event of news) reader.transient.set(event.step, event);
        if (news.length > 0) wake(reader);
      } catch {
        // Detail only: the history goes on, and this is asked again.
      }
    }
  }

  async function* watch(
    run: RunReference,
    { after, signal }: { after: string | null; signal: AbortSignal },
  ): AsyncGenerator<OperationEvent, void> {
    const lastSeq = after === null ? 0 : toLastSeq(run, after);
    const reader = openReader(run);
    reader.viewers += 1;
    const left = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const shown = new WeakSet<TransientEvent>();
    try {
      for (let index = 0; !signal.aborted;) {
        const event = reader.events[index];
        if (event !== undefined) {
          index += 1;
          if (event.seq > lastSeq) yield event;
          continue;
        }
        const last = reader.events[index - 1];
        const transient = [...reader.transient.values()].find((known) => !shown.has(known));
        if (transient !== undefined && last !== undefined) {
          shown.add(transient);
          yield { ...transient, seq: last.seq, cursor: last.cursor };
        } else if (reader.ended) {
          if (reader.failure !== undefined) throw reader.failure;
          return;
        } else {
          await Promise.race([reader.changed.promise, left]);
        }
      }
    } finally {
      reader.viewers -= 1;
      if (reader.viewers === 0) {
        reader.abort.abort();
        // Who comes now gets a reader of their own, not the rest of this one.
        if (readers.get(toKey(run)) === reader) readers.delete(toKey(run));
      }
    }
  }

  return {
    watch,
    readEvents: async (run) => {
      const events: OperationEvent[] = [];
      for await (const page of readHistory(run, { atEnd: 'stop', signal: new AbortController().signal })) events.push(...page);
      return events;
    },
    get size() {
      return readers.size;
    },
  };
}

/** @throws CURSOR_INVALID, also for a cursor of another operation */
function toLastSeq({ runId }: RunReference, cursor: string): number {
  const { firstRunId, seq } = parseCursor(cursor);
  if (firstRunId !== runId) throw new CodedError('CURSOR_INVALID', 'expected a cursor of this operation');
  return seq;
}

function toKey({ workflowId, runId }: RunReference): string {
  return `${workflowId}:${runId}`;
}

function saysTheSame(event: TransientEvent, known: TransientEvent | undefined): boolean {
  return known !== undefined && JSON.stringify({ ...event, at: known.at }) === JSON.stringify(known);
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
