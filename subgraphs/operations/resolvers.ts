import DataLoader from 'dataloader';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { JsonObject } from '#schema/contracts/json';
import {
  applyOperationEvent,
  EMPTY_OPERATION_VIEW,
  mayBeRecovered,
  type OperationEvent,
  type OperationFailure,
  type OperationKindName,
  type OperationSnapshot,
  type OperationStatus,
  type OperationView,
  type ResolutionChoice,
  TERMINAL_STATUSES,
} from '#schema/contracts/operations';
import type { ServiceCallFacts } from '../shared/create-subgraph.js';
import { type Connection, type PageArguments, type PageKey, type PageRequest, parsePage, toConnection } from '../shared/paging.js';
import { DateTime, JSONScalar } from '../shared/scalars.js';
import { abortable } from './abortable.js';
import { checkVariables } from './check-variables.js';
import type { OperationDoor } from './door.js';
import type { RunFilter, RunIndex } from './run-index.js';
import { createRunList } from './run-list.js';
import type { OperationStore } from './store.js';
import { watchList } from './watch-list.js';

/** Runs that were ended by force within the namespace's retention; of these, recoveries that one look starts at most. */
const FORCED_ENDS_SEEN = 1_000;
const ADOPTED_AT_ONCE = 50;
/** Of a list that is watched, the newest. */
const WATCHED_ROWS = 100;

export interface OperationsContext extends ServiceCallFacts {
  operations: DataLoader<string, OperationSnapshot | undefined>;
  views: DataLoader<string, { view: OperationView; cursor: string | null; recovery: string | null }>;
}

export function createOperationsContext(door: OperationDoor): (call: ServiceCallFacts) => OperationsContext {
  return (call) => ({
    ...call,
    operations: new DataLoader((ids) => Promise.all(ids.map((id) => door.describe(id)))),
    views: new DataLoader((ids) => Promise.all(ids.map(async (id) => toView(await readEvents(door, id))))),
  });
}

/** One run that is gone or cannot be opened must not fail the list that it is in. */
async function readEvents(door: OperationDoor, id: string): Promise<OperationEvent[]> {
  try {
    return await door.readEvents(id);
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === 'NOT_FOUND' || code === 'OPERATION_UNREADABLE') return [];
    throw error;
  }
}

function toView(events: readonly OperationEvent[]): { view: OperationView; cursor: string | null; recovery: string | null } {
  return {
    view: events.reduce<OperationView>(applyOperationEvent, EMPTY_OPERATION_VIEW),
    cursor: events.at(-1)?.cursor ?? null,
    recovery: events.find((event) => event.__typename === 'RecoveryStarted')?.recovery ?? null,
  };
}

interface Filter {
  kind?: OperationKindName | null;
  status?: OperationStatus | null;
  plugin?: string | null;
  needsAttention?: boolean | null;
}

/** @param deps.temporalUrl - base of Temporal's UI; null = unknown */
export function createOperationsResolvers({
  door,
  store,
  index,
  webhookSecret,
  temporalUrl,
}: {
  door: OperationDoor;
  store: OperationStore;
  index: RunIndex;
  webhookSecret: (tenant: string) => string;
  temporalUrl: string | null;
}) {
  const runs = createRunList({ door, index });

  async function load(context: OperationsContext, id: string): Promise<OperationSnapshot | null> {
    const operation = await context.operations.load(id);
    if (operation === undefined || !maySee(context.auth, operation)) return null;
    await runs.include([operation]);
    return operation;
  }
  /** What was ended by force could hand over to nobody: whoever looks finds it, and its recovery is started then. */
  async function adoptForcedEnds({ tenant }: { tenant: string | null }): Promise<void> {
    const ended = await door.listForcedEnds({ ...(tenant === null ? {} : { tenant }), first: FORCED_ENDS_SEEN });
    const recoverable = ended.filter(({ facts }) => facts.isRecoverable === true);
    const known = await store.findRecoveries(recoverable.map(({ id }) => id));
    for (const operation of recoverable.filter(({ id }) => !known.has(id)).slice(0, ADOPTED_AT_ONCE)) await adopt(operation);
  }

  async function adopt({ id, facts, closedAt, createdAt }: OperationSnapshot): Promise<string> {
    const recoveryId = await door.recover(id);
    const { tenant, startedBy } = facts;
    // Before anything that the recovery itself records, which may come a moment later.
    await store.recordAttention({
      operationId: id,
      recoveryId,
      tenant,
      startedBy,
      state: 'RECOVERING',
      version: 0,
      at: closedAt ?? createdAt,
    });
    return recoveryId;
  }

  async function findRecovery({ id, facts, status }: OperationSnapshot, context: OperationsContext): Promise<string | null> {
    if (facts.recovers !== undefined || !mayBeRecovered(status)) return null;
    return (await context.views.load(id)).recovery ?? (await store.findRecoveries([id])).get(id) ?? null;
  }

  /** What failed and is not resolved yet, out of this service's own table: exact, where Temporal's lists are seconds behind. */
  async function listAttention(filter: Filter, page: PageRequest, { auth, operations }: OperationsContext): Promise<OperationConnection> {
    const visible = toVisibility(auth);
    await adoptForcedEnds(visible);
    const found: ListedOperation[] = [];
    for (let after = page.after; ;) {
      const rows = await store.listAttention({ ...visible, after, limit: page.limit });
      const recoveries = await operations.loadMany(rows.map(({ recoveryId }) => recoveryId));
      for (const [at, { openedAt, recoveryId }] of rows.entries()) {
        const recovery = recoveries[at];
        if (recovery instanceof Error) throw recovery;
        after = { at: openedAt, id: recoveryId };
        // A recovery that was ended by force is not kept any longer than other runs.
        if (recovery !== undefined && fits(recovery, filter)) found.push({ key: after, operation: recovery });
      }
      if (found.length < page.limit && rows.length === page.limit) continue;
      await runs.include(found.map(({ operation }) => operation));
      return toOperationConnection(found.slice(0, page.limit), page);
    }
  }

  /** A row of a list has no result: it is read for who selects it. */
  async function readWhole(operation: OperationSnapshot, { operations }: OperationsContext): Promise<OperationSnapshot> {
    const isRow = TERMINAL_STATUSES.includes(operation.status) && operation.result === null && operation.failure === null;
    return isRow ? ((await operations.load(operation.id)) ?? operation) : operation;
  }

  /** Whoever is told of a recovery finds it in lists. */
  async function listRecovery(event: OperationEvent): Promise<OperationEvent> {
    const recovery = event.__typename === 'RecoveryStarted' ? await door.describe(event.recovery) : undefined;
    if (recovery !== undefined) await runs.include([recovery]);
    return event;
  }

  async function resolve(
    context: OperationsContext,
    id: string,
    decision: { choice: ResolutionChoice; variables: JsonObject | null },
  ): Promise<{ operation?: OperationSnapshot; userErrors: OperationFailure[] }> {
    const { auth } = context;
    const failed = await load(context, id);
    if (failed === null) return refusal('NOT_FOUND', 'no operation of that id exists');
    const recoveryId = failed.facts.recovers === undefined ? await findOrStartRecovery(failed, context) : id;
    const recovery = recoveryId === null ? null : await load(context, recoveryId);
    if (recovery === null) return refusal('CONFLICT', 'nothing of the operation is to be recovered');
    if (TERMINAL_STATUSES.includes(recovery.status)) return { operation: recovery, ...refusal('CONFLICT', 'it is resolved already') };
    const { input } = await viewOf(recovery, context);
    if (input !== null && !input.choices.includes(decision.choice))
      return { operation: recovery, ...refusal('CONFLICT', `expected one of ${input.choices.join(', ')}`) };
    const judged = decision.variables === null ? { variables: null } : await judge(recovery.id, decision.variables);
    if ('problems' in judged)
      return { operation: recovery, userErrors: judged.problems.map((message) => ({ code: 'BAD_USER_INPUT', message, retryable: false })) };
    // Before it is done: an act without an entry would be worse than an entry whose act failed.
    await store.audit({
      actor: auth.principal,
      tenant: recovery.facts.tenant,
      action: `operation_resolved:${decision.choice}`,
      object: recovery.facts.recovers ?? recovery.id,
    });
    await door.resolve(recovery.id, { ...decision, variables: judged.variables, by: auth.principal });
    return { operation: recovery, userErrors: [] };
  }
  async function findOrStartRecovery(failed: OperationSnapshot, context: OperationsContext): Promise<string | null> {
    const known = await findRecovery(failed, context);
    if (known !== null || failed.status !== 'FAILED' || failed.facts.isRecoverable !== true) return known;
    return adopt(failed).catch((error: unknown) => {
      // It ended by its own word, and left nothing to be recovered.
      if (errorCodeOf(error) === 'CONFLICT') return null;
      throw error;
    });
  }
  /** A run of before there were rules has to leave them to the services. */
  async function judge(recoveryId: string, given: JsonObject): Promise<ReturnType<typeof checkVariables>> {
    const rules = await door.readVariableRules(recoveryId);
    return rules === null ? { variables: given } : checkVariables(rules, given);
  }
  const viewOf = async ({ id }: OperationSnapshot, context: OperationsContext): Promise<OperationView> =>
    (await context.views.load(id)).view;

  return {
    DateTime,
    JSON: JSONScalar,
    Query: {
      operation: (_: unknown, { id }: { id: string }, context: OperationsContext) => load(context, id),
      webhookSecret: (_: unknown, __: unknown, { auth }: OperationsContext) => {
        return webhookSecret(auth.tenant);
      },
      operations: async (
        _: unknown,
        { filter, ...args }: PageArguments & { filter?: Filter | null },
        context: OperationsContext,
      ): Promise<OperationConnection> => {
        const { auth } = context;
        const page = parsePage(args);
        if (filter?.needsAttention === true) return listAttention(filter, page, context);
        return toOperationConnection(await runs.read(toRunFilter(auth, filter), page), page);
      },
    },
    Mutation: {
      // The gateway plans, so it has started the run before it calls; its signed claim says which one that is.
      startOperation: async (_: unknown, __: unknown, context: OperationsContext) => {
        const operation = context.operationId === null ? null : await load(context, context.operationId);
        if (operation === null) throw new CodedError('BAD_REQUEST', 'startOperation is for callers of the gateway');
        return { operation };
      },
      cancelOperation: async (_: unknown, { id, reason }: { id: string; reason?: string | null }, context: OperationsContext) => {
        const operation = await load(context, id);
        if (operation === null) return refusal('NOT_FOUND', 'no operation of that id exists');
        if (operation.facts.kind === 'SUPERGRAPH') return { operation, ...refusal('CONFLICT', 'it never ends') };
        if (TERMINAL_STATUSES.includes(operation.status))
          return { operation, ...refusal('CONFLICT', `the operation is ${operation.status.toLowerCase()} already`) };
        await door.cancel(id, { reason: reason?.slice(0, 500) ?? null, by: context.auth.principal });
        return { operation, userErrors: [] };
      },
      retryOperation: (_: unknown, { id }: { id: string }, context: OperationsContext) =>
        resolve(context, id, { choice: 'RETRY', variables: null }),
      resolveOperation: (
        _: unknown,
        { id, choice, variables }: { id: string; choice: ResolutionChoice; variables?: unknown },
        context: OperationsContext,
      ) => {
        if (!mayResolve(context.auth)) throw new CodedError('FORBIDDEN', 'the scope tenants:write or deployment:write is required');
        const isObject = typeof variables === 'object' && variables !== null && !Array.isArray(variables);
        if ((choice === 'EDIT_VARIABLES') !== isObject)
          throw new CodedError('BAD_USER_INPUT', 'variables: expected an object with EDIT_VARIABLES, and nothing with any other choice');
        return resolve(context, id, { choice, variables: isObject ? (variables as JsonObject) : null });
      },
    },
    Subscription: {
      operationEvents: {
        subscribe: async (_: unknown, { id, after }: { id: string; after?: string | null }, context: OperationsContext) => {
          if ((await load(context, id)) === null) throw new CodedError('NOT_FOUND', 'no operation of that id exists');
          return abortable((signal) => door.watch(id, { after: after ?? null, signal }));
        },
        resolve: listRecovery,
      },
      operationsChanged: {
        subscribe: (_: unknown, { filter }: { filter?: Filter | null }, { auth }: OperationsContext) => {
          const { status, ...lasting } = toRunFilter(auth, filter);
          const list = (): Promise<OperationSnapshot[]> => runs.peek(lasting, WATCHED_ROWS);
          return abortable((signal) => watchList(list, { status: status ?? null, signal }));
        },
        // The context outlives the change: what it has read of these operations is old.
        resolve: (changed: readonly OperationSnapshot[], _: unknown, { views }: OperationsContext) => {
          for (const { id } of changed) views.clear(id);
          return changed;
        },
      },
    },
    Operation: {
      __resolveReference: ({ id }: { id: string }, context: OperationsContext) => load(context, id),
      kind: ({ facts }: OperationSnapshot) => facts.kind,
      title: ({ facts }: OperationSnapshot) => facts.title,
      done: ({ status }: OperationSnapshot) => TERMINAL_STATUSES.includes(status),
      progress: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) => ({
        ...(await viewOf(operation, context)).progress,
        unit: 'steps',
      }),
      steps: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) => (await viewOf(operation, context)).steps,
      compensation: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) => {
        const { compensations } = await viewOf(operation, context);
        return compensations.length === 0
          ? null
          : { status: toCompensationStatus(compensations), steps: compensations, left: compensations.flatMap(toLeftover) };
      },
      result: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) => (await readWhole(operation, context)).result,
      // A saga that was undone has an answer, and yet it failed: only its events say so.
      errors: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) => {
        const known = (await readWhole(operation, context)).failure;
        const failure = known ?? (operation.status === 'FAILED' ? (await viewOf(operation, context)).failure : null);
        return failure === null ? [] : [failure];
      },
      cancelRequested: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) =>
        (await viewOf(operation, context)).cancelRequested,
      lastSeq: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) => (await viewOf(operation, context)).lastSeq,
      input: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) =>
        operation.status === 'INPUT_REQUIRED' ? (await viewOf(operation, context)).input : null,
      recovery: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) => {
        const recovery = await findRecovery(operation, context);
        return recovery === null ? null : load(context, recovery);
      },
      recovers: ({ facts }: OperationSnapshot, _: unknown, context: OperationsContext) =>
        facts.recovers === undefined ? null : load(context, facts.recovers),
      outcome: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) =>
        operation.facts.recovers === undefined ? null : ((await readWhole(operation, context)).outcome ?? null),
      startedBy: ({ facts }: OperationSnapshot) => (facts.startedBy === '' ? null : { id: facts.startedBy }),
      tenant: ({ facts }: OperationSnapshot) => ({ id: facts.tenant }),
      updatedAt: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) =>
        operation.closedAt ?? (await viewOf(operation, context)).updatedAt ?? operation.createdAt,
      cancellable: ({ status, facts }: OperationSnapshot, _: unknown, { auth }: OperationsContext) =>
        !TERMINAL_STATUSES.includes(status) && facts.kind !== 'SUPERGRAPH' && auth.scopes.includes('operations:write'),
      temporalUrl: ({ workflowId, runId }: OperationSnapshot, _: unknown, { auth }: OperationsContext) =>
        temporalUrl === null || !auth.scopes.includes('deployment:read')
          ? null
          : `${temporalUrl}/namespaces/${door.namespace}/workflows/${encodeURIComponent(workflowId)}/${runId}/timeline`,
      cursor: async ({ id }: OperationSnapshot, _: unknown, context: OperationsContext) => (await context.views.load(id)).cursor,
    },
  };
}

type OperationConnection = Omit<Connection<OperationSnapshot>, 'totalCount'>;
interface ListedOperation {
  key: PageKey;
  operation: OperationSnapshot;
}

function toOperationConnection(rows: readonly ListedOperation[], page: PageRequest): OperationConnection {
  const { pageInfo, edges } = toConnection(rows, page, ({ key }) => key, 0);
  return {
    pageInfo,
    edges: edges.map(({ cursor, node }) => ({ cursor, node: node.operation })),
    nodes: edges.map(({ node }) => node.operation),
  };
}

function toRunFilter(auth: AuthContext, filter: Filter | null | undefined): RunFilter {
  const { kind, status, plugin } = filter ?? {};
  return { ...toVisibility(auth), kind: kind ?? undefined, status: status ?? undefined, plugin: plugin ?? undefined };
}

function fits({ status, facts }: OperationSnapshot, filter: Filter): boolean {
  return (
    (filter.status ?? status) === status &&
    (filter.kind ?? facts.kind) === facts.kind &&
    (filter.plugin == null || filter.plugin === facts.plugin)
  );
}

/** Its starter, the admins of its tenant, and whoever looks after the deployment. */
function maySee({ principal, tenant, scopes }: AuthContext, { facts }: OperationSnapshot): boolean {
  if (scopes.includes('deployment:read')) return true;
  return facts.tenant === tenant && (facts.startedBy === principal || scopes.includes('tenants:write'));
}

/** An operator's decision; its starter may ask for a retry, and cancel, which gives it up. */
function mayResolve({ scopes }: AuthContext): boolean {
  return scopes.includes('tenants:write') || scopes.includes('deployment:write');
}

/** {@link maySee} as a condition. */
function toVisibility({ principal, tenant, scopes }: AuthContext): { tenant: string | null; startedBy: string | null } {
  if (scopes.includes('deployment:read')) return { tenant: null, startedBy: null };
  return { tenant, startedBy: scopes.includes('tenants:write') ? null : principal };
}

function toCompensationStatus(steps: OperationView['compensations']): string {
  if (steps.some(({ status }) => status === 'RUNNING' || status === 'PENDING')) return 'RUNNING';
  return steps.some(({ status }) => status === 'FAILED') ? 'PARTIALLY_COMPENSATED' : 'COMPENSATED';
}

function toLeftover({ undoes, left, failure }: OperationView['compensations'][number]) {
  return left === undefined || undoes === null || failure === null ? [] : [{ step: undoes, ...left, failure }];
}

function refusal(code: 'NOT_FOUND' | 'CONFLICT', message: string): { userErrors: OperationFailure[] } {
  return { userErrors: [{ code, message, retryable: false }] };
}
