import { Button, Group, Text, VisuallyHidden } from '@mantine/core';
import type { AttentionRow } from '@sluice/client';
import { useAttentionList } from '@sluice/client/react';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { ErrorNotice, Notice, RowsSkeleton } from '../components/feedback.js';
import { ButtonLink } from '../components/links.js';
import { MemberName } from '../components/member-name.js';
import { Page, Panel } from '../components/page.js';
import { StatusBadge } from '../components/status.js';
import { TenantName } from '../components/tenant-name.js';
import { RelativeTime } from '../components/time.js';
import { KIND_LABELS } from '../format.js';
import { Icon } from '../icons.js';
import { stillLeft } from '../recovery/choices.js';
import { useSession } from '../services.js';
import classes from './attention.module.css';

export function AttentionPage(): ReactNode {
  const { items, phase, hasMore, loadMore, error, refresh } = useAttentionList();
  const [loading, setLoading] = useState(false);

  async function more(): Promise<void> {
    setLoading(true);
    await loadMore();
    setLoading(false);
  }

  return (
    <Page
      title="Needs attention"
      lead="What failed and is not settled. Some of it is tried again by itself; the rest waits for somebody to decide. What is settled leaves this list."
    >
      {error !== undefined && items.length > 0 && (
        <p role="status" className={classes.stale}>
          <Icon name="alert" size={15} /> The list could not be read again ({error.code}); it shows what was known.
        </p>
      )}
      <VisuallyHidden role="status">{phase === 'live' && sayCount(items.length, hasMore)}</VisuallyHidden>
      <Panel flush>
        {phase === 'loading' && <RowsSkeleton rows={4} height={84} />}
        {phase === 'error' && items.length === 0 && error !== undefined && <ErrorNotice error={error} onRetry={() => void refresh()} />}
        {phase === 'live' && items.length === 0 && (
          <Notice
            icon="check"
            title="Nothing needs attention"
            action={
              <ButtonLink to="/operations" variant="default">
                All operations
              </ButtonLink>
            }
          >
            Mutations and background runs that fail appear here until they are settled.
          </Notice>
        )}
        {items.length > 0 && (
          <ul className={classes.rows} aria-label="What needs attention">
            {items.map((row) => (
              <li key={row.id}>
                <Row row={row} />
              </li>
            ))}
          </ul>
        )}
      </Panel>
      {hasMore && (
        <Group justify="center" mt="lg">
          <Button variant="default" loading={loading} onClick={() => void more()}>
            Show older
          </Button>
        </Group>
      )}
    </Page>
  );
}

/** For those who do not see rows come and go. */
function sayCount(count: number, hasMore: boolean): string {
  if (count === 0) return 'The list is empty';
  return `${count}${hasMore ? ' or more' : ''} in this list`;
}

function Row({ row }: { row: AttentionRow }): ReactNode {
  const tenant = useSession()?.user.tenant;
  const { recovers, compensation } = row;
  const [failure] = recovers?.errors ?? [];
  const left = stillLeft(recovers?.compensation?.left ?? [], compensation?.steps ?? []);
  return (
    <Link to="/operations/$id" params={{ id: recovers?.id ?? row.id }} className={classes.row}>
      <StatusBadge status={row.status} size="md" note={row.status === 'WORKING' ? 'Trying again' : undefined} />
      <span className={classes.what}>
        <Text component="span" fw={550} className={classes.title}>
          {recovers?.title ?? row.title}
        </Text>
        <Text component="span" size="sm" className={classes.why}>
          {failure === undefined ? (row.input?.prompt ?? 'Why it failed is not kept.') : `${failure.message} (${failure.code})`}
        </Text>
        {left.length > 0 && (
          <Text component="span" size="sm" className={classes.left}>
            <Icon name="alert" size={14} /> Left undone: {left.map(({ effect, service }) => `${effect} at ${service}`).join(', ')}
          </Text>
        )}
        <Text component="span" size="xs" c="dimmed">
          {recovers === null ? 'Recovery' : KIND_LABELS[recovers.kind]}
          {row.startedBy !== null && (
            <>
              {' for '}
              <MemberName id={row.startedBy.id} />
            </>
          )}
          {row.tenant.id !== tenant && (
            <>
              {' of '}
              <TenantName id={row.tenant.id} />
            </>
          )}
        </Text>
      </span>
      <Text component="span" size="sm" className={classes.when}>
        <span className={classes.since}>failed </span>
        <RelativeTime time={row.createdAt} />
      </Text>
    </Link>
  );
}
