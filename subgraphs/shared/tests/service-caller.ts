// Calls a subgraph as the gateway does: over HTTP, signed.
import type { AuthContext } from '#schema/contracts/identity';
import { DEV_USERS, type DevUserName } from '#platform/identity/dev-tokens';
import { signServiceCall } from '#platform/identity/service-signature';
import type { KeyRing } from '#platform/keys';
import { loadTestKeys } from '#tests/support/test-keys';
import { type RunningSubgraph, serveSubgraph, type Subgraph } from '../create-subgraph.js';

interface Answer {
  data: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- tests read what they selected
  errors?: { message: string; path?: (string | number)[]; extensions: { code: string } }[];
}

/** As a verified token says. */
export type Caller = Pick<AuthContext, 'principal' | 'tenant' | 'scopes'>;

export interface ServiceCaller {
  url: string;
  /** @param user - a demo user, or anyone else. @param operationId - the run that the call is signed for */
  ask(
    user: DevUserName | Caller,
    query: string,
    variables?: object,
    headers?: Record<string, string>,
    operationId?: string,
  ): Promise<Answer>;
  /** The raw HTTP response. */
  send(...call: Parameters<ServiceCaller['ask']>): Promise<Response>;
  close(): Promise<void>;
}

export async function serveForTest(create: (keys: KeyRing) => Promise<Subgraph>): Promise<ServiceCaller> {
  const keys = await loadTestKeys();
  const subgraph = await create(keys);
  const running: RunningSubgraph = await serveSubgraph(subgraph, { host: '127.0.0.1', port: 0 });
  const send: ServiceCaller['send'] = (user, query, variables = {}, headers = {}, operationId) => {
    const body = JSON.stringify({ query, variables });
    const auth = signServiceCall(keys, {
      audience: subgraph.name,
      method: 'POST',
      path: '/graphql',
      body,
      operationId: operationId ?? null,
      headers,
      auth: { ...(typeof user === 'string' ? toCaller(user) : user), fingerprint: 'f'.repeat(64) },
    });
    return fetch(`${running.url}/graphql`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'x-gateway-auth': auth, ...headers },
    });
  };
  return {
    url: running.url,
    close: () => running.close(),
    send,
    ask: async (...call) => (await (await send(...call)).json()) as Answer,
  };
}

function toCaller(user: DevUserName): Caller {
  const { id, tenant, scopes } = DEV_USERS[user];
  return { principal: id, tenant, scopes };
}
