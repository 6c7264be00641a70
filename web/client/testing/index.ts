/**
 * `@sluice/client/testing`: an operation server in memory, with a script and a virtual clock, for tests of components.
 *
 * @packageDocumentation
 */
import { type DocumentNode, print } from 'graphql';
import {
  EMPTY_OPERATION_VIEW,
  type OperationEvent,
  type OperationKindName,
  type OperationView,
  type ReportedEvent,
  TERMINAL_STATUSES,
  applyOperationEvent,
  isTerminalEvent,
} from '../contract.js';
import type { CompensationStatus, OperationDetail, OperationLeftover } from '../documents.js';
import { OperationClientError } from '../errors.js';
import { createWritable } from '../readable.js';
import { type Connection, IDLE_CONNECTION } from '../socket.js';
import type { Answer, AnswerSink, OperationTransport, TransportRequest } from '../transport.js';

/** An event without what the server gives: `seq`, `at`, `cursor`. */
export type ScriptedEvent = ReportedEvent extends infer Event ? (Event extends ReportedEvent ? Omit<Event, 'seq' | 'at'> : never) : never;

export interface FakeOperation {
  id: string;
  title?: string;
  kind?: OperationKindName;
  startedBy?: string;
  /** @default true while it runs */
  cancellable?: boolean;
  result?: unknown;
  /** Of a recovery: the id of the operation that failed. */
  recovers?: string | null;
  /** What its compensation could not undo. */
  left?: readonly OperationLeftover[];
}

export interface FakeOperationServer {
  readonly transport: OperationTransport;
  add(operation: FakeOperation): void;
  /** Appends an event now. @returns its cursor */
  emit(id: string, event: ScriptedEvent): string;
  /** Appends events later, in order; `advance` makes the time pass. */
  play(id: string, script: readonly (readonly [afterMs: number, event: ScriptedEvent])[]): void;
  /** Lets virtual time pass and emits what is due. */
  advance(ms: number): void;
  /** Answers a mutation of this name; without it `cancelOperation`, `retryOperation` and `resolveOperation` are acknowledged. */
  onMutation(
    name: string,
    answer: (variables: Record<string, unknown>, headers: Readonly<Record<string, string>>) => Answer<unknown>,
  ): void;
  /** Cuts the connection: subscriptions stay, and get what they missed by their cursor when it is back. */
  disconnect(): void;
  connect(): void;
  /** The next requests fail like an unreachable gateway. */
  failRequests(times: number): void;
  /** Delivers an event once more, or one out of order, as a broken server would. */
  deliverRaw(id: string, event: OperationEvent): void;
  events(id: string): readonly OperationEvent[];
  /** What reached the server so far. */
  readonly seen: { requests: string[]; subscribes: { id: string; after: string | null }[]; open: number };
}

interface Running {
  about: Required<Omit<FakeOperation, 'result'>> & { result: unknown };
  createdAt: string;
  events: OperationEvent[];
  view: OperationView;
}
interface Subscriber {
  id: string;
  request: TransportRequest;
  sink: AnswerSink<unknown>;
}

/** @param options.startAt - epoch ms of the virtual clock. @default 2026-01-01T00:00:00Z */
export function createFakeOperationServer(options: { startAt?: number } = {}): FakeOperationServer {
  let now = options.startAt ?? Date.UTC(2026, 0, 1);
  let failures = 0;
  let connected = true;
  const connection = createWritable<Connection>(IDLE_CONNECTION);
  const operations = new Map<string, Running>();
  const subscribers = new Set<Subscriber>();
  const listWatchers = new Set<AnswerSink<unknown>>();
  const due: { at: number; id: string; event: ScriptedEvent }[] = [];
  const mutations = new Map<string, (variables: Record<string, unknown>, headers: Readonly<Record<string, string>>) => Answer<unknown>>();
  const seen: FakeOperationServer['seen'] = { requests: [], subscribes: [], open: 0 };

  const time = (): string => new Date(now).toISOString();
  const setConnection = (state: Connection['state']): void => connection.set({ ...connection.get(), state, since: now });

  function running(id: string): Running {
    const found = operations.get(id);
    if (found === undefined) throw new Error(`the fake server has no operation ${id}: add it first`);
    return found;
  }

  function emit(id: string, scripted: ScriptedEvent): string {
    const operation = running(id);
    const seq = operation.events.length + 1;
    const event = { ...scripted, seq, at: time(), cursor: `${id}:${seq}` };
    operation.events.push(event);
    const { status } = operation.view;
    operation.view = applyOperationEvent(operation.view, event);
    if (status !== operation.view.status) tellLists(id);
    if (connected) for (const subscriber of [...subscribers]) if (subscriber.id === id) deliver(subscriber, event);
    return event.cursor;
  }

  function tellLists(id: string): void {
    if (connected) for (const watcher of [...listWatchers]) watcher.next({ data: { operationsChanged: [{ id }] } });
  }

  function deliver(subscriber: Subscriber, event: OperationEvent): void {
    subscriber.sink.next({ data: { operationEvents: event } });
    if (isTerminalEvent(event)) end(subscriber);
  }

  function end(subscriber: Subscriber): void {
    if (!subscribers.delete(subscriber)) return;
    seen.open -= 1;
    subscriber.sink.complete();
  }

  function catchUp(subscriber: Subscriber): void {
    const after = (subscriber.request.variables.after as string | null | undefined) ?? null;
    seen.subscribes.push({ id: subscriber.id, after });
    const { events } = running(subscriber.id);
    const from = after === null ? 0 : events.findIndex(({ cursor }) => cursor === after) + 1;
    for (const event of events.slice(from)) if (subscribers.has(subscriber)) deliver(subscriber, event);
    if (events.some(isTerminalEvent)) end(subscriber);
  }

  function detailOf({ about, createdAt, events, view }: Running): OperationDetail {
    const done = isDone(view);
    const { left } = about;
    const recovery = [...operations.values()].find((other) => other.about.recovers === about.id);
    const recovered = about.recovers === null ? undefined : operations.get(about.recovers);
    return {
      id: about.id,
      kind: about.kind,
      title: view.title === '' ? about.title : view.title,
      status: view.status,
      done,
      progress: { ...view.progress, unit: 'steps' },
      startedBy: { id: about.startedBy },
      tenant: { id: 'ten_fake' },
      createdAt,
      updatedAt: view.updatedAt ?? createdAt,
      cancellable: about.cancellable && !done,
      cancelRequested: view.cancelRequested,
      expiresAt: null,
      temporalUrl: null,
      cursor: events.at(-1)?.cursor ?? null,
      lastSeq: view.lastSeq,
      result: done ? about.result : null,
      errors: view.failure === null ? [] : [view.failure],
      steps: view.steps,
      input: view.input,
      recovery: recovery === undefined ? null : { id: recovery.about.id },
      recovers: recovered === undefined ? null : { id: recovered.about.id, title: recovered.about.title },
      compensation:
        view.compensations.length + left.length === 0 ? null : { status: toStatus(view, left), steps: view.compensations, left },
    };
  }

  function answer({ document, variables, headers = {} }: TransportRequest): Answer<unknown> {
    const name = nameOf(document);
    seen.requests.push(name);
    const id = variables.id as string;
    const found = operations.get(id);
    switch (name) {
      case 'SluiceOperation':
        return { data: { operation: found === undefined ? null : detailOf(found) } };
      case 'SluiceOperations': {
        const nodes = [...operations.values()].reverse().map(detailOf);
        const { kind, status } = (variables.filter ?? {}) as { kind?: string; status?: string };
        const matching = nodes.filter((node) => (kind ?? node.kind) === node.kind && (status ?? node.status) === node.status);
        const from = variables.after == null ? 0 : matching.findIndex((node) => node.id === variables.after) + 1;
        const page = matching.slice(from, from + (variables.first as number));
        const pageInfo = { hasNextPage: from + page.length < matching.length, endCursor: page.at(-1)?.id ?? null };
        return { data: { operations: { nodes: page, pageInfo }, recent: { nodes: nodes.slice(0, variables.recent as number) } } };
      }
      case 'SluiceAttention': {
        const open = [...operations.values()].reverse().filter(({ about, view }) => about.recovers !== null && !isDone(view));
        const from = variables.after == null ? 0 : open.findIndex(({ about }) => about.id === variables.after) + 1;
        const page = open.slice(from, from + (variables.first as number));
        const nodes = page.map((recovery) => {
          const failed = operations.get(recovery.about.recovers ?? '');
          return { ...detailOf(recovery), recovers: failed === undefined ? null : detailOf(failed) };
        });
        const pageInfo = { hasNextPage: from + page.length < open.length, endCursor: page.at(-1)?.about.id ?? null };
        return { data: { operations: { nodes, pageInfo } } };
      }
      case 'SluiceCancelOperation':
        if (found !== undefined) return { data: { cancelOperation: { operation: { id }, userErrors: [] } } };
        return {
          data: {
            cancelOperation: { operation: null, userErrors: [{ code: 'NOT_FOUND', message: `no operation ${id}`, retryable: false }] },
          },
        };
      default: {
        const handler = mutations.get(name);
        if (handler === undefined && found !== undefined && DECISIONS[name] !== undefined)
          return { data: { [DECISIONS[name]]: { operation: detailOf(found).recovery ?? { id }, userErrors: [] } } };
        if (handler === undefined) throw new Error(`the fake server knows no operation named ${name}: see onMutation`);
        return handler(variables, headers);
      }
    }
  }

  return {
    seen,
    transport: {
      connection,
      // The answer comes in a later microtask, as over a network.
      async request<Data>(request: TransportRequest): Promise<Answer<Data>> {
        await Promise.resolve();
        if (failures > 0 || !connected) {
          failures = Math.max(0, failures - 1);
          throw new OperationClientError({
            code: 'NETWORK_ERROR',
            message: 'the fake server is unreachable',
            retryable: true,
            source: 'network',
          });
        }
        return answer(request) as Answer<Data>;
      },
      subscribe<Data>(request: TransportRequest<string>, sink: AnswerSink<Data>) {
        if (nameOf(request.document).endsWith('Changed')) {
          listWatchers.add(sink);
          if (connected) setConnection('open');
          return () => void listWatchers.delete(sink);
        }
        const subscriber: Subscriber = { id: request.variables.id as string, request, sink: sink };
        subscribers.add(subscriber);
        seen.open += 1;
        if (connected) {
          setConnection('open');
          queueMicrotask(() => subscribers.has(subscriber) && catchUp(subscriber));
        }
        return () => {
          if (subscribers.delete(subscriber)) seen.open -= 1;
        };
      },
      reconnect: () => undefined,
      close: async () => subscribers.clear(),
    },
    add({ id, recovers = null, title = id, startedBy = 'usr_admin', cancellable = true, result = null, left = [], ...facts }) {
      const { kind = recovers === null ? 'PLUGIN_INSTALLATION' : 'RECOVERY' } = facts;
      operations.set(id, {
        about: { id, title, kind, startedBy, cancellable, result, recovers, left },
        createdAt: time(),
        events: [],
        view: { ...EMPTY_OPERATION_VIEW, title },
      });
      tellLists(id);
    },
    emit,
    play(id, script) {
      let at = now;
      for (const [afterMs, event] of script) due.push({ at: (at += afterMs), id, event });
      due.sort((a, b) => a.at - b.at);
    },
    advance(ms) {
      const until = now + ms;
      for (let first = due[0]; first !== undefined && first.at <= until; first = due[0]) {
        due.shift();
        now = first.at;
        emit(first.id, first.event);
      }
      now = until;
    },
    onMutation: (name, handler) => void mutations.set(name, handler),
    disconnect() {
      connected = false;
      setConnection('reconnecting');
    },
    connect() {
      connected = true;
      setConnection('open');
      for (const subscriber of [...subscribers]) catchUp(subscriber);
    },
    failRequests: (times) => void (failures = times),
    deliverRaw(id, event) {
      for (const subscriber of [...subscribers]) if (subscriber.id === id) deliver(subscriber, event);
    },
    events: (id) => running(id).events,
  };
}

const DECISIONS: Readonly<Record<string, string>> = {
  SluiceRetryOperation: 'retryOperation',
  SluiceResolveOperation: 'resolveOperation',
};

function isDone({ status }: OperationView): boolean {
  return TERMINAL_STATUSES.includes(status);
}

function toStatus({ compensations }: OperationView, left: readonly OperationLeftover[]): CompensationStatus {
  if (left.length > 0) return 'PARTIALLY_COMPENSATED';
  return compensations.every(({ status }) => status === 'COMPLETED') ? 'COMPENSATED' : 'RUNNING';
}

function nameOf(document: string | DocumentNode): string {
  const text = typeof document === 'string' ? document : print(document);
  return /(?:query|mutation|subscription)\s+(\w+)/.exec(text)?.[1] ?? '';
}
