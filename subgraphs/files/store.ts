import type { OnceRequest } from '../shared/once.js';
import type { PageRequest } from '../shared/paging.js';

export interface FolderRow {
  id: string;
  tenantId: string;
  parentId: string | null;
  name: string;
  /** RFC 3339. */
  createdAt: string;
}

export interface FileRow {
  id: string;
  tenantId: string;
  ownerId: string;
  folderId: string | null;
  name: string;
  mediaType: string;
  /** Bytes. */
  size: number;
  /** Hex. */
  sha256: string;
  createdAt: string;
  updatedAt: string;
}

export interface FileFilter {
  folderId?: string | null;
  nameContains?: string | null;
  mediaType?: string | null;
}

/** Bytes that have come and are no file yet. */
export interface UploadRow {
  id: string;
  tenantId: string;
  ownerId: string;
  /** As the sender calls it; null where nobody said. */
  name: string | null;
  mediaType: string | null;
  size: number;
  sha256: string;
}

/** The file that an upload may become holds its bytes from the beginning. */
export function toFileId(upload: string): string {
  return upload.replace(/^upl_/, 'fil_');
}

/** Of which files a list is: those of a tenant, a folder or an owner. */
export type FileParent = 'tenantId' | 'folderId' | 'ownerId';

/** The files service's tables; contents lie in the blob store. Lists are newest first. */
export interface FileStore {
  findFiles(ids: readonly string[]): Promise<(FileRow | undefined)[]>;
  findFolders(ids: readonly string[]): Promise<(FolderRow | undefined)[]>;
  listFiles(page: PageRequest, tenant: string | null, filter: FileFilter): Promise<FileRow[]>;
  countFiles(tenant: string | null, filter: FileFilter): Promise<number>;
  /** The first files of each parent, in one statement. @param tenant - only rows of this one; null = all */
  listFilesOf(parent: FileParent, ids: readonly string[], page: PageRequest, tenant: string | null): Promise<FileRow[][]>;
  countFilesOf(parent: FileParent, ids: readonly string[], tenant: string | null): Promise<number[]>;
  /** Bytes of each tenant. */
  storageUsed(tenantIds: readonly string[]): Promise<number[]>;
  listFolders(page: PageRequest, tenant: string | null): Promise<FolderRow[]>;
  countFolders(tenant: string | null): Promise<number>;
  /** @throws CONFLICT for a known name, NOT_FOUND for the parent, BAD_USER_INPUT when too deep */
  createFolder(once: OnceRequest, row: Omit<FolderRow, 'createdAt'>): Promise<FolderRow>;
  renameFolder(once: OnceRequest, id: string, name: string): Promise<FolderRow>;
  /** @throws CONFLICT when it is not empty */
  deleteFolder(once: OnceRequest, id: string): Promise<string>;
  /** @param quota - bytes that the tenant's files and uploads may have in all. @throws QUOTA_EXCEEDED, CONFLICT */
  createFile(once: OnceRequest, row: Omit<FileRow, 'createdAt' | 'updatedAt'>, quota: number): Promise<FileRow>;
  /**
   * An upload becomes a file.
   *
   * @param toRow - may throw; then it stays an upload
   * @throws NOT_FOUND when there is none of this id by this owner, CONFLICT
   */
  createFileOfUpload(
    once: OnceRequest,
    upload: Pick<UploadRow, 'id' | 'tenantId' | 'ownerId'>,
    toRow: (upload: UploadRow) => Omit<FileRow, 'createdAt' | 'updatedAt'>,
  ): Promise<FileRow>;
  changeFile(once: OnceRequest, id: string, change: { name?: string; folderId?: string }): Promise<FileRow>;
  deleteFile(once: OnceRequest, id: string): Promise<FileRow>;
  /** Has an upload of this id come, whatever became of it? One that was dropped is forgotten. */
  isUploadTaken(id: string): Promise<boolean>;
  /**
   * Reserves room for bytes that are on their way, for an hour from the last call with this id.
   *
   * @param bytes - in all; less is reserved when the tenant has less room
   * @returns bytes that are reserved in all
   */
  reserveRoom(reservation: { id: string; tenantId: string }, bytes: number, quota: number): Promise<number>;
  /** Changes nothing when it is gone. */
  dropReservation(id: string): Promise<void>;
  /**
   * @param reservation - gives way to the upload
   * @returns null when it is kept; when its id is taken, the digest that is held under it. @throws QUOTA_EXCEEDED
   */
  keepUpload(row: UploadRow, quota: number, reservation: string): Promise<string | null>;
  dropUpload(id: string): Promise<UploadRow | undefined>;
  /** @param time - RFC 3339 */
  dropUploadsBefore(time: string, atMost: number): Promise<UploadRow[]>;
  /** Bytes of the tenant's files and uploads, and of uploads on their way. */
  spaceUsed(tenant: string): Promise<number>;
  seed(folders: readonly FolderRow[], files: readonly FileRow[]): Promise<void>;
  isEmpty(): Promise<boolean>;
}
