// Signing in as a demo user, for the console on the developer's own machine. Exists only with SLUICE_AUTH=dev on loopback.
import { DEV_USERS, type DevUserName, issueDevToken } from '#platform/identity/dev-tokens';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { toErrorJson, toPublicError } from './error-masking.js';
import type { HttpHandler } from './graphql-http.js';
import { notFound, readBody, sendError, sendJson } from './http-replies.js';
import type { OriginPolicy } from './origins.js';

/** As which client the console comes, for settings by client. */
const CONSOLE_CLIENT = 'sluice-console';
const TTL_SECONDS = 3_600;
const MAX_BODY_BYTES = 1_024;

/** `GET /dev/users` → `{users: [{id, name, tenant, scopes}]}`; `POST /dev/login {user: id}` → `{token, expiresAt}`, RFC 3339. */
export function createDevLogin({ keys, origins, log }: { keys: KeyRing; origins: OriginPolicy; log: Logger }): HttpHandler {
  return async (request, response) => {
    response.setHeader('cache-control', 'no-store');
    if (!origins.isOwn(request)) return sendError(response, toErrorJson('FORBIDDEN', 'the demo login serves pages of this server only'));
    const path = (request.url ?? '').split('?', 1)[0];
    try {
      if (path === '/dev/users' && request.method === 'GET') {
        const users = Object.entries(DEV_USERS).map(([id, { name, tenant, scopes }]) => ({ id, name, tenant, scopes }));
        return sendJson(response, 200, { users });
      }
      if (path === '/dev/login' && request.method === 'POST') {
        const user = parseUser((await readBody(request, MAX_BODY_BYTES)).toString('utf8'));
        if (user === undefined)
          return sendError(response, toErrorJson('BAD_REQUEST', `expected {"user": …} with one of ${Object.keys(DEV_USERS).join(', ')}`));
        const token = await issueDevToken(keys, user, { ttlSeconds: TTL_SECONDS, client: CONSOLE_CLIENT });
        return sendJson(response, 200, { token, expiresAt: new Date(Date.now() + TTL_SECONDS * 1000).toISOString() });
      }
      notFound(response);
    } catch (error) {
      sendError(response, toPublicError(error, log));
    }
  };
}

function parseUser(text: string): DevUserName | undefined {
  try {
    const { user } = JSON.parse(text) as { user?: unknown };
    return typeof user === 'string' && Object.hasOwn(DEV_USERS, user) ? (user as DevUserName) : undefined;
  } catch {
    return undefined;
  }
}
