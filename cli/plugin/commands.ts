// `sluice plugin …`: from a folder with a plugin's source to a version in the catalog of a running deployment.
import { CodedError } from '#schema/contracts/errors';
import { issueDevToken } from '#platform/identity/dev-tokens';
import { loadKeys } from '#platform/keys';
import { readPackage, writePackage } from '#platform/plugin-package/archive';
import { readIdentity } from '#platform/plugin-package/manifest';
import { createPublisherKey, isSigned, type PublisherSecret, signPackage } from '#platform/plugin-package/signature';
import { type CliConfig, sharesKeys } from '../config.js';
import { readNamedFile, writeNamedFile } from '../files.js';
import { packPlugin } from './pack.js';

export async function keygen(publisher: string, out: string): Promise<number> {
  const { secret, key } = await createPublisherKey(publisher);
  await writeNamedFile(out, JSON.stringify(secret, null, 2), { mode: 0o600, flag: 'wx' });
  console.log(JSON.stringify([key]));
  return 0;
}

export async function pack(folder: string, out: string | undefined): Promise<number> {
  const files = await packPlugin(folder);
  const { name, version } = readIdentity(files);
  const file = out ?? `${name.slice(1).replace('/', '-')}-${version}.tgz`;
  await writeNamedFile(file, await writePackage(files));
  console.log(`packed ${name} ${version} into ${file}; sign it next`);
  return 0;
}

export async function sign(file: string, keyFile: string): Promise<number> {
  const secret = parseSecret(keyFile, await readNamedFile(keyFile));
  await writeNamedFile(file, await writePackage(await signPackage(await readPackage(await readNamedFile(file)), secret)));
  console.log(`signed ${file} with key ${secret.kid} of ${secret.publisher}`);
  return 0;
}

export async function publish(file: string, config: CliConfig, env: NodeJS.ProcessEnv): Promise<number> {
  const bytes = await readNamedFile(file);
  if (!isSigned(await readPackage(bytes)))
    console.error(`sluice: warning: ${file} is not signed, so nobody can install it; its version number is taken all the same`);
  const token =
    env['SLUICE_TOKEN'] ?? (await issueDevToken(await loadKeys({ dataDir: config.dataDir, env, shared: sharesKeys(config) }), 'admin'));
  const query =
    'mutation Publish($input: PublishPluginVersionInput!) { publishPluginVersion(input: $input) { version { version digest } userErrors { code message } } }';
  const input = { package: bytes.toString('base64') };
  const response = await fetch(`${config.serverUrl}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, operationName: 'Publish', variables: { input } }),
    signal: AbortSignal.timeout(60_000),
  }).catch((cause: unknown) => {
    throw new CodedError('SUBGRAPH_UNREACHABLE', `no Sluice answers at ${config.serverUrl}; set SLUICE_URL`, { cause });
  });
  const answer = (await response.json().catch((cause: unknown) => {
    throw new CodedError(
      'SUBGRAPH_BAD_ANSWER',
      `what answers at ${config.serverUrl} with status ${response.status} is no Sluice; set SLUICE_URL`,
      { cause },
    );
  })) as {
    data?: { publishPluginVersion: Published } | null;
    errors?: { message: string; extensions: { code: string } }[];
  };
  const failed =
    answer.errors?.map(({ message, extensions: { code } }) => ({ message, code })) ?? answer.data?.publishPluginVersion.userErrors ?? [];
  for (const { message, code } of failed) console.error(`sluice: ${message} (${code})`);
  if (failed.length > 0 || answer.data == null) return 1;
  const { version } = answer.data.publishPluginVersion;
  console.log(`published version ${version?.version}, sha256 ${version?.digest}`);
  return 0;
}

interface Published {
  version: { version: string; digest: string } | null;
  userErrors: { code: string; message: string }[];
}

/** @throws BAD_USER_INPUT */
function parseSecret(file: string, content: Buffer): PublisherSecret {
  try {
    const secret = JSON.parse(content.toString('utf8')) as Partial<PublisherSecret> | null;
    if (secret?.kid !== undefined && secret.publisher !== undefined) return secret as PublisherSecret;
  } catch {
    // Falls through. The parser's message quotes the text, which is secret.
  }
  throw new CodedError('BAD_USER_INPUT', `'${file}': expected a key of 'sluice plugin keygen'`);
}
