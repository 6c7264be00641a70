// Exclusive use of a data folder. Two processes on one PGlite folder lose rows silently, so the lock has to be one that
// dies with its process, SIGKILL included: on Linux an abstract Unix socket, which the kernel frees; elsewhere a pid file.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { CodedError } from '#schema/contracts/errors';
import { makePrivate } from '../private-folder.js';

export interface FolderLock {
  release(): Promise<void>;
}

/** @throws DATA_LOCKED while another process holds it */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await makePrivate(folder);
  const path = await realpath(folder);
  return process.platform === 'linux' ? lockBySocket(path) : lockByPidFile(path);
}

async function lockBySocket(folder: string): Promise<FolderLock> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ path: `\0sluice-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}` });
  try {
    await once(server, 'listening');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') throw refusal(folder);
    throw cause;
  }
  server.unref();
  return {
    release: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

async function lockByPidFile(folder: string): Promise<FolderLock> {
  const file = join(folder, 'lock.pid');
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      return { release: () => rm(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = Number(await readFile(file, 'utf8').catch(() => ''));
      if (holder > 0 && isAlive(holder)) throw refusal(folder);
      await rm(file, { force: true });
    }
  }
  throw refusal(folder);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function refusal(folder: string): CodedError {
  return new CodedError('DATA_LOCKED', `another process uses the data folder ${folder}; end it, or set SLUICE_DATA to another folder`);
}
