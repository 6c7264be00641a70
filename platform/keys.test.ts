import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeys, loadKeys } from './keys.js';

let dataDir: string;
beforeEach(async () => void (dataDir = join(await mkdtemp(join(tmpdir(), 'sluice-keys-')), 'data')));
afterEach(() => rm(dataDir, { recursive: true, force: true }));

describe('loadKeys', () => {
  it('makes one private file, also for two processes that start at once', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => loadKeys({ dataDir, env: {}, shared: false })));
    expect(one).toEqual(two);
    expect((await stat(join(dataDir, 'keys.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  });

  it('takes SLUICE_KEYS before the file', async () => {
    const given = await createKeys();
    const keys = await loadKeys({ dataDir, env: { SLUICE_KEYS: JSON.stringify(given) }, shared: true });
    expect(keys.devToken.kid).toBe(given.devToken.kid);
    await expect(readFile(join(dataDir, 'keys.json'))).rejects.toThrow();
  });

  it('refuses to make keys that other processes would not have, and to take those that an embedded start left behind', async () => {
    const refused = { code: 'CONFIG_INVALID', message: expect.stringMatching(/^SLUICE_KEYS must be set/) };
    await expect(loadKeys({ dataDir, env: {}, shared: true })).rejects.toMatchObject(refused);
    await loadKeys({ dataDir, env: {}, shared: false });
    const error = await loadKeys({ dataDir, env: {}, shared: true }).catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject(refused);
    expect((error as Error).message).toContain(`${join(dataDir, 'keys.json')} is of an embedded start and is not used`);
  });

  it.each(['temporal.db', 'database'])('refuses to make others beside %s, unless that is meant', async (name) => {
    const { operation } = await loadKeys({ dataDir, env: {}, shared: false });
    await rm(join(dataDir, 'keys.json'));
    await writeFile(join(dataDir, name), '');
    await expect(loadKeys({ dataDir, env: {}, shared: false })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(new RegExp(`keys.json is missing, and ${name} .*--new-keys`)),
    });
    const made = await loadKeys({ dataDir, env: {}, shared: false, newKeys: true });
    expect(made.operation.equals(operation)).toBe(false);
    // From then on they are the folder's.
    expect(await loadKeys({ dataDir, env: {}, shared: false })).toEqual(made);
  });

  it('names what is wrong without showing the secret', async () => {
    const error = await loadKeys({ dataDir, env: { SLUICE_KEYS: '{"version":1,"operation":"c2VjcmV0"}' }, shared: false }).catch(
      (e: Error) => e,
    );
    expect((error as Error).message).toContain('operation: expected 32 bytes');
    expect((error as Error).message).not.toContain('c2VjcmV0');
  });
});
