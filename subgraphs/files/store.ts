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
  createFile(once: OnceRequest, row: Omit<FileRow, 'createdAt' | 'updatedAt'>): Promise<FileRow>;
  changeFile(once: OnceRequest, id: string, change: { name?: string; folderId?: string }): Promise<FileRow>;
  deleteFile(once: OnceRequest, id: string): Promise<FileRow>;
  seed(folders: readonly FolderRow[], files: readonly FileRow[]): Promise<void>;
  isEmpty(): Promise<boolean>;
}
