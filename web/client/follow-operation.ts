// Follows one operation: reads its state once, then folds events into it, for any number of listeners.
// Owns: one upstream subscription while somebody listens (and GRACE_MS longer), the cursor, order, the tail of events.
// Does not own: the socket and its reconnects (transport), what an event means (contract).
// I1. At most one upstream subscription, whatever the number of listeners.
// I2. A listener that joins late reads the state at once; the state stays readable after everybody has left.
// I3. Events are folded in `seq` order, each durable one once; a gap leads to a new read, never to a guess.
// I4. Listeners are called at most once a frame. Nothing is buffered: state conflates, `events` is a ring.
// I5. After a terminal event the subscription ends and the operation is read once more, for its result.
import { backoff } from './backoff.js';
import { applyOperationEvent, isTerminalEvent, type OperationEvent } from './contract.js';
import { OPERATION_EVENTS, OPERATION_QUERY, type OperationDetail, type OperationEventsData, type OperationQueryData } from './documents.js';
import { OperationClientError, toGraphQLError, toNetworkError } from './errors.js';
import { createBatch } from './frame.js';
import type { Readable } from './readable.js';
import { type OperationState, idleState, isSettled, toView } from './operation-state.js';
import type { Answer, OperationTransport } from './transport.js';

/** A subscription outlives its last listener by this, so that a change of page or React's StrictMode does not reopen it. */
export const GRACE_MS = 1_000;
/** Events kept for each operation; up to twice as many between two clean-ups. */
export const MAX_EVENTS = 1_000;
const RETRY = { minMs: 500, maxMs: 10_000 };

export interface FollowedOperation extends Readable<OperationState> {
  /** @param options.events - keep the tail of events; the first listener that wants it makes the client read them from the start */
  subscribe(listener: () => void, options?: { events?: boolean }): () => void;
  /** Tries again at once after an error. */
  retry(): void;
  /** Nobody listens and nothing is open. */
  readonly idle: boolean;
  close(): void;
}

/** How far the running subscription has come. `seq` is unknown when the first read did not tell it. */
interface Position {
  cursor: string | undefined;
  seq: number | undefined;
}

export function followOperation(id: string, transport: OperationTransport): FollowedOperation {
  let state = idleState(id);
  let next = state;
  let log: OperationEvent[] = [];
  let dropped = 0;
  let logFromStart = false;
  let wantsLog = false;
  let resyncedAtSeq = 0;

  const listeners = new Set<() => void>();
  let active = false;
  /** Answers to an earlier start are ignored. */
  let run = 0;
  let attempt = 0;
  let stopUpstream: (() => void) | undefined;
  let stopConnection: (() => void) | undefined;
  let graceTimer: ReturnType<typeof setTimeout> | undefined;

  const batch = createBatch(publish);

  function change(facts: Partial<OperationState>): void {
    next = { ...next, ...facts };
    batch.request();
  }

  function publish(): void {
    if (log.at(-1) !== next.events.at(-1) || log.length !== next.events.length) next = { ...next, events: log.slice(), dropped };
    if (next === state) return;
    state = next;
    for (const listener of [...listeners]) listener();
  }

  function start(): void {
    if (active) return;
    active = true;
    stopConnection = transport.connection.subscribe(onConnection);
    change({ phase: next.detail === undefined ? 'loading' : isSettled(next) ? 'done' : 'stale', error: undefined });
    batch.flush();
    void readThenSubscribe();
  }

  function stop(): void {
    active = false;
    run += 1;
    stopUpstream?.();
    stopConnection?.();
    stopUpstream = stopConnection = undefined;
    batch.flush();
  }

  function restart(): void {
    stop();
    start();
  }

  async function readThenSubscribe(): Promise<void> {
    const mine = ++run;
    try {
      const detail = await read();
      if (mine !== run) return;
      attempt = 0;
      adopt(detail);
      if (isSettled(next) && (!wantsLog || logFromStart)) change({ phase: 'done' });
      else subscribe(mine);
    } catch (error) {
      if (mine === run) fail(toNetworkError(error), mine);
    }
  }

  async function read(): Promise<OperationDetail> {
    const { data, errors } = await transport.request<OperationQueryData>({ document: OPERATION_QUERY, variables: { id } });
    if (data?.operation) return data.operation;
    if (errors !== undefined && errors.length > 0) throw toGraphQLError(errors);
    throw new OperationClientError({
      code: 'NOT_FOUND',
      message: `There is no operation ${id}, or you may not see it.`,
      retryable: false,
      source: 'graphql',
    });
  }

  /** A read never takes back what events have told already. */
  function adopt(detail: OperationDetail): void {
    const view = toView(detail);
    const newer = next.detail === undefined || (!isSettled(next) && view.lastSeq >= next.view.lastSeq) || (detail.done && !isSettled(next));
    change({ detail, updatedAt: Date.now(), error: undefined, ...(newer ? { view, cursor: detail.cursor ?? undefined } : {}) });
  }

  function subscribe(mine: number): void {
    const fromStart = wantsLog && !logFromStart;
    if (fromStart) {
      log = [];
      dropped = 0;
      logFromStart = true;
    }
    const position: Position = fromStart ? { cursor: undefined, seq: 0 } : { cursor: next.cursor, seq: next.view.lastSeq || undefined };
    let ended = false;
    const variables = {
      id,
      get after() {
        return position.cursor ?? null;
      },
    };
    change({ phase: isSettled(next) ? 'done' : 'live' });
    stopUpstream?.();
    stopUpstream = transport.subscribe<OperationEventsData>(
      { document: OPERATION_EVENTS, variables },
      {
        next: (answer) => {
          if (mine !== run || ended) return;
          ended = onAnswer(answer, position, mine);
        },
        error: (error) => {
          if (mine === run && !ended) fail(error, mine);
        },
        complete: () => {
          if (mine !== run || ended) return;
          if (isSettled(next)) change({ phase: 'done' });
          else void retryLater(mine);
        },
      },
    );
  }

  /** @returns true when nothing more is expected from this subscription */
  function onAnswer(answer: Answer<OperationEventsData>, position: Position, mine: number): boolean {
    if (answer.errors !== undefined && answer.errors.length > 0) {
      fail(toGraphQLError(answer.errors), mine);
      return true;
    }
    const event = answer.data?.operationEvents;
    if (event === undefined) return false;
    attempt = 0;
    if (position.cursor !== undefined && event.cursor === position.cursor) {
      foldTransient(event);
      return false;
    }
    if (position.seq !== undefined && event.seq <= position.seq) return false;
    if (position.seq !== undefined && event.seq > position.seq + 1 && resyncedAtSeq !== event.seq) {
      resyncedAtSeq = event.seq;
      logFromStart = false;
      restart();
      return true;
    }
    position.seq = event.seq;
    position.cursor = event.cursor;
    record(event);
    if (event.seq > next.view.lastSeq) change({ view: applyOperationEvent(next.view, event), cursor: event.cursor });
    change({ updatedAt: Date.now(), phase: isSettled(next) ? 'done' : 'live' });
    if (!isTerminalEvent(event)) return false;
    stopUpstream?.();
    stopUpstream = undefined;
    void readResult(mine);
    return true;
  }

  /** A transient event repeats cursor and `seq` of the last durable one: it changes what is shown, not the position. */
  function foldTransient(event: OperationEvent): void {
    const { lastSeq, updatedAt } = next.view;
    if (isTerminalEvent(event) || event.seq < lastSeq) return;
    const view = applyOperationEvent({ ...next.view, lastSeq: event.seq - 1 }, event);
    change({ view: { ...view, lastSeq, updatedAt: view.updatedAt ?? updatedAt }, updatedAt: Date.now() });
  }

  function record(event: OperationEvent): void {
    if (!wantsLog && !logFromStart) return;
    log.push(event);
    batch.request();
    // In bulk, so that a flood does not move the array at every event.
    if (log.length <= 2 * MAX_EVENTS) return;
    dropped += log.length - MAX_EVENTS;
    log = log.slice(-MAX_EVENTS);
  }

  async function readResult(mine: number): Promise<void> {
    try {
      const detail = await read();
      if (mine === run) adopt(detail);
    } catch {
      // The outcome is known from the event; only `result` is missing, and the next listener reads again.
    }
  }

  function fail(error: OperationClientError, mine: number): void {
    if (error.code === 'CURSOR_INVALID' && next.cursor !== undefined) {
      next = { ...next, cursor: undefined, view: { ...next.view, lastSeq: 0 } };
      logFromStart = false;
      return restart();
    }
    const { code, message, retryable, source } = error;
    change({ phase: 'error', error: { code, message, retryable, source } });
    // What closed the socket for good is not tried again without being asked (see retry).
    if (retryable && code !== 'CONNECTION_REFUSED') void retryLater(mine);
  }

  async function retryLater(mine: number): Promise<void> {
    await backoff(attempt++, RETRY);
    if (mine === run && active) restart();
  }

  function onConnection(): void {
    const { state: connection } = transport.connection.get();
    if (connection === 'open' && next.phase === 'stale' && stopUpstream !== undefined) change({ phase: 'live' });
    else if (connection !== 'open' && connection !== 'connecting' && next.phase === 'live') change({ phase: 'stale' });
  }

  return {
    get: () => state,
    get idle() {
      return listeners.size === 0 && !active;
    },
    subscribe(listener, options = {}) {
      const entry = (): void => listener();
      listeners.add(entry);
      clearTimeout(graceTimer);
      const readsLog = options.events === true && !wantsLog;
      wantsLog ||= readsLog;
      if (!active) start();
      else if (readsLog && !logFromStart && next.detail !== undefined) {
        if (stopUpstream === undefined) void readThenSubscribe();
        else subscribe(++run);
      }
      return () => {
        if (!listeners.delete(entry) || listeners.size > 0) return;
        graceTimer = setTimeout(() => listeners.size === 0 && stop(), GRACE_MS);
      };
    },
    retry() {
      if (active && next.phase === 'error') restart();
    },
    close() {
      clearTimeout(graceTimer);
      listeners.clear();
      stop();
      batch.cancel();
    },
  };
}
