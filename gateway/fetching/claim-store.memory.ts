// For a gateway without a database: its own worker finds the claims, a worker of another process does not.
import type { ClaimStore, SealedClaim } from './header-claims.js';

const MAX_CLAIMS = 10_000;

/** @param options.maxClaims - over it the oldest go. @default 10000 */
export function createMemoryClaimStore({ now = Date.now, maxClaims = MAX_CLAIMS } = {}): ClaimStore {
  const claims = new Map<string, SealedClaim>();
  return {
    put(ref, claim) {
      for (const [known, { endsAtMs }] of claims) {
        if (claims.size < maxClaims && endsAtMs > now()) break;
        claims.delete(known);
      }
      claims.set(ref, claim);
      return Promise.resolve();
    },
    get(ref) {
      const claim = claims.get(ref);
      if (claim !== undefined && claim.endsAtMs <= now()) claims.delete(ref);
      return Promise.resolve(claims.get(ref));
    },
  };
}
