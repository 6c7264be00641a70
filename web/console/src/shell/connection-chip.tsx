import { Anchor } from '@mantine/core';
import { useConnection } from '@sluice/client/react';
import type { ReactNode } from 'react';
import { useNow } from '../clock.js';
import { formatClock, formatElapsed } from '../format.js';
import classes from './shell.module.css';

/** A change shorter than this is not worth a word. */
const QUIET_MS = 1_000;

/** How live this page is. Nothing while no subscription is open. */
export function ConnectionChip(): ReactNode {
  const { state, since, attempt, latencyMs, reconnect } = useConnection();
  const now = useNow(state === 'reconnecting' || state === 'offline');
  if (state === 'idle' || state === 'connecting') return null;
  const lostMs = now - since;
  const quiet = state === 'reconnecting' && lostMs < QUIET_MS;
  const shown = quiet ? 'open' : state;

  return (
    <span className={classes.chip} role="status" title={shown === 'open' && latencyMs !== undefined ? `${latencyMs} ms` : undefined}>
      <span className={classes.dot} data-state={shown} aria-hidden="true" />
      {shown === 'open' && 'Live'}
      {shown === 'reconnecting' && (
        <span>
          Reconnecting{attempt > 1 ? ` (${attempt})` : ''} <span aria-hidden="true">since {formatElapsed(lostMs)}</span>
        </span>
      )}
      {shown === 'offline' && `Offline, data as of ${formatClock(since)}`}
      {shown === 'failed' && (
        <>
          Connection refused
          <Anchor component="button" type="button" size="sm" onClick={reconnect}>
            Reconnect
          </Anchor>
        </>
      )}
    </span>
  );
}
