import { CopyButton, Tooltip, UnstyledButton, VisuallyHidden } from '@mantine/core';
import type { ReactNode } from 'react';
import { Icon } from '../icons.js';
import classes from './copyable.module.css';

/** A long id, shortened in the middle; the whole of it goes to the clipboard. */
export function Copyable({ value, label, keep = 22 }: { value: string; label: string; keep?: number }): ReactNode {
  const short = value.length <= keep ? value : `${value.slice(0, keep - 7)}…${value.slice(-6)}`;
  return (
    <CopyButton value={value} timeout={1_500}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : `Copy ${label}`} withArrow>
          <UnstyledButton onClick={copy} className={classes.copyable}>
            <VisuallyHidden>{copied ? `${label} copied` : `Copy ${label}`}</VisuallyHidden>
            <span className={classes.text}>{short}</span>
            <Icon name={copied ? 'check' : 'copy'} size={13} />
          </UnstyledButton>
        </Tooltip>
      )}
    </CopyButton>
  );
}
