// Packages for tests: the example plugin under other names, signed by the demo publisher of a running product's data folder.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packPlugin } from '#cli/plugin/pack';
import { BUNDLE_FILE } from '#platform/plugin-package/manifest';
import { type PackageFiles, writePackage } from '#platform/plugin-package/archive';
import { type PublisherSecret, signPackage } from '#platform/plugin-package/signature';
import type { Caller } from './graphql-client.js';

const EXAMPLE = fileURLToPath(new URL('../../examples/plugins/qr-code', import.meta.url));

/** The example as `@sluice/<slug>`, its fields `shareTag` and `tagCode` (of another `tag` likewise): it stands beside the original. */
export async function signTagPlugin(dataDir: string, slug: string, tag = 'tag'): Promise<PackageFiles> {
  return signTagPluginBy(JSON.parse(await readFile(join(dataDir, 'demo-publisher.json'), 'utf8')) as PublisherSecret, slug, tag);
}

/** @param secret - of a publisher `sluice` */
export async function signTagPluginBy(secret: PublisherSecret, slug: string, tag = 'tag'): Promise<PackageFiles> {
  const capital = tag.charAt(0).toUpperCase() + tag.slice(1);
  const files = [...(await packPlugin(EXAMPLE))].map(([path, content]): [string, Buffer] => [
    path,
    Buffer.from(
      content
        .toString('utf8')
        .replaceAll('@sluice/qr-code', `@sluice/${slug}`)
        .replaceAll('"prefix": "qr"', `"prefix": "${tag}"`)
        .replaceAll('shareQr', `share${capital}`)
        .replaceAll('qrCode', `${tag}Code`)
        .replaceAll('QrCode', `${capital}Code`),
    ),
  ]);
  return signPackage(new Map(files), secret);
}

/** One bit of its code is another one than its publisher signed. */
export function flipBit(files: PackageFiles): PackageFiles {
  const code = Buffer.from(files.get(BUNDLE_FILE) as Buffer);
  const last = code.length - 1;
  code.writeUInt8(code.readUInt8(last) ^ 1, last);
  return new Map([...files, [BUNDLE_FILE, code]]);
}

export async function publish(admin: Caller, files: PackageFiles): Promise<void> {
  const { data, errors } = await admin.query(
    'mutation($package: Base64!) { publishPluginVersion(input: { package: $package }) { userErrors { code message } } }',
    { package: (await writePackage(files)).toString('base64') },
  );
  const problems = errors ?? (data?.['publishPluginVersion'].userErrors as object[]);
  if (problems.length > 0) throw new Error(`not published: ${JSON.stringify(problems)}`);
}
