// Idempotency keys of mutations, kept until the gateway has acknowledged: a double click, a reload or a retry sends the
// same key, and the gateway starts one operation.

/** The part of `Storage` that is used; `sessionStorage` in browsers. */
export interface KeyStorage {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

export interface IdempotencyKeys {
  /** The key for this work: the stored one, or a new one. */
  hold(work: string): string;
  release(work: string): void;
}

const PREFIX = 'sluice:key:';

export function createIdempotencyKeys(storage: KeyStorage): IdempotencyKeys {
  return {
    hold(work) {
      const name = PREFIX + hash(work);
      const held = storage.getItem(name);
      if (held !== null) return held;
      const key = randomKey();
      storage.setItem(name, key);
      return key;
    },
    release: (work) => storage.removeItem(PREFIX + hash(work)),
  };
}

export function defaultStorage(): KeyStorage {
  try {
    if (typeof sessionStorage !== 'undefined') return sessionStorage;
  } catch {
    // Reading the property throws where storage is forbidden.
  }
  const values = new Map<string, string>();
  return {
    getItem: (name) => values.get(name) ?? null,
    setItem: (name, value) => void values.set(name, value),
    removeItem: (name) => void values.delete(name),
  };
}

/** Equal for equal variables, whatever the order of their fields. */
export function stableStringify(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Variables may be private: only a hash of them (FNV-1a, two lanes) stands in the storage. */
function hash(text: string): string {
  let a = 0x811c9dc5;
  let b = 0xc9dc5811;
  for (let i = 0; i < text.length; i += 1) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(i), 0x01000197);
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36);
}

/** `crypto.randomUUID` exists only in secure contexts; a console on a plain LAN address is none. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
