// `sluice plugin …`: from a folder with a plugin's source to a version in the catalog of a running deployment.
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CodedError } from '#schema/contracts/errors';
import { issueDevToken } from '#platform/identity/dev-tokens';
import { loadKeys } from '#platform/keys';
import { readPackage, writePackage } from '#platform/plugin-package/archive';
import { readIdentity } from '#platform/plugin-package/manifest';
import { createPublisherKey, type PublisherSecret, signPackage } from '#platform/plugin-package/signature';
import type { CliConfig } from '../config.js';
import { packPlugin } from './pack.js';

const USAGE = `sluice plugin keygen --publisher <name> --out <key.json>   a signing key; prints the public half for SLUICE_PUBLISHERS
sluice plugin pack <folder> [--out <file.tgz>]
sluice plugin sign <file.tgz> --key <key.json>
sluice plugin publish <file.tgz>                               to SLUICE_URL, as SLUICE_TOKEN or the demo admin`;

export async function runPluginCommand(args: readonly string[], config: CliConfig, env: NodeJS.ProcessEnv): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { out: { type: 'string' }, key: { type: 'string' }, publisher: { type: 'string' } },
  });
  const [command, subject] = positionals;
  switch (command) {
    case 'keygen':
      return keygen(required(values.publisher, '--publisher'), required(values.out, '--out'));
    case 'pack':
      return pack(required(subject, 'a folder'), values.out);
    case 'sign':
      return sign(required(subject, 'a package'), required(values.key, '--key'));
    case 'publish':
      return publish(required(subject, 'a package'), config, env);
    default:
      console.error(USAGE);
      return 2;
  }
}

async function keygen(publisher: string, out: string): Promise<number> {
  const { secret, key } = await createPublisherKey(publisher);
  await writeFile(out, JSON.stringify(secret, null, 2), { mode: 0o600, flag: 'wx' });
  console.log(JSON.stringify([key]));
  return 0;
}

async function pack(folder: string, out: string | undefined): Promise<number> {
  const files = await packPlugin(folder);
  const { name, version } = readIdentity(files);
  const file = out ?? `${name.slice(1).replace('/', '-')}-${version}.tgz`;
  await writeFile(file, await writePackage(files));
  console.log(`packed ${name} ${version} into ${file}; sign it next`);
  return 0;
}

async function sign(file: string, keyFile: string): Promise<number> {
  const secret = JSON.parse(await readFile(keyFile, 'utf8')) as PublisherSecret;
  await writeFile(file, await writePackage(await signPackage(await readPackage(await readFile(file)), secret)));
  console.log(`signed ${file} with key ${secret.kid} of ${secret.publisher}`);
  return 0;
}

async function publish(file: string, config: CliConfig, env: NodeJS.ProcessEnv): Promise<number> {
  const token = env['SLUICE_TOKEN'] ?? (await issueDevToken(await loadKeys({ dataDir: config.dataDir, env, mayCreate: false }), 'admin'));
  const query =
    'mutation Publish($input: PublishPluginVersionInput!) { publishPluginVersion(input: $input) { version { version digest } userErrors { code message } } }';
  const input = { package: (await readFile(file)).toString('base64') };
  const response = await fetch(`${config.serverUrl}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, operationName: 'Publish', variables: { input } }),
    signal: AbortSignal.timeout(60_000),
  }).catch((cause: unknown) => {
    throw new CodedError('SUBGRAPH_UNREACHABLE', `no Sluice answers at ${config.serverUrl}; set SLUICE_URL`, { cause });
  });
  const answer = (await response.json()) as {
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

function required(value: string | undefined, what: string): string {
  if (value === undefined) throw new CodedError('BAD_USER_INPUT', `${what} is missing\n${USAGE}`);
  return value;
}
