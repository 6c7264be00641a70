import { Badge, Button, Group, SegmentedControl, SimpleGrid, Skeleton, Text, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { useQuery } from 'urql';
import { ErrorNotice, Notice, toShownError } from '../components/feedback.js';
import { Page, Panel } from '../components/page.js';
import { PluginMark } from '../components/plugin-mark.js';
import { PluginState } from '../components/plugin-state.js';
import type { MarketplaceQuery } from '../generated/graphql.js';
import { Icon } from '../icons.js';
import { Marketplace } from '../queries.js';
import { useReadAgainOnSettled } from '../use-read-again.js';
import classes from './marketplace.module.css';

const PAGE = 24;
const MAX_SHOWN = 96;

export function MarketplacePage(): ReactNode {
  const { q, show } = useSearch({ from: '/shell/marketplace' });
  const navigate = useNavigate({ from: '/marketplace' });
  const [text, setText] = useState(q ?? '');
  const [first, setFirst] = useState(PAGE);
  const search = useDebouncedCallback(
    (next: string) => void navigate({ search: (old) => ({ ...old, q: next === '' ? undefined : next }), replace: true }),
    250,
  );

  const filter = { ...(q === undefined ? {} : { text: q }), ...(show === undefined ? {} : { installed: show === 'installed' }) };
  const [{ data, error, fetching, stale }, read] = useQuery({
    query: Marketplace,
    variables: { first, filter },
    requestPolicy: 'cache-and-network',
  });
  useReadAgainOnSettled(read);

  const clear = (): void => {
    setText('');
    void navigate({ search: {} });
  };

  return (
    <Page title="Marketplace" lead="Signed plugins. Each adds its fields to the running graph, and nothing restarts.">
      <Group mb="lg" gap="sm" className={classes.filters}>
        <TextInput
          type="search"
          aria-label="Search plugins"
          placeholder="Search by name, description or keyword"
          leftSection={<Icon name="search" size={16} />}
          rightSection={text === '' ? <kbd className={classes.key}>/</kbd> : null}
          value={text}
          onChange={({ currentTarget: { value } }) => {
            setText(value);
            search(value);
          }}
          className={classes.search}
        />
        <SegmentedControl
          aria-label="Which plugins"
          value={show ?? 'all'}
          onChange={(value) =>
            void navigate({ search: (old) => ({ ...old, show: value === 'installed' || value === 'available' ? value : undefined }) })
          }
          data={[
            { value: 'all', label: 'All' },
            { value: 'installed', label: 'Installed' },
            { value: 'available', label: 'Not installed' },
          ]}
        />
        {data !== undefined && (
          <Text size="sm" c="dimmed" role="status" className={classes.count}>
            {data.plugins.totalCount === 1 ? '1 plugin' : `${data.plugins.totalCount} plugins`}
          </Text>
        )}
      </Group>

      {data === undefined && error !== undefined && (
        <Panel>
          <ErrorNotice error={toShownError(error)} onRetry={() => read({ requestPolicy: 'network-only' })} />
        </Panel>
      )}
      {data === undefined && fetching && <CardsSkeleton />}
      {data?.plugins.nodes.length === 0 && (
        <Panel>
          {q === undefined && show === undefined ? (
            <Notice icon="plugin" title="The catalog is empty">
              Publish the first one: <code>npx sluice plugin publish</code>
            </Notice>
          ) : (
            <Notice
              icon="search"
              title="No plugin matches"
              action={
                <Button variant="default" onClick={clear}>
                  Clear the filters
                </Button>
              }
            >
              {q === undefined ? 'There is none of this kind.' : `Nothing is found for “${q}”.`}
            </Notice>
          )}
        </Panel>
      )}
      {data !== undefined && (
        <SimpleGrid cols={{ base: 1, xs: 2, lg: 3 }} spacing="md" aria-busy={stale}>
          {data.plugins.nodes.map((plugin) => (
            <PluginCard key={plugin.id} plugin={plugin} />
          ))}
        </SimpleGrid>
      )}
      {data?.plugins.pageInfo.hasNextPage === true && first < MAX_SHOWN && (
        <Group justify="center" mt="lg">
          <Button variant="default" loading={fetching} onClick={() => setFirst(first + PAGE)}>
            Show more
          </Button>
        </Group>
      )}
    </Page>
  );
}

function PluginCard({ plugin }: { plugin: MarketplaceQuery['plugins']['nodes'][number] }): ReactNode {
  return (
    <article className={classes.card} aria-labelledby={`plugin-${plugin.id}`}>
      <header className={classes.cardHead}>
        <PluginMark name={plugin.name} />
        <div className={classes.names}>
          <h2 id={`plugin-${plugin.id}`} className={classes.name}>
            <Link to="/plugins/$name" params={{ name: plugin.name }} className={classes.cover}>
              {plugin.displayName}
            </Link>
          </h2>
          <Text size="xs" c="dimmed" truncate>
            {plugin.name}
          </Text>
        </div>
      </header>
      <Text size="sm" className={classes.description} lineClamp={3}>
        {plugin.description}
      </Text>
      <Group gap={6} className={classes.keywords}>
        {plugin.keywords.slice(0, 3).map((keyword) => (
          <Badge key={keyword} variant="default" size="sm" className={classes.keyword}>
            {keyword}
          </Badge>
        ))}
      </Group>
      <footer className={classes.cardFoot}>
        <Text size="xs" c="dimmed" truncate>
          {plugin.publisher}
          {plugin.latest != null && ` · ${plugin.latest.version}`}
        </Text>
        <span className={classes.above}>
          <PluginState
            plugin={plugin.name}
            displayName={plugin.displayName}
            hasVersion={plugin.latest != null}
            installation={plugin.installation}
          />
        </span>
      </footer>
    </article>
  );
}

function CardsSkeleton(): ReactNode {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, lg: 3 }} spacing="md" role="status" aria-label="Loading" aria-busy="true">
      {Array.from({ length: 6 }, (_, index) => (
        <div key={index} className={classes.card}>
          <div className={classes.cardHead}>
            <Skeleton height={44} width={44} radius={12} />
            <div className={classes.names}>
              <Skeleton height={12} width="60%" mt={6} />
              <Skeleton height={9} width="45%" mt={10} />
            </div>
          </div>
          <Skeleton height={9} mt={4} />
          <Skeleton height={9} mt={8} width="80%" />
        </div>
      ))}
    </SimpleGrid>
  );
}
