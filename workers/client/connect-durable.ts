// THE DOOR to durable work. Gateway and subgraphs start, follow, signal and cancel runs here and know nothing of Temporal.
import {
  ActivityExecutionFailedError,
  Client,
  Connection,
  type ConnectionLike,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure, type DataConverter, defaultPayloadConverter } from '@temporalio/common';
import { CodedError, errorCodeOf, isErrorCode } from '#schema/contracts/errors';
import type { CredentialVerdict } from '#schema/contracts/identity';
import { type OperationId, parseOperationId, type RunReference, toOperationId, toRecoveryId } from '#schema/contracts/ids';
import type { Json } from '#schema/contracts/json';
import type { Logger } from '#platform/logger';
import { type NotedRun, OPERATION_FACTS_MEMO, type OperationFacts, type OperationSnapshot } from '#schema/contracts/operations';
import type { VariableRules } from '#schema/contracts/plan';
import {
  type AsyncResponse,
  CANCEL_OPERATION_SIGNAL,
  MAX_ANSWER_CHARS,
  MAX_REQUEST_BYTES,
  MAX_STORED_ANSWER_CHARS,
  PUBLISH_GENERATION_UPDATE,
  type PublishGeneration,
  type RecoveryResult,
  RESOLVE_OPERATION_SIGNAL,
  SUPERGRAPH_COORDINATOR_ID,
  TASK_QUEUES,
  VARIABLE_RULES_QUERY,
} from '#schema/contracts/workflows';
import type { LocalResults } from './local-results.js';
import { type FairShares, toPriority } from './fair-shares.js';
import type { DurableClient } from './durable-client.js';
import { readForcedEnd } from './forced-ends.js';
import { toFailure } from './history-events.js';
import { createOperationReaders } from './operation-readers.js';
import { describeFacts, REQUEST_KINDS, toEndOf, toRunFailure, toSnapshot } from './operation-snapshot.js';
import { describeIfKept, describePresentRun } from './present-run.js';
import { tolerateUnreadable } from './tolerant-codec.js';
import { readStatus, toCodedError } from './translate-errors.js';
import { toForcedEndsQuery, toScanQuery } from './visibility-query.js';

const CALL_TIMEOUT_MS = 5_000;
/** What the deployment does for itself. */
const SYSTEM_TENANT = 'ten_sluice';
const HEALTH_EVERY_MS = 2_000;
const LIST_CACHE_MS = 1_000;
const SCANNED_AT_ONCE = 500;
/** A run that takes longer than this is asked of the server: its worker may have lost it. */
const LOCAL_RESULT_MS = 2_000;
const RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const WORKFLOW_ID = /^[\x20-\x7e]+$/;
/** Requests and plugin operations with all their parts. A cancelled recovery is given up, which is a result. */
const ENDS_AS_CANCELLED = /^(request|plugin)\//;

export interface DurableOptions {
  address: string;
  namespace: string;
  dataConverter: DataConverter;
  log: Logger;
  /** A worker's connection in this process: eager start works over it. */
  native?: ConnectionLike;
  /** Results of workers that run in this process and take eagerly started runs; absent when there are none. */
  results?: LocalResults;
  /** Lists what is started here, before anybody is told of it; absent where there are no lists. `note` never rejects. */
  index?: { note(run: NotedRun): Promise<void> };
  /** @default every tenant's is 1 */
  shares?: FairShares;
  /** What the answer of one run may have at most where large payloads have a store. @default MAX_STORED_ANSWER_CHARS */
  maxAnswerChars?: number;
  /** As of the operation readers. */
  onChange?: (what: 'reader' | 'long poll', change: 1 | -1) => void;
}

/** @throws TEMPORAL_UNAVAILABLE; CONFIG_INVALID when the server has no such namespace */
export async function connectDurable(options: DurableOptions): Promise<DurableClient> {
  const { address, namespace, dataConverter, log, native, results, index, onChange } = options;
  const { shares = new Map(), maxAnswerChars = MAX_STORED_ANSWER_CHARS } = options;
  const connection = await Connection.connect({ address, connectTimeout: CALL_TIMEOUT_MS }).catch((cause: unknown) => {
    throw new CodedError('TEMPORAL_UNAVAILABLE', `the Temporal server at ${address} does not answer`, { cause });
  });
  const retentionMs = await readRetentionMs(connection, namespace);
  const client = new Client({ connection: native ?? connection, namespace, dataConverter });
  // Over the same connection, for what must not fail with one run.
  const looking = new Client({ connection: native ?? connection, namespace, dataConverter: tolerateUnreadable(dataConverter) });
  // Long polls need to be cut, which a native connection cannot do.
  const readers = createOperationReaders({
    connection,
    namespace,
    codecs: dataConverter.payloadCodecs ?? [],
    ...(onChange === undefined ? {} : { onChange }),
  });
  const judging = new Map<string, Promise<CredentialVerdict>>();
  const lists = new Map<string, { at: number; rows: Promise<readonly OperationSnapshot[]> }>();
  let available = true;
  const health = setInterval(() => {
    void connection
      .withDeadline(Date.now() + HEALTH_EVERY_MS, () => connection.workflowService.getSystemInfo({}))
      .then(
        () => (available = true),
        () => (available = false),
      );
  }, HEALTH_EVERY_MS);
  health.unref();

  async function call<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await client.withDeadline(Date.now() + CALL_TIMEOUT_MS, work);
    } catch (error) {
      const coded = toCodedError(error);
      if (coded?.code === 'TEMPORAL_UNAVAILABLE') available = false;
      // Nobody else hears why: callers are not told, since it is no fault of theirs.
      if (coded?.code === 'TEMPORAL_REFUSED') log.error({ err: coded, ...readStatus(error) }, 'Temporal refused a call');
      throw coded ?? error;
    }
  }

  function search(query: string, first: number): Promise<readonly OperationSnapshot[]> {
    const key = `${first} ${query}`;
    const known = lists.get(key);
    if (known !== undefined && Date.now() - known.at < LIST_CACHE_MS) return known.rows;
    const rows = call(async () => {
      const found: OperationSnapshot[] = [];
      for await (const info of looking.workflow.list({ query, pageSize: first })) {
        found.push(toSnapshot(info, retentionMs));
        if (found.length >= first) break;
      }
      return found;
    });
    for (const [old, { at }] of lists) if (Date.now() - at >= LIST_CACHE_MS) lists.delete(old);
    lists.set(key, { at: Date.now(), rows });
    return rows;
  }

  return {
    namespace,
    readers,
    ...(dataConverter.externalStorage === undefined
      ? { maxAnswerChars: MAX_ANSWER_CHARS, maxRequestBytes: MAX_REQUEST_BYTES }
      : { maxAnswerChars }),
    isAvailable: () => available,

    async start(
      name,
      args,
      {
        workflowId,
        facts,
        details,
        eager = false,
        once = false,
        taskQueue = TASK_QUEUES.orchestration,
        executionTimeoutMs = 24 * 3600 * 1000,
      },
    ) {
      const begin = () =>
        client.workflow.start(name, {
          args,
          workflowId,
          taskQueue,
          // Its activities and children inherit it.
          priority: toPriority(facts.tenant, shares),
          requestEagerStart: eager && native !== undefined,
          // A lost worker's task goes to another after 3 s instead of 10.
          workflowTaskTimeout: '3s',
          workflowExecutionTimeout: executionTimeoutMs,
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: once ? 'REJECT_DUPLICATE' : 'ALLOW_DUPLICATE',
          ...describeFacts(facts),
          ...(details === undefined ? {} : { staticDetails: details }),
        });
      const startedAt = new Date().toISOString();
      const expected = eager ? results?.expect(workflowId) : undefined;
      const handle = await call(begin).catch(async (error: unknown) => {
        expected?.forget();
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        const running = await client.workflow.getHandle(workflowId).describe();
        throw new CodedError('OPERATION_IN_PROGRESS', 'another operation on the same object is running', {
          cause: error,
          details: { operationId: toOperationId({ workflowId, runId: firstRunOf(running) }) },
        });
      });
      if (!handle.eagerlyStarted) expected?.forget();
      const run = { workflowId, runId: handle.firstExecutionRunId };
      const operationId = toOperationId(run);
      // A worker of this process has the run already, so that this takes no time of its own.
      await index?.note({ ...run, id: operationId, workflowType: name, facts, at: startedAt });
      const result = async (): Promise<unknown> => {
        const here = expected === undefined ? undefined : await within(LOCAL_RESULT_MS, expected.end);
        expected?.forget();
        return here?.runId === run.runId ? defaultPayloadConverter.fromPayload(here.result) : handle.result();
      };
      return {
        operationId,
        run,
        isHere: handle.eagerlyStarted,
        result: () => result().catch(toRunFailure) as Promise<never>,
      };
    },

    attach(id) {
      const run = requireRun(id);
      return {
        operationId: id as OperationId,
        run,
        result: () => resultOf(run).catch(toRunFailure) as Promise<never>,
      };
    },

    async describe(id, { result = true } = {}) {
      const run = readRun(id);
      if (run === undefined) return undefined;
      const description = await call(() => describePresentRun(looking, run));
      if (description === undefined) return undefined;
      const snapshot = toSnapshot(description, retentionMs);
      return { ...(result ? await complete(snapshot, description) : snapshot), id };
    },

    findNewest,
    findRecovery: (id) => findNewest(toRecoveryId(id)),

    watch: (id, watching) => readers.watch(requireRun(id), watching),
    readEvents: (id) => readers.readEvents(requireRun(id)),

    async cancel(id, request) {
      await reach(requireRun(id), async (handle) => {
        await handle.signal(CANCEL_OPERATION_SIGNAL, request);
        // The signal says why and by whom. Temporal calls cancelled only what it was asked to cancel itself.
        if (ENDS_AS_CANCELLED.test(handle.workflowId)) await handle.cancel();
      });
    },

    async resolve(id, decision) {
      const isRunning = await reach(requireRun(id), (handle) => handle.signal(RESOLVE_OPERATION_SIGNAL, decision));
      if (!isRunning) throw new CodedError('CONFLICT', 'the operation has ended');
    },

    async readVariableRules(id) {
      const run = requireRun(id);
      // The newest run of the id: a recovery continues as new.
      const handle = client.workflow.getHandle(run.workflowId);
      return call(() => handle.query<VariableRules | null>(VARIABLE_RULES_QUERY)).catch((error: unknown) => {
        if (error instanceof WorkflowNotFoundError) throw new CodedError('CONFLICT', 'the operation has ended', { cause: error });
        throw error;
      });
    },

    async *scan({ since }) {
      const found = looking.workflow.list({ query: toScanQuery(since), pageSize: SCANNED_AT_ONCE })[Symbol.asyncIterator]();
      let page: OperationSnapshot[] = [];
      for (let next = await call(() => found.next()); next.done !== true; next = await call(() => found.next())) {
        page.push(toSnapshot(next.value, retentionMs));
        if (page.length < SCANNED_AT_ONCE) continue;
        yield page;
        page = [];
      }
      yield page;
    },
    listForcedEnds: async ({ first, tenant }) => search(toForcedEndsQuery(tenant), first),

    async recover(id) {
      const run = requireRun(id);
      try {
        const { failed, context, taskQueue } = await call(() => readForcedEnd({ client, connection, namespace }, run));
        const facts = {
          kind: 'RECOVERY',
          title: `Recovery of ${failed.title}`,
          tenant: context.auth.tenant,
          startedBy: context.auth.principal,
          recovers: id,
        } satisfies OperationFacts;
        const handle = await call(() =>
          client.workflow.start('error_recovery_workflow', {
            workflowId: toRecoveryId(id),
            taskQueue,
            priority: toPriority(context.auth.tenant, shares),
            args: [failed, context],
            workflowTaskTimeout: '3s',
            workflowIdReusePolicy: 'REJECT_DUPLICATE',
            ...describeFacts(facts),
          }),
        );
        const recovery = { workflowId: handle.workflowId, runId: handle.firstExecutionRunId };
        const operationId = toOperationId(recovery);
        await index?.note({ ...recovery, id: operationId, workflowType: 'error_recovery_workflow', facts, at: new Date().toISOString() });
        return operationId;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError)
          throw new CodedError('NOT_FOUND', 'the operation is not kept any more', { cause: error });
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        const begun = await call(() => client.workflow.getHandle(toRecoveryId(id)).describe());
        return toOperationId({ workflowId: begun.workflowId, runId: firstRunOf(begun) });
      }
    },

    judgeCredential(taskQueue, reference) {
      const known = judging.get(reference.fingerprint);
      if (known !== undefined) return known;
      const verdict = call(() =>
        client.activity.execute<CredentialVerdict>('authenticate_request_activity', {
          id: `credential/${reference.ref}`,
          taskQueue,
          args: [reference],
          startToCloseTimeout: '2s',
          scheduleToCloseTimeout: '4s',
          retry: { maximumAttempts: 2 },
        }),
      )
        .catch((error: unknown) => {
          throw error instanceof ActivityExecutionFailedError
            ? new CodedError('TEMPORAL_UNAVAILABLE', 'the credential could not be judged', { cause: error })
            : error;
        })
        .finally(() => judging.delete(reference.fingerprint));
      judging.set(reference.fingerprint, verdict);
      return verdict;
    },

    async publishGeneration(request, at = { workflowId: SUPERGRAPH_COORDINATOR_ID, taskQueue: TASK_QUEUES.plugins }) {
      const startWorkflowOperation = new WithStartWorkflowOperation('supergraph_coordinator_workflow', {
        ...at,
        workflowIdConflictPolicy: 'USE_EXISTING',
        priority: toPriority(SYSTEM_TENANT, shares),
        args: [{ published: [] }],
        staticSummary: 'Supergraph coordinator',
        memo: {
          [OPERATION_FACTS_MEMO]: {
            kind: 'SUPERGRAPH',
            title: 'Supergraph coordinator',
            tenant: SYSTEM_TENANT,
            startedBy: 'usr_system',
          } satisfies OperationFacts,
        },
      });
      try {
        return await client.workflow.executeUpdateWithStart<never, { generation: number }, [PublishGeneration]>(PUBLISH_GENERATION_UPDATE, {
          args: [request],
          updateId: request.requestId,
          startWorkflowOperation: startWorkflowOperation as never,
        });
      } catch (error) {
        const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
        if (cause instanceof ApplicationFailure && isErrorCode(cause.type))
          throw new CodedError(cause.type, cause.message, { cause: error });
        throw error;
      }
    },

    async close() {
      clearInterval(health);
      await connection.close();
    },
  };

  async function findNewest(workflowId: string): Promise<OperationSnapshot | undefined> {
    const description = await call(() => describeIfKept(looking, workflowId));
    return description === undefined ? undefined : complete(toSnapshot(description, retentionMs), description);
  }

  /** Does something with an operation's present run. @returns false when the operation has ended */
  async function reach({ workflowId, runId }: RunReference, work: (handle: WorkflowHandle) => Promise<void>): Promise<boolean> {
    const isThere = (handle: WorkflowHandle): Promise<boolean> =>
      call(() => work(handle)).then(
        () => true,
        (error: unknown) => {
          if (error instanceof WorkflowNotFoundError) return false;
          throw error;
        },
      );
    if (await isThere(client.workflow.getHandle(workflowId, runId))) return true;
    const present = await call(() => describePresentRun(client, { workflowId, runId }));
    // Without a run id, since it may continue once more meanwhile.
    return present?.status.name === 'RUNNING' && isThere(client.workflow.getHandle(workflowId));
  }

  /** Follows continuations, which the client can as long as the named run is kept. */
  async function resultOf(run: RunReference): Promise<unknown> {
    try {
      return await client.workflow.getHandle(run.workflowId, run.runId).result();
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      const present = await call(() => describePresentRun(client, run));
      if (present === undefined) throw new CodedError('NOT_FOUND', 'the operation is not kept any more', { cause: error });
      return client.workflow.getHandle(run.workflowId, present.runId).result();
    }
  }

  async function complete(snapshot: OperationSnapshot, description: WorkflowExecutionDescription): Promise<OperationSnapshot> {
    if (description.status.name === 'RUNNING' || snapshot.failure !== null) return snapshot;
    try {
      const result = (await call(() => client.workflow.getHandle(description.workflowId, description.runId).result())) as Json;
      // Of a request the door shows the GraphQL response alone, whichever workflow it came from.
      if (!REQUEST_KINDS.has(snapshot.facts.kind)) return { ...snapshot, result };
      const { response, failure = null, outcome } = result as unknown as AsyncResponse & Partial<RecoveryResult>;
      return { ...snapshot, result: response as unknown as Json, failure, ...(outcome === undefined ? {} : { outcome }) };
    } catch (error) {
      if (error instanceof WorkflowFailedError) return { ...snapshot, ...toEndOf(error) };
      return isUnreadable(error) ? { ...snapshot, failure: toFailure('OPERATION_UNREADABLE') } : snapshot;
    }
  }
}

/** As the payload codec says it. */
function isUnreadable(error: unknown): boolean {
  const code = errorCodeOf(error);
  return code === 'CONFIG_INVALID' || code === 'SERVICE_CALL_REFUSED';
}

/** @returns null when this caller may not describe the namespace @throws CONFIG_INVALID, TEMPORAL_UNAVAILABLE */
async function readRetentionMs(connection: Connection, namespace: string): Promise<number | null> {
  try {
    const { config } = await connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    const retention = config?.workflowExecutionRetentionTtl?.seconds;
    return retention == null ? null : Number(retention) * 1000;
  } catch (error) {
    const coded = toCodedError(error);
    if (coded?.code === 'TEMPORAL_REFUSED') return null;
    if (coded?.code === 'NOT_FOUND') throw new CodedError('CONFIG_INVALID', `Temporal has no namespace '${namespace}'`, { cause: error });
    throw new CodedError('TEMPORAL_UNAVAILABLE', `the namespace '${namespace}' cannot be described`, { cause: error });
  }
}

/** The one that names an operation. A server that does not tell it leaves it empty. */
function firstRunOf({ raw, runId }: WorkflowExecutionDescription): string {
  return raw.workflowExecutionInfo?.firstRunId || runId;
}

/** @returns undefined when it takes longer */
async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), ms)));
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** @returns undefined, too, for a run that no server can have: it would refuse to look for it */
function readRun(id: string): RunReference | undefined {
  const run = parseOperationId(id);
  return run !== undefined && RUN_ID.test(run.runId) && WORKFLOW_ID.test(run.workflowId) ? run : undefined;
}

function requireRun(id: string): RunReference {
  const run = readRun(id);
  if (run === undefined) throw new CodedError('NOT_FOUND', 'no operation of that id exists');
  return run;
}
