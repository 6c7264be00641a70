// Links for bytes: whoever holds one may send or fetch what it names until it expires. They are made and checked by our own
// processes only, with the keys of service calls.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { CodedError } from '#schema/contracts/errors';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { KeyRing } from '../keys.js';

export const UPLOADS_PATH = '/uploads/';
export const DOWNLOADS_PATH = '/downloads/';

const owner = {
  tenant: z.string().transform((id) => id as TenantId),
  principal: z.string().transform((id) => id as PrincipalId),
  /** Epoch, ms. */
  expiresAtMs: z.number(),
};
const UploadLink = z.strictObject({
  kind: z.literal('upload'),
  /** Names the bytes from then on. */
  id: z.string(),
  ...owner,
  /** The most that may come, and when `isExact` no less. */
  bytes: z.number(),
  isExact: z.boolean(),
  /** Hex, or null for any. */
  sha256: z.string().nullable(),
  /** As the sender calls them; null where nobody said. */
  name: z.string().nullable(),
  mediaType: z.string().nullable(),
});
const DownloadLink = z.strictObject({ kind: z.literal('download'), file: z.string(), ...owner });

export type UploadLink = z.output<typeof UploadLink>;
export type DownloadLink = z.output<typeof DownloadLink>;

type SigningKeys = Pick<KeyRing, 'service'>;

/** @returns the path of the link, without an origin */
export function signLink(keys: SigningKeys, link: UploadLink | DownloadLink): string {
  const { kid, secret } = keys.service[0] as KeyRing['service'][number];
  const head = `${kid}.${Buffer.from(JSON.stringify(link)).toString('base64url')}`;
  return `${link.kind === 'upload' ? UPLOADS_PATH : DOWNLOADS_PATH}${head}.${toMac(secret, head).toString('base64url')}`;
}

/** @throws LINK_INVALID, for whatever reason */
export function verifyUploadLink(keys: SigningKeys, path: string, nowMs = Date.now()): UploadLink {
  return verify(keys, UploadLink, path, UPLOADS_PATH, nowMs);
}

/** @throws LINK_INVALID, for whatever reason */
export function verifyDownloadLink(keys: SigningKeys, path: string, nowMs = Date.now()): DownloadLink {
  return verify(keys, DownloadLink, path, DOWNLOADS_PATH, nowMs);
}

function verify<Link extends { expiresAtMs: number }>(
  keys: SigningKeys,
  schema: z.ZodType<Link>,
  path: string,
  prefix: string,
  nowMs: number,
): Link {
  const [kid, text, mac, ...more] = path.startsWith(prefix) ? path.slice(prefix.length).split('.') : [];
  const secret = keys.service.find((key) => key.kid === kid)?.secret;
  if (secret === undefined || text === undefined || mac === undefined || more.length > 0) throw invalid();
  const expected = toMac(secret, `${kid}.${text}`);
  const given = Buffer.from(mac, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw invalid();
  const link = schema.safeParse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  if (!link.success || link.data.expiresAtMs <= nowMs) throw invalid();
  return link.data;
}

/** The label keeps a link from ever being taken for a signed call. */
function toMac(secret: Buffer, head: string): Buffer {
  return createHmac('sha256', secret).update(`link\n${head}`).digest();
}

function invalid(): CodedError {
  return new CodedError('LINK_INVALID', 'the link is not valid, or not any more');
}
