// Files that a command line names: what is wrong with one is told in one sentence.
import { readFile, writeFile } from 'node:fs/promises';
import { CodedError } from '#schema/contracts/errors';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'this user may not',
  EISDIR: 'it is a folder',
  ENOTDIR: 'it is no folder',
  EEXIST: 'it exists already',
};

/** @throws BAD_USER_INPUT */
export function readNamedFile(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    throw toCoded('read', file, cause);
  });
}

/** @throws BAD_USER_INPUT */
export function writeNamedFile(file: string, content: string | Uint8Array, options: { mode?: number; flag?: 'wx' } = {}): Promise<void> {
  return writeFile(file, content, options).catch((cause: unknown) => {
    throw toCoded('written', file, cause);
  });
}

/** @param done - what cannot be done to it: `read`, `written` */
export function toCoded(done: string, file: string, cause: unknown): CodedError {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  return new CodedError('BAD_USER_INPUT', `'${file}' cannot be ${done}: ${REASONS[code] ?? message}`, { cause });
}
