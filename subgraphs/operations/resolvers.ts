import DataLoader from 'dataloader';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import {
  applyOperationEvent,
  EMPTY_OPERATION_VIEW,
  type OperationEvent,
  type OperationFailure,
  type OperationKindName,
  type OperationSnapshot,
  type OperationStatus,
  type OperationView,
  TERMINAL_STATUSES,
} from '#schema/contracts/operations';
import { requireScope } from '../shared/access.js';
import type { ServiceCallFacts } from '../shared/create-subgraph.js';
import { type Connection, formatKey, type PageArguments, type PageKey, parsePage, toConnection } from '../shared/paging.js';
import { DateTime, JSONScalar } from '../shared/scalars.js';
import { abortable } from './abortable.js';
import type { OperationDoor } from './door.js';
import { watchList } from './watch-list.js';

/** Rows that may share the millisecond of a page's border. */
const SAME_INSTANT = 20;
/** Of a list that is watched, the newest. */
const WATCHED_ROWS = 100;

export interface OperationsContext extends ServiceCallFacts {
  operations: DataLoader<string, OperationSnapshot | undefined>;
  views: DataLoader<string, { view: OperationView; cursor: string | null }>;
}

export function createOperationsContext(door: OperationDoor): (call: ServiceCallFacts) => OperationsContext {
  return (call) => ({
    ...call,
    operations: new DataLoader((ids) => Promise.all(ids.map((id) => door.describe(id)))),
    views: new DataLoader((ids) => Promise.all(ids.map(async (id) => toView(await door.readEvents(id))))),
  });
}

function toView(events: readonly OperationEvent[]): { view: OperationView; cursor: string | null } {
  return { view: events.reduce<OperationView>(applyOperationEvent, EMPTY_OPERATION_VIEW), cursor: events.at(-1)?.cursor ?? null };
}

type DoorFilter = Parameters<OperationDoor['list']>[0];

interface Filter {
  kind?: OperationKindName | null;
  status?: OperationStatus | null;
  plugin?: string | null;
}

/** @param deps.temporalUrl - base of Temporal's UI; null = unknown */
export function createOperationsResolvers({ door, temporalUrl }: { door: OperationDoor; temporalUrl: string | null }) {
  async function load(context: OperationsContext, id: string): Promise<OperationSnapshot | null> {
    requireScope(context.auth, 'operations:read');
    const operation = await context.operations.load(id);
    return operation !== undefined && maySee(context.auth, operation) ? operation : null;
  }
  const viewOf = async ({ id }: OperationSnapshot, context: OperationsContext): Promise<OperationView> =>
    (await context.views.load(id)).view;

  return {
    DateTime,
    JSON: JSONScalar,
    Query: {
      operation: (_: unknown, { id }: { id: string }, context: OperationsContext) => load(context, id),
      operations: async (
        _: unknown,
        { filter, ...args }: PageArguments & { filter?: Filter | null },
        { auth }: OperationsContext,
      ): Promise<Omit<Connection<OperationSnapshot>, 'totalCount'>> => {
        requireScope(auth, 'operations:read');
        const page = parsePage(args);
        const found = await door.list({
          ...toDoorFilter(auth, filter),
          ...(page.after === null ? {} : { before: new Date(Date.parse(page.after.at) + 1).toISOString() }),
          first: page.limit + SAME_INSTANT,
        });
        const rows = found
          .filter(
            (operation) => maySee(auth, operation) && (page.after === null || formatOrder(toKey(operation)) < formatOrder(page.after)),
          )
          .sort((a, b) => (formatOrder(toKey(a)) < formatOrder(toKey(b)) ? 1 : -1))
          .slice(0, page.limit);
        return toConnection(rows, page, toKey, 0);
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
        requireScope(context.auth, 'operations:write');
        const operation = await load(context, id);
        if (operation === null) return refusal('NOT_FOUND', 'no operation of that id exists');
        if (TERMINAL_STATUSES.includes(operation.status))
          return { operation, ...refusal('CONFLICT', `the operation is ${operation.status.toLowerCase()} already`) };
        await door.cancel(id, { reason: reason?.slice(0, 500) ?? null, by: context.auth.principal });
        return { operation, userErrors: [] };
      },
    },
    Subscription: {
      operationEvents: {
        subscribe: async (_: unknown, { id, after }: { id: string; after?: string | null }, context: OperationsContext) => {
          if ((await load(context, id)) === null) throw new CodedError('NOT_FOUND', 'no operation of that id exists');
          return abortable((signal) => door.watch(id, { after: after ?? null, signal }));
        },
        resolve: (event: OperationEvent) => event,
      },
      operationsChanged: {
        subscribe: (_: unknown, { filter }: { filter?: Filter | null }, { auth }: OperationsContext) => {
          requireScope(auth, 'operations:read');
          const { status, ...lasting } = toDoorFilter(auth, filter);
          const list = async (): Promise<OperationSnapshot[]> =>
            (await door.list({ ...lasting, first: WATCHED_ROWS })).filter((row) => maySee(auth, row));
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
      result: ({ result }: OperationSnapshot) => result,
      // A saga that was undone has an answer, and yet it failed: only its events say so.
      errors: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) => {
        const failure = operation.failure ?? (operation.status === 'FAILED' ? (await viewOf(operation, context)).failure : null);
        return failure === null ? [] : [failure];
      },
      cancelRequested: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) =>
        (await viewOf(operation, context)).cancelRequested,
      lastSeq: async (operation: OperationSnapshot, _: unknown, context: OperationsContext) => (await viewOf(operation, context)).lastSeq,
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

function toDoorFilter({ scopes, tenant }: AuthContext, filter: Filter | null | undefined): Omit<DoorFilter, 'first'> {
  return {
    ...(filter?.kind == null ? {} : { kind: filter.kind }),
    ...(filter?.status == null ? {} : { status: filter.status }),
    ...(filter?.plugin == null ? {} : { plugin: filter.plugin }),
    ...(scopes.includes('deployment:read') ? {} : { tenant }),
  };
}

/** Its starter, the admins of its tenant, and whoever looks after the deployment. */
function maySee({ principal, tenant, scopes }: AuthContext, { facts }: OperationSnapshot): boolean {
  if (scopes.includes('deployment:read')) return true;
  return facts.tenant === tenant && (facts.startedBy === principal || scopes.includes('tenants:write'));
}

function toCompensationStatus(steps: OperationView['compensations']): string {
  if (steps.some(({ status }) => status === 'RUNNING' || status === 'PENDING')) return 'RUNNING';
  return steps.some(({ status }) => status === 'FAILED') ? 'PARTIALLY_COMPENSATED' : 'COMPENSATED';
}

function toLeftover({ undoes, left, failure }: OperationView['compensations'][number]) {
  return left === undefined || undoes === null || failure === null ? [] : [{ step: undoes, ...left, failure }];
}

function toKey({ createdAt, id }: OperationSnapshot): PageKey {
  return { at: createdAt, id };
}

function formatOrder(key: PageKey): string {
  return `${new Date(key.at).toISOString()} ${Buffer.from(formatKey(key), 'base64url').toString('utf8')}`;
}

function refusal(code: 'NOT_FOUND' | 'CONFLICT', message: string): { userErrors: OperationFailure[] } {
  return { userErrors: [{ code, message, retryable: false }] };
}
