import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makePrivate } from './private-folder.js';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'sluice-private-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o7777;

it('closes a folder that was open to all, and the files in it', async () => {
  const data = join(folder, 'data');
  await mkdir(data);
  await chmod(data, 0o755);
  for (const name of ['temporal.db', 'temporal.db-wal']) await writeFile(join(data, name), 'x', { mode: 0o644 });
  await makePrivate(data);
  expect(await modeOf(data)).toBe(0o700);
  expect(await Promise.all(['temporal.db', 'temporal.db-wal'].map((name) => modeOf(join(data, name))))).toEqual([0o600, 0o600]);
});

it('makes one that is not there, with its parents', async () => {
  await makePrivate(join(folder, 'a', 'b'));
  expect(await modeOf(join(folder, 'a', 'b'))).toBe(0o700);
});

it('leaves a folder that many share open', async () => {
  await chmod(folder, 0o1777);
  await makePrivate(folder);
  expect(await modeOf(folder)).toBe(0o1777);
});
