import { type DEV_USERS, issueDevToken } from '#platform/identity/dev-tokens';
import { loadKeys } from '#platform/keys';
import { type CliConfig, sharesKeys } from './config.js';

/**
 * `sluice token --user admin`: prints a token that the deployment of this data folder accepts in dev mode.
 *
 * @throws CONFIG_INVALID when there are no keys to sign with
 */
export async function printToken(
  user: keyof typeof DEV_USERS,
  ttlSeconds: number,
  config: CliConfig,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const keys = await loadKeys({ dataDir: config.dataDir, env, shared: sharesKeys(config) });
  console.log(await issueDevToken(keys, user, { ttlSeconds, client: 'sluice-cli' }));
  return 0;
}
