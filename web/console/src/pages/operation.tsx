import { Alert, Button, Code, Group, Progress, Tabs, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type LiveOperation, useOperation } from '@sluice/client/react';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { CodeBlock } from '../components/code-block.js';
import { Copyable } from '../components/copyable.js';
import { ErrorNotice, RowsSkeleton } from '../components/feedback.js';
import { TextLink } from '../components/links.js';
import { MemberName } from '../components/member-name.js';
import { Duration } from '../components/operation-rows.js';
import { Page, Panel } from '../components/page.js';
import { STATUS_LOOKS, StatusBadge } from '../components/status.js';
import { RelativeTime } from '../components/time.js';
import { KIND_LABELS } from '../format.js';
import { Icon } from '../icons.js';
import { CancelDialog } from '../operation/cancel-dialog.js';
import { CompensationNote } from '../operation/compensation-note.js';
import { EventLog } from '../operation/event-log.js';
import { Timeline } from '../operation/timeline.js';
import { RecoveryPanel } from '../recovery/recovery-panel.js';
import classes from './operation.module.css';

const VIEWS = ['timeline', 'events', 'json'] as const;

export function OperationPage(): ReactNode {
  const { id } = useParams({ from: '/shell/operations/$id' });
  const operation = useOperation(id);
  const { detail, error, status, title, retry } = operation;

  if (detail === undefined || status === 'UNKNOWN')
    return (
      <Page title="Operation" above={<Back />}>
        <Panel flush>{error === undefined ? <RowsSkeleton rows={7} /> : <ErrorNotice error={error} onRetry={retry} />}</Panel>
      </Page>
    );
  return (
    <OperationDetails operation={{ ...operation, detail, status }} key={id} documentTitle={`${STATUS_LOOKS[status].label}: ${title}`} />
  );
}

type Known = LiveOperation & { detail: NonNullable<LiveOperation['detail']>; status: Exclude<LiveOperation['status'], 'UNKNOWN'> };

function OperationDetails({ operation, documentTitle }: { operation: Known; documentTitle: string }): ReactNode {
  const { view = 'timeline' } = useSearch({ from: '/shell/operations/$id' });
  const navigate = useNavigate({ from: '/operations/$id' });
  const [cancelling, { open, close }] = useDisclosure();
  const { detail, status, title, steps, compensations, progress, cancelRequested, failure, can, phase, error } = operation;
  const running = status === 'WORKING' || status === 'INPUT_REQUIRED';
  const rollingBack = running && compensations.length > 0;
  const endedAt = running ? null : lastTime(operation);
  const isRecovery = detail.kind === 'RECOVERY';
  const recoveryId = isRecovery ? detail.id : detail.recovery?.id;
  const note = rollingBack ? 'Rolling back' : running && cancelRequested ? 'Cancel requested' : undefined;

  return (
    <Page
      title={title}
      documentTitle={documentTitle}
      above={<Back />}
      actions={
        <Group gap="sm" className={classes.actions}>
          {detail.temporalUrl !== null && (
            <Button
              component="a"
              href={detail.temporalUrl}
              target="_blank"
              rel="noopener noreferrer"
              variant="default"
              rightSection={<Icon name="external" size={15} />}
            >
              Open in Temporal
            </Button>
          )}
          {running && detail.cancellable && (
            <Button variant="light" color="red" disabled={!can.cancel} onClick={open}>
              {cancelRequested ? 'Cancel requested' : 'Cancel…'}
            </Button>
          )}
        </Group>
      }
      lead={
        <div className={classes.facts}>
          <span role="status">
            <StatusBadge status={status} note={note} />
          </span>
          <span>{KIND_LABELS[detail.kind]}</span>
          {isRecovery && detail.recovers !== null && (
            <span>
              {'of '}
              <TextLink to="/operations/$id" params={{ id: detail.recovers.id }} size="sm">
                {detail.recovers.title}
              </TextLink>
            </span>
          )}
          <span>
            started <RelativeTime time={detail.createdAt} />
            {detail.startedBy !== null && (
              <>
                {' by '}
                <MemberName id={detail.startedBy.id} />
              </>
            )}
          </span>
          <span className="numeric">
            {running ? 'running for ' : 'took '}
            <Duration from={detail.createdAt} to={endedAt} />
          </span>
          <Copyable value={detail.id} label="operation id" keep={18} />
        </div>
      }
    >
      {progress.value !== null && (
        <div className={classes.progress}>
          <Progress
            value={progress.value * 100}
            size={6}
            color={
              rollingBack || status === 'CANCELLED' ? 'orange' : status === 'FAILED' ? 'red' : status === 'COMPLETED' ? 'teal' : 'blue'
            }
            aria-label="Steps done"
          />
          <Text size="xs" c="dimmed" className="numeric">
            {rollingBack
              ? `Rolling back ${Math.min(compensations.length, compensations.filter((step) => step.status !== 'RUNNING').length + 1)} of ${compensations.length}`
              : `${progress.done} of ${progress.total} steps`}
          </Text>
        </div>
      )}
      {phase === 'stale' && (
        <Alert color="orange" mb="md" icon={<Icon name="clock" />}>
          The connection is away. This is what was known; the rest follows when it is back.
        </Alert>
      )}
      {phase === 'error' && error !== undefined && (
        <Alert color="red" mb="md" icon={<Icon name="alert" />} role="alert">
          {error.message} <Code>{error.code}</Code>
        </Alert>
      )}
      {running && cancelRequested && !rollingBack && (
        <Alert color="orange" mb="md" icon={<Icon name="stop" />} title="Cancellation was requested">
          The run stops at its next step, then undoes what it has done.
        </Alert>
      )}
      {failure !== null && status === 'FAILED' && (
        <Alert color="red" mb="md" icon={<Icon name="cross" />} title={failure.message}>
          <Code>{failure.code}</Code> {compensations.length === 0 && sayUndone(detail.kind)}
        </Alert>
      )}
      {!running && !isRecovery && detail.compensation !== null && (
        <CompensationNote compensation={detail.compensation} hasRecovery={recoveryId !== undefined} />
      )}
      {recoveryId !== undefined && (
        <div className={classes.recovery}>
          <RecoveryPanel recoveryId={recoveryId} failedId={isRecovery ? (detail.recovers?.id ?? null) : detail.id} />
        </div>
      )}

      <Panel flush>
        <Tabs
          value={view}
          onChange={(value) => void navigate({ search: { view: VIEWS.find((known) => known === value) }, replace: true })}
          keepMounted={false}
        >
          <Tabs.List px="sm" className={classes.tabs}>
            <Tabs.Tab value="timeline">Timeline</Tabs.Tab>
            <Tabs.Tab value="events">Events</Tabs.Tab>
            <Tabs.Tab value="json">JSON</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="timeline">
            <Timeline steps={steps} compensations={compensations} startedAt={detail.createdAt} endedAt={endedAt} />
          </Tabs.Panel>
          <Tabs.Panel value="events">
            <EventLog id={detail.id} />
          </Tabs.Panel>
          <Tabs.Panel value="json">
            <CodeBlock text={JSON.stringify(toJson(operation), null, 2)} label="operation" fileName={`${detail.id.slice(0, 24)}.json`} />
          </Tabs.Panel>
        </Tabs>
      </Panel>
      <CancelDialog operation={operation} opened={cancelling} onClose={close} />
    </Page>
  );
}

function Back(): ReactNode {
  return (
    <TextLink to="/operations" size="sm" className={classes.back}>
      <Icon name="back" size={14} /> Operations
    </TextLink>
  );
}

/** Of a failed operation without compensations. */
function sayUndone(kind: Known['detail']['kind']): string {
  return kind.startsWith('PLUGIN') ? 'There was nothing to undo.' : 'Nothing was undone: what had taken effect stands.';
}

/** The last time that any step tells; the read's own `updatedAt` where there is none. */
function lastTime({ detail, steps, compensations }: Known): string {
  const times = [...steps, ...compensations].flatMap(({ finishedAt }) => (finishedAt === null ? [] : [finishedAt]));
  return [...times, ...(detail.done ? [detail.updatedAt] : [])].sort().at(-1) ?? detail.updatedAt;
}

/** The operation as read, with what events have changed since. */
function toJson({ detail, status, title, steps, compensations, progress, cancelRequested, failure }: Known): object {
  return {
    ...detail,
    status,
    title,
    progress: { ...detail.progress, completed: progress.done, total: progress.total },
    cancelRequested,
    failure,
    steps,
    compensations,
  };
}
