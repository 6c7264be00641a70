import { createHmac } from 'node:crypto';
import { CodedError } from '#schema/contracts/errors';
import type { AuthContext } from '#schema/contracts/identity';
import type { KeyRing } from '#platform/keys';

export const MAX_KEY_CHARS = 256;

/**
 * The caller's key, bound to the caller, in a form that may stand in a workflow id. The tenant is part of it: identity providers
 * give one subject to several tenants, and services that get the key know nothing else of the caller.
 */
export function toOperationKey(
  keys: Pick<KeyRing, 'operation'>,
  { tenant, principal }: Pick<AuthContext, 'tenant' | 'principal'>,
  key: string,
): string {
  return createHmac('sha256', keys.operation)
    .update(JSON.stringify([tenant, principal, key]))
    .digest('base64url');
}

/** @throws BAD_REQUEST for one that says nothing: its sender relies on it, and would be protected by none */
export function assertKey(key: string): void {
  if (key.trim() === '') throw new CodedError('BAD_REQUEST', 'Idempotency-Key: expected a key, got an empty one');
  if (key.length > MAX_KEY_CHARS) throw new CodedError('BAD_REQUEST', `Idempotency-Key: expected at most ${MAX_KEY_CHARS} characters`);
}

export function keyReused(): CodedError {
  return new CodedError('IDEMPOTENCY_KEY_REUSED', 'the Idempotency-Key was used for another request before');
}
