// Clients as they should be: what has an effect has a key, is sent until somebody has acknowledged it, and asked for with the same key.
import { randomUUID } from 'node:crypto';
import { type Door, type Doors, pause, pickDoor, post } from './doors.js';
import { entryOf, type GraphQLResult, WORK, type Work, type WorkName, workOf } from './work.js';

const PAUSE_MS = 250;
/** For an acknowledgement, and then for an end: longer than any process is away on a busy machine. */
const PATIENCE_MS = 300_000;
/** Before each retry with the same key, after the acknowledgement. */
const RETRY_PAUSES_MS = [1_000, 3_000, 9_000] as const;
const START = `mutation Start($document: String!, $variables: JSON, $webhook: String) {
  startOperation(document: $document, variables: $variables, webhook: $webhook) { operation { id } }
}`;
const ENDED = 'query Ended($id: ID!) { operation(id: $id) { done result recovery { done result } } }';

export interface Outcome {
  entry: string;
  work: WorkName;
  /** Null for a query that was answered without a run, since Temporal was away. */
  operationId: string | null;
  /** Sent before anybody answered with an operation. */
  attempts: number;
  /** Sent again after that. */
  retries: number;
  succeeded: boolean;
  /** It was told that nobody knows what became of it, which its kind of work allows. */
  unsure: boolean;
  /** The last codes that came when it did not succeed. */
  codes: string[];
}

interface Ended {
  done: boolean;
  result: GraphQLResult | null;
  recovery: Omit<Ended, 'recovery'> | null;
}
interface Answer {
  operationId: string | null;
  succeeded: boolean;
  codes: string[];
}
/** Nobody was reached, or only told that it was accepted: that says nothing about how it ends. */
type Reply = Answer | { operationId: string | null; pending: string };

export interface ClientOptions {
  doors: Doors;
  webhook: string;
  onAcknowledged: (operationId: string, entry: string) => void;
}

/** @throws Error when nobody has acknowledged it, or told its end, in five minutes */
export async function request(number: number, { doors, webhook, onAcknowledged }: ClientOptions): Promise<Outcome> {
  const name = workOf(number);
  const work: Work = WORK[name];
  const entry = entryOf(number);
  const key = work.effects.length === 0 ? null : randomUUID();
  let turn = number;

  async function until(send: (door: Door) => Promise<Reply>, accept: (reply: Reply) => boolean, what: string): Promise<Reply> {
    for (const giveUpAt = Date.now() + PATIENCE_MS; ;) {
      const reply = await send(pickDoor(doors, turn++)).catch((error: unknown) => ({
        operationId: null,
        pending: (error as Error).name,
      }));
      if (accept(reply)) return reply;
      if (Date.now() > giveUpAt) throw new Error(`${entry} (${name}) ${what}: ${'pending' in reply ? reply.pending : reply.codes.join()}`);
      await pause(PAUSE_MS);
    }
  }
  const ask = (headers: Record<string, string> = {}) => {
    return async (door: Door): Promise<Reply> => {
      const keyed = key === null ? headers : { ...headers, 'idempotency-key': key };
      const { status, operationId, body } = await post(door, { query: work.document, variables: work.variables(entry) }, keyed);
      return status === 202 ? { operationId, pending: 'accepted' } : toAnswer(work, operationId, body as GraphQLResult);
    };
  };
  const start = async (door: Door): Promise<Reply> => {
    const variables = { document: work.document, variables: work.variables(entry), webhook };
    const { operationId } = await post(door, { query: START, variables }, key === null ? {} : { 'idempotency-key': key });
    return { operationId, pending: 'started' };
  };
  const readEnd = (id: string) => {
    return async (door: Door): Promise<Reply> => {
      const { body } = await post(door, { query: ENDED, variables: { id } });
      const operation = (body as GraphQLResult).data?.['operation'] as Ended | null | undefined;
      if (operation?.done !== true) return { operationId: id, pending: 'not done' };
      const { recovery } = operation;
      return toAnswer(work, id, (recovery?.done === true ? recovery.result : operation.result) ?? {});
    };
  };

  let attempts = 0;
  const first = { wait: ask(), leave: ask({ prefer: 'respond-async' }), start }[work.way];
  const counted = (door: Door): Promise<Reply> => ((attempts += 1), first(door));
  // A query that was answered without a run has been answered.
  const isAcknowledged = (reply: Reply): boolean => reply.operationId !== null || (key === null && 'succeeded' in reply && reply.succeeded);
  let reply = await until(counted, isAcknowledged, 'was never acknowledged');
  const { operationId } = reply;
  if (operationId !== null) onAcknowledged(operationId, entry);

  // What was left without a key would begin once more.
  const isRead = work.way === 'start' || (work.way === 'leave' && key === null);
  const readAgain = isRead && operationId !== null ? readEnd(operationId) : ask();
  const isEnd = (got: Reply): boolean => 'succeeded' in got && (got.operationId !== null || got.succeeded);
  if (!isEnd(reply)) reply = await until(readAgain, isEnd, 'was acknowledged and has no end');
  let retries = 0;
  for (const pauseMs of RETRY_PAUSES_MS) {
    if (!('succeeded' in reply) || reply.succeeded || isUnsure(work, reply)) break;
    await pause(pauseMs);
    reply = await until(readAgain, isEnd, 'was acknowledged and has no end');
    retries += 1;
  }
  const { succeeded, codes } = reply as Answer;
  return { entry, work: name, operationId, attempts, retries, succeeded, unsure: !succeeded && isUnsure(work, { codes }), codes };
}

function isUnsure({ mayBeUnsure = false }: Work, { codes }: Pick<Answer, 'codes'>): boolean {
  return mayBeUnsure && codes.includes('OUTCOME_UNKNOWN');
}

function toAnswer(work: Work, operationId: string | null, result: GraphQLResult): Answer {
  return {
    operationId,
    succeeded: work.isSuccess(result),
    codes: (result.errors ?? []).map(({ extensions }) => extensions?.code ?? 'none'),
  };
}
