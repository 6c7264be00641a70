import { Badge, Group, Stack, Table, Tabs, Text } from '@mantine/core';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useQuery } from 'urql';
import { CodeBlock } from '../components/code-block.js';
import { Copyable } from '../components/copyable.js';
import { ErrorNotice, Notice, RowsSkeleton, toShownError } from '../components/feedback.js';
import { ButtonLink, TextLink } from '../components/links.js';
import { Markdown } from '../components/markdown.js';
import { MemberName } from '../components/member-name.js';
import { Page, Panel } from '../components/page.js';
import { PermissionList } from '../components/permissions.js';
import { PluginState } from '../components/plugin-state.js';
import { RelativeTime } from '../components/time.js';
import { readFragment } from '../generated/index.js';
import type { PluginPageQuery, PluginVersionFactsFragment } from '../generated/graphql.js';
import { formatBytes } from '../format.js';
import { Icon } from '../icons.js';
import { InstallationState, PluginPage as PluginPageQueryDocument, PluginVersionFacts } from '../queries.js';
import { useReadAgainOnSettled } from '../use-read-again.js';
import { InstallDialog } from './install-dialog.js';
import classes from './plugin.module.css';

type Plugin = NonNullable<PluginPageQuery['plugin']>;
const TABS = ['readme', 'versions', 'permissions', 'schema'] as const;

export function PluginPage(): ReactNode {
  const { name } = useParams({ from: '/shell/plugins/$name' });
  const [{ data, error, fetching }, read] = useQuery({
    query: PluginPageQueryDocument,
    variables: { name },
    requestPolicy: 'cache-and-network',
  });
  useReadAgainOnSettled(read);
  const plugin = data?.plugin;

  if (plugin != null) return <PluginDetails plugin={plugin} />;
  return (
    <Page title={name} above={<Back />}>
      <Panel flush>
        {fetching && <RowsSkeleton />}
        {!fetching && error !== undefined && (
          <ErrorNotice error={toShownError(error)} onRetry={() => read({ requestPolicy: 'network-only' })} />
        )}
        {!fetching && error === undefined && (
          <Notice
            icon="search"
            title="The catalog has no such plugin"
            action={
              <ButtonLink to="/marketplace" variant="default">
                To the marketplace
              </ButtonLink>
            }
          />
        )}
      </Panel>
    </Page>
  );
}

function PluginDetails({ plugin }: { plugin: Plugin }): ReactNode {
  const { tab = 'readme', install = false } = useSearch({ from: '/shell/plugins/$name' });
  const navigate = useNavigate({ from: '/plugins/$name' });
  const versions = plugin.versions.nodes.map((node) => readFragment(PluginVersionFacts, node));
  const latest = versions.find(({ id }) => id === plugin.latest?.id) ?? versions[0];
  const installation = readFragment(InstallationState, plugin.installation) ?? null;

  return (
    <Page
      title={plugin.displayName}
      above={<Back />}
      lead={
        <Group gap={8}>
          <span>{plugin.name}</span>
          <span aria-hidden="true">·</span>
          <span>{plugin.description}</span>
        </Group>
      }
      actions={
        <span className={classes.action}>
          <PluginState
            plugin={plugin.name}
            displayName={plugin.displayName}
            hasVersion={latest !== undefined}
            installation={plugin.installation}
          />
        </span>
      }
    >
      <div className={classes.columns}>
        <Panel flush>
          <Tabs
            value={tab}
            onChange={(value) =>
              void navigate({ search: (old) => ({ ...old, tab: TABS.find((known) => known === value) }), replace: true })
            }
            keepMounted={false}
          >
            <Tabs.List px="sm" className={classes.tabs}>
              <Tabs.Tab value="readme">Readme</Tabs.Tab>
              <Tabs.Tab value="versions">Versions {plugin.versions.totalCount}</Tabs.Tab>
              <Tabs.Tab value="permissions">Permissions {latest?.permissions.length ?? 0}</Tabs.Tab>
              <Tabs.Tab value="schema">Schema</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="readme" className={classes.panel}>
              {latest?.readme == null ? <Notice icon="file" title="It has no readme" /> : <Markdown text={latest.readme} />}
            </Tabs.Panel>
            <Tabs.Panel value="versions">
              <Versions versions={versions} installed={installation?.version.id} />
            </Tabs.Panel>
            <Tabs.Panel value="permissions" className={classes.panel}>
              <PermissionList permissions={latest?.permissions ?? []} />
            </Tabs.Panel>
            <Tabs.Panel value="schema">
              {latest === undefined ? (
                <Notice icon="file" title="No version yet" />
              ) : (
                <CodeBlock text={latest.sdl} label="schema" fileName={`${plugin.name.split('/').at(-1) ?? 'plugin'}.graphql`} />
              )}
            </Tabs.Panel>
          </Tabs>
        </Panel>
        <Stack gap="lg">
          <Panel title="About">
            <dl className={classes.facts}>
              <Fact label="Publisher">{plugin.publisher}</Fact>
              <Fact label="Licence">{plugin.license}</Fact>
              {latest !== undefined && (
                <>
                  <Fact label="Latest version">{latest.version}</Fact>
                  <Fact label="Published">
                    <RelativeTime time={latest.publishedAt} />
                  </Fact>
                  <Fact label="Size">{formatBytes(latest.size)}</Fact>
                  <Fact label="Digest">
                    <Copyable value={latest.digest} label="digest" keep={17} />
                  </Fact>
                </>
              )}
            </dl>
            {plugin.keywords.length > 0 && (
              <Group gap={6} mt="md">
                {plugin.keywords.map((keyword) => (
                  <TextLink key={keyword} to="/marketplace" search={{ q: keyword }} className={classes.keyword}>
                    {keyword}
                  </TextLink>
                ))}
              </Group>
            )}
          </Panel>
          {installation !== null && (
            <Panel title="Installation">
              <dl className={classes.facts}>
                <Fact label="Version">{installation.version.version}</Fact>
                {installation.generation != null && <Fact label="Since generation">{installation.generation}</Fact>}
                {installation.installedAt != null && (
                  <Fact label="Installed">
                    <RelativeTime time={installation.installedAt} />
                  </Fact>
                )}
                {installation.operation != null && (
                  <Fact label="Last operation">
                    <TextLink to="/operations/$id" params={{ id: installation.operation.id }} size="sm">
                      Show
                    </TextLink>
                  </Fact>
                )}
              </dl>
            </Panel>
          )}
        </Stack>
      </div>
      {latest !== undefined && (
        <InstallDialog
          plugin={plugin}
          version={latest}
          opened={install && installation?.phase !== 'ACTIVE'}
          onClose={() => void navigate({ search: (old) => ({ ...old, install: undefined }), replace: true })}
        />
      )}
    </Page>
  );
}

function Back(): ReactNode {
  return (
    <TextLink to="/marketplace" size="sm" className={classes.back}>
      <Icon name="back" size={14} /> Marketplace
    </TextLink>
  );
}

function Fact({ label, children }: { label: string; children: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Versions({ versions, installed }: { versions: readonly PluginVersionFactsFragment[]; installed: string | undefined }): ReactNode {
  if (versions.length === 0) return <Notice icon="inbox" title="No version yet" />;
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label="Versions">
      <Table verticalSpacing="sm" horizontalSpacing="lg" miw={480}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Version</Table.Th>
            <Table.Th>Published</Table.Th>
            <Table.Th>By</Table.Th>
            <Table.Th ta="right">Size</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {versions.map(({ id, version, publishedAt, publishedBy, size }) => (
            <Table.Tr key={id}>
              <Table.Td>
                <Group gap={8}>
                  <Text component="span" fw={600} size="sm">
                    {version}
                  </Text>
                  {id === installed && (
                    <Badge variant="light" color="teal" size="sm" className={classes.badge}>
                      Installed
                    </Badge>
                  )}
                </Group>
              </Table.Td>
              <Table.Td>
                <RelativeTime time={publishedAt} />
              </Table.Td>
              <Table.Td>{publishedBy == null ? '–' : <MemberName id={publishedBy.id} />}</Table.Td>
              <Table.Td ta="right" className="numeric">
                {formatBytes(size)}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
