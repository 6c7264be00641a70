// Standard Webhooks: `webhook-id`, `webhook-timestamp` and `webhook-signature` over a message.
import { createHmac } from 'node:crypto';
import type { KeyRing } from './keys.js';

type Keys = Pick<KeyRing, 'operation'>;

/** Each tenant's own, derived, so that none is stored and none stands in a history. @returns `whsec_…`, as receivers configure it */
export function deriveWebhookSecret(keys: Keys, tenant: string): string {
  return `whsec_${deriveKey(keys, tenant).toString('base64')}`;
}

export function signWebhook(
  keys: Keys,
  { tenant, messageId, body, at }: { tenant: string; messageId: string; body: string; at: Date },
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signature = createHmac('sha256', deriveKey(keys, tenant)).update(`${messageId}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': messageId, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

function deriveKey({ operation }: Keys, tenant: string): Buffer {
  return createHmac('sha256', operation).update(`webhook:${tenant}`).digest();
}
