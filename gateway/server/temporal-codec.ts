// Temporal's codec protocol, for its UI and its command: POST {CODEC_PATH}/<namespace>/decode {payloads: [{metadata, data}]}, all base64.
// D1. It decodes and never encodes: what enters Temporal is sealed by clients and workers alone.
// D2. A payload is opened for who may see the run that it was sealed for. The place is under the seal: nobody can write another one on it.
// D3. What the caller may not read, or is none of ours, stays as it came: one page of the UI holds payloads of many.
// D4. A call is in the audit log before its answer leaves. An anonymous one is not: strangers would fill the log.
// D5. No cookie is ever asked for, and pages of Temporal's UI alone may ask: a foreign page has neither a token nor the origin.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import { type PrincipalId, type TenantId, tenantOf } from '#schema/contracts/ids';
import type { KeyRing } from '#platform/keys';
import type { Logger } from '#platform/logger';
import { createPayloadReader, type PayloadJson } from '#platform/payload-reader';
import { CODEC_PATH } from '#platform/temporal-server/settings';
import type { Credentials } from './credentials.js';
import { toErrorJson, toPublicError } from './error-masking.js';
import type { HttpHandler } from './graphql-http.js';
import { bearerOf, notFound, readBody, sendError, sendJson } from './http-replies.js';
import { isLoopbackHost } from './origins.js';

/** What Temporal itself takes in one message is 4 MB; base64 makes it a third larger. */
const MAX_BODY_BYTES = 6 * 1024 * 1024;
const MAX_PAYLOADS = 1_000;
/** Runs that one entry of the audit log names. */
const MAX_NAMED = 5;

export interface HistoryReading {
  /** The one that this deployment works in. */
  namespace: string;
  /** Base URL of Temporal's UI: pages of its origin may ask. Null: no page may. */
  uiUrl: string | null;
  /** With which a UI without sign-in comes, as part of the address; null where there is none. */
  uiCapability: string | null;
  /** Null where there is no database: then the process's log alone says who read. */
  audit: ((entry: HistoryAuditEntry) => Promise<void>) | null;
}

export interface HistoryAuditEntry {
  actor: string;
  tenant: string;
  action: 'history_decoded:granted' | 'history_decoded:refused';
  /** Workflow ids, separated by spaces; the namespace when nothing was opened. */
  object: string;
}

export interface TemporalCodecParts extends HistoryReading {
  keys: Pick<KeyRing, 'payload'>;
  credentials: Pick<Credentials, 'identify'>;
  log: Logger;
}

/** Who reads in the embedded server's UI: whoever sits at the machine. */
const UI_AUTH: AuthContext = {
  principal: 'usr_temporal-ui' as PrincipalId,
  tenant: 'ten_sluice' as TenantId,
  scopes: ['history:decode', 'deployment:read'],
  fingerprint: '0'.repeat(64),
};

// Unknown members of a payload that stays closed are left in it.
const Body = z.object({
  payloads: z
    .array(z.looseObject({ metadata: z.record(z.string(), z.string()).optional(), data: z.string().optional() }))
    .max(MAX_PAYLOADS),
});

export function createTemporalCodec(parts: TemporalCodecParts): HttpHandler {
  const { namespace, uiCapability, audit, keys, credentials, log } = parts;
  const origins = toOrigins(parts.uiUrl);
  const reader = createPayloadReader(keys, { namespace });

  return async (request, response) => {
    response.setHeader('vary', 'Origin');
    response.setHeader('cache-control', 'no-store');
    const { origin } = request.headers;
    // A browser names the origin of every page that posts.
    if (origin === undefined ? request.headers['sec-fetch-site'] !== undefined : !origins.has(origin))
      return sendError(response, toErrorJson('FORBIDDEN', "only pages of Temporal's own UI may read histories"));
    if (origin !== undefined) response.setHeader('access-control-allow-origin', origin);
    try {
      await answer(request, response);
    } catch (error) {
      // What is still coming of the body is not read: the connection ends with the answer.
      sendError(response, toPublicError(error, log), request.complete ? {} : { connection: 'close' });
    }
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?', 1);
    const steps = path.slice(CODEC_PATH.length + 1).split('/');
    const [capability, name] = steps.length === 3 ? [steps[0] ?? '', steps[1]] : [null, steps[0]];
    if (steps.length > 3 || steps.at(-1) !== 'decode' || name !== encodeURIComponent(namespace)) return notFound(response);
    if (request.method === 'OPTIONS') return answerPreflight(response);
    if (request.method !== 'POST') return void response.writeHead(405, { allow: 'POST' }).end();
    const auth = await identify(request, capability);
    const mayRead = await judge(auth);
    const payloads = parseBody(request, await readBody(request, MAX_BODY_BYTES));
    const opened = new Set<string>();
    let left = 0;
    const answered = payloads.map((payload): PayloadJson => {
      const outcome = reader.open(payload, mayRead);
      if (outcome === null) left += 1;
      else opened.add(outcome.workflowId);
      return outcome === null ? payload : outcome.payload;
    });
    await audit?.(toEntry(auth, opened));
    log.info({ principal: auth.principal, payloads: payloads.length, left, workflowIds: toNames(opened) }, 'history decoded');
    sendJson(response, 200, { payloads: answered });
  }

  async function identify(request: IncomingMessage, capability: string | null): Promise<AuthContext> {
    if (capability === null) return (await credentials.identify(bearerOf(request))).auth;
    // The address alone is not enough: it is for pages of that UI.
    if (uiCapability === null || request.headers.origin === undefined || !isEqual(capability, uiCapability))
      throw new CodedError('UNAUTHENTICATED', 'a valid bearer token is required');
    return UI_AUTH;
  }

  /** @throws FORBIDDEN */
  async function judge(auth: AuthContext): Promise<(workflowId: string) => boolean> {
    const { scopes, tenant, principal } = auth;
    if (scopes.includes('history:decode')) {
      if (scopes.includes('deployment:read')) return () => true;
      // As who sees a tenant's operations: its admins all of them. What is nobody's by its id is the deployment's.
      if (scopes.includes('tenants:write')) return (workflowId) => tenantOf(workflowId) === tenant;
    }
    await audit?.({ actor: principal, tenant, action: 'history_decoded:refused', object: namespace });
    log.warn({ principal }, 'history not decoded');
    throw new CodedError('FORBIDDEN', 'the scope history:decode is required, with deployment:read or tenants:write');
  }

  function toEntry({ principal, tenant }: AuthContext, opened: ReadonlySet<string>): HistoryAuditEntry {
    const owners = new Set([...opened].map(tenantOf));
    const [owner = null] = owners;
    return {
      actor: principal,
      // Whose data it was, where that is one tenant.
      tenant: owners.size === 1 && owner !== null ? owner : tenant,
      action: 'history_decoded:granted',
      object: opened.size === 0 ? namespace : toNames(opened),
    };
  }
}

function toNames(workflowIds: ReadonlySet<string>): string {
  const names = [...workflowIds].slice(0, MAX_NAMED).join(' ');
  return workflowIds.size <= MAX_NAMED ? names : `${names} and ${workflowIds.size - MAX_NAMED} more`;
}

/** @throws BAD_REQUEST */
function parseBody({ headers }: IncomingMessage, body: Buffer): PayloadJson[] {
  // A type that pages cannot send without asking first.
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) throw new CodedError('BAD_REQUEST', 'expected application/json');
  try {
    return Body.parse(JSON.parse(body.toString('utf8'))).payloads;
  } catch (cause) {
    throw new CodedError('BAD_REQUEST', `expected {"payloads": […]} with at most ${MAX_PAYLOADS} payloads in base64`, { cause });
  }
}

function answerPreflight(response: ServerResponse): void {
  response
    .writeHead(204, {
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'authorization, authorization-extras, content-type, x-namespace',
      'access-control-max-age': '600',
    })
    .end();
}

/** On one's own machine people write either of its names. */
function toOrigins(uiUrl: string | null): ReadonlySet<string> {
  if (uiUrl === null) return new Set();
  const { origin, protocol, host, port } = new URL(uiUrl);
  return new Set([origin, ...(isLoopbackHost(host) ? ['127.0.0.1', 'localhost'].map((name) => `${protocol}//${name}:${port}`) : [])]);
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer];
  return timingSafeEqual(a, b);
}
