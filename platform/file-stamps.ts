import { stat } from 'node:fs/promises';

/** Another text when one of the files was written, replaced, removed or made. */
export async function readFileStamps(files: readonly string[]): Promise<string> {
  const stamps = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs, size, ino }) => `${mtimeMs}.${size}.${ino}`,
        () => '-',
      ),
    ),
  );
  return stamps.join(' ');
}
