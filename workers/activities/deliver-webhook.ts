// One attempt to tell a receiver of an operation's end.
// H1. The name is resolved once, every address it has is judged, and the connection goes to the first of those that takes it.
// H2. No redirect is followed; of the answer the status counts, and no more than a little of the rest is read.
// H3. Signed per attempt: the time in the signature is the attempt's.
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { Context } from '@temporalio/activity';
import { Agent, request } from 'undici';
import type { WebhookActivities, WebhookOutcome } from '#schema/contracts/activities';
import type { WebhookDelivery } from '#schema/contracts/workflows';
import type { KeyRing } from '#platform/keys';
import { isPublicAddress } from '#platform/public-address';
import { parseRetryAfter } from '#platform/retry-after';
import { signWebhook } from '#platform/webhook-signature';

const ATTEMPT_MS = 15_000;
const MAX_ANSWER_BYTES = 16 * 1024;
const LONGEST_RETRY_AFTER_MS = 24 * 3_600_000;

export interface WebhookOptions {
  keys: Pick<KeyRing, 'operation'>;
  /** Loopback, link-local and private addresses may be called, and over http. */
  allowsPrivate: boolean;
  now: () => Date;
  /** @default the system's resolver; every address of the name */
  resolve?: (hostname: string) => Promise<readonly string[]>;
}

export function createWebhookActivities(options: WebhookOptions): WebhookActivities {
  return { deliver_webhook_activity: (delivery) => deliverWebhook(delivery, options, Context.current().cancellationSignal) };
}

/** Never rejects for what the receiver does. */
export async function deliverWebhook(
  { url: text, tenant, messageId, message }: WebhookDelivery,
  { keys, allowsPrivate, now, resolve = resolveAll }: WebhookOptions,
  signal: AbortSignal,
): Promise<WebhookOutcome> {
  const url = new URL(text);
  if (url.protocol !== 'https:' && !allowsPrivate) return { kind: 'refused', reason: 'expected https' };
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) === 0 ? await resolve(host).catch(() => []) : [host];
  if (addresses.length === 0) return { kind: 'failed', reason: 'the name has no address', retryAfterMs: 0 };
  if (!allowsPrivate && !addresses.every(isPublicAddress)) return { kind: 'refused', reason: 'the address is not on the public internet' };

  const body = JSON.stringify(message);
  const agent = new Agent({
    connect: {
      lookup: always(addresses),
      timeout: ATTEMPT_MS,
      autoSelectFamily: true,
      // One that does not even refuse leaves time for the others.
      autoSelectFamilyAttemptTimeout: Math.ceil(ATTEMPT_MS / (addresses.length + 1)),
    },
    pipelining: 0,
  });
  try {
    const {
      statusCode,
      headers,
      body: answer,
    } = await request(url, {
      method: 'POST',
      dispatcher: agent,
      headers: { 'content-type': 'application/json', ...signWebhook(keys, { tenant, messageId, body, at: now() }) },
      body,
      signal: AbortSignal.any([signal, AbortSignal.timeout(ATTEMPT_MS)]),
    });
    await answer.dump({ limit: MAX_ANSWER_BYTES });
    if (statusCode >= 200 && statusCode < 300) return { kind: 'delivered' };
    if (statusCode === 410) return { kind: 'refused', reason: 'status 410' };
    const retryAfterMs = parseRetryAfter(headers['retry-after'], now().getTime(), LONGEST_RETRY_AFTER_MS) ?? 0;
    return { kind: 'failed', reason: `status ${statusCode}`, retryAfterMs };
  } catch {
    signal.throwIfAborted();
    return { kind: 'failed', reason: 'no answer', retryAfterMs: 0 };
  } finally {
    await agent.destroy();
  }
}

const resolveAll = async (hostname: string): Promise<readonly string[]> =>
  (await lookup(hostname, { all: true })).map(({ address }) => address);

/** A name that is looked up again may lead elsewhere. */
function always(addresses: readonly string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_, { all }, callback) => {
    const [{ address, family } = { address: '', family: 0 }] = found;
    if (all === true) callback(null, found);
    else callback(null, address, family);
  };
}
