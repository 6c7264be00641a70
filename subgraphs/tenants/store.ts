import type { OnceRequest } from '../shared/once.js';
import type { PageRequest } from '../shared/paging.js';

export interface TenantRow {
  id: string;
  name: string;
  slug: string;
  plan: 'FREE' | 'TEAM' | 'ENTERPRISE';
  status: 'ACTIVE' | 'SUSPENDED';
  locale: string;
  timeZone: string;
  allowPublicLinks: boolean;
  /** Bytes. */
  storageQuota: number;
  memberQuota: number;
  /** RFC 3339. */
  createdAt: string;
}

export interface MemberRow {
  id: string;
  tenantId: string;
  name: string;
  email: string;
  role: 'ADMIN' | 'OPERATOR' | 'EDITOR' | 'VIEWER';
  joinedAt: string;
}

/** Storage set aside; the id is the caller's own name for it. */
export interface ReservationRow {
  tenantId: string;
  id: string;
  bytes: number;
  createdAt: string;
}

export type TenantChange = Partial<Omit<TenantRow, 'id' | 'slug' | 'createdAt'>>;

/** The tenants service's tables. Lists are newest first. */
export interface TenantStore {
  /** In the order of `ids`. */
  findTenants(ids: readonly string[]): Promise<(TenantRow | undefined)[]>;
  findMembers(ids: readonly string[]): Promise<(MemberRow | undefined)[]>;
  /** @param only - one tenant alone, or null for all */
  listTenants(page: PageRequest, only: string | null): Promise<TenantRow[]>;
  countTenants(only: string | null): Promise<number>;
  /** The first members of each tenant, in one statement. */
  listMembers(tenantIds: readonly string[], page: PageRequest): Promise<MemberRow[][]>;
  countMembers(tenantIds: readonly string[]): Promise<number[]>;
  /** @throws CONFLICT when the slug is taken */
  createTenant(once: OnceRequest, row: Omit<TenantRow, 'createdAt'>): Promise<TenantRow>;
  /** @throws NOT_FOUND */
  changeTenant(once: OnceRequest, id: string, change: TenantChange): Promise<TenantRow>;
  /** @throws CONFLICT for a known e-mail address, QUOTA_EXCEEDED, NOT_FOUND */
  addMember(once: OnceRequest, row: Omit<MemberRow, 'joinedAt'>): Promise<MemberRow>;
  changeMember(once: OnceRequest, id: string, change: Pick<MemberRow, 'role'>): Promise<MemberRow>;
  removeMember(once: OnceRequest, id: string): Promise<string>;
  /** Bytes that reservations hold, by tenant. */
  storageReserved(tenantIds: readonly string[]): Promise<number[]>;
  /** @throws QUOTA_EXCEEDED, CONFLICT when the tenant has a reservation of that id, NOT_FOUND */
  reserveStorage(once: OnceRequest, row: Omit<ReservationRow, 'createdAt'>): Promise<ReservationRow>;
  /** Repeats, and ids that are not there, change nothing. */
  releaseStorage(once: OnceRequest, row: Pick<ReservationRow, 'tenantId' | 'id'>): Promise<string>;
  /** Adds what is not there yet. */
  seed(tenants: readonly TenantRow[], members: readonly MemberRow[]): Promise<void>;
}
