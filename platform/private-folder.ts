// The data folder is for its owner alone: what Temporal and the embedded database keep is encrypted in part only.
import { chmod, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const STICKY = 0o1000;

/** Makes the folder when it is not there, and takes from it and from the files in it what others may do. */
export async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = await stat(folder);
  // Somebody else's, or one that many share, such as /tmp: the files alone.
  if (uid === process.getuid?.() && (mode & STICKY) === 0) await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await stat(path)).uid === process.getuid?.()) await chmod(path, 0o600);
  }
}

/** What this process and its children write from now on is for its owner alone. */
export function writePrivately(): void {
  process.umask(0o077);
}
