import { Button, Code, Group, Text } from '@mantine/core';
import type { OperationEvent } from '@sluice/client';
import { useOperationEvents } from '@sluice/client/react';
import { type ReactNode, useEffect, useRef } from 'react';
import { Notice, RowsSkeleton } from '../components/feedback.js';
import { formatClock } from '../format.js';
import { Icon } from '../icons.js';
import classes from './event-log.module.css';

const TAIL = 500;

/** Every durable event, oldest first; the end is followed until the reader stops it. */
export function EventLog({ id }: { id: string }): ReactNode {
  const { events, dropped, fresh, follow, setFollow, phase } = useOperationEvents(id, { tail: TAIL });
  const end = useRef<HTMLDivElement>(null);
  const last = events.at(-1)?.seq;
  useEffect(() => {
    if (follow && phase === 'live') end.current?.scrollIntoView({ block: 'nearest' });
  }, [follow, last, phase]);

  if (events.length === 0)
    return phase === 'done' || phase === 'error' ? (
      <Notice icon="inbox" title="No events are kept" />
    ) : (
      <RowsSkeleton rows={5} height={40} />
    );
  return (
    <div className={classes.log}>
      <Group justify="space-between" className={classes.bar}>
        <Text size="sm" c="dimmed" className="numeric">
          {events.length} events{dropped > 0 && `, ${dropped} older ones not shown`}
        </Text>
        {phase !== 'done' && (
          <Button
            size="compact-sm"
            variant={follow ? 'light' : 'default'}
            onClick={() => setFollow(!follow)}
            leftSection={<Icon name={follow ? 'stop' : 'arrowRight'} size={13} />}
          >
            {follow ? 'Stop following' : fresh > 0 ? `Jump to live (${fresh} new)` : 'Follow'}
          </Button>
        )}
      </Group>
      <ol className={classes.events} start={events[0]?.seq ?? 1}>
        {events.map((event) => (
          <li key={event.seq} className={classes.event}>
            <span className={classes.seq}>{event.seq}</span>
            <time dateTime={event.at} className={classes.at}>
              {formatClock(event.at)}
            </time>
            <span className={classes.name}>{event.__typename}</span>
            <span className={classes.text}>{describe(event)}</span>
          </li>
        ))}
      </ol>
      <div ref={end} />
    </div>
  );
}

function describe(event: OperationEvent): ReactNode {
  switch (event.__typename) {
    case 'OperationStarted':
      return `${event.title}, ${event.steps.length} steps`;
    case 'StepStarted':
    case 'CompensationStarted':
    case 'CompensationCompleted':
      return event.label;
    case 'StepProgressed':
      return `${event.label}: ${event.detail ?? `${event.completed}${event.total === null ? '' : ` of ${event.total}`}`}`;
    case 'StepCompleted':
      return event.detail === null ? event.label : `${event.label}: ${event.detail}`;
    case 'StepRetrying':
      return `${event.label}: attempt ${event.attempt}${event.maximumAttempts === null ? '' : ` of ${event.maximumAttempts}`}`;
    case 'StepFailed':
    case 'CompensationFailed':
      return (
        <>
          {event.label}: {event.failure.message} <Code>{event.failure.code}</Code>
        </>
      );
    case 'OperationFailed':
      return (
        <>
          {event.failure.message} <Code>{event.failure.code}</Code>
        </>
      );
    case 'CancelRequested':
    case 'OperationCancelled':
      return event.reason ?? '';
    case 'InputRequired':
      return event.prompt;
    case 'InputReceived':
      return event.by === null ? event.choice : `${event.choice}, by ${event.by}`;
    case 'RecoveryStarted':
      return event.recovery;
    case 'OperationCompleted':
      return '';
  }
}
