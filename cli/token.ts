import { parseArgs } from 'node:util';
import { CodedError } from '#schema/contracts/errors';
import { DEV_USERS, issueDevToken } from '#platform/identity/dev-tokens';
import { loadKeys } from '#platform/keys';
import type { CliConfig } from './config.js';

/**
 * `sluice token --user admin`: prints a token that the deployment of this data folder accepts in dev mode.
 *
 * @throws BAD_USER_INPUT for an unknown user, CONFIG_INVALID when there are no keys to sign with
 */
export async function printToken(args: readonly string[], config: CliConfig, env: NodeJS.ProcessEnv): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { user: { type: 'string' }, ttl: { type: 'string', default: '3600' } } });
  const user = values.user ?? '';
  if (!Object.hasOwn(DEV_USERS, user)) {
    throw new CodedError('BAD_USER_INPUT', `--user: expected one of ${Object.keys(DEV_USERS).join(', ')}, got '${user}'`);
  }
  const ttlSeconds = Number(values.ttl);
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1)
    throw new CodedError('BAD_USER_INPUT', `--ttl: expected whole seconds, got '${values.ttl}'`);
  const keys = await loadKeys({ dataDir: config.dataDir, env, mayCreate: true });
  console.log(await issueDevToken(keys, user as keyof typeof DEV_USERS, { ttlSeconds, client: 'sluice-cli' }));
  return 0;
}
