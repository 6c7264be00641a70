import { Alert } from '@mantine/core';
import type { OperationDetail } from '@sluice/client';
import type { ReactNode } from 'react';
import { Icon } from '../icons.js';
import { Leftovers } from '../recovery/leftovers.js';

/** What a run that has ended took back, and what it could not. With a recovery the latter is told there, as it stands now. */
export function CompensationNote({
  compensation: { status, steps, left },
  hasRecovery,
}: {
  compensation: NonNullable<OperationDetail['compensation']>;
  hasRecovery: boolean;
}): ReactNode {
  if (status === 'RUNNING') return null;
  const undone = steps.filter((step) => step.status === 'COMPLETED').length;
  if (status === 'COMPENSATED')
    return (
      <Alert role="note" color="teal" mb="md" icon={<Icon name="undo" />} title="Everything it had done was undone.">
        {undone === 1 ? 'One effect was taken back.' : `${undone} effects were taken back.`} Nothing is left.
      </Alert>
    );
  return (
    <Alert role="note" color="orange" mb="md" icon={<Icon name="alert" />} title="Not everything could be undone">
      {undone} of {steps.length} undone.{hasRecovery && ' What is left is the recovery’s.'}
      {!hasRecovery && left.length > 0 && <Leftovers items={left} label="Left undone" />}
    </Alert>
  );
}
