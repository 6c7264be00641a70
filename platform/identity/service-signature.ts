// Calls between our own processes: `x-gateway-auth: v1.<kid>.<ms>.<nonce>.<claims>.<mac>`.
// The MAC covers audience, method, path, time, nonce, claims and the body's hash, so that a call cannot be altered, sent
// elsewhere, or (window and nonce cache) sent again.
// The claims repeat the headers that change what a call means (`SIGNED_HEADERS`), so that the MAC covers them as well; `v: 2` says that
// they do. Verifiers from before ignore both, and calls of signers from before have neither: processes of both kinds work together while
// a deployment is upgraded. The marker cannot be taken away, since it is signed.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { KeyRing } from '../keys.js';

export const SERVICE_SIGNATURE_HEADER = 'x-gateway-auth';
/** Headers that change what a call means for its service. */
const SIGNED_HEADERS = ['idempotency-key'] as const;
const WINDOW_MS = 30_000;
/** Nonces remembered; beyond it the oldest leave, which at 30 s means more than 6,000 calls a second to one process. */
const MAX_NONCES = 200_000;

interface CallFacts {
  method: string;
  path: string;
  body: string | Buffer;
  /** Those of {@link SIGNED_HEADERS} count. @default none */
  headers?: Readonly<Record<string, string | string[] | undefined>>;
}

export interface ServiceClaims {
  auth: AuthContext;
  operationId: string | null;
}

interface SignedClaims extends ServiceClaims {
  /** Absent in calls that were signed without headers, by a process of before. */
  v?: 2;
  headers?: Readonly<Record<string, string>>;
}

type SigningKeys = Pick<KeyRing, 'service'>;

/** @returns the header's value; sign per attempt, right before sending */
export function signServiceCall(keys: SigningKeys, call: CallFacts & ServiceClaims & { audience: string; nowMs?: number }): string {
  const { kid, secret } = keys.service[0] as KeyRing['service'][number];
  const { auth, operationId, headers = {} } = call;
  const signed = Object.fromEntries(SIGNED_HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
  const claims = Buffer.from(JSON.stringify({ auth, operationId, v: 2, headers: signed })).toString('base64url');
  const head = `v1.${kid}.${call.nowMs ?? Date.now()}.${randomBytes(12).toString('base64url')}.${claims}`;
  return `${head}.${toMac(secret, head, call.audience, call).toString('base64url')}`;
}

export interface ServiceCallVerifier {
  /** @throws SERVICE_CALL_REFUSED */
  verify(header: string | undefined, call: CallFacts): ServiceClaims;
}

export function createServiceCallVerifier(options: { keys: SigningKeys; audience: string; now?: () => number }): ServiceCallVerifier {
  const now = options.now ?? Date.now;
  const seen = new Map<string, number>();
  return {
    verify(header, call) {
      const parts = header?.split('.') ?? [];
      const [version, kid, ms, nonce, claims, mac] = parts as [string, string, string, string, string, string];
      const secret = options.keys.service.find((key) => key.kid === kid)?.secret;
      if (parts.length !== 6 || version !== 'v1' || secret === undefined) throw refusal('unsigned');
      const expected = toMac(secret, parts.slice(0, 5).join('.'), options.audience, call);
      const given = Buffer.from(mac, 'base64url');
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw refusal('altered');
      const age = Math.abs(now() - Number(ms));
      if (!(age <= WINDOW_MS)) throw refusal('too old');
      if (seen.has(nonce)) throw refusal('replayed');
      remember(seen, nonce, now());
      const { auth, operationId, v, headers } = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')) as SignedClaims;
      if (v === 2 && SIGNED_HEADERS.some((name) => headers?.[name] !== call.headers?.[name])) throw refusal('altered');
      return { auth, operationId };
    },
  };
}

function toMac(secret: Buffer, head: string, audience: string, { method, path, body }: CallFacts): Buffer {
  const bodyHash = createHash('sha256').update(body).digest('base64url');
  return createHmac('sha256', secret).update(`${head}\n${audience}\n${method}\n${path}\n${bodyHash}`).digest();
}

function remember(seen: Map<string, number>, nonce: string, nowMs: number): void {
  seen.set(nonce, nowMs);
  // Insertion order is time order: the oldest stand first.
  for (const [old, at] of seen) {
    if (seen.size <= MAX_NONCES && nowMs - at <= 2 * WINDOW_MS) break;
    seen.delete(old);
  }
}

function refusal(reason: string): CodedError {
  return new CodedError('SERVICE_CALL_REFUSED', `a signed call is required; this one is ${reason}`);
}
