import { beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext, CredentialReference } from '#schema/contracts/identity';
import { sha256 } from '#platform/blob-store';
import type { TokenVerifier } from '#platform/identity/token-verifier';
import { createLogger } from '#platform/logger';
import { createCredentials, type StandingCheck } from './credentials.js';
import { keepJudging } from './keep-judging.js';

const log = createLogger({ name: 'test', level: 'silent' });
let nowMs = 1_000_000;
let verified = 0;
let judged: CredentialReference[] = [];
let standing: Awaited<ReturnType<StandingCheck>> = null;

const verifier: TokenVerifier = {
  verify: async (token) => {
    verified += 1;
    if (token === null || !token.startsWith('good')) throw new CodedError('UNAUTHENTICATED', 'a valid bearer token is required');
    const auth = { principal: 'usr_a', tenant: 'ten_a', scopes: [], fingerprint: sha256(token) } as unknown as AuthContext;
    return { auth, expiresAtMs: nowMs + (token === 'good-short' ? 10_000 : 3_600_000) };
  },
};

function create(): ReturnType<typeof createCredentials> {
  return createCredentials({ verifier, standing: async () => standing, log, now: () => nowMs });
}
const through = (credentials: ReturnType<typeof create>): void =>
  credentials.judgeThrough((reference) => {
    judged.push(reference);
    return credentials.judge(reference);
  });

beforeEach(() => {
  verified = 0;
  judged = [];
  standing = null;
});

describe('a credential', () => {
  it('is judged through Temporal by a reference and its fingerprint, never by itself', async () => {
    const credentials = create();
    through(credentials);
    expect((await credentials.identify('good-1')).auth.principal).toBe('usr_a');
    expect(judged).toEqual([{ ref: expect.any(String), fingerprint: sha256('good-1') }]);
    expect(JSON.stringify(judged)).not.toContain('good-1');
  });

  it('that does not verify starts no judgement', async () => {
    const credentials = create();
    through(credentials);
    await expect(credentials.identify('forged')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(credentials.identify(null)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(judged).toEqual([]);
  });

  it('is judged once for many callers at once, and again after a minute', async () => {
    const credentials = create();
    through(credentials);
    await Promise.all(Array.from({ length: 20 }, () => credentials.identify('good-1')));
    nowMs += 59_000;
    await credentials.identify('good-1');
    expect(judged).toHaveLength(1);
    nowMs += 1_001;
    await credentials.identify('good-1');
    expect(judged).toHaveLength(2);
  });

  it('is trusted no longer than it lasts', async () => {
    const credentials = create();
    await credentials.identify('good-short');
    const before = verified;
    nowMs += 10_001;
    await credentials.identify('good-short');
    expect(verified).toBeGreaterThan(before);
  });

  it('of a suspended tenant is refused, for five seconds without asking again', async () => {
    const credentials = create();
    through(credentials);
    standing = 'TENANT_SUSPENDED';
    await expect(credentials.identify('good-1')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    standing = null;
    await expect(credentials.identify('good-1')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    nowMs += 5_001;
    await credentials.identify('good-1');
    expect(judged).toHaveLength(2);
  });

  it('is judged here by the same function while Temporal is away', async () => {
    const credentials = create();
    credentials.judgeThrough(() => Promise.reject(new CodedError('TEMPORAL_UNAVAILABLE', 'away')));
    expect((await credentials.identify('good-1')).auth.tenant).toBe('ten_a');
    standing = 'REVOKED';
    await expect(credentials.identify('good-2')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('is let in at the door where the standing cannot be known; a run is told that it cannot', async () => {
    const away = createCredentials({ verifier, standing: () => Promise.reject(new CodedError('SUBGRAPH_UNREACHABLE', 'away')), log });
    const { auth } = await away.identify('good-1');
    await expect(away.judge({ ref: 'run', fingerprint: auth.fingerprint, auth })).rejects.toMatchObject({ code: 'SUBGRAPH_UNREACHABLE' });
  });

  it('need not be there for a run to be judged, long after it', async () => {
    const credentials = create();
    const { auth } = await credentials.identify('good-1');
    nowMs += 3 * 24 * 3_600_000;
    const run = { ref: 'op_1', fingerprint: auth.fingerprint, auth };
    expect(await credentials.judge(run)).toMatchObject({ standing: 'good', auth });
    standing = 'NOT_A_MEMBER';
    expect(await credentials.judge(run)).toEqual({ standing: 'refused', reason: 'NOT_A_MEMBER' });
  });

  it('is not to be had by a reference that was made up, used up or too old', async () => {
    const credentials = create();
    const kept: CredentialReference[] = [];
    credentials.judgeThrough(async (reference) => {
      kept.push(reference);
      expect(await credentials.judge({ ...reference, fingerprint: 'other' })).toMatchObject({ reason: 'UNKNOWN_CLAIM' });
      nowMs += 60_001;
      expect(await credentials.judge(reference)).toMatchObject({ reason: 'UNKNOWN_CLAIM' });
      nowMs -= 60_001;
      return credentials.judge(reference);
    });
    await credentials.identify('good-1');
    expect(await credentials.judge(kept[0] as CredentialReference)).toMatchObject({ reason: 'UNKNOWN_CLAIM' });
  });
});

describe('a revocation', () => {
  it('ends the verdict that it concerns, and no other', async () => {
    const credentials = create();
    await credentials.identify('good-1');
    standing = 'NOT_A_MEMBER';
    credentials.revoke({ tenant: 'ten_b', principal: null });
    credentials.revoke({ tenant: 'ten_a', principal: 'usr_b' });
    expect((await credentials.identify('good-1')).auth.principal).toBe('usr_a');
    credentials.revoke({ tenant: 'ten_a', principal: 'usr_a' });
    await expect(credentials.identify('good-1')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it.each([{ tenant: 'ten_a', principal: null }, null])(
    'of a whole tenant, or of what nobody knows, ends them all: %j',
    async (revocation) => {
      const credentials = create();
      await credentials.identify('good-1');
      standing = 'TENANT_SUSPENDED';
      credentials.revoke(revocation);
      await expect(credentials.identify('good-1')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    },
  );

  it('that comes while a judgement runs keeps its verdict from being remembered', async () => {
    let answer: (verdict: null) => void = () => undefined;
    let asked = 0;
    const credentials = createCredentials({
      verifier,
      standing: () => (++asked === 1 ? new Promise((resolve) => (answer = resolve)) : Promise.resolve('NOT_A_MEMBER')),
      log,
      now: () => nowMs,
    });
    const begun = credentials.identify('good-1');
    await expect.poll(() => asked).toBe(1);
    credentials.revoke({ tenant: 'ten_a', principal: 'usr_a' });
    answer(null);
    await begun;
    await expect(credentials.identify('good-1')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('ends a connection that stays open, once, and leaves those of others', async () => {
    const credentials = create();
    const caller = await credentials.identify('good-1');
    let lost = 0;
    const stop = keepJudging({ credentials, token: 'good-1', caller, onLost: () => (lost += 1), log });
    credentials.revoke({ tenant: 'ten_a', principal: 'usr_other' });
    standing = 'NOT_A_MEMBER';
    credentials.revoke({ tenant: 'ten_a', principal: 'usr_a' });
    await expect.poll(() => lost).toBe(1);
    stop();
    credentials.revoke(null);
    expect(lost).toBe(1);
  });
});
