import DataLoader from 'dataloader';
import { v7 as uuid } from 'uuid';
import { CodedError } from '#schema/contracts/errors';
import type { TenantId } from '#schema/contracts/ids';
import type { BlobStore } from '#platform/blob-store';
import { signLink } from '#platform/identity/transfer-links';
import type { KeyRing } from '#platform/keys';
import { isVisible, visibleTenant } from '../shared/access.js';
import type { ServiceCallFacts } from '../shared/create-subgraph.js';
import { createPageLoader, type PageOfKey } from '../shared/loaders.js';
import { toOnceRequest } from '../shared/once.js';
import { type Connection, type PageArguments, parsePage, toConnection } from '../shared/paging.js';
import { Base64, ByteSize, DateTime, Upload } from '../shared/scalars.js';
import { type FileFilter, type FileParent, type FileRow, type FileStore, type FolderRow, toFileId } from './store.js';
import type { StorageQuota, Uploads } from './uploads.js';

const MAX_UPLOAD_BYTES = 2 * 1024 * 1024;
const MAX_INLINE_BYTES = 1024 * 1024;
const DOWNLOAD_MS = 5 * 60_000;
const PARENTS: readonly FileParent[] = ['tenantId', 'folderId', 'ownerId'];

export interface FilesContext extends ServiceCallFacts {
  files: DataLoader<string, FileRow | undefined>;
  folders: DataLoader<string, FolderRow | undefined>;
  filesOf: Record<FileParent, DataLoader<PageOfKey, FileRow[], string>>;
  fileCounts: Record<FileParent, DataLoader<string, number>>;
  storageUsed: DataLoader<string, number>;
}

export interface FilesResolversParts {
  store: FileStore;
  blobs: BlobStore;
  uploads: Pick<Uploads, 'announce'>;
  quota: StorageQuota;
  keys: Pick<KeyRing, 'service'>;
  newId?: () => string;
  now?: () => number;
}

export function createFilesContext(store: FileStore): (call: ServiceCallFacts) => FilesContext {
  const each = <T>(make: (parent: FileParent) => T) =>
    Object.fromEntries(PARENTS.map((parent) => [parent, make(parent)])) as Record<FileParent, T>;
  return (call) => {
    const tenant = visibleTenant(call.auth);
    return {
      ...call,
      files: new DataLoader((ids) => store.findFiles(ids)),
      folders: new DataLoader((ids) => store.findFolders(ids)),
      filesOf: each((parent) => createPageLoader((ids, page) => store.listFilesOf(parent, ids, page, tenant))),
      fileCounts: each((parent) => new DataLoader((ids) => store.countFilesOf(parent, ids, tenant))),
      storageUsed: new DataLoader((ids) => store.storageUsed(ids)),
    };
  };
}

export function createFilesResolvers({ store, blobs, uploads, quota, keys, newId = () => uuid(), now = Date.now }: FilesResolversParts) {
  async function loadFile(context: FilesContext, id: string): Promise<FileRow | null> {
    const file = await context.files.load(id);
    return file !== undefined && isVisible(context.auth, file) ? file : null;
  }
  async function loadFolder(context: FilesContext, id: string): Promise<FolderRow | null> {
    const folder = await context.folders.load(id);
    return folder !== undefined && isVisible(context.auth, folder) ? folder : null;
  }
  /** A folder to put something of `tenant` in. */
  async function requireFolderOf(tenant: string, id: string, context: FilesContext): Promise<void> {
    const folder = await context.folders.load(id);
    if (folder?.tenantId !== tenant) throw new CodedError('NOT_FOUND', `no folder ${id}`);
  }
  /** What another tenant owns is not there; what is gone may be a repeat's, which the store answers. */
  function assertMine(context: FilesContext, row: { tenantId: string } | undefined, what: string): void {
    if (row !== undefined && row.tenantId !== context.auth.tenant && !context.auth.scopes.includes('deployment:write'))
      throw new CodedError('NOT_FOUND', `no ${what}`);
  }
  async function filesOf(
    context: FilesContext,
    parent: FileParent,
    id: string,
    { first, after = null }: PageArguments,
  ): Promise<Connection<FileRow>> {
    const rows = await context.filesOf[parent].load({ id, first, after });
    return toConnection(rows, parsePage({ first, after }), toKey, () => context.fileCounts[parent].load(id));
  }

  return {
    DateTime,
    ByteSize,
    Base64,
    Upload,
    Query: {
      files: async (
        _: unknown,
        { filter, ...args }: PageArguments & { filter?: FileFilter | null },
        { auth }: FilesContext,
      ): Promise<Connection<FileRow>> => {
        const page = parsePage(args);
        const tenant = visibleTenant(auth);
        return toConnection(await store.listFiles(page, tenant, filter ?? {}), page, toKey, () => store.countFiles(tenant, filter ?? {}));
      },
      file: (_: unknown, { id }: { id: string }, context: FilesContext) => loadFile(context, id),
      folders: async (_: unknown, args: PageArguments, { auth }: FilesContext): Promise<Connection<FolderRow>> => {
        const page = parsePage(args);
        const tenant = visibleTenant(auth);
        return toConnection(await store.listFolders(page, tenant), page, toKey, () => store.countFolders(tenant));
      },
      folder: (_: unknown, { id }: { id: string }, context: FilesContext) => loadFolder(context, id),
    },
    Mutation: {
      createFolder: async (_: unknown, { input }: { input: { name: string; parentId?: string | null } }, context: FilesContext) => {
        if (input.parentId != null) await requireFolderOf(context.auth.tenant, input.parentId, context);
        const row = { id: `fld_${newId()}`, tenantId: context.auth.tenant, parentId: input.parentId ?? null, name: checkName(input.name) };
        return store.createFolder(toOnceRequest(context), row);
      },
      renameFolder: async (_: unknown, { id, name }: { id: string; name: string }, context: FilesContext) => {
        assertMine(context, await context.folders.load(id), `folder ${id}`);
        return store.renameFolder(toOnceRequest(context), id, checkName(name));
      },
      deleteFolder: async (_: unknown, { id }: { id: string }, context: FilesContext) => {
        assertMine(context, await context.folders.load(id), `folder ${id}`);
        return store.deleteFolder(toOnceRequest(context), id);
      },
      createFile: async (
        _: unknown,
        { input }: { input: { name: string; folderId?: string | null; mediaType: string; content: string } },
        context: FilesContext,
      ) => {
        const bytes = Buffer.from(input.content, 'base64');
        if (bytes.length > MAX_UPLOAD_BYTES)
          throw new CodedError('BAD_USER_INPUT', `content: expected at most ${MAX_UPLOAD_BYTES} bytes, got ${bytes.length}`);
        if (input.folderId != null) await requireFolderOf(context.auth.tenant, input.folderId, context);
        const id = `fil_${newId()}`;
        const row = {
          id,
          tenantId: context.auth.tenant,
          ownerId: context.auth.principal,
          folderId: input.folderId ?? null,
          name: checkName(input.name),
          mediaType: checkMediaType(input.mediaType),
          size: bytes.length,
        };
        const allowed = await quota(row.tenantId);
        const sha256 = await blobs.put(bytes, id);
        try {
          const file = await store.createFile(toOnceRequest(context), { ...row, sha256 }, allowed);
          if (file.id !== id) await blobs.release(sha256, id);
          return file;
        } catch (error) {
          await blobs.release(sha256, id);
          throw error;
        }
      },
      createUpload: async (
        _: unknown,
        { input }: { input: { size: number; sha256?: string | null } },
        { auth }: FilesContext,
      ): ReturnType<Uploads['announce']> => {
        return uploads.announce(auth, { size: input.size, sha256: input.sha256 ?? null });
      },
      uploadFile: async (
        _: unknown,
        { input }: { input: { file: string; name?: string | null; folderId?: string | null; mediaType?: string | null } },
        context: FilesContext,
      ) => {
        const { tenant: tenantId, principal: ownerId } = context.auth;
        if (input.folderId != null) await requireFolderOf(tenantId, input.folderId, context);
        return store.createFileOfUpload(toOnceRequest(context), { id: input.file, tenantId, ownerId }, (upload) => ({
          id: toFileId(upload.id),
          tenantId,
          ownerId,
          folderId: input.folderId ?? null,
          name: checkName(input.name ?? upload.name ?? ''),
          mediaType: checkMediaType(input.mediaType ?? upload.mediaType ?? 'application/octet-stream'),
          size: upload.size,
          sha256: upload.sha256,
        }));
      },
      updateFile: async (
        _: unknown,
        { id, input }: { id: string; input: { name?: string | null; folderId?: string | null } },
        context: FilesContext,
      ) => {
        const file = await context.files.load(id);
        assertMine(context, file, `file ${id}`);
        // Not the caller's: whoever looks after the deployment may change files of every tenant.
        if (input.folderId != null && file !== undefined) await requireFolderOf(file.tenantId, input.folderId, context);
        return store.changeFile(toOnceRequest(context), id, {
          ...(input.name == null ? {} : { name: checkName(input.name) }),
          ...(input.folderId == null ? {} : { folderId: input.folderId }),
        });
      },
      deleteFile: async (_: unknown, { id }: { id: string }, context: FilesContext) => {
        assertMine(context, await context.files.load(id), `file ${id}`);
        const deleted = await store.deleteFile(toOnceRequest(context), id);
        await blobs.release(deleted.sha256, id);
        return id;
      },
    },
    File: {
      __resolveReference: ({ id }: { id: string }, context: FilesContext) => loadFile(context, id),
      folder: ({ folderId }: FileRow, _: unknown, context: FilesContext) => (folderId === null ? null : context.folders.load(folderId)),
      owner: ({ ownerId }: FileRow) => ({ id: ownerId }),
      tenant: ({ tenantId }: FileRow) => ({ id: tenantId }),
      content: async ({ size, sha256 }: FileRow) => (size > MAX_INLINE_BYTES ? null : (await blobs.get(sha256)).toString('base64')),
      downloadUrl: ({ id, tenantId }: FileRow, _: unknown, { auth }: FilesContext) =>
        signLink(keys, {
          kind: 'download',
          file: id,
          tenant: tenantId as TenantId,
          principal: auth.principal,
          expiresAtMs: now() + DOWNLOAD_MS,
        }),
    },
    Folder: {
      __resolveReference: ({ id }: { id: string }, context: FilesContext) => loadFolder(context, id),
      parent: ({ parentId }: FolderRow, _: unknown, context: FilesContext) => (parentId === null ? null : context.folders.load(parentId)),
      files: ({ id }: FolderRow, args: PageArguments, context: FilesContext) => filesOf(context, 'folderId', id, args),
      tenant: ({ tenantId }: FolderRow) => ({ id: tenantId }),
    },
    Tenant: {
      __resolveReference: ({ id }: { id: string }, { auth }: FilesContext) => (isVisible(auth, { tenantId: id }) ? { id } : null),
      files: ({ id }: { id: string }, args: PageArguments, context: FilesContext) => filesOf(context, 'tenantId', id, args),
      storageUsed: ({ id }: { id: string }, _: unknown, context: FilesContext) => context.storageUsed.load(id),
    },
    Member: {
      __resolveReference: ({ id }: { id: string }) => ({ id }),
      files: ({ id }: { id: string }, args: PageArguments, context: FilesContext) => filesOf(context, 'ownerId', id, args),
    },
  };
}

function toKey({ createdAt, id }: { createdAt: string; id: string }): { at: string; id: string } {
  return { at: new Date(createdAt).toISOString(), id };
}

/** @throws BAD_USER_INPUT */
function checkName(name: string): string {
  const trimmed = name.trim();
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (trimmed === '' || trimmed.length > 255 || /[\u0000-\u001f\u007f/\\]/.test(trimmed) || trimmed === '.' || trimmed === '..') {
    throw new CodedError(
      'BAD_USER_INPUT',
      `name: expected 1 to 255 characters without slashes or control characters, got ${JSON.stringify(name.slice(0, 80))}`,
    );
  }
  return trimmed;
}

function checkMediaType(mediaType: string): string {
  if (!/^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i.test(mediaType)) {
    throw new CodedError(
      'BAD_USER_INPUT',
      `mediaType: expected a media type such as text/plain, got ${JSON.stringify(mediaType.slice(0, 80))}`,
    );
  }
  return mediaType.toLowerCase();
}
