import { createHash } from 'node:crypto';
import { createKeys, type KeyRing, loadKeys } from '#platform/keys';

/** Keys whose encrypting part is the same in every run: test files share a server, and recorded histories must stay readable. */
export async function loadTestKeys(): Promise<KeyRing> {
  const fixed = (name: string): string => createHash('sha256').update(`sluice test ${name}`).digest('base64');
  const keys = {
    ...(await createKeys()),
    service: [{ kid: 'test', secret: fixed('service') }],
    payload: [{ id: 'test', key: fixed('payload') }],
    operation: fixed('operation'),
  };
  return loadKeys({ dataDir: '', env: { SLUICE_KEYS: JSON.stringify(keys) }, shared: true });
}
