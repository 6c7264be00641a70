import { VisuallyHidden } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { OperationState, OperationStatus } from '@sluice/client';
import { useOperationClient } from '@sluice/client/react';
import { type ReactNode, useEffect, useState } from 'react';
import { STATUS_LOOKS } from '../components/status.js';
import { TextLink } from '../components/links.js';
import { Icon } from '../icons.js';

const SENTENCES: Readonly<Partial<Record<OperationStatus, string>>> = {
  COMPLETED: 'has completed',
  FAILED: 'has failed',
  CANCELLED: 'was cancelled',
};

/** Tells, on whatever page, that something started here has ended: a toast, and a live region for screen readers. */
export function Announcer(): ReactNode {
  const client = useOperationClient();
  const [sentence, setSentence] = useState('');

  useEffect(() => {
    const announce = ({ id, view }: OperationState): void => {
      const { color, icon } = STATUS_LOOKS[view.status];
      setSentence(`${view.title} ${SENTENCES[view.status] ?? 'has ended'}`);
      // On its own page the status says it already.
      if (location.pathname === `/operations/${id}`) return;
      notifications.show({
        id: `settled-${id}`,
        closeButtonProps: { 'aria-label': 'Dismiss' },
        color,
        icon: <Icon name={icon} size={16} />,
        title: `${view.title} ${SENTENCES[view.status] ?? 'has ended'}`,
        message: (
          <TextLink to="/operations/$id" params={{ id }} size="sm">
            {view.status === 'FAILED' ? `See why (${view.failure?.code ?? 'no code'})` : 'See the operation'}
          </TextLink>
        ),
      });
    };
    const stop = client.onSettled(announce);
    client.resume();
    return stop;
  }, [client]);

  return (
    <VisuallyHidden role="status" aria-live="polite">
      {sentence}
    </VisuallyHidden>
  );
}
