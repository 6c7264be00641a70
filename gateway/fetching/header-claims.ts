// Headers that a run's services need, kept outside the run: Temporal gets a reference that means nothing by itself.
// C1. Sealed with AES-256-GCM before they reach the store, bound to their reference and their end: neither can be altered.
// C2. After its end a claim is gone, whatever the store still holds.
import { createCipheriv, createDecipheriv, randomBytes, randomUUID } from 'node:crypto';
import type { ServiceHeaders } from '#schema/contracts/headers';
import type { KeyRing } from '#platform/keys';

const IV_BYTES = 12;
const TAG_BYTES = 16;

export interface SealedClaim {
  keyId: string;
  sealed: Buffer;
  endsAtMs: number;
}

/** Knows sealed bytes only. */
export interface ClaimStore {
  /** @throws DATABASE_UNAVAILABLE */
  put(ref: string, claim: SealedClaim): Promise<void>;
  /** @returns undefined for one that is not there, or has ended @throws DATABASE_UNAVAILABLE */
  get(ref: string): Promise<SealedClaim | undefined>;
}

export interface HeaderClaims {
  /** @returns the reference @throws DATABASE_UNAVAILABLE */
  put(headers: ServiceHeaders, keepMs: number): Promise<string>;
  /** @returns undefined when the claim is gone or was altered @throws DATABASE_UNAVAILABLE */
  open(ref: string): Promise<ServiceHeaders | undefined>;
}

export function createHeaderClaims({
  keys,
  store,
  now = Date.now,
}: {
  keys: Pick<KeyRing, 'payload'>;
  store: ClaimStore;
  now?: () => number;
}): HeaderClaims {
  return {
    async put(headers, keepMs) {
      const { id, key } = keys.payload[0] as KeyRing['payload'][number];
      const ref = randomUUID();
      const endsAtMs = now() + keepMs;
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(toPlace(ref, endsAtMs));
      const sealed = Buffer.concat([iv, cipher.update(JSON.stringify(headers), 'utf8'), cipher.final(), cipher.getAuthTag()]);
      await store.put(ref, { keyId: id, sealed, endsAtMs });
      return ref;
    },
    async open(ref) {
      const claim = await store.get(ref);
      if (claim === undefined || claim.endsAtMs <= now()) return undefined;
      const key = keys.payload.find(({ id }) => id === claim.keyId)?.key;
      if (key === undefined) return undefined;
      const { sealed, endsAtMs } = claim;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES })
          .setAAD(toPlace(ref, endsAtMs))
          .setAuthTag(sealed.subarray(-TAG_BYTES));
        const text = Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
        return JSON.parse(text.toString('utf8')) as ServiceHeaders;
      } catch {
        return undefined;
      }
    },
  };
}

function toPlace(ref: string, endsAtMs: number): Buffer {
  return Buffer.from(`header-claim/${ref}/${endsAtMs}`);
}
