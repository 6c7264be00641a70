// Whom the deployment trusts to sign plugins, and the demo publisher of an embedded one.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readPackage, writePackage } from '#platform/plugin-package/archive';
import { createPublisherKey, type PublisherKey, type PublisherSecret, signPackage } from '#platform/plugin-package/signature';
import { CodedError, errorCodeOf } from '#schema/contracts/errors';
import { publishVersion } from '#subgraphs/plugins/publish-version';
import type { PluginStore } from '#subgraphs/plugins/store';
import type { BlobStore } from '#platform/blob-store';

const Publishers = z.array(
  z.looseObject({
    publisher: z.string().min(1),
    kid: z.string().min(1),
    publicJwk: z.looseObject({ kty: z.literal('OKP'), x: z.string() }),
  }),
);

/** SLUICE_PUBLISHERS (JSON), else `<data>/publishers.json`, else nobody. @throws CONFIG_INVALID */
export async function readPublishers(dataDir: string, env: NodeJS.ProcessEnv): Promise<readonly PublisherKey[]> {
  const given = env['SLUICE_PUBLISHERS'];
  const source = given === undefined ? join(dataDir, 'publishers.json') : 'SLUICE_PUBLISHERS';
  const text = given ?? (await readFile(source, 'utf8').catch(() => '[]'));
  try {
    return Publishers.parse(JSON.parse(text));
  } catch (cause) {
    throw new CodedError('CONFIG_INVALID', `${source}: expected a JSON list of publisher keys as 'sluice plugin keygen' prints it`, {
      cause,
    });
  }
}

/**
 * Fills the catalog of an embedded deployment with the project's own example plugins, signed by a key that this data folder makes
 * and trusts. Repeating it adds nothing.
 */
export async function seedCatalog(options: {
  dataDir: string;
  packages: readonly URL[];
  store: PluginStore;
  blobs: BlobStore;
}): Promise<void> {
  const secret = await loadDemoPublisher(options.dataDir);
  for (const file of options.packages) {
    const bytes = await writePackage(await signPackage(await readPackage(await readFile(file)), secret));
    await publishVersion(options, bytes, 'usr_admin').catch((error: unknown) => {
      // Another build of the same version is in the catalog: what is published stays.
      if (errorCodeOf(error) !== 'CONFLICT') throw error;
    });
  }
}

async function loadDemoPublisher(dataDir: string): Promise<PublisherSecret> {
  const file = join(dataDir, 'demo-publisher.json');
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as PublisherSecret;
  const { secret, key } = await createPublisherKey('sluice');
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await writeFile(file, JSON.stringify(secret), { mode: 0o600 });
  const others = await readFile(join(dataDir, 'publishers.json'), 'utf8').then(
    (text) => JSON.parse(text) as PublisherKey[],
    () => [],
  );
  await writeFile(join(dataDir, 'publishers.json'), JSON.stringify([...others, key], null, 2));
  return secret;
}
