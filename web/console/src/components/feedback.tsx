// What a list or page shows in place of its rows: nothing yet, no match, an error, not allowed, or its skeleton.
import { Button, Code, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import type { CombinedError } from 'urql';
import { Icon, type IconName } from '../icons.js';
import classes from './feedback.module.css';

export interface ShownError {
  readonly code: string;
  readonly message: string;
}

export function toShownError(error: CombinedError): ShownError {
  const [first] = error.graphQLErrors;
  if (first === undefined) return { code: 'NETWORK_ERROR', message: 'The gateway could not be reached.' };
  const { code } = first.extensions;
  return { code: typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR', message: first.message };
}

export interface NoticeProps {
  icon: IconName;
  title: string;
  /** Level of its heading. @default 2 */
  order?: 1 | 2;
  children?: ReactNode;
  action?: ReactNode;
}

export function Notice({ icon, title, order = 2, children, action }: NoticeProps): ReactNode {
  return (
    <Stack align="center" gap={6} className={classes.notice}>
      <span className={classes.emblem}>
        <Icon name={icon} size={22} />
      </span>
      <Title order={order} size="h2" ta="center">
        {title}
      </Title>
      {children !== undefined && (
        <Text c="dimmed" size="sm" ta="center" maw={440} component="div">
          {children}
        </Text>
      )}
      {action !== undefined && <Group mt="sm">{action}</Group>}
    </Stack>
  );
}

export function ErrorNotice({ error, onRetry }: { error: ShownError; onRetry?: () => void }): ReactNode {
  if (error.code === 'FORBIDDEN')
    return (
      <Notice icon="shield" title="You may not see this">
        Your account lacks the scope for it. <Code>{error.code}</Code>
      </Notice>
    );
  return (
    <div role="alert">
      <Notice
        icon="alert"
        title="This could not be loaded"
        action={
          onRetry && (
            <Button variant="default" leftSection={<Icon name="refresh" size={16} />} onClick={onRetry}>
              Try again
            </Button>
          )
        }
      >
        {error.message} <Code>{error.code}</Code>
      </Notice>
    </div>
  );
}

export function RowsSkeleton({ rows = 6, height = 60 }: { rows?: number; height?: number }): ReactNode {
  return (
    <Stack gap={1} aria-busy="true" aria-label="Loading" role="status">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className={classes.skeletonRow} style={{ height }}>
          <Skeleton circle height={24} />
          <Skeleton height={10} width={`${55 - ((index * 13) % 25)}%`} />
        </div>
      ))}
    </Stack>
  );
}
