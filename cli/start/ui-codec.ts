import { randomBytes } from 'node:crypto';
import type { GatewayConfig } from '#gateway/config';
import { CODEC_PATH, type UiCodec } from '#platform/temporal-server/settings';

/**
 * Where the embedded server's UI, which has no sign-in, asks for what is encrypted: with a secret of this start in the address where anybody at the
 * machine may sign in as a demo user.
 *
 * @returns null where tokens come from an identity provider, and where the gateway's port is not known yet
 */
export function toUiCodec({ auth, host, port }: Pick<GatewayConfig, 'auth' | 'host' | 'port'>): UiCodec | null {
  if (auth.mode === 'jwt' || port === 0) return null;
  const capability = auth.mode === 'dev' ? randomBytes(32).toString('base64url') : null;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}${CODEC_PATH}`, capability };
}
