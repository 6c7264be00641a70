import { Text } from '@mantine/core';
import type { OperationEvent } from '@sluice/client';
import { useOperationEvents } from '@sluice/client/react';
import type { ReactNode } from 'react';
import { MemberName } from '../components/member-name.js';
import { formatExact } from '../format.js';
import { Icon, type IconName } from '../icons.js';
import { CHOICES } from './choices.js';
import classes from './recovery.module.css';

const SHOWN = 50;
const TOLD = new Set<OperationEvent['__typename']>([
  'OperationStarted',
  'InputRequired',
  'InputReceived',
  'CancelRequested',
  'CompensationCompleted',
  'CompensationFailed',
  'OperationCompleted',
  'OperationFailed',
  'OperationCancelled',
]);
const isTold = ({ __typename }: OperationEvent): boolean => TOLD.has(__typename);

/** Who decided what, when, and what came of it: the recovery's own events, so they cannot say otherwise. */
export function DecisionTrail({ recoveryId }: { recoveryId: string }): ReactNode {
  const { events, dropped } = useOperationEvents(recoveryId, { filter: isTold, tail: SHOWN });
  if (events.length === 0) return null;
  return (
    <div>
      <Text component="h3" size="sm" fw={600} mb={6}>
        What was decided
      </Text>
      {dropped > 0 && (
        <Text size="xs" c="dimmed">
          {dropped} earlier entries are among its events.
        </Text>
      )}
      <ol className={classes.trail} aria-label="What was decided">
        {events.map((event) => {
          const { icon, text } = tell(event);
          return (
            <li key={event.seq}>
              <Icon name={icon} size={15} className={classes.trailIcon} />
              <span className={classes.trailText}>{text}</span>
              <time dateTime={event.at} className={classes.trailTime}>
                {formatExact(event.at)}
              </time>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

function tell(event: OperationEvent): { icon: IconName; text: ReactNode } {
  switch (event.__typename) {
    case 'OperationStarted':
      return { icon: 'running', text: 'The recovery took over' };
    case 'InputRequired':
      return { icon: 'input', text: 'It waits for a decision' };
    case 'InputReceived': {
      const { done, icon } = CHOICES[event.choice];
      return { icon, text: event.by === null ? `It ${done} by itself` : <Act by={event.by} did={done} /> };
    }
    case 'CancelRequested': {
      const did = event.reason === null ? 'cancelled it' : `cancelled it: “${event.reason}”`;
      return { icon: 'stop', text: event.by === null ? `Somebody ${did}` : <Act by={event.by} did={did} /> };
    }
    case 'CompensationCompleted':
      return { icon: 'check', text: `Undone: ${event.label}` };
    case 'CompensationFailed':
      return { icon: 'cross', text: `Not undone: ${event.label} (${event.failure.code})` };
    case 'OperationCompleted':
      return { icon: 'check', text: 'It is settled' };
    case 'OperationFailed':
      return { icon: 'cross', text: `The recovery itself failed: ${event.failure.message}` };
    case 'OperationCancelled':
      return { icon: 'stop', text: 'The recovery was ended' };
    default:
      return { icon: 'pending', text: event.__typename };
  }
}

function Act({ by, did }: { by: string; did: string }): ReactNode {
  return (
    <>
      <strong>
        <MemberName id={by} />
      </strong>{' '}
      {did}
    </>
  );
}
