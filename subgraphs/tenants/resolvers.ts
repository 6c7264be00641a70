import DataLoader from 'dataloader';
import { v7 as uuid } from 'uuid';
import { CodedError } from '#schema/contracts/errors';
import type { Revocation } from '#schema/contracts/identity';
import { isVisible, requireScope, visibleTenant } from '../shared/access.js';
import type { ServiceCallFacts } from '../shared/create-subgraph.js';
import { createPageLoader, type PageOfKey } from '../shared/loaders.js';
import { toOnceRequest } from '../shared/once.js';
import { type Connection, type PageArguments, parsePage, toConnection } from '../shared/paging.js';
import { ByteSize, DateTime } from '../shared/scalars.js';
import {
  checkEmail,
  checkLocale,
  checkMemberQuota,
  checkName,
  checkReservation,
  checkSlug,
  checkSubject,
  checkTimeZone,
} from './check-input.js';
import type { MemberRow, ReservationRow, TenantChange, TenantRow, TenantStore } from './store.js';

export interface TenantsContext extends ServiceCallFacts {
  tenants: DataLoader<string, TenantRow | undefined>;
  members: DataLoader<string, MemberRow | undefined>;
  membersOf: DataLoader<PageOfKey, MemberRow[], string>;
  memberCounts: DataLoader<string, number>;
  storageReserved: DataLoader<string, number>;
}

export function createTenantsContext(store: TenantStore): (call: ServiceCallFacts) => TenantsContext {
  return (call) => ({
    ...call,
    tenants: new DataLoader((ids) => store.findTenants(ids)),
    members: new DataLoader((ids) => store.findMembers(ids)),
    membersOf: createPageLoader((ids, page) => store.listMembers(ids, page)),
    memberCounts: new DataLoader((ids) => store.countMembers(ids)),
    storageReserved: new DataLoader((ids) => store.storageReserved(ids)),
  });
}

interface TenantInput {
  name?: string | null;
  plan?: TenantRow['plan'] | null;
  status?: TenantRow['status'] | null;
}

export function createTenantsResolvers({
  store,
  onRevoked,
  newId = () => uuid(),
}: {
  store: TenantStore;
  /** Called when it has happened, before the caller hears of it. Never rejects. */
  onRevoked: (revocation: Revocation) => Promise<void>;
  newId?: () => string;
}) {
  /** Other tenants' rows do not exist for a caller who may not see them. */
  async function loadTenant(context: TenantsContext, id: string): Promise<TenantRow | null> {
    return isVisible(context.auth, { tenantId: id }) ? ((await context.tenants.load(id)) ?? null) : null;
  }
  async function loadMember(context: TenantsContext, id: string): Promise<MemberRow | null> {
    const member = await context.members.load(id);
    return member !== undefined && isVisible(context.auth, member) ? member : null;
  }
  function requireTenant({ auth }: TenantsContext, id: string): void {
    if (!isVisible(auth, { tenantId: id })) throw new CodedError('NOT_FOUND', `no tenant ${id}`);
  }
  async function requireMember(context: TenantsContext, id: string): Promise<void> {
    if ((await loadMember(context, id)) === null) throw new CodedError('NOT_FOUND', `no member ${id}`);
  }

  return {
    DateTime,
    ByteSize,
    Query: {
      viewer: (_: unknown, __: unknown, { auth }: TenantsContext) => ({ id: auth.principal, scopes: auth.scopes }),
      tenants: async (_: unknown, args: PageArguments, { auth }: TenantsContext): Promise<Connection<TenantRow>> => {
        const page = parsePage(args);
        const only = visibleTenant(auth);
        return toConnection(
          await store.listTenants(page, only),
          page,
          ({ createdAt, id }) => ({ at: new Date(createdAt).toISOString(), id }),
          () => store.countTenants(only),
        );
      },
      tenant: (_: unknown, { id }: { id: string }, context: TenantsContext) => loadTenant(context, id),
      member: (_: unknown, { id }: { id: string }, context: TenantsContext) => loadMember(context, id),
    },
    Mutation: {
      createTenant: (
        _: unknown,
        { input }: { input: { name: string; slug: string; plan: TenantRow['plan'] } },
        context: TenantsContext,
      ) => {
        const row = {
          id: `ten_${newId()}`,
          name: checkName(input.name),
          slug: checkSlug(input.slug),
          plan: input.plan,
          status: 'ACTIVE' as const,
          locale: 'en',
          timeZone: 'UTC',
          allowPublicLinks: false,
          ...QUOTAS[input.plan],
        };
        return store.createTenant(toOnceRequest(context), row);
      },
      updateTenant: async (_: unknown, { id, input }: { id: string; input: TenantInput }, context: TenantsContext) => {
        requireTenant(context, id);
        if (input.plan != null || input.status != null) requireScope(context.auth, 'deployment:write');
        const changed = await store.changeTenant(toOnceRequest(context), id, {
          ...(input.name == null ? {} : { name: checkName(input.name) }),
          ...(input.plan == null ? {} : { plan: input.plan }),
          ...(input.status == null ? {} : { status: input.status }),
        });
        if (input.status === 'SUSPENDED') await onRevoked({ tenant: id, principal: null });
        return changed;
      },
      updateTenantSettings: (
        _: unknown,
        { tenantId, input }: { tenantId: string; input: { locale?: string; timeZone?: string; allowPublicLinks?: boolean } },
        context: TenantsContext,
      ) => {
        requireTenant(context, tenantId);
        const change: TenantChange = {
          ...(input.locale == null ? {} : { locale: checkLocale(input.locale) }),
          ...(input.timeZone == null ? {} : { timeZone: checkTimeZone(input.timeZone) }),
          ...(input.allowPublicLinks == null ? {} : { allowPublicLinks: input.allowPublicLinks }),
        };
        return store.changeTenant(toOnceRequest(context), tenantId, change);
      },
      setTenantQuotas: (
        _: unknown,
        { tenantId, input }: { tenantId: string; input: { storage?: number; members?: number } },
        context: TenantsContext,
      ) => {
        requireTenant(context, tenantId);
        return store.changeTenant(toOnceRequest(context), tenantId, {
          ...(input.storage == null ? {} : { storageQuota: input.storage }),
          ...(input.members == null ? {} : { memberQuota: checkMemberQuota(input.members) }),
        });
      },
      addMember: (
        _: unknown,
        { tenantId, input }: { tenantId: string; input: { subject?: string | null; name: string; email: string; role: MemberRow['role'] } },
        context: TenantsContext,
      ) => {
        requireTenant(context, tenantId);
        const id = input.subject == null ? `usr_${newId()}` : checkSubject(input.subject);
        const row = { id, tenantId, name: checkName(input.name), email: checkEmail(input.email), role: input.role };
        return store.addMember(toOnceRequest(context), row);
      },
      updateMemberRole: async (_: unknown, { id, role }: { id: string; role: MemberRow['role'] }, context: TenantsContext) => {
        await requireMember(context, id);
        return store.changeMember(toOnceRequest(context), id, { role });
      },
      removeMember: async (_: unknown, { id }: { id: string }, context: TenantsContext) => {
        // A repeat with the same key must get the first answer, though the member is gone by then.
        const member = await context.members.load(id);
        if (member !== undefined && !isVisible(context.auth, member)) throw new CodedError('NOT_FOUND', `no member ${id}`);
        const removed = await store.removeMember(toOnceRequest(context), id);
        if (member !== undefined) await onRevoked({ tenant: member.tenantId, principal: id });
        return removed;
      },
      reserveStorage: (_: unknown, { reservation, bytes }: { reservation: string; bytes: number }, context: TenantsContext) => {
        const row = { tenantId: context.auth.tenant, id: checkReservation(reservation), bytes };
        return store.reserveStorage(toOnceRequest(context), row);
      },
      releaseStorage: (_: unknown, { reservation }: { reservation: string }, context: TenantsContext) => {
        const row = { tenantId: context.auth.tenant, id: checkReservation(reservation) };
        return store.releaseStorage(toOnceRequest(context), row);
      },
    },
    Viewer: {
      member: (_: unknown, __: unknown, context: TenantsContext) => loadMember(context, context.auth.principal),
      tenant: (_: unknown, __: unknown, context: TenantsContext) => context.tenants.load(context.auth.tenant),
    },
    Tenant: {
      __resolveReference: ({ id }: { id: string }, context: TenantsContext) => loadTenant(context, id),
      settings: ({ locale, timeZone, allowPublicLinks }: TenantRow) => ({ locale, timeZone, allowPublicLinks }),
      quotas: ({ id, storageQuota, memberQuota }: TenantRow, _: unknown, context: TenantsContext) => ({
        storage: storageQuota,
        storageReserved: () => context.storageReserved.load(id),
        members: memberQuota,
      }),
      members: async (
        { id }: TenantRow,
        { first, after = null }: PageArguments,
        context: TenantsContext,
      ): Promise<Connection<MemberRow>> => {
        const page = parsePage({ first, after });
        const rows = await context.membersOf.load({ id, first, after });
        return toConnection(
          rows,
          page,
          ({ joinedAt, id: memberId }) => ({ at: new Date(joinedAt).toISOString(), id: memberId }),
          () => context.memberCounts.load(id),
        );
      },
    },
    StorageReservation: {
      tenant: ({ tenantId }: ReservationRow, _: unknown, context: TenantsContext) => context.tenants.load(tenantId),
    },
    Member: {
      __resolveReference: ({ id }: { id: string }, context: TenantsContext) => loadMember(context, id),
      tenant: ({ tenantId }: MemberRow, _: unknown, context: TenantsContext) => context.tenants.load(tenantId),
    },
  };
}

const GIB = 1024 ** 3;
const QUOTAS: Record<TenantRow['plan'], { storageQuota: number; memberQuota: number }> = {
  FREE: { storageQuota: GIB, memberQuota: 5 },
  TEAM: { storageQuota: 100 * GIB, memberQuota: 50 },
  ENTERPRISE: { storageQuota: 2048 * GIB, memberQuota: 5_000 },
};
