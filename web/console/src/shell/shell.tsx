import { AppShell, Box, Burger, Divider, Group, Stack, Text } from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { Outlet, useLocation } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import { NavigationLink, TextLink } from '../components/links.js';
import { Icon, Logo } from '../icons.js';
import { Announcer } from './announcer.js';
import { AttentionCount, AttentionLink } from './attention-count.js';
import { ConnectionChip } from './connection-chip.js';
import { AccountMenu, ColorSchemeMenu } from './header-menus.js';
import classes from './shell.module.css';

const PAGES = [
  { to: '/', label: 'Overview', icon: 'overview' },
  { to: '/marketplace', label: 'Marketplace', icon: 'plugin' },
  { to: '/files', label: 'Files', icon: 'file' },
  { to: '/operations', label: 'Operations', icon: 'operations' },
  { to: '/attention', label: 'Needs attention', icon: 'alert' },
] as const;

/** What stands around every page: navigation, the connection, who is signed in, and the announcements. */
export function Shell(): ReactNode {
  const [opened, { toggle, close }] = useDisclosure();
  const path = useLocation({ select: ({ pathname }) => pathname });
  const exploring = path === '/explorer';
  useHotkeys([['/', focusSearch]]);

  return (
    <AppShell
      layout="alt"
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: 'sm', collapsed: { mobile: !opened } }}
      padding={exploring ? 0 : { base: 'md', sm: 'xl' }}
    >
      <a href="#content" className={classes.skip}>
        Skip to content
      </a>
      <AppShell.Header className={classes.header}>
        <Group h="100%" px={{ base: 'sm', sm: 'xl' }} gap="sm" wrap="nowrap">
          <Burger hiddenFrom="sm" size="sm" opened={opened} onClick={toggle} aria-label={opened ? 'Close navigation' : 'Open navigation'} />
          <Group gap={8} hiddenFrom="sm" wrap="nowrap">
            <Logo size={24} />
            <Text fw={650}>Sluice</Text>
          </Group>
          <Box hiddenFrom="sm">
            <AttentionLink />
          </Box>
          <Box flex={1} />
          <ConnectionChip />
          <ColorSchemeMenu />
          <AccountMenu />
        </Group>
      </AppShell.Header>

      <AppShell.Navbar className={classes.navbar} aria-label="Main">
        <Group h={56} px="md" gap={10} wrap="nowrap" justify="space-between">
          <TextLink to="/" className={classes.brand} onClick={close}>
            <Logo />
            <span>Sluice</span>
          </TextLink>
          <Burger hiddenFrom="sm" size="sm" opened onClick={close} aria-label="Close navigation" />
        </Group>
        <Stack gap={2} p="sm" flex={1}>
          {PAGES.map(({ to, label, icon }) => (
            <NavigationLink
              key={to}
              to={to}
              label={label}
              leftSection={<Icon name={icon} />}
              rightSection={to === '/attention' ? <AttentionCount /> : undefined}
              className={classes.link}
              active={isUnder(path, to)}
              aria-current={isUnder(path, to) ? 'page' : undefined}
              onClick={close}
            />
          ))}
          <Divider my={8} />
          <NavigationLink
            to="/explorer"
            reloadDocument
            label="API explorer"
            leftSection={<Icon name="explorer" />}
            className={classes.link}
            active={exploring}
            aria-current={exploring ? 'page' : undefined}
          />
        </Stack>
      </AppShell.Navbar>

      <AppShell.Main id="content" tabIndex={-1} className={classes.main}>
        <Outlet />
      </AppShell.Main>
      <Announcer />
      {exploring && <LeaveByPageLoad />}
    </AppShell>
  );
}

/** The explorer's page has a wider Content-Security-Policy: whatever is shown next gets its own by a new page load. */
function LeaveByPageLoad(): null {
  useEffect(() => {
    const onClick = (event: MouseEvent): void => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      if (link === null || link.origin !== location.origin || event.metaKey || event.ctrlKey || event.shiftKey) return;
      if (link.getAttribute('href')?.startsWith('#') === true) return;
      event.preventDefault();
      event.stopPropagation();
      location.assign(link.href);
    };
    document.addEventListener('click', onClick, { capture: true });
    return () => document.removeEventListener('click', onClick, { capture: true });
  }, []);
  return null;
}

function isUnder(path: string, page: string): boolean {
  if (page === '/marketplace' && path.startsWith('/plugins/')) return true;
  return page === '/' ? path === '/' : path.startsWith(page);
}

function focusSearch(): void {
  document.querySelector<HTMLInputElement>('input[type="search"]')?.focus();
}
