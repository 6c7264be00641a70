import { Progress, Text } from '@mantine/core';
import type { OperationState, OperationSummary } from '@sluice/client';
import { useOperation } from '@sluice/client/react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useNow } from '../clock.js';
import { KIND_LABELS, formatDuration, formatElapsed } from '../format.js';
import { MemberName } from './member-name.js';
import classes from './operation-rows.module.css';
import { StatusBadge } from './status.js';
import { RelativeTime } from './time.js';

/** At most so many rows follow their operation's own events; the others are patched by the list. */
const MAX_LIVE_ROWS = 10;

/** Rows that keep their place; running ones move by their own events. */
export function OperationRows({ items, compact = false }: { items: readonly OperationSummary[]; compact?: boolean }): ReactNode {
  const live = new Set(
    items
      .filter(({ done }) => !done)
      .slice(0, MAX_LIVE_ROWS)
      .map(({ id }) => id),
  );
  return (
    <ul className={classes.rows}>
      {items.map((row) => (
        <li key={row.id}>
          <OperationRow row={row} live={live.has(row.id)} compact={compact} />
        </li>
      ))}
    </ul>
  );
}

const selectRow = ({
  detail,
  view,
}: OperationState): Pick<OperationState['view'], 'status' | 'cancelRequested'> & {
  known: boolean;
  done: number;
  total: number;
  updatedAt: string | null;
} => ({
  known: detail !== undefined,
  status: view.status,
  cancelRequested: view.cancelRequested,
  done: view.progress.completed,
  total: view.progress.total,
  updatedAt: view.updatedAt,
});

function OperationRow({ row, live, compact }: { row: OperationSummary; live: boolean; compact: boolean }): ReactNode {
  const followed = useOperation(live ? row.id : null, { select: selectRow });
  const now = followed.known
    ? { ...followed, updatedAt: followed.updatedAt ?? row.updatedAt }
    : {
        status: row.status,
        cancelRequested: row.cancelRequested === true,
        done: row.progress.completed,
        total: row.progress.total,
        updatedAt: row.updatedAt,
      };
  const running = now.status === 'WORKING' || now.status === 'INPUT_REQUIRED';
  const percent = now.total > 0 ? Math.round((now.done / now.total) * 100) : 0;

  return (
    <Link to="/operations/$id" params={{ id: row.id }} className={classes.row} data-compact={compact || undefined}>
      <span className={classes.status}>
        <StatusBadge status={now.status} size="md" note={running && now.cancelRequested ? 'Cancel requested' : undefined} />
      </span>
      <span className={classes.what}>
        <Text component="span" fw={550} truncate className={classes.title}>
          {row.title}
        </Text>
        <Text component="span" size="xs" c="dimmed" truncate>
          {KIND_LABELS[row.kind]}
          {row.startedBy !== null && (
            <>
              {' · '}
              <MemberName id={row.startedBy.id} />
            </>
          )}
        </Text>
      </span>
      {!compact && (
        <span className={classes.progress}>
          {now.total > 0 && (
            <>
              <Progress
                value={percent}
                size={5}
                color={running ? 'blue' : now.status === 'COMPLETED' ? 'teal' : now.status === 'FAILED' ? 'red' : 'gray.5'}
                aria-label={`Progress of ${row.title}`}
              />
              <Text component="span" size="xs" c="dimmed" className="numeric">
                {now.done} of {now.total} steps
              </Text>
            </>
          )}
        </span>
      )}
      <span className={classes.when}>
        <Text component="span" size="sm">
          <RelativeTime time={row.createdAt} />
        </Text>
        <Text component="span" size="xs" c="dimmed" className="numeric">
          <Duration from={row.createdAt} to={running ? null : now.updatedAt} />
        </Text>
      </span>
    </Link>
  );
}

/** From `from` to `to`, or ticking. */
export function Duration({ from, to }: { from: string; to: string | null }): ReactNode {
  const now = useNow(to === null);
  const ms = (to === null ? now : Date.parse(to)) - Date.parse(from);
  return <>{to === null ? formatElapsed(ms) : formatDuration(ms)}</>;
}
