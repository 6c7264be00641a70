// Who calls? Tokens are verified and judged here and go no further: neither into Temporal nor to a service.
// C1. Only a token that verifies is judged: an anonymous flood starts no activity.
// C2. A good verdict holds for at most a minute and never longer than the token; a bad one for five seconds.
// C3. Equal tokens that wait share one judgement.
// C4. Where the standing cannot be known, the door lets in, so that nobody is locked out; a run waits until it is known.
// C5. A revocation that is told ends the verdicts that it concerns, and judgements that had begun before it are not kept; whoever watches
//     (sockets, event streams) judges again at once.
import { createHash, randomUUID } from 'node:crypto';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import type { AuthContext, CredentialReference, CredentialVerdict, Revocation } from '#schema/contracts/identity';
import type { TokenVerifier, VerifiedToken } from '#platform/identity/token-verifier';
import type { Logger } from '#platform/logger';

const GOOD_MS = 60_000;
const REFUSED_MS = 5_000;
const CLAIM_MS = 60_000;
const MAX_CLAIMS = 10_000;
const MAX_VERDICTS = 10_000;

/** Is the caller in good standing now (tenant not suspended, still a member, not revoked)? Null = yes. Rejects when that cannot be known. */
export type StandingCheck = (auth: AuthContext) => Promise<'REVOKED' | 'TENANT_SUSPENDED' | 'NOT_A_MEMBER' | null>;

/** Tokens that wait for their judgement, by reference; in this process only. */
interface ClaimStore {
  put(token: string): CredentialReference;
  read(reference: CredentialReference): string | undefined;
  drop(reference: CredentialReference): void;
}

function createClaimStore(now: () => number): ClaimStore {
  const claims = new Map<string, { token: string; fingerprint: string; untilMs: number }>();
  return {
    put(token) {
      // Insertion order is time order: what is too old stands first.
      for (const [ref, { untilMs }] of claims) {
        if (claims.size < MAX_CLAIMS && untilMs > now()) break;
        claims.delete(ref);
      }
      const reference = { ref: randomUUID(), fingerprint: toFingerprint(token) };
      claims.set(reference.ref, { token, fingerprint: reference.fingerprint, untilMs: now() + CLAIM_MS });
      return reference;
    },
    read({ ref, fingerprint }) {
      const claim = claims.get(ref);
      return claim !== undefined && claim.fingerprint === fingerprint && claim.untilMs > now() ? claim.token : undefined;
    },
    drop: ({ ref }) => void claims.delete(ref),
  };
}

export interface Credentials {
  /**
   * @param token - null where none came
   * @throws UNAUTHENTICATED
   */
  identify(token: string | null): Promise<VerifiedToken>;
  /** What `authenticate_request_activity` runs in this process, and the gateway itself while Temporal is away. */
  judge(reference: CredentialReference): Promise<CredentialVerdict>;
  /** From then on judgements take this way, e.g. through Temporal; when it fails, {@link judge} decides. */
  judgeThrough(way: ((reference: CredentialReference) => Promise<CredentialVerdict>) | null): void;
  /** Forgets what it concerns. @param revocation - null: nobody knows what was missed, so that everything is judged anew */
  revoke(revocation: Revocation | null): void;
  /** Calls `onRevoked` for each revocation that concerns the caller. @returns how to stop */
  watchRevocations(caller: Pick<AuthContext, 'tenant' | 'principal'>, onRevoked: () => void): () => void;
}

export interface CredentialsOptions {
  verifier: TokenVerifier;
  standing?: StandingCheck;
  log: Logger;
  now?: () => number;
}

export function createCredentials({
  verifier,
  standing = () => Promise.resolve(null),
  log,
  now = Date.now,
}: CredentialsOptions): Credentials {
  const claims = createClaimStore(now);
  const verdicts = new Map<string, { verdict: CredentialVerdict; untilMs: number }>();
  const judging = new Map<string, Promise<CredentialVerdict>>();
  const watchers = new Set<(revocation: Revocation | null) => void>();
  /** How many revocations there were. */
  let revocations = 0;
  let way: ((reference: CredentialReference) => Promise<CredentialVerdict>) | null = null;

  async function judge(reference: CredentialReference): Promise<CredentialVerdict> {
    if (reference.auth !== undefined) {
      const reason = await standing(reference.auth);
      return reason === null ? { standing: 'good', auth: reference.auth, expiresAtMs: now() + GOOD_MS } : { standing: 'refused', reason };
    }
    const token = claims.read(reference);
    if (token === undefined) return { standing: 'refused', reason: 'UNKNOWN_CLAIM' };
    try {
      const { auth, expiresAtMs } = await verifier.verify(token);
      const reason = await standing(auth).catch((error: unknown) => {
        log.warn({ err: error }, 'standing of a caller not known: admitted');
        return null;
      });
      return reason === null ? { standing: 'good', auth, expiresAtMs } : { standing: 'refused', reason };
    } catch (error) {
      if (errorCodeOf(error) === 'UNAUTHENTICATED') return { standing: 'refused', reason: 'EXPIRED' };
      throw error;
    }
  }

  async function askForVerdict(token: string): Promise<CredentialVerdict> {
    const reference = claims.put(token);
    try {
      return await (way ?? judge)(reference).catch(async (error: unknown) => {
        if (way === null) throw error;
        log.warn({ err: error }, 'credential judged here, since Temporal did not');
        return judge(reference);
      });
    } finally {
      claims.drop(reference);
    }
  }

  function judgeOnce(token: string, fingerprint: string): Promise<CredentialVerdict> {
    const running = judging.get(fingerprint);
    if (running !== undefined) return running;
    const begun = askForVerdict(token).finally(() => {
      if (judging.get(fingerprint) === begun) judging.delete(fingerprint);
    });
    judging.set(fingerprint, begun);
    return begun;
  }

  function remember(fingerprint: string, verdict: CredentialVerdict): void {
    const untilMs = verdict.standing === 'good' ? Math.min(now() + GOOD_MS, verdict.expiresAtMs) : now() + REFUSED_MS;
    verdicts.delete(fingerprint);
    verdicts.set(fingerprint, { verdict, untilMs });
    for (const [oldest] of verdicts) {
      if (verdicts.size <= MAX_VERDICTS) break;
      verdicts.delete(oldest);
    }
  }

  return {
    judge,
    judgeThrough: (other) => void (way = other),
    revoke(revocation) {
      revocations += 1;
      // Who they are for is not known yet.
      judging.clear();
      for (const [fingerprint, { verdict }] of verdicts)
        if (verdict.standing === 'good' && concerns(revocation, verdict.auth)) verdicts.delete(fingerprint);
      for (const watcher of [...watchers]) watcher(revocation);
    },
    watchRevocations(caller, onRevoked) {
      const watcher = (revocation: Revocation | null): void => {
        if (concerns(revocation, caller)) onRevoked();
      };
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    async identify(token) {
      // Without a token only a verifier that takes anyone answers; there is nothing to judge then.
      if (token === null || token === '') return verifier.verify(null);
      const fingerprint = toFingerprint(token);
      const known = verdicts.get(fingerprint);
      if (known !== undefined && known.untilMs > now()) return toIdentity(known.verdict);

      const verified = await verifier.verify(token);
      if (verified.auth.fingerprint !== fingerprint) return verified;
      const before = revocations;
      const verdict = await judgeOnce(token, fingerprint);
      if (before === revocations) remember(fingerprint, verdict);
      return toIdentity(verdict);
    },
  };
}

function concerns(revocation: Revocation | null, { tenant, principal }: Pick<AuthContext, 'tenant' | 'principal'>): boolean {
  if (revocation === null) return true;
  return revocation.tenant === tenant && (revocation.principal ?? principal) === principal;
}

function toIdentity(verdict: CredentialVerdict): VerifiedToken {
  if (verdict.standing === 'good') return { auth: verdict.auth, expiresAtMs: verdict.expiresAtMs };
  throw new CodedError('UNAUTHENTICATED', 'a valid bearer token is required');
}

function toFingerprint(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
