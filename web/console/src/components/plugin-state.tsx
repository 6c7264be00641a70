import { Badge, Progress, Text } from '@mantine/core';
import type { OperationState } from '@sluice/client';
import { useOperation } from '@sluice/client/react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { type FragmentType, readFragment } from '../generated/index.js';
import { Icon } from '../icons.js';
import { InstallationState } from '../queries.js';
import { ButtonLink } from './links.js';
import classes from './plugin-state.module.css';

const selectProgress = ({ detail, view }: OperationState): { known: boolean; running: boolean; percent: number } => ({
  known: detail !== undefined,
  running: view.status === 'WORKING' || view.status === 'INPUT_REQUIRED',
  percent: view.progress.total > 0 ? Math.round((view.progress.completed / view.progress.total) * 100) : 0,
});

export interface PluginStateProps {
  plugin: string;
  displayName: string;
  /** Without one there is nothing to install. */
  hasVersion: boolean;
  installation: FragmentType<typeof InstallationState> | null | undefined;
}

/** What can be done with a plugin now: install it, follow its installation, or nothing, since it is there. */
export function PluginState({ plugin, displayName, hasVersion, installation: masked }: PluginStateProps): ReactNode {
  const installation = readFragment(InstallationState, masked) ?? null;
  const operationId = installation?.phase === 'INSTALLING' ? (installation.operation?.id ?? null) : null;
  const { known, running, percent } = useOperation(operationId, { select: selectProgress });

  if (installation?.phase === 'ACTIVE')
    return (
      <Badge variant="light" color="teal" size="lg" className={classes.installed} leftSection={<Icon name="check" size={13} />}>
        Installed {installation.version.version}
      </Badge>
    );
  if (installation?.phase === 'INSTALLING' && operationId !== null && (!known || running))
    return (
      <Link to="/operations/$id" params={{ id: operationId }} className={classes.installing}>
        <Text component="span" size="sm" fw={550} className="numeric">
          Installing{known ? ` ${percent} %` : ''}
        </Text>
        <Progress value={known ? percent : 0} size={5} aria-label={`Installation of ${displayName}`} />
      </Link>
    );
  return (
    <span className={classes.actions}>
      {installation?.phase === 'FAILED' && installation.operation != null && (
        <ButtonLink
          to="/operations/$id"
          params={{ id: installation.operation.id }}
          variant="light"
          color="red"
          size="xs"
          leftSection={<Icon name="cross" size={13} />}
        >
          Failed
        </ButtonLink>
      )}
      {hasVersion ? (
        <ButtonLink
          to="/plugins/$name"
          params={{ name: plugin }}
          search={{ install: true }}
          size="xs"
          leftSection={<Icon name="download" size={15} />}
          aria-label={`Install ${displayName}`}
        >
          Install
        </ButtonLink>
      ) : (
        <Text size="sm" c="dimmed">
          No version yet
        </Text>
      )}
    </span>
  );
}
