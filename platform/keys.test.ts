import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeys, loadKeys } from './keys.js';

let dataDir: string;
beforeEach(async () => void (dataDir = join(await mkdtemp(join(tmpdir(), 'sluice-keys-')), 'data')));
afterEach(() => rm(dataDir, { recursive: true, force: true }));

describe('loadKeys', () => {
  it('makes one private file, also for two processes that start at once', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => loadKeys({ dataDir, env: {}, mayCreate: true })));
    expect(one).toEqual(two);
    expect((await stat(join(dataDir, 'keys.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  });

  it('takes SLUICE_KEYS before the file', async () => {
    const given = await createKeys();
    const keys = await loadKeys({ dataDir, env: { SLUICE_KEYS: JSON.stringify(given) }, mayCreate: false });
    expect(keys.devToken.kid).toBe(given.devToken.kid);
    await expect(readFile(join(dataDir, 'keys.json'))).rejects.toThrow();
  });

  it('refuses to make keys that other processes would not have', async () => {
    await expect(loadKeys({ dataDir, env: {}, mayCreate: false })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('names what is wrong without showing the secret', async () => {
    const error = await loadKeys({ dataDir, env: { SLUICE_KEYS: '{"version":1,"operation":"c2VjcmV0"}' }, mayCreate: true }).catch(
      (e: Error) => e,
    );
    expect((error as Error).message).toContain('operation: expected 32 bytes');
    expect((error as Error).message).not.toContain('c2VjcmV0');
  });
});
