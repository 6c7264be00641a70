import { Group, SimpleGrid, Stack, Text } from '@mantine/core';
import type { OperationStatus } from '@sluice/client';
import { useOperationList } from '@sluice/client/react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useQuery } from 'urql';
import { ErrorNotice, Notice, RowsSkeleton, toShownError } from '../components/feedback.js';
import { ButtonLink, TextLink } from '../components/links.js';
import { OperationRows } from '../components/operation-rows.js';
import { Page, Panel } from '../components/page.js';
import { PluginMark } from '../components/plugin-mark.js';
import { STATUS_LOOKS } from '../components/status.js';
import { type FragmentType, readFragment } from '../generated/index.js';
import { Icon } from '../icons.js';
import { InstallationState, InstalledPlugins } from '../queries.js';
import { useSession } from '../services.js';
import { useReadAgainOnSettled } from '../use-read-again.js';
import classes from './overview.module.css';

const TILES: readonly OperationStatus[] = ['WORKING', 'INPUT_REQUIRED', 'FAILED', 'COMPLETED'];

export function OverviewPage(): ReactNode {
  const name = useSession()?.user.name.split(' ')[0] ?? '';
  const operations = useOperationList();
  const running = operations.items.filter(({ done }) => !done);
  const recent = operations.items.filter(({ done }) => done).slice(0, 6);

  return (
    <Page title={`Hello, ${name}`} documentTitle="Overview" lead="What is running on this gateway, and what was.">
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md" mb="lg">
        {TILES.map((status) => (
          <Link key={status} to="/operations" search={{ status }} className={classes.tile} data-status={status}>
            <span className={classes.tileHead}>
              <Icon name={STATUS_LOOKS[status].icon} size={15} />
              {STATUS_LOOKS[status].label}
            </span>
            <span className={classes.tileValue}>{operations.counts?.[status] ?? '–'}</span>
          </Link>
        ))}
      </SimpleGrid>

      <div className={classes.columns}>
        <Stack gap="lg">
          {running.length > 0 && (
            <Panel title="Running" flush>
              <OperationRows items={running} compact />
            </Panel>
          )}
          <Panel
            title="Recent operations"
            flush
            aside={
              <TextLink to="/operations" size="sm">
                All operations
              </TextLink>
            }
          >
            {operations.phase === 'loading' && <RowsSkeleton rows={4} />}
            {operations.error !== undefined && operations.items.length === 0 && (
              <ErrorNotice error={operations.error} onRetry={() => void operations.refresh()} />
            )}
            {operations.phase === 'live' && recent.length === 0 && (
              <Notice
                icon="inbox"
                title="Nothing has ended yet"
                action={
                  <ButtonLink to="/marketplace" variant="light">
                    Install a plugin
                  </ButtonLink>
                }
              >
                Installations and queries over several services appear here.
              </Notice>
            )}
            {recent.length > 0 && <OperationRows items={recent} compact />}
          </Panel>
        </Stack>
        <Stack gap="lg">
          <InstalledPanel />
          <Panel title="Go on">
            <Stack gap={4}>
              <GoTo to="/marketplace" icon="plugin" title="Marketplace" text="Plugins that add fields to this graph" />
              <GoTo to="/explorer" icon="explorer" title="API explorer" text="Write queries against the live schema" />
            </Stack>
          </Panel>
        </Stack>
      </div>
    </Page>
  );
}

function GoTo({
  to,
  icon,
  title,
  text,
}: {
  to: '/marketplace' | '/explorer';
  icon: 'plugin' | 'explorer';
  title: string;
  text: string;
}): ReactNode {
  return (
    <Link to={to} reloadDocument={to === '/explorer'} className={classes.goTo}>
      <span className={classes.goToIcon}>
        <Icon name={icon} />
      </span>
      <span>
        <Text component="span" display="block" fw={550} size="sm">
          {title}
        </Text>
        <Text component="span" display="block" size="xs" c="dimmed">
          {text}
        </Text>
      </span>
    </Link>
  );
}

function InstalledPanel(): ReactNode {
  const [{ data, error, fetching }, read] = useQuery({ query: InstalledPlugins, requestPolicy: 'cache-and-network' });
  useReadAgainOnSettled(read);
  const installations = data?.pluginInstallations.nodes ?? [];
  return (
    <Panel
      title="Installed plugins"
      flush
      aside={
        data !== undefined && (
          <Text size="sm" c="dimmed">
            {data.pluginInstallations.totalCount}
          </Text>
        )
      }
    >
      {data === undefined && fetching && <RowsSkeleton rows={2} />}
      {data === undefined && error !== undefined && (
        <ErrorNotice error={toShownError(error)} onRetry={() => read({ requestPolicy: 'network-only' })} />
      )}
      {data !== undefined && installations.length === 0 && (
        <Notice icon="plugin" title="No plugin yet" action={<ButtonLink to="/marketplace">Open the marketplace</ButtonLink>}>
          A plugin adds its fields to the running graph; nothing restarts.
        </Notice>
      )}
      <ul className={classes.installed}>
        {installations.map((installation) => (
          <InstalledRow key={installation.plugin.id} plugin={installation.plugin} installation={installation} />
        ))}
      </ul>
    </Panel>
  );
}

function InstalledRow({
  plugin,
  installation,
}: {
  plugin: { name: string; displayName: string };
  installation: FragmentType<typeof InstallationState>;
}): ReactNode {
  const { phase, version } = readFragment(InstallationState, installation);
  return (
    <li>
      <Link to="/plugins/$name" params={{ name: plugin.name }} className={classes.installedRow}>
        <PluginMark name={plugin.name} size={34} />
        <span className={classes.installedName}>
          <Text component="span" fw={550} size="sm" truncate>
            {plugin.displayName}
          </Text>
          <Text component="span" size="xs" c="dimmed" truncate>
            {plugin.name}
          </Text>
        </span>
        <Group gap={6} wrap="nowrap" className={classes.phase} data-phase={phase}>
          <Icon name={phase === 'ACTIVE' ? 'check' : phase === 'FAILED' ? 'cross' : 'running'} size={14} />
          <Text component="span" size="xs">
            {phase === 'ACTIVE' ? version.version : phase === 'FAILED' ? 'Failed' : 'Installing'}
          </Text>
        </Group>
      </Link>
    </li>
  );
}
