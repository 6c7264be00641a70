// Trust in a package: MANIFEST.json holds the digest of every file, MANIFEST.jws is the publisher's signature over it.
import { createHash } from 'node:crypto';
import { CompactSign, compactVerify, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { CodedError } from '#schema/contracts/errors';
import type { PackageFiles } from './archive.js';

const DIGESTS_FILE = 'MANIFEST.json';
const SIGNATURE_FILE = 'MANIFEST.jws';
const TYPE = 'sluice-plugin+jws';

export interface PublisherKey {
  /** The namespace it signs for: `sluice` for `@sluice/…`. */
  publisher: string;
  kid: string;
  publicJwk: JWK;
}
export type PublisherSecret = Omit<PublisherKey, 'publicJwk'> & { privateJwk: JWK };

export async function createPublisherKey(publisher: string): Promise<{ secret: PublisherSecret; key: PublisherKey }> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const [privateJwk, publicJwk] = await Promise.all([exportJWK(privateKey), exportJWK(publicKey)]);
  const kid = createHash('sha256').update(String(publicJwk.x)).digest('hex').slice(0, 16);
  return { secret: { publisher, kid, privateJwk }, key: { publisher, kid, publicJwk } };
}

/** @returns the files with both manifests; older ones are replaced */
export async function signPackage(files: PackageFiles, { kid, privateJwk }: PublisherSecret): Promise<PackageFiles> {
  const digests = Buffer.from(JSON.stringify(toDigests(files), null, 2));
  const signature = await new CompactSign(digests)
    .setProtectedHeader({ alg: 'EdDSA', kid, typ: TYPE })
    .sign(await importJWK(privateJwk, 'EdDSA'));
  return new Map([...withoutManifests(files), [DIGESTS_FILE, digests], [SIGNATURE_FILE, Buffer.from(signature)]]);
}

/** Has it a signature, whoever's? */
export function isSigned(files: PackageFiles): boolean {
  return files.has(SIGNATURE_FILE) && files.has(DIGESTS_FILE);
}

/**
 * @param trusted - keys of publishers that this deployment trusts
 * @throws SIGNATURE_MISSING, SIGNATURE_INVALID, PUBLISHER_UNTRUSTED, DIGEST_MISMATCH
 */
export async function verifyPackage(
  files: PackageFiles,
  pluginName: string,
  trusted: readonly PublisherKey[],
): Promise<{ publisher: string; keyId: string }> {
  const signature = files.get(SIGNATURE_FILE)?.toString('utf8');
  const digests = files.get(DIGESTS_FILE);
  if (signature === undefined || digests === undefined)
    throw new CodedError('SIGNATURE_MISSING', `the package has no ${signature === undefined ? SIGNATURE_FILE : DIGESTS_FILE}`);
  const publisher = pluginName.slice(1, pluginName.indexOf('/'));
  const kid = readKeyId(signature);
  const key = trusted.find((known) => known.kid === kid && known.publisher === publisher);
  if (key === undefined) throw new CodedError('PUBLISHER_UNTRUSTED', `no trusted key of the publisher '${publisher}' signed this package`);
  if (!(await signs(signature, digests, key)))
    throw new CodedError('SIGNATURE_INVALID', `${SIGNATURE_FILE} is not the publisher's signature over ${DIGESTS_FILE}`);
  assertDigests(files, digests);
  return { publisher, keyId: key.kid };
}

async function signs(signature: string, digests: Buffer, key: PublisherKey): Promise<boolean> {
  try {
    const { payload } = await compactVerify(signature, await importJWK(key.publicJwk, 'EdDSA'), { algorithms: ['EdDSA'] });
    return Buffer.from(payload).equals(digests);
  } catch {
    return false;
  }
}

function readKeyId(signature: string): string {
  try {
    const { kid, typ } = decodeProtectedHeader(signature);
    if (typeof kid === 'string' && typ === TYPE) return kid;
  } catch {
    // Not a JWS at all.
  }
  throw new CodedError('SIGNATURE_INVALID', `${SIGNATURE_FILE} is not a signature of this kind`);
}

function assertDigests(files: PackageFiles, digests: Buffer): void {
  const promised = JSON.parse(digests.toString('utf8')) as Record<string, { sha256: string; size: number }>;
  const found = toDigests(files);
  for (const path of new Set([...Object.keys(promised), ...Object.keys(found)])) {
    if (promised[path]?.sha256 !== found[path]?.sha256) {
      throw new CodedError(
        'DIGEST_MISMATCH',
        `${path}: ${promised[path] === undefined ? 'is not in the signed list' : found[path] === undefined ? 'is signed and missing' : 'is not what was signed'}`,
      );
    }
  }
}

function toDigests(files: PackageFiles): Record<string, { sha256: string; size: number }> {
  const sorted = [...withoutManifests(files)].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([path, content]) => [path, { sha256: createHash('sha256').update(content).digest('hex'), size: content.length }]),
  );
}

function withoutManifests(files: PackageFiles): [string, Buffer][] {
  return [...files].filter(([path]) => path !== DIGESTS_FILE && path !== SIGNATURE_FILE);
}
