// Ids that several rooms share. Branded, so that two strings cannot be swapped.
// Nothing personal may stand in one: Temporal does not encrypt workflow ids.

export type TenantId = string & { readonly __brand: 'TenantId' };
export type PrincipalId = string & { readonly __brand: 'PrincipalId' };
export type OperationId = string & { readonly __brand: 'OperationId' };

/** One workflow run as Temporal names it; `runId` is the first run's, stable over continue-as-new. */
export interface RunReference {
  workflowId: string;
  runId: string;
}

const OPERATION_ID = /^op_[A-Za-z0-9_-]{8,700}$/;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * Encodes a run as an opaque, URL-safe operation id. By workflow id alone only the newest run could be found.
 *
 * @throws Error when an id holds a character outside ASCII: ours never do
 */
export function toOperationId(run: RunReference): OperationId {
  return `op_${encodeBase64Url(`${run.runId}:${run.workflowId}`)}` as OperationId;
}

/** @returns the run, or undefined when `id` was not made by {@link toOperationId} */
export function parseOperationId(id: string): RunReference | undefined {
  if (!OPERATION_ID.test(id)) return undefined;
  const text = decodeBase64Url(id.slice(3));
  const split = text.indexOf(':');
  const run = { runId: text.slice(0, split), workflowId: text.slice(split + 1) };
  // Re-encoding refuses second spellings of the same id (stray trailing bits), so that an id is a usable key.
  return split > 0 && run.workflowId !== '' && toOperationId(run) === id ? run : undefined;
}

/** The workflow id of a request; its parts append to it. @param key - unique within the tenant */
export function toRequestId(tenant: TenantId, key: string): string {
  return `request/${tenant}/${key}`;
}

/** The workflow id of what recovers an operation. */
export function toRecoveryId(operationId: string): string {
  return `recovery/${operationId}`;
}

/**
 * Whose run it is, by its workflow id alone: of a request with all its parts, and of what recovers one.
 *
 * @returns null for the deployment's own (plugins, the supergraph) and for ids that are not ours
 */
export function tenantOf(workflowId: string): TenantId | null {
  const [kind, owner = ''] = workflowId.split('/');
  if (kind === 'request') return owner === '' ? null : (owner as TenantId);
  const recovered = kind === 'recovery' ? parseOperationId(owner) : undefined;
  return recovered === undefined ? null : tenantOf(recovered.workflowId);
}

/** Base64url of ASCII text. Own code, since the workflow sandbox has neither Buffer nor btoa. */
function encodeBase64Url(text: string): string {
  let bits = 0;
  let held = 0;
  let out = '';
  for (const char of text) {
    const code = char.charCodeAt(0);
    if (code > 127) throw new Error('an operation id can only be made of ASCII');
    held = (held << 8) | code;
    for (bits += 8; bits >= 6; bits -= 6) out += ALPHABET[(held >> (bits - 6)) & 63];
    held &= (1 << bits) - 1;
  }
  return bits === 0 ? out : out + ALPHABET[(held << (6 - bits)) & 63];
}

function decodeBase64Url(text: string): string {
  let bits = 0;
  let held = 0;
  let out = '';
  for (const char of text) {
    held = (held << 6) | ALPHABET.indexOf(char);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += String.fromCharCode((held >> bits) & 255);
    held &= (1 << bits) - 1;
  }
  return out;
}
