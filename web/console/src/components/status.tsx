import { Badge, type MantineColor } from '@mantine/core';
import type { OperationStatus, StepView } from '@sluice/client';
import type { ReactNode } from 'react';
import { Icon, type IconName } from '../icons.js';
import classes from './status.module.css';

interface Look {
  label: string;
  color: MantineColor;
  icon: IconName;
}

export const STATUS_LOOKS: Readonly<Record<OperationStatus, Look>> = {
  WORKING: { label: 'Working', color: 'blue', icon: 'running' },
  INPUT_REQUIRED: { label: 'Needs input', color: 'orange', icon: 'input' },
  COMPLETED: { label: 'Completed', color: 'teal', icon: 'check' },
  FAILED: { label: 'Failed', color: 'red', icon: 'cross' },
  CANCELLED: { label: 'Cancelled', color: 'gray', icon: 'stop' },
};

export const STEP_LOOKS: Readonly<Record<StepView['status'], Look>> = {
  PENDING: { label: 'Waiting', color: 'gray', icon: 'pending' },
  RUNNING: { label: 'Running', color: 'blue', icon: 'running' },
  COMPLETED: { label: 'Done', color: 'teal', icon: 'check' },
  FAILED: { label: 'Failed', color: 'red', icon: 'cross' },
  SKIPPED: { label: 'Skipped', color: 'gray', icon: 'skipped' },
};

/** What an operation is doing, in words and with an icon: the colour never says it alone. */
export function StatusBadge({
  status,
  note,
  size = 'lg',
}: {
  status: OperationStatus;
  note?: string | undefined;
  size?: 'md' | 'lg';
}): ReactNode {
  const { label, color, icon } = STATUS_LOOKS[status];
  return (
    <Badge
      variant="light"
      color={note === undefined ? color : 'orange'}
      size={size}
      className={classes.badge}
      leftSection={<Icon name={icon} size={13} className={icon === 'running' ? classes.spinning : undefined} />}
    >
      {note ?? label}
    </Badge>
  );
}

export function StepIcon({ status }: { status: StepView['status'] }): ReactNode {
  const { icon, label } = STEP_LOOKS[status];
  return (
    <span className={classes.step} data-status={status} role="img" aria-label={label}>
      <Icon name={icon} size={13} className={status === 'RUNNING' ? classes.spinning : undefined} />
    </span>
  );
}
