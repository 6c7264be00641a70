// The deployment's own secrets: one file, made on the first start, or SLUICE_KEYS where several machines share them.
import { randomBytes, randomUUID } from 'node:crypto';
import { access, link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { z } from 'zod';
import { CodedError } from '#schema/contracts/errors';
import { makePrivate } from './private-folder.js';

const base64Key = z.base64().refine((text) => Buffer.from(text, 'base64').length === 32, 'expected 32 bytes in base64');
const jwk = z.looseObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string(), d: z.string() });

const KeyFile = z.strictObject({
  version: z.literal(1),
  devToken: z.strictObject({ kid: z.string().min(1), privateJwk: jwk }),
  service: z.array(z.strictObject({ kid: z.string().min(1), secret: base64Key })).min(1),
  payload: z.array(z.strictObject({ id: z.string().min(1), key: base64Key })).min(1),
  operation: base64Key,
});
type KeyFile = z.infer<typeof KeyFile>;

export interface KeyRing {
  /** Signs tokens of demo users (ES256). */
  devToken: { kid: string; privateJwk: JWK; publicJwk: JWK };
  /** Sign service calls: the first signs, all verify. */
  service: readonly { kid: string; secret: Buffer }[];
  /** Encrypt payloads (AES-256): the first encrypts, all decrypt. */
  payload: readonly { id: string; key: Buffer }[];
  /** Derives workflow ids from idempotency keys; it never rotates, or repeats would not be recognised. */
  operation: Buffer;
}

/** What was written with a folder's keys, and cannot be read with others. */
const SEALED = ['temporal.db', 'database'];

export interface KeyOptions {
  dataDir: string;
  env: NodeJS.ProcessEnv;
  /** Other processes must hold the same keys (remote Temporal, shared database): SLUICE_KEYS alone says which. */
  shared: boolean;
  /** New keys may be made beside data that cannot be read with them. @default false */
  newKeys?: boolean;
}

/** @throws CONFIG_INVALID when the keys are malformed, or absent and may not be made */
export async function loadKeys(options: KeyOptions): Promise<KeyRing> {
  const fromEnv = options.env['SLUICE_KEYS'];
  if (fromEnv !== undefined && fromEnv !== '') return toKeyRing(fromEnv, 'SLUICE_KEYS');
  const file = join(options.dataDir, 'keys.json');
  const known = await readIfThere(file);
  if (options.shared) {
    // A file that lies there from an embedded start would stand in silently, for this process alone.
    const leftover =
      known === undefined ? '' : `; ${file} is of an embedded start and is not used (to use it: SLUICE_KEYS="$(cat ${file})")`;
    throw new CodedError(
      'CONFIG_INVALID',
      `SLUICE_KEYS must be set where Temporal or the database is shared: all processes need the same keys (npx sluice keys makes them)${leftover}`,
    );
  }
  if (known !== undefined) return toKeyRing(known, file);
  const sealed = options.newKeys === true ? [] : await findSealed(options.dataDir);
  if (sealed.length > 0) {
    throw new CodedError(
      'CONFIG_INVALID',
      `${file} is missing, and ${sealed.join(' and ')} beside it cannot be read without it: put it back, move the data away, or start with --new-keys to go on without what is sealed in there`,
    );
  }
  await makePrivate(options.dataDir);
  // Whoever links first wins, so that two processes starting at once end with one file.
  const draft = join(options.dataDir, `keys.${randomUUID()}.tmp`);
  await writeFile(draft, JSON.stringify(await createKeys(), null, 2), { mode: 0o600, flag: 'wx' });
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
  return toKeyRing(await readFile(file, 'utf8'), file);
}

/** A new set of keys in the form of SLUICE_KEYS and of keys.json. */
export async function createKeys(): Promise<KeyFile> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const secret = (): string => randomBytes(32).toString('base64');
  return {
    version: 1,
    devToken: { kid: randomUUID(), privateJwk: (await exportJWK(privateKey)) as KeyFile['devToken']['privateJwk'] },
    service: [{ kid: randomUUID().slice(0, 8), secret: secret() }],
    payload: [{ id: randomUUID().slice(0, 8), key: secret() }],
    operation: secret(),
  };
}

function toKeyRing(text: string, source: string): KeyRing {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which is secret.
    throw new CodedError('CONFIG_INVALID', `${source}: expected JSON`);
  }
  const parsed = KeyFile.safeParse(json);
  if (!parsed.success) {
    throw new CodedError(
      'CONFIG_INVALID',
      `${source}: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join(' · ')}`,
    );
  }
  const { devToken, service, payload, operation } = parsed.data;
  const { kty, crv, x, y } = devToken.privateJwk;
  return {
    devToken: { kid: devToken.kid, privateJwk: devToken.privateJwk, publicJwk: { kty, crv, x, y } },
    service: service.map(({ kid, secret }) => ({ kid, secret: Buffer.from(secret, 'base64') })),
    payload: payload.map(({ id, key }) => ({ id, key: Buffer.from(key, 'base64') })),
    operation: Buffer.from(operation, 'base64'),
  };
}

async function findSealed(folder: string): Promise<string[]> {
  const there = await Promise.all(
    SEALED.map((name) =>
      access(join(folder, name)).then(
        () => [name],
        () => [],
      ),
    ),
  );
  return there.flat();
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CodedError('CONFIG_INVALID', `${file} cannot be read`, { cause: error });
  }
}
