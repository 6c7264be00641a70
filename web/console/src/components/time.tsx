import type { ReactNode } from 'react';
import { useNow } from '../clock.js';
import { formatExact, formatRelative } from '../format.js';

/** `3 min. ago`, with the exact time on hover. */
export function RelativeTime({ time }: { time: string }): ReactNode {
  const now = useNow();
  return (
    <time dateTime={time} title={formatExact(time)}>
      {formatRelative(time, now)}
    </time>
  );
}
