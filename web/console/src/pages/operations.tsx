import { Button, Group, NativeSelect } from '@mantine/core';
import { COUNTED, type OperationKindName, type OperationStatus } from '@sluice/client';
import { useOperationList } from '@sluice/client/react';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { ErrorNotice, Notice, RowsSkeleton } from '../components/feedback.js';
import { ButtonLink } from '../components/links.js';
import { OperationRows } from '../components/operation-rows.js';
import { Page, Panel } from '../components/page.js';
import { STATUS_LOOKS } from '../components/status.js';
import { KIND_LABELS } from '../format.js';
import { Icon } from '../icons.js';
import classes from './operations.module.css';

const STATUSES = Object.keys(STATUS_LOOKS) as OperationStatus[];
const KINDS = Object.entries(KIND_LABELS).map(([value, label]) => ({ value, label }));

export function OperationsPage(): ReactNode {
  const filter = useSearch({ from: '/shell/operations' });
  const navigate = useNavigate({ from: '/operations' });
  const { items, phase, fresh, showFresh, hasMore, loadMore, counts, error, refresh } = useOperationList(filter);
  const [loading, setLoading] = useState(false);
  const filtered = Object.values(filter).some((value) => value !== undefined);
  const total = counts === undefined ? undefined : Object.values(counts).reduce((sum, count) => sum + count, 0);

  async function more(): Promise<void> {
    setLoading(true);
    // A failed page is shown by the next poll of the list.
    await loadMore().catch(() => undefined);
    setLoading(false);
  }

  return (
    <Page title="Operations" lead={`Every durable run on this gateway, newest first. Counts are of the newest ${COUNTED}.`}>
      <Group mb="md" gap="sm" justify="space-between" align="center">
        <nav aria-label="Status" className={classes.statuses}>
          <StatusLink status={undefined} label="All" count={total} />
          {STATUSES.map((status) => (
            <StatusLink key={status} status={status} label={STATUS_LOOKS[status].label} count={counts?.[status]} />
          ))}
        </nav>
        <NativeSelect
          aria-label="Kind of operation"
          data={[{ value: '', label: 'Every kind' }, ...KINDS]}
          value={filter.kind ?? ''}
          onChange={({ currentTarget: { value } }) =>
            void navigate({ search: (old) => ({ ...old, kind: value === '' ? undefined : (value as OperationKindName) }) })
          }
          w={200}
        />
      </Group>

      {fresh > 0 && (
        <button type="button" className={classes.fresh} onClick={showFresh}>
          <Icon name="arrowUp" size={15} /> {fresh === 1 ? '1 new operation' : `${fresh} new operations`}
        </button>
      )}
      {error !== undefined && items.length > 0 && (
        <p role="status" className={classes.stale}>
          <Icon name="alert" size={15} /> The list could not be read again ({error.code}); it shows what was known.
        </p>
      )}

      <Panel flush>
        {phase === 'loading' && <RowsSkeleton rows={8} height={64} />}
        {phase === 'error' && items.length === 0 && error !== undefined && <ErrorNotice error={error} onRetry={() => void refresh()} />}
        {phase === 'live' && items.length === 0 && !filtered && (
          <Notice
            icon="inbox"
            title="Nothing has run yet"
            action={
              <ButtonLink to="/marketplace" variant="light">
                Install a plugin
              </ButtonLink>
            }
          >
            A query over several services or an installation becomes a durable run, and appears here.
          </Notice>
        )}
        {phase === 'live' && items.length === 0 && filtered && (
          <Notice
            icon="search"
            title="No operation matches"
            action={
              <ButtonLink to="/operations" search={{}} variant="default">
                Clear the filters
              </ButtonLink>
            }
          >
            None has this status and kind.
          </Notice>
        )}
        {items.length > 0 && <OperationRows items={items} />}
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

function StatusLink({
  status,
  label,
  count,
}: {
  status: OperationStatus | undefined;
  label: string;
  count: number | undefined;
}): ReactNode {
  return (
    <Link
      to="/operations"
      search={(old) => ({ ...old, status })}
      activeOptions={{ exact: true, includeSearch: false }}
      className={classes.statusLink}
      data-active={useSearch({ from: '/shell/operations' }).status === status || undefined}
    >
      {label}
      {count !== undefined && <span className={classes.count}>{count}</span>}
    </Link>
  );
}
