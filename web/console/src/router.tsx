// Pages by URL. Filters, tabs and open dialogs live in the search part, parsed here: a reload or a shared link shows the same.
import { Notifications } from '@mantine/notifications';
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from '@tanstack/react-router';
import type { OperationKindName, OperationStatus } from '@sluice/client';
import { Notice } from './components/feedback.js';
import { ButtonLink } from './components/links.js';
import { KIND_LABELS } from './format.js';
import type { Services } from './services.js';
import { Shell } from './shell/shell.js';
import { STATUS_LOOKS } from './components/status.js';

const oneOf =
  <Value extends string>(values: readonly Value[]) =>
  (value: unknown): Value | undefined =>
    values.find((known) => known === value);

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined);
const status = oneOf(Object.keys(STATUS_LOOKS) as OperationStatus[]);
const kind = oneOf(Object.keys(KIND_LABELS) as OperationKindName[]);
const shown = oneOf(['installed', 'available']);
const pluginTab = oneOf(['readme', 'versions', 'permissions', 'schema']);
const operationView = oneOf(['timeline', 'events', 'json']);

const rootRoute = createRootRouteWithContext<Services>()({
  component: () => (
    <>
      {/* Inside the router: toasts hold links. */}
      <Notifications position="bottom-right" autoClose={8_000} limit={4} />
      <Outlet />
    </>
  ),
  notFoundComponent: () => (
    <main>
      <Notice order={1} icon="search" title="There is no such page" action={<ButtonLink to="/">To the overview</ButtonLink>} />
    </main>
  ),
});

const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/login',
  validateSearch: (search): { to?: string | undefined; reason?: 'expired' | undefined } => ({
    to: text(search.to),
    reason: oneOf(['expired'])(search.reason),
  }),
  component: lazyRouteComponent(() => import('./pages/login.js'), 'LoginPage'),
});

const shellRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: 'shell',
  beforeLoad: ({ context, location }) => {
    if (context.session.get() !== null) return;
    // The router's redirect is thrown by design.
    // eslint-disable-next-line @typescript-eslint/only-throw-error
    throw redirect({ to: '/login', search: { to: location.href === '/' ? undefined : location.href } });
  },
  component: Shell,
});

const overviewRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/overview.js'), 'OverviewPage'),
});

const marketplaceRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/marketplace',
  validateSearch: (search): { q?: string | undefined; show?: 'installed' | 'available' | undefined } => ({
    q: text(search.q),
    show: shown(search.show),
  }),
  component: lazyRouteComponent(() => import('./pages/marketplace.js'), 'MarketplacePage'),
});

const pluginRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/plugins/$name',
  validateSearch: (search): { tab?: ReturnType<typeof pluginTab>; install?: true | undefined } => ({
    tab: pluginTab(search.tab),
    install: search.install === true || undefined,
  }),
  component: lazyRouteComponent(() => import('./pages/plugin.js'), 'PluginPage'),
});

const filesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/files',
  validateSearch: (search): { q?: string | undefined } => ({ q: text(search.q) }),
  component: lazyRouteComponent(() => import('./pages/files.js'), 'FilesPage'),
});

const operationsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/operations',
  validateSearch: (
    search,
  ): { status?: OperationStatus | undefined; kind?: OperationKindName | undefined; plugin?: string | undefined } => ({
    status: status(search.status),
    kind: kind(search.kind),
    plugin: text(search.plugin),
  }),
  component: lazyRouteComponent(() => import('./pages/operations.js'), 'OperationsPage'),
});

const attentionRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/attention',
  component: lazyRouteComponent(() => import('./pages/attention.js'), 'AttentionPage'),
});

const operationRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/operations/$id',
  validateSearch: (search): { view?: ReturnType<typeof operationView> } => ({ view: operationView(search.view) }),
  component: lazyRouteComponent(() => import('./pages/operation.js'), 'OperationPage'),
});

/** Reached by a page load only: the gateway sends it with the policy that its editor needs. */
const explorerRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/explorer',
  component: lazyRouteComponent(() => import('./pages/explorer.js'), 'ExplorerPage'),
});

const routeTree = rootRoute.addChildren([
  loginRoute,
  shellRoute.addChildren([
    overviewRoute,
    marketplaceRoute,
    pluginRoute,
    filesRoute,
    operationsRoute,
    attentionRoute,
    operationRoute,
    explorerRoute,
  ]),
]);

export function createAppRouter(services: Services) {
  return createRouter({ routeTree, context: services, defaultPreload: 'intent', scrollRestoration: true });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
