import { Box, Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect } from 'react';
import classes from './page.module.css';

export interface PageProps {
  title: string;
  /** For the browser's tab; @default the title */
  documentTitle?: string;
  lead?: ReactNode;
  actions?: ReactNode;
  above?: ReactNode;
  children: ReactNode;
}

export function Page({ title, documentTitle = title, lead, actions, above, children }: PageProps): ReactNode {
  useEffect(() => {
    document.title = `${documentTitle} · Sluice`;
  }, [documentTitle]);
  return (
    <Box className={classes.page}>
      {above}
      <Group justify="space-between" align="flex-start" gap="md" mb="lg" className={classes.head}>
        <Stack gap={4} miw={0}>
          <Title order={1} className={classes.title}>
            {title}
          </Title>
          {lead !== undefined && (
            <Text c="dimmed" size="sm" component="div">
              {lead}
            </Text>
          )}
        </Stack>
        {actions}
      </Group>
      {children}
    </Box>
  );
}

/** A white box with a hairline: what most content stands in. */
export function Panel({
  title,
  aside,
  children,
  flush = false,
}: {
  title?: string;
  aside?: ReactNode;
  children: ReactNode;
  flush?: boolean;
}): ReactNode {
  return (
    <section className={classes.panel} aria-label={title}>
      {title !== undefined && (
        <header className={classes.panelHead}>
          <Title order={2}>{title}</Title>
          {aside}
        </header>
      )}
      <div className={flush ? undefined : classes.panelBody}>{children}</div>
    </section>
  );
}
