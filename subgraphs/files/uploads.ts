// Uploads: bytes that have come and are no file yet. Each becomes one (`uploadFile`) or is dropped after an hour.
// U1. Bytes of an upload are held by the id of the file that they may become, so that becoming it moves nothing.
// U2. The tenant's quota covers files, uploads and what is on its way. Room is reserved before bytes are stored: all of it where the size is
//     announced, else as they come. What does not fit ends the upload, and nothing of it stays.
import { v7 as uuid } from 'uuid';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { BlobStore } from '#platform/blob-store';
import { signLink, type UploadLink } from '#platform/identity/transfer-links';
import type { KeyRing } from '#platform/keys';
import { type FileStore, toFileId, type UploadRow } from './store.js';

const LINK_MS = 15 * 60_000;
/** Above the life of a link and of a durable run that refers to an upload and has to wait. */
const KEPT_MS = 3_600_000;
const SWEPT_AT_ONCE = 20;
/** By how much a reservation grows where the size is not announced; the first is for the first chunk alone, so that small files take no more. */
const RESERVED_AT_ONCE = 1024 * 1024;

/** Bytes that a tenant's files may have in all. @throws SUBGRAPH_UNREACHABLE when it is not known */
export type StorageQuota = (tenant: string) => Promise<number>;

export interface Uploads {
  /** Makes a link to send bytes to. @throws BAD_USER_INPUT, QUOTA_EXCEEDED */
  announce(auth: AuthContext, bytes: { size: number; sha256: string | null }): Promise<{ upload: string; url: string; expiresAt: string }>;
  /** Would bytes be taken now? @throws CONFLICT when they have come, QUOTA_EXCEEDED */
  admit(link: UploadLink): Promise<void>;
  /**
   * Stores what comes, or nothing at all.
   *
   * @throws as {@link admit}; REQUEST_TOO_LARGE, BAD_REQUEST when too little comes, DIGEST_MISMATCH
   */
  receive(link: UploadLink, source: AsyncIterable<Uint8Array>): Promise<UploadRow>;
  /** Changes nothing when it is no upload any more. */
  drop(link: UploadLink): Promise<void>;
}

export function createUploads(deps: {
  store: FileStore;
  blobs: BlobStore;
  quota: StorageQuota;
  keys: Pick<KeyRing, 'service'>;
  /** Of one file, bytes. */
  maxBytes: number;
  now?: () => number;
  newId?: () => string;
}): Uploads {
  const { store, blobs, quota, keys, maxBytes, now = Date.now, newId = () => uuid() } = deps;

  async function sweep(): Promise<void> {
    const dropped = await store.dropUploadsBefore(new Date(now() - KEPT_MS).toISOString(), SWEPT_AT_ONCE);
    for (const { id, sha256 } of dropped) await blobs.release(sha256, toFileId(id));
  }

  async function assertRoom(tenant: string, bytes: number): Promise<number> {
    const [allowed, used] = await Promise.all([quota(tenant), store.spaceUsed(tenant)]);
    if (used + bytes > allowed)
      throw new CodedError('QUOTA_EXCEEDED', `the tenant has ${Math.max(0, allowed - used)} bytes free, and ${bytes} are asked for`);
    return allowed;
  }

  async function admit(link: UploadLink): Promise<number> {
    if (await store.isUploadTaken(link.id)) throw taken(link.id);
    return assertRoom(link.tenant, link.isExact ? link.bytes : 0);
  }

  /** Passes on what there is room for. */
  async function* withRoom(
    source: AsyncIterable<Uint8Array>,
    link: UploadLink,
    reservation: { id: string; tenantId: string },
    allowed: number,
  ): AsyncIterable<Uint8Array> {
    let reserved = 0;
    let passed = 0;

    async function reserve(needed: number, wanted: number): Promise<void> {
      reserved = await store.reserveRoom(reservation, Math.min(wanted, link.bytes), allowed);
      if (reserved < Math.min(needed, link.bytes))
        throw new CodedError('QUOTA_EXCEEDED', `the tenant has ${reserved} bytes free, and at least ${needed} are sent`);
    }

    if (link.isExact) await reserve(link.bytes, link.bytes);
    for await (const chunk of source) {
      const needed = passed + chunk.length;
      if (needed > reserved && reserved < link.bytes) await reserve(needed, passed === 0 ? needed : needed + RESERVED_AT_ONCE);
      passed = needed;
      yield chunk;
    }
  }

  /** Stores what comes, as an upload. */
  async function keep(link: UploadLink, bytes: AsyncIterable<Uint8Array>, reservation: string, allowed: number): Promise<UploadRow> {
    const fileId = toFileId(link.id);
    const { digest, size } = await blobs.putStream(bytes, fileId, { maxBytes: link.bytes, expected: link.sha256 });
    let holds: string | null = null;
    try {
      if (link.isExact && size !== link.bytes) throw new CodedError('BAD_REQUEST', `expected ${link.bytes} bytes, got ${size}`);
      const { id, tenant, principal, name, mediaType } = link;
      const row = { id, tenantId: tenant, ownerId: principal, name, mediaType, size, sha256: digest };
      holds = await store.keepUpload(row, allowed, reservation);
      if (holds !== null) throw taken(id);
      return row;
    } catch (error) {
      // Sent twice at once, and the same: the reference is the other one's.
      if (holds !== digest) await blobs.release(digest, fileId);
      throw error;
    }
  }

  return {
    async announce({ tenant, principal }, { size, sha256 }) {
      if (size < 0 || size > maxBytes) throw new CodedError('BAD_USER_INPUT', `size: expected at most ${maxBytes} bytes, got ${size}`);
      if (sha256 !== null && !/^[0-9a-f]{64}$/.test(sha256))
        throw new CodedError('BAD_USER_INPUT', 'sha256: expected 64 lower-case hex digits');
      await sweep();
      await assertRoom(tenant, size);
      const upload = `upl_${newId()}`;
      const expiresAtMs = now() + LINK_MS;
      const link = {
        kind: 'upload',
        id: upload,
        tenant,
        principal,
        expiresAtMs,
        bytes: size,
        isExact: true,
        sha256,
        name: null,
        mediaType: null,
      } as const;
      return { upload, url: signLink(keys, link), expiresAt: new Date(expiresAtMs).toISOString() };
    },
    async admit(link) {
      await admit(link);
    },
    async receive(link, source) {
      await sweep();
      const allowed = await admit(link);
      const reservation = { id: newId(), tenantId: link.tenant };
      try {
        return await keep(link, withRoom(source, link, reservation, allowed), reservation.id, allowed);
      } catch (error) {
        // When that fails too, it expires; what went wrong first is what the sender hears.
        await store.dropReservation(reservation.id).catch(() => undefined);
        throw error;
      }
    },
    async drop({ id }) {
      const row = await store.dropUpload(id);
      if (row !== undefined) await blobs.release(row.sha256, toFileId(id));
    },
  };
}

function taken(id: string): CodedError {
  return new CodedError('CONFLICT', `the bytes of ${id} have come already`);
}
