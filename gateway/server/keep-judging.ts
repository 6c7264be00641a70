// The caller of a connection that stays open is judged again and again: when its token expires, when something was taken away from it,
// and every minute.
import { errorCodeOf } from '#schema/contracts/errors';
import type { VerifiedToken } from '#platform/identity/token-verifier';
import type { Logger } from '#platform/logger';
import type { Credentials } from './credentials.js';

const JUDGE_AGAIN_MS = 60_000;
/** Timers may fire a little early. */
const SOONEST_MS = 100;

/**
 * @param watch.onJudged - called with what holds from now on
 * @param watch.onLost - called once, when the credential does not hold any more or cannot be judged
 * @returns how to stop
 */
export function keepJudging(watch: {
  credentials: Pick<Credentials, 'identify' | 'watchRevocations'>;
  token: string | null;
  caller: VerifiedToken;
  onJudged?: (caller: VerifiedToken) => void;
  onLost: () => void;
  log: Logger;
}): () => void {
  const { credentials, token, onJudged, onLost, log } = watch;
  let again: NodeJS.Timeout;
  let isStopped = false;
  /** Of those that run, the newest counts: an older one may have been answered before the revocation. */
  let newest = 0;

  function plan({ expiresAtMs }: VerifiedToken): void {
    again = setTimeout(() => void judge(), Math.max(SOONEST_MS, Math.min(JUDGE_AGAIN_MS, expiresAtMs - Date.now())));
  }
  async function judge(): Promise<void> {
    const number = ++newest;
    clearTimeout(again);
    try {
      const caller = await credentials.identify(token);
      if (isStopped || number !== newest) return;
      // The verifier's seconds of grace are for clocks that differ, not for what was admitted by this one.
      if (caller.expiresAtMs <= Date.now()) return onLost();
      onJudged?.(caller);
      plan(caller);
    } catch (error) {
      if (isStopped || number !== newest) return;
      if (errorCodeOf(error) !== 'UNAUTHENTICATED') log.error({ err: error }, 'a caller could not be judged again');
      onLost();
    }
  }

  plan(watch.caller);
  const unwatch = credentials.watchRevocations(watch.caller.auth, () => void judge());
  return () => {
    isStopped = true;
    unwatch();
    clearTimeout(again);
  };
}
