import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import type { Fetcher } from '@graphiql/toolkit';
import { useComputedColorScheme } from '@mantine/core';
import { GraphiQL } from 'graphiql';
import { parse } from 'graphql';
import { type ReactNode, useEffect, useMemo } from 'react';
import type { Api } from '../api.js';
import { useServices } from '../services.js';
import type { SessionStore } from '../session.js';
import classes from './explorer.module.css';

const QUERY = `# Written here, sent as you. Several services in one query: see \`extensions.operation\` in the answer.
query Files {
  files(first: 5) {
    nodes {
      name
      size
      tenant {
        name
      }
    }
  }
}
`;

/** GraphiQL over the live schema, with the token of this tab. */
export function ExplorerPage(): ReactNode {
  const { api, session } = useServices();
  const scheme = useComputedColorScheme('light');
  const fetcher = useMemo(() => createFetcher(api, session), [api, session]);
  useEffect(() => {
    document.title = 'API explorer · Sluice';
    forgetOlderQueries();
  }, []);
  return (
    <div className={classes.explorer}>
      <h1 className={classes.hidden}>API explorer</h1>
      <GraphiQL fetcher={fetcher} storage={sessionStorage} forcedTheme={scheme} initialQuery={QUERY} defaultEditorToolsVisibility={false} />
    </div>
  );
}

/** Queries can name people and files. They belong to the session, which signing out clears; GraphiQL's own place outlives it. */
function forgetOlderQueries(): void {
  for (const name of Object.keys(localStorage)) if (name.startsWith('graphiql:')) localStorage.removeItem(name);
}

function createFetcher({ socket }: Api, session: SessionStore): Fetcher {
  return ({ query, variables, operationName }, options) => {
    const payload = { query, variables: variables as Record<string, unknown>, operationName: operationName ?? null };
    if (isSubscription(query, operationName))
      return { subscribe: (observer) => ({ unsubscribe: socket.subscribe(payload, observer as Parameters<typeof socket.subscribe>[1]) }) };
    return fetch('/graphql', {
      method: 'POST',
      headers: { ...options?.headers, 'content-type': 'application/json', authorization: `Bearer ${session.get()?.token ?? ''}` },
      body: JSON.stringify(payload),
    }).then((response) => response.json() as Promise<object>);
  };
}

function isSubscription(query: string, operationName: string | null | undefined): boolean {
  try {
    return parse(query).definitions.some(
      (definition) =>
        'operation' in definition &&
        String(definition.operation) === 'subscription' &&
        (operationName == null || definition.name?.value === operationName),
    );
  } catch {
    // The gateway says what is wrong with it.
    return false;
  }
}
