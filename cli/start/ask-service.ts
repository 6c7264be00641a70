import { signServiceCall } from '#platform/identity/service-signature';
import type { KeyRing } from '#platform/keys';
import { CodedError, isErrorCode } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { PrincipalId, TenantId } from '#schema/contracts/ids';
import type { JsonObject } from '#schema/contracts/json';
import type { SupergraphRegistry } from '#schema/contracts/supergraph';

const TIMEOUT_MS = 10_000;

/** Who the deployment's own calls are signed for. */
export const SYSTEM_AUTH: AuthContext = {
  principal: 'usr_system' as PrincipalId,
  tenant: 'ten_sluice' as TenantId,
  scopes: ['tenants:read', 'deployment:read'],
  fingerprint: '0'.repeat(64),
};

export interface ServiceQuestion {
  /** Service name: the audience. */
  name: string;
  host: string;
  path: string;
  query: string;
  variables?: JsonObject;
}

/** One signed request of the deployment itself to one of its services. @throws the service's own code, or SUBGRAPH_UNREACHABLE */
export async function askService(
  deps: { registry: SupergraphRegistry; keys: KeyRing },
  { name, host, path, query, variables = {} }: ServiceQuestion,
): Promise<JsonObject> {
  const base = (await deps.registry.addresses()).get(host);
  if (base === undefined) throw new CodedError('SUBGRAPH_UNREACHABLE', `no address is known for '${host}'`);
  const body = JSON.stringify({ query, variables });
  const auth = signServiceCall(deps.keys, { audience: name, method: 'POST', path, body, auth: SYSTEM_AUTH, operationId: null });
  let answer: { data?: JsonObject | null; errors?: { message: string; extensions?: { code?: unknown } }[] };
  try {
    const response = await fetch(base + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-gateway-auth': auth },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    answer = (await response.json()) as typeof answer;
  } catch (cause) {
    throw new CodedError('SUBGRAPH_UNREACHABLE', `service '${name}' did not answer`, { cause });
  }
  const [error] = answer.errors ?? [];
  if (error !== undefined)
    throw new CodedError(isErrorCode(error.extensions?.code) ? error.extensions.code : 'SUBGRAPH_ERROR', error.message);
  return answer.data ?? {};
}
